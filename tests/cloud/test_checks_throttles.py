"""The checks of chapter 10, where they do not hold; its notebook and its exercise show where they do."""

import time

from tests.cloud import checked_lab
from tests.cloud.checked_lab import Verdict, at, fails
from webhook_lab.course.checks.look import SECONDS
from webhook_lab.course.checks.throttles import TRAP
from webhook_lab.lab import Lab

ledger, lab, verdict = checked_lab.ledger, checked_lab.lab, checked_lab.verdict
pytestmark = at("10")


def test_what_was_worked_on_has_not_died_unseen(lab: Lab) -> None:
    fails(lab, "the same burst is stored, and nothing is dead", "nothing was accepted")
    claim = "good messages are dead, and no invocation has seen them"
    fails(lab, claim, "the dead-letter queue is empty")
    lab.aws.sqs.send_message(QueueUrl=lab.dlq_url, MessageBody="somebody else's")
    fails(lab, claim, "of the 1 dead each was worked on")


def test_the_exercise_wants_the_queue_and_the_reservation_left_alone(lab: Lab, verdict: Verdict) -> None:
    assert verdict() == "Exercise: not yet. Leave the queue as it is."
    lab.configure(function_timeout=1)
    lab.create_function("subscribe")
    lab.create_queue(visibility_timeout=TRAP[0], max_receive_count=TRAP[1])
    lab.create_mapping(maximum_concurrency=None)
    assert verdict() == "Exercise: not tried yet."
    lab.create_mapping(maximum_concurrency=3)
    assert verdict() == "Exercise: not yet. The mapping may read for 3."
    lab.create_mapping(maximum_concurrency=2)
    lab.set_reserved_concurrency(5)
    assert verdict() == "Exercise: not yet. Leave the reservation as it is: 5 are reserved."
    lab.set_reserved_concurrency(2)
    assert verdict() == "Exercise: not yet. Now prove it: 0 of 100 deliveries were sent since."


def test_what_is_dead_since_the_function_was_cut_off_is_said_at_once(lab: Lab) -> None:
    lab.configure(function_timeout=1, work_seconds=2, visibility_timeout=4, max_receive_count=1)
    lab.create_queue()
    lab.create_function("subscribe")
    lab.warm_up()
    sent = lab.send("/late", "{}")
    lab.attempts.wait_for_dead(sent)
    began = time.monotonic()
    fails(lab, "the same burst is stored, and nothing is dead", "the function was cut off at 1 of them")
    assert time.monotonic() - began < SECONDS / 2, "it waited for what cannot come any more"
