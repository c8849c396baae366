"""The queue's calls to SQS, one by one."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import Foreign, LabError
from webhook_lab.resources.queue import (
    Depth,
    Queue,
    delete_queue,
    depth,
    describe_queue,
    empty_queue,
    ensure_queue,
)

NAME, URL = "lab-webhooks", "https://sqs.us-east-1.amazonaws.com/123456789012/lab-webhooks"
ARN = "arn:aws:sqs:us-east-1:123456789012:lab-webhooks"
DLQ_ARN = f"{ARN}-dlq"
TAGS = {"webhook-lab": "lab"}
MADE = Queue(NAME, URL, ARN, 180, 20, 345_600, 5, DLQ_ARN)
WANTED: dict[str, Any] = {
    "name": NAME,
    "visibility_timeout": 180,
    "receive_wait": 20,
    "retention": 345_600,
    "tags": TAGS,
    "dead_letter_arn": DLQ_ARN,
    "max_receive_count": 5,
}
REDRIVE = json.dumps({"deadLetterTargetArn": DLQ_ARN, "maxReceiveCount": 5})
ATTRIBUTES = {
    "VisibilityTimeout": "180",
    "ReceiveMessageWaitTimeSeconds": "20",
    "MessageRetentionPeriod": "345600",
    "RedrivePolicy": REDRIVE,
}
GONE = "AWS.SimpleQueueService.NonExistentQueue"


def script_absent(script: Any, code: str = GONE) -> None:
    script.add_client_error("get_queue_url", code, expected_params={"QueueName": NAME})


def script_look(
    script: Any, tags: dict[str, str] | None = None, attributes: dict[str, str] | None = None
) -> None:
    """Someone looks: the queue is there; asked for its tags or its attributes, it has these."""
    script.add_response("get_queue_url", {"QueueUrl": URL}, {"QueueName": NAME})
    if tags is not None:
        script.add_response("list_queue_tags", {"Tags": tags} if tags else {}, {"QueueUrl": URL})
    if attributes is not None:
        script.add_response(
            "get_queue_attributes",
            {"Attributes": {"QueueArn": ARN, "DelaySeconds": "0", **attributes}},
            {"QueueUrl": URL, "AttributeNames": ["All"]},
        )


def script_create(script: Any, usable_at_once: bool = True) -> None:
    script.add_response(
        "create_queue", {"QueueUrl": URL}, {"QueueName": NAME, "Attributes": ATTRIBUTES, "tags": TAGS}
    )
    if not usable_at_once:
        script.add_client_error("get_queue_attributes", GONE)
    script.add_response(
        "get_queue_attributes",
        {"Attributes": {"QueueArn": ARN}},
        {"QueueUrl": URL, "AttributeNames": ["QueueArn"]},
    )


def script_depth(script: Any, visible: int, in_flight: int = 0, delayed: int = 0) -> None:
    names = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    counts = map(str, (visible, in_flight, delayed))
    script.add_response(
        "get_queue_attributes",
        {"Attributes": dict(zip(names, counts, strict=True))},
        {"QueueUrl": URL, "AttributeNames": names},
    )


@pytest.mark.parametrize("code", [GONE, "QueueDoesNotExist"])
def test_an_absent_queue_is_created_with_its_tags(stub: Any, code: str) -> None:
    sqs, script = stub("sqs")
    script_absent(script, code)
    script_create(script)
    assert ensure_queue(sqs, **WANTED) == MADE


def test_a_new_queue_is_given_a_moment(stub: Any, pauses: list[float]) -> None:
    sqs, script = stub("sqs")
    script_absent(script)
    script_create(script, usable_at_once=False)
    assert ensure_queue(sqs, **WANTED) == MADE
    assert len(pauses) == 1


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently"])
def test_the_name_of_a_queue_deleted_a_moment_ago_is_waited_for(
    stub: Any, pauses: list[float], code: str
) -> None:
    sqs, script = stub("sqs")
    script_absent(script)
    for _ in range(8):
        script.add_client_error("create_queue", code)
    script_create(script)
    assert ensure_queue(sqs, **WANTED) == MADE
    assert len(pauses) == 8


def test_the_name_of_a_deleted_queue_is_not_waited_for_for_ever(stub: Any, pauses: list[float]) -> None:
    sqs, script = stub("sqs")
    script_absent(script)
    for _ in range(20):
        script.add_client_error("create_queue", "QueueDeletedRecently")
    with pytest.raises(ClientError, match="QueueDeletedRecently"):
        ensure_queue(sqs, **WANTED)
    assert 75 <= sum(pauses) <= 80


def test_a_queue_as_wanted_is_left_alone(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_look(script, TAGS, ATTRIBUTES)
    assert ensure_queue(sqs, **WANTED) == MADE


def test_a_redrive_policy_written_in_another_way_says_the_same(stub: Any) -> None:
    sqs, script = stub("sqs")
    written = f'{{"maxReceiveCount":5,"deadLetterTargetArn":"{DLQ_ARN}"}}'
    script_look(script, TAGS, {**ATTRIBUTES, "RedrivePolicy": written})
    assert ensure_queue(sqs, **WANTED) == MADE


@pytest.mark.parametrize(
    ("found", "restored"),
    [
        ({"VisibilityTimeout": "30"}, {"VisibilityTimeout": "180"}),
        ({"ReceiveMessageWaitTimeSeconds": "0"}, {"ReceiveMessageWaitTimeSeconds": "20"}),
        ({"MessageRetentionPeriod": "60"}, {"MessageRetentionPeriod": "345600"}),
        ({"DelaySeconds": "10"}, {"DelaySeconds": "0"}),
        ({"RedrivePolicy": ""}, {"RedrivePolicy": REDRIVE}),
        ({"RedrivePolicy": REDRIVE.replace("5}", "1}")}, {"RedrivePolicy": REDRIVE}),
    ],
)
def test_only_what_differs_is_restored(stub: Any, found: dict[str, str], restored: dict[str, str]) -> None:
    sqs, script = stub("sqs")
    script_look(script, TAGS, {**ATTRIBUTES, **found})
    script.add_response("set_queue_attributes", {}, {"QueueUrl": URL, "Attributes": restored})
    assert ensure_queue(sqs, **WANTED) == MADE


def test_a_redrive_policy_that_nobody_wants_is_taken_off(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_look(script, TAGS, ATTRIBUTES)
    off = {"QueueUrl": URL, "Attributes": {"RedrivePolicy": ""}}
    script.add_response("set_queue_attributes", {}, off)
    bare = ensure_queue(sqs, **{**WANTED, "dead_letter_arn": None, "max_receive_count": None})
    assert (bare.dead_letter_arn, bare.max_receive_count) == (None, None)


@pytest.mark.parametrize("tags", [{}, {"webhook-lab": "another"}])
def test_a_foreign_queue_is_refused(stub: Any, tags: dict[str, str]) -> None:
    sqs, script = stub("sqs")
    script_look(script, tags)
    with pytest.raises(Foreign):
        ensure_queue(sqs, **WANTED)


@pytest.mark.parametrize("code", ["InvalidAttributeValue", "QueueAlreadyExists", "AccessDenied"])
def test_what_is_refused_comes_out_as_aws_said_it(stub: Any, code: str) -> None:
    sqs, script = stub("sqs")
    script_absent(script)
    script.add_client_error("create_queue", code)
    with pytest.raises(ClientError, match=code):
        ensure_queue(sqs, **WANTED)


def test_a_description_says_what_is_there(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_look(script, attributes=ATTRIBUTES)
    assert describe_queue(sqs, name=NAME) == MADE
    script_look(
        script, attributes={key: value for key, value in ATTRIBUTES.items() if key != "RedrivePolicy"}
    )
    assert describe_queue(sqs, name=NAME) == Queue(NAME, URL, ARN, 180, 20, 345_600)


def test_there_is_no_description_of_an_absent_or_foreign_queue(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_absent(script)
    assert describe_queue(sqs, name=NAME) is None
    script_look(script, {})
    assert describe_queue(sqs, name=NAME, tags=TAGS) is None
    script_look(script)
    script.add_client_error("get_queue_attributes", GONE)  # deleted between the two calls
    assert describe_queue(sqs, name=NAME) is None


def test_a_deletion_is_awaited_until_sqs_denies_the_queue(stub: Any, pauses: list[float]) -> None:
    sqs, script = stub("sqs")
    script_look(script, TAGS)
    script.add_response("delete_queue", {}, {"QueueUrl": URL})
    script_look(script)
    script_absent(script)
    assert delete_queue(sqs, name=NAME, tags=TAGS)
    assert len(pauses) == 1


def test_a_queue_that_does_not_go_is_said(stub: Any, pauses: list[float], monkeypatch: Any) -> None:
    sqs, script = stub("sqs")
    script_look(script)
    script.add_response("delete_queue", {})
    for _ in range(81):
        script_look(script)
    with pytest.raises(LabError, match="queue 'lab-webhooks' to be gone"):
        delete_queue(sqs, name=NAME)


def test_deleting_an_absent_or_foreign_queue_is_quiet(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_absent(script)
    assert not delete_queue(sqs, name=NAME)
    script_look(script, {"webhook-lab": "another"})
    assert not delete_queue(sqs, name=NAME, tags=TAGS)
    script_look(script)
    script.add_client_error("delete_queue", GONE)
    script_absent(script)
    assert not delete_queue(sqs, name=NAME)


def test_a_depth_counts_what_waits_what_is_in_flight_and_what_is_delayed(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_depth(script, 3, 2, 1)
    assert depth(sqs, url=URL) == Depth(visible=3, in_flight=2, delayed=1)


def script_receive(script: Any, count: int) -> None:
    messages = [{"MessageId": str(i), "ReceiptHandle": f"handle {i}"} for i in range(count)]
    asked = {"QueueUrl": URL, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1}
    script.add_response("receive_message", {"Messages": messages} if messages else {}, asked)
    if messages:
        entries = [{"Id": str(i), "ReceiptHandle": f"handle {i}"} for i in range(count)]
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        script.add_response("delete_message_batch", answer, {"QueueUrl": URL, "Entries": entries})


def test_an_empty_queue_is_emptied_with_one_look(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_depth(script, 0)
    assert empty_queue(sqs, url=URL) == 0


def test_a_queue_is_emptied_message_by_message(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_depth(script, 12)
    script_receive(script, 10)
    script_receive(script, 2)
    script_depth(script, 0)
    assert empty_queue(sqs, url=URL) == 12


def test_a_depth_that_lags_does_not_keep_the_emptying_going(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_depth(script, 3)
    script_receive(script, 3)
    script_depth(script, 3)
    script_receive(script, 0)
    assert empty_queue(sqs, url=URL) == 3


def test_a_purge_is_one_call(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_depth(script, 1, 2, 3)
    script.add_response("purge_queue", {}, {"QueueUrl": URL})
    assert empty_queue(sqs, url=URL, purge=True) == 6


def test_a_purge_that_is_refused_goes_on_message_by_message(stub: Any) -> None:
    sqs, script = stub("sqs")
    script_depth(script, 1, 1)
    script.add_client_error("purge_queue", "AWS.SimpleQueueService.PurgeQueueInProgress")
    script_receive(script, 1)
    script_depth(script, 0, 1)
    assert empty_queue(sqs, url=URL, purge=True) == 1
