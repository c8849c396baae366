"""The checks of chapter 09, where they do not hold; its notebook and its exercise show where they do."""

from typing import Any

import pytest

from tests.cloud import checked_lab
from tests.cloud.checked_lab import Verdict, at, fails
from webhook_lab.course.checks import failures
from webhook_lab.lab import Lab
from webhook_lab.watch.rows import Answer

ledger, lab, verdict = checked_lab.ledger, checked_lab.lab, checked_lab.verdict
pytestmark = at("09")
DRAGGED, ALONE, ALARM, SOMEWHERE, STORED, CUT, TWICE = failures.CHECKS.claims
Message = dict[str, Any]


@pytest.fixture(autouse=True)
def mapping_is_off(lab: Lab) -> None:
    """What a test does not hand over stays in the queue."""
    lab.pipeline.ensure("mapping", enabled=False)


def send(lab: Lab, name: str) -> Answer:
    return lab.send("/shop", "{}", headers={"webhook-id": lab.delivery_id(name)})


def received(lab: Lab, hidden: int) -> list[Message]:
    """The mapping's part: all messages, hidden for so many seconds."""
    every: Any = {"MessageSystemAttributeNames": ["All"], "WaitTimeSeconds": 1}
    answer = lab.aws.sqs.receive_message(
        QueueUrl=lab.queue_url, MaxNumberOfMessages=10, VisibilityTimeout=hidden, **every
    )
    return list(answer.get("Messages", []))


def hand_over(lab: Lab, *messages: Message, delete: bool = False, **instead: str) -> None:
    """One invocation with these messages; `instead` of their own bodies, say."""
    records = [
        {"messageId": each["MessageId"], "body": each["Body"], "attributes": each["Attributes"], **instead}
        for each in messages
    ]
    lab.invoke("subscribe", {"Records": records})
    for each in messages if delete else ():
        lab.aws.sqs.delete_message(QueueUrl=lab.queue_url, ReceiptHandle=each["ReceiptHandle"])


def until_dead(lab: Lab) -> None:
    """Receive what is in the queue until it is given up."""
    for _ in range(3 * int(lab.pipeline.get("queue").max_receive_count)):
        if not received(lab, hidden=0):
            return
    raise AssertionError("it is received again and again")


def shop(lab: Lab, day: str) -> None:
    for n in failures.EACH:
        for kind in ("refund", "order"):
            send(lab, f"{day}-{kind}-{n}")


def handed_over(lab: Lab, messages: list[Message], *, hidden: int = 60) -> list[Message]:
    """One invocation for all of them, in which each refund fails."""
    refunds = [each for each in messages if "-refund-" in each["Body"]]
    for each in refunds:
        each["Body"] = "no envelope"
    hand_over(lab, *messages)
    return refunds


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (DRAGGED, "monday's refunds were not all accepted"),
        (ALONE, "tuesday's refunds were not all accepted"),
        (ALARM, "0 messages lie there, and the rule says OK"),
        (SOMEWHERE, "none is in the dead-letter queue"),
        (STORED, "nothing was accepted"),
        (CUT, "'slow-1' was not accepted"),
        (TWICE, "'twice' was not accepted"),
    ],
)
def test_nothing_was_done_yet(lab: Lab, claim: str, reason: str) -> None:
    fails(lab, claim, reason)


def test_a_delivery_is_stored_or_dead_and_never_nowhere(lab: Lab) -> None:
    send(lab, "refund")
    fails(lab, STORED, "1 of 1 are missing")
    fails(lab, SOMEWHERE, "1 are in neither")
    hand_over(lab, *received(lab, hidden=60), delete=True)
    lab.checkpoint(STORED)
    lab.aws.sqs.send_message(QueueUrl=lab.dlq_url, MessageBody="another")
    fails(lab, STORED, "1 lie in the dead-letter queue")
    lab.checkpoint(ALARM)


def test_an_order_is_dragged_along_by_the_refund_in_its_batch_alone(lab: Lab) -> None:
    shop(lab, "monday")
    messages = received(lab, hidden=60)
    fails(lab, DRAGGED, "5 of the refunds did not fail")
    refunds = [each for each in messages if "-refund-" in each["Body"]]
    orders = [each for each in messages if each not in refunds]
    handed_over(lab, refunds)
    fails(lab, DRAGGED, "no order was in a batch with a refund")
    hand_over(lab, refunds[0], orders[0])
    fails(lab, DRAGGED, "one of these orders ran once: stored")
    hand_over(lab, *orders)
    lab.checkpoint(DRAGGED)


def test_on_a_good_tuesday_the_refunds_alone_are_dead(lab: Lab) -> None:
    shop(lab, "tuesday")
    messages = received(lab, hidden=0)
    fails(lab, ALONE, "5 of the refunds are not there")
    handed_over(lab, messages)
    for each in messages:
        if "-order-" in each["Body"]:
            lab.aws.sqs.delete_message(QueueUrl=lab.queue_url, ReceiptHandle=each["ReceiptHandle"])
    until_dead(lab)
    lab.checkpoint(ALONE)
    lab.checkpoint(SOMEWHERE)


def test_an_order_that_died_with_the_refunds_is_told(lab: Lab) -> None:
    shop(lab, "tuesday")
    handed_over(lab, received(lab, hidden=0))
    until_dead(lab)
    fails(lab, ALONE, "5 orders are there")


def test_a_batch_that_was_finished_was_not_cut_off(lab: Lab) -> None:
    send(lab, "slow-1")
    fails(lab, CUT, "no invocation was cut off at its second message or later")
    hand_over(lab, *received(lab, hidden=60))
    fails(lab, CUT, "no invocation was cut off at its second message or later")


def test_one_after_the_other_is_not_twice_at_once(lab: Lab) -> None:
    send(lab, "twice")
    (message,) = received(lab, hidden=60)
    for _ in range(2):
        hand_over(lab, message)
    fails(lab, TWICE, "2 attempts, and never two at once")


def test_the_exercise_is_judged_by_all_the_times(lab: Lab, verdict: Verdict) -> None:
    def says(words: str) -> None:
        assert verdict().startswith(f"Exercise: {words}")

    def build(**settings: Any) -> None:
        lab.configure(**settings)
        lab.create_queue()
        lab.create_function("subscribe")

    says("not yet. Each delivery takes 2 s, and the function was told 0.")
    build(work_seconds=2, function_timeout=3, visibility_timeout=1, max_receive_count=3)
    says("not tried yet.")
    build(function_timeout=15, visibility_timeout=60)
    says("not yet. A batch may take 20 s, and the function is cut off after 15.")
    build(function_timeout=30)
    says("not yet. SQS hides a batch for 60 s; for a timeout of 30 s, 180 it is.")
    build(visibility_timeout=180)
    says("not yet. A message is given up after 3 receives; AWS advises 5 at least.")
    build(max_receive_count=5)
    says("not yet. The mapping is Disabled.")
    lab.create_mapping(batch_size=10, report_batch_item_failures=False)
    says("not yet. One failed message returns its whole batch.")
    lab.create_mapping(batch_size=10)
    says("solved. A whole batch fits, and SQS hides it for six times as long.")
    lab.create_mapping(batch_size=2)
    build(function_timeout=5, visibility_timeout=30)
    says("solved.")  # smaller batches do as well
