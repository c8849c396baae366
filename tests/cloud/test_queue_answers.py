"""What SQS answers on the local cloud as on AWS: handles that end, groups, and messages moved back."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.functions import client
from webhook_lab.aws.retry import retry_until
from webhook_lab.local_cloud import Cloud

EVERYTHING: Any = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
ATTRIBUTES: Any = {
    "kind": {"DataType": "String", "StringValue": "refund"},
    "seal": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}


@pytest.fixture
def sqs(cloud: Cloud) -> Any:
    return client(cloud, "sqs")


@pytest.fixture
def make(sqs: Any) -> Iterator[Callable[..., tuple[str, str]]]:
    """Makes queues, each as its URL and ARN."""
    urls = []

    def queue(name: str, **attributes: str) -> tuple[str, str]:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        urls.append(url)
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
        return url, found["Attributes"]["QueueArn"]

    yield queue
    for url in urls:
        sqs.delete_queue(QueueUrl=url)


def with_dead_letters(make: Callable[..., tuple[str, str]], **attributes: str) -> Any:
    """A queue and its dead-letter queue: (url, arn) of each."""
    dlq = make("moved-dlq")
    policy = json.dumps({"deadLetterTargetArn": dlq[1], "maxReceiveCount": 1})
    return make("moved", RedrivePolicy=policy, **attributes), dlq


def ended(sqs: Any, source: str) -> dict[str, Any]:
    def latest() -> dict[str, Any] | None:
        task: dict[str, Any] = sqs.list_message_move_tasks(SourceArn=source)["Results"][0]
        return None if task["Status"] in ("RUNNING", "CANCELLING") else task

    return retry_until(latest, seconds=30, reason="the task to end")


def bodies(sqs: Any, url: str) -> set[str]:
    found = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return {each["Body"] for each in found.get("Messages", [])}


def refusal(call: Callable[..., Any], **asked: Any) -> str:
    with pytest.raises(ClientError) as refused:
        call(**asked)
    return f"{refused.value.response['Error']['Code']}: {refused.value.response['Error']['Message']}"


# --- receipt handles, groups


def test_an_expired_receipt_handle_hides_nothing(sqs: Any, make: Any) -> None:
    url, _ = make("expiring")
    sqs.send_message(QueueUrl=url, MessageBody="mine")
    asked = {"QueueUrl": url, "VisibilityTimeout": 1}
    [message] = sqs.receive_message(**asked)["Messages"]
    handle = message["ReceiptHandle"]
    sqs.change_message_visibility(**asked, ReceiptHandle=handle)  # still in flight
    retry_until(
        lambda: sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"][
            "ApproximateNumberOfMessages"
        ] == "1" or None,
        seconds=20, reason="the message to be visible",
    )  # fmt: skip
    longer = {"QueueUrl": url, "ReceiptHandle": handle, "VisibilityTimeout": 600}
    assert "MessageNotInflight" in refusal(sqs.change_message_visibility, **longer)
    entries = [{"Id": "a", "ReceiptHandle": handle, "VisibilityTimeout": 600}]
    answer = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert [each["Code"] for each in answer["Failed"]] == ["MessageNotInflight"]
    assert bodies(sqs, url) == {"mine"}


def test_a_standard_queue_keeps_a_messages_group(sqs: Any, make: Any) -> None:
    url, _ = make("fair")
    sqs.send_message(QueueUrl=url, MessageBody="one", MessageGroupId="shop-7")
    entries = [
        {"Id": "a", "MessageBody": "two", "MessageGroupId": "shop-8"},
        {"Id": "b", "MessageBody": "none"},
    ]
    sqs.send_message_batch(QueueUrl=url, Entries=entries)
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **EVERYTHING)["Messages"]
    groups = {each["Body"]: each["Attributes"].get("MessageGroupId") for each in received}
    assert groups == {"one": "shop-7", "two": "shop-8", "none": None}


def test_a_noisy_group_is_given_out_in_one_line_with_the_others(sqs: Any, make: Any) -> None:
    """AWS's fair queues would let the quiet one pass: chapter 12 says that the local cloud does not."""
    url, _ = make("noisy")
    for _ in range(5):
        noise = [{"Id": str(n), "MessageBody": "noise", "MessageGroupId": "noisy"} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=noise)
    for _ in range(4):  # 40 in flight, of one group: above both of AWS's limits
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)
    sqs.send_message(QueueUrl=url, MessageBody="quiet", MessageGroupId="quiet")
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {each["Body"] for each in received} == {"noise"}


# --- message move tasks


def test_a_task_moves_what_is_visible_and_each_message_comes_as_a_new_one(sqs: Any, make: Any) -> None:
    (url, arn), (dlq_url, dlq_arn) = with_dead_letters(make)
    trace: Any = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}
    sent = sqs.send_message(
        QueueUrl=dlq_url, MessageBody="one", MessageAttributes=ATTRIBUTES, MessageSystemAttributes=trace,
        MessageGroupId="shop-7",
    )["MessageId"]  # fmt: skip
    sqs.receive_message(QueueUrl=dlq_url, VisibilityTimeout=0)
    sqs.send_message(QueueUrl=dlq_url, MessageBody="two")
    before = time.time_ns() // 10**6
    sqs.start_message_move_task(SourceArn=dlq_arn, DestinationArn=arn)
    task = ended(sqs, dlq_arn)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 2)
    assert (task["ApproximateNumberOfMessagesToMove"], task["DestinationArn"]) == (2, arn)
    assert task["StartedTimestamp"] >= before
    assert "TaskHandle" not in task
    received = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **EVERYTHING)["Messages"]
    moved = {each["Body"]: each for each in received}
    assert set(moved) == {"one", "two"}
    one = moved["one"]
    assert one["MessageAttributes"] == ATTRIBUTES
    told = one["Attributes"]
    assert (told["ApproximateReceiveCount"], told["MessageGroupId"]) == ("1", "shop-7")
    assert told["AWSTraceHeader"] == "Root=1"
    assert int(told["SentTimestamp"]) >= before
    assert one["MessageId"] != sent
    assert bodies(sqs, dlq_url) == set()


def test_without_a_destination_messages_go_where_they_died(sqs: Any, make: Any) -> None:
    (url, _), (dlq_url, dlq_arn) = with_dead_letters(make, VisibilityTimeout="0")
    sqs.send_message(QueueUrl=url, MessageBody="died")
    sqs.receive_message(QueueUrl=url)
    sqs.receive_message(QueueUrl=url)
    assert bodies(sqs, dlq_url) == {"died"}
    sqs.start_message_move_task(SourceArn=dlq_arn)
    assert ended(sqs, dlq_arn)["Status"] == "COMPLETED"
    sqs.send_message(QueueUrl=dlq_url, MessageBody="put there by hand")
    sqs.start_message_move_task(SourceArn=dlq_arn)
    task = ended(sqs, dlq_arn)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "CouldNotDetermineMessageSource")
    assert bodies(sqs, url) == {"died"}
    assert bodies(sqs, dlq_url) == {"put there by hand"}


def test_a_task_keeps_to_its_pace_is_the_only_one_and_can_be_cancelled(sqs: Any, make: Any) -> None:
    (url, arn), (dlq_url, dlq_arn) = with_dead_letters(make)
    for number in range(5):
        sqs.send_message(QueueUrl=dlq_url, MessageBody=f"{number}")
    ends = {"SourceArn": dlq_arn, "DestinationArn": arn}
    handle = sqs.start_message_move_task(**ends, MaxNumberOfMessagesPerSecond=1)["TaskHandle"]
    assert "already a task running" in refusal(sqs.start_message_move_task, **ends)
    assert sqs.list_message_move_tasks(SourceArn=dlq_arn)["Results"][0]["TaskHandle"] == handle
    sqs.cancel_message_move_task(TaskHandle=handle)
    task = ended(sqs, dlq_arn)
    assert task["Status"] == "CANCELLED"
    assert task["ApproximateNumberOfMessagesMoved"] < 5
    assert bodies(sqs, url) | bodies(sqs, dlq_url) == {f"{number}" for number in range(5)}
    assert "active tasks" in refusal(sqs.cancel_message_move_task, TaskHandle=handle)


def test_a_task_is_refused_in_the_words_of_sqs(sqs: Any, make: Any) -> None:
    (_, arn), (_, dlq_arn) = with_dead_letters(make)
    start = sqs.start_message_move_task
    assert "must be configured as a Dead Letter Queue" in refusal(start, SourceArn=arn)
    assert "SourceArn parameter doesn't exist" in refusal(start, SourceArn=f"{arn}-none")
    absent = refusal(start, SourceArn=dlq_arn, DestinationArn=f"{arn}-none")
    assert absent.startswith("ResourceNotFoundException: ")
    assert "DestinationArn parameter doesn't exist" in absent
    wrong = {"SourceArn": dlq_arn, "MaxNumberOfMessagesPerSecond": 501}
    assert "MaxNumberOfMessagesPerSecond is invalid" in refusal(start, **wrong)
    assert "Task does not exist" in refusal(sqs.cancel_message_move_task, TaskHandle="none")
