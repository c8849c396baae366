"""The checks of chapter 09, where they do not hold; its notebook and its exercise show where they do."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cloud.checked_lab import fails
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.course.chapters import chapter_numbered
from webhook_lab.course.checks import failures
from webhook_lab.lab import Lab
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.naming import Names
from webhook_lab.watch.rows import Answer

DRAGGED, ALONE, ALARM, SOMEWHERE, STORED, CUT, TWICE = failures.CHECKS.claims
Message = dict[str, Any]


@pytest.fixture(scope="module")
def pipeline(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    ledger = Ledger(tmp_path_factory.mktemp("failures") / "ledger.jsonl")
    made = Pipeline(Session(resolve()), Names("lab-failures"), ledger)
    yield made
    made.teardown()


@pytest.fixture
def lab(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Lab:
    """With the mapping switched off: what a test does not hand over stays in the queue."""
    monkeypatch.setattr("webhook_lab.lab.lab.DRAIN_SECONDS", 5.0)
    pipeline.restore("api")
    pipeline.ensure("mapping", enabled=False)
    return Lab(pipeline, chapter_numbered("09"))


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
    while received(lab, hidden=0):
        pass


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (DRAGGED, "'refund' was not accepted"),
        (ALONE, "'refund' was not accepted"),
        (ALARM, "0 messages lie there, and the rule says OK"),
        (SOMEWHERE, "none is in the dead-letter queue"),
        (STORED, "nothing was accepted"),
        (CUT, "'slow-1' was not accepted"),
        (TWICE, "'twice' was not accepted"),
    ],
)
def test_nothing_was_done_yet(lab: Lab, claim: str, reason: str) -> None:
    fails(lab, claim, reason)


def test_a_refund_that_is_stored_has_dragged_nothing_along(lab: Lab) -> None:
    send(lab, "refund")
    fails(lab, STORED, "1 of 1 are missing")
    fails(lab, SOMEWHERE, "1 are in neither")
    hand_over(lab, *received(lab, hidden=60), delete=True)
    fails(lab, DRAGGED, "it failed 0 times")
    fails(lab, ALONE, "after 1 attempts it is not there")
    lab.checkpoint(STORED)
    lab.aws.sqs.send_message(QueueUrl=lab.dlq_url, MessageBody="another")
    fails(lab, STORED, "1 lie in the dead-letter queue")
    lab.checkpoint(ALARM)


def test_a_refund_that_fails_alone_drags_nothing_along(lab: Lab) -> None:
    send(lab, "refund")
    (message,) = received(lab, hidden=60)
    hand_over(lab, message, body="no envelope")
    fails(lab, DRAGGED, "it failed 1 times")
    hand_over(lab, message, body="no envelope")
    fails(lab, DRAGGED, "it was alone in its batch")


def test_mates_that_ran_once_were_not_dragged_along(lab: Lab) -> None:
    for name in ("refund", "order-1"):
        send(lab, name)
    refund, order = received(lab, hidden=60)
    refund["Body"] = "no envelope"
    hand_over(lab, refund, order)
    hand_over(lab, refund)
    fails(lab, DRAGGED, "one of its batch ran once: stored")
    hand_over(lab, refund, order)
    lab.checkpoint(DRAGGED)


def test_a_message_that_is_stored_and_dead_is_told(lab: Lab) -> None:
    send(lab, "refund")
    hand_over(lab, *received(lab, hidden=0))
    until_dead(lab)
    fails(lab, SOMEWHERE, "1 are in both")
    fails(lab, ALONE, "1 messages are there that are stored")


def test_a_batch_that_was_finished_was_not_cut_off(lab: Lab) -> None:
    send(lab, "slow-1")
    fails(lab, CUT, "nothing of it was logged")
    hand_over(lab, *received(lab, hidden=60))
    fails(lab, CUT, "its first invocation was not cut off")


def test_one_after_the_other_is_not_twice_at_once(lab: Lab) -> None:
    send(lab, "twice")
    (message,) = received(lab, hidden=60)
    for _ in range(2):
        hand_over(lab, message)
    fails(lab, TWICE, "2 attempts, and never two at once")


def test_the_exercise_is_judged_by_all_the_times(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    def verdict() -> str:
        lab.exercise()
        return capsys.readouterr().out.strip().removeprefix("Exercise: ")

    def build(**settings: Any) -> str:
        lab.configure(**settings)
        lab.create_queue()
        lab.create_function("subscribe")
        return verdict()

    def batch(size: int, **instead: Any) -> None:
        lab.create_mapping(batch_size=size, **instead)

    assert verdict() == "not yet. Each delivery takes 2 s, and the function was told 0."
    assert build(work_seconds=2, function_timeout=5, visibility_timeout=1, max_receive_count=3) == (
        "not tried yet."
    )
    slow = "not yet. A batch may take 20 s, and the function is cut off after 15."
    assert build(function_timeout=15, visibility_timeout=60) == slow
    assert build(function_timeout=30) == (
        "not yet. SQS hides a batch for 60 s; for a timeout of 30 s, 180 it is."
    )
    early = "not yet. A message is given up after 3 receives; AWS advises 5 at least."
    assert build(visibility_timeout=180) == early
    assert build(max_receive_count=5) == "not yet. The mapping is Disabled."
    batch(10, report_batch_item_failures=False)
    assert verdict() == "not yet. One failed message returns its whole batch."
    solved = "solved. A whole batch fits, and SQS hides it for six times as long."
    batch(10)
    assert verdict() == solved
    batch(2)
    assert build(function_timeout=5, visibility_timeout=30) == solved  # smaller batches do as well
