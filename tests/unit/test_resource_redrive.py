"""Taking messages back, call by call: by SQS's own task, and by hand where there is none."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY

from webhook_lab.aws.errors import LabError
from webhook_lab.resources.redrive import Redriven, redrive_by_hand, redrive_by_task

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/lab-webhooks"
DLQ = f"{QUEUE}-dlq"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:lab-webhooks"
DLQ_ARN = f"{QUEUE_ARN}-dlq"
Message = dict[str, Any]


def message(id_: str, **more: Any) -> Message:
    return {"MessageId": id_, "ReceiptHandle": f"handle of {id_}", "Body": f"body of {id_}", **more}


def copy(number: int, id_: str, **more: Any) -> dict[str, Any]:
    return {"Id": str(number), "MessageBody": f"body of {id_}", **more}


class Script:
    """What SQS is asked by a redrive by hand, and what it answers."""

    def __init__(self, script: Any) -> None:
        self.script = script

    def receive(self, *messages: Message) -> None:
        asked = {"MaxNumberOfMessages": 10, "VisibilityTimeout": 10, "WaitTimeSeconds": 1}
        every = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        answer = {"Messages": list(messages)} if messages else {}
        self.script.add_response("receive_message", answer, {"QueueUrl": DLQ, **asked, **every})

    def send(self, *entries: dict[str, Any], failed: tuple[str, ...] = ()) -> None:
        taken = [
            {"Id": each["Id"], "MessageId": f"copy {each['MessageBody']}", "MD5OfMessageBody": "-"}
            for each in entries
            if each["Id"] not in failed
        ]
        refused = [
            {"Id": each, "SenderFault": False, "Code": "InternalError", "Message": "Later."}
            for each in failed
        ]
        self.script.add_response(
            "send_message_batch",
            {"Successful": taken, "Failed": refused},
            {"QueueUrl": QUEUE, "Entries": list(entries)},
        )

    def delete(self, *ids: str, failed: tuple[str, ...] = ()) -> None:
        entries = [{"Id": str(i), "ReceiptHandle": f"handle of {id_}"} for i, id_ in enumerate(ids)]
        refused = [{"Id": each, "SenderFault": False, "Code": "InternalError"} for each in failed]
        self.script.add_response(
            "delete_message_batch",
            {"Successful": [], "Failed": refused},
            {"QueueUrl": DLQ, "Entries": entries},
        )

    def give_back(self, *ids: str) -> None:
        entries = [
            {"Id": str(i), "ReceiptHandle": f"handle of {id_}", "VisibilityTimeout": 0}
            for i, id_ in enumerate(ids)
        ]
        self.script.add_response(
            "change_message_visibility_batch",
            {"Successful": [], "Failed": []},
            {"QueueUrl": DLQ, "Entries": entries},
        )

    def depth(self, visible: int = 0, in_flight: int = 0) -> None:
        held = {"": visible, "NotVisible": in_flight, "Delayed": 0}
        found = {f"ApproximateNumberOfMessages{kind}": str(count) for kind, count in held.items()}
        self.script.add_response(
            "get_queue_attributes", {"Attributes": found}, {"QueueUrl": DLQ, "AttributeNames": ANY}
        )

    def nothing_more(self, left: int = 0) -> None:
        self.receive()
        self.depth(in_flight=left)


@pytest.fixture
def by_hand(stub: Any) -> tuple[Any, Script]:
    sqs, script = stub("sqs")
    return sqs, Script(script)


def moved(sqs: Any) -> Redriven:
    return redrive_by_hand(sqs, dlq_url=DLQ, queue_url=QUEUE)


def test_a_copy_keeps_the_trace_of_its_message(by_hand: Any) -> None:
    sqs, script = by_hand
    trace = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1"}}
    script.receive(message("a", Attributes={"AWSTraceHeader": "Root=1", "SentTimestamp": "1"}))
    script.send(copy(0, "a", MessageSystemAttributes=trace))
    script.delete("a")
    script.nothing_more()
    script.depth()
    assert moved(sqs).moved == 1


def test_what_sqs_does_not_take_is_not_deleted_nor_tried_twice(by_hand: Any) -> None:
    sqs, script = by_hand
    script.receive(message("a"), message("b"))
    script.send(copy(0, "a"), copy(1, "b"), failed=("1",))
    script.delete("a")
    script.receive(message("b"))
    script.depth(in_flight=1)
    script.give_back("b")
    script.depth(visible=1)
    assert moved(sqs) == Redriven(1, 1, (("InternalError: Later.", 1),), by_hand=True)


def test_a_delete_that_fails_is_repeated_for_those_that_are_left(by_hand: Any) -> None:
    sqs, script = by_hand
    script.receive(message("a"), message("b"))
    script.send(copy(0, "a"), copy(1, "b"))
    script.delete("a", "b", failed=("1",))
    script.delete("b")
    script.nothing_more()
    script.depth()
    assert moved(sqs) == Redriven(2, 0, by_hand=True)


def test_what_was_sent_and_comes_again_is_deleted_and_not_sent_again(by_hand: Any) -> None:
    sqs, script = by_hand
    script.receive(message("a"))
    script.send(copy(0, "a"))
    for _ in range(3):
        script.delete("a", failed=("0",))
    script.receive(message("a"))
    script.delete("a")
    script.depth()
    script.depth()
    assert moved(sqs) == Redriven(1, 0, by_hand=True)


def test_a_copy_that_has_failed_again_meanwhile_stays(by_hand: Any) -> None:
    sqs, script = by_hand
    script.receive(message("a"))
    script.send(copy(0, "a"))
    script.delete("a")
    script.receive(message("copy body of a"))
    script.depth(in_flight=1)
    script.give_back("copy body of a")
    script.depth(visible=1)
    assert moved(sqs) == Redriven(1, 1, by_hand=True)


def test_what_somebody_else_hides_is_waited_for(by_hand: Any) -> None:
    sqs, script = by_hand
    script.nothing_more(left=1)
    script.receive(message("a"))
    script.send(copy(0, "a"))
    script.delete("a")
    script.nothing_more()
    script.depth()
    assert moved(sqs).moved == 1


def test_what_stays_hidden_is_left_after_a_while(by_hand: Any) -> None:
    sqs, script = by_hand
    for _ in range(22):
        script.nothing_more(left=1)
    script.depth(in_flight=1)
    assert moved(sqs) == Redriven(0, 1, by_hand=True)


def test_a_batch_that_is_too_long_is_sent_in_halves(by_hand: Any) -> None:
    sqs, script = by_hand
    script.receive(message("a"), message("b"), message("c"))
    script.script.add_client_error("send_message_batch", "BatchRequestTooLong")
    script.send(copy(0, "a"))
    script.send(copy(0, "b"), copy(1, "c"))
    script.delete("a", "b", "c")
    script.nothing_more()
    script.depth()
    assert moved(sqs) == Redriven(3, 0, by_hand=True)


@pytest.mark.parametrize("code", ["AWS.SimpleQueueService.NonExistentQueue", "AccessDenied"])
def test_nothing_is_deleted_when_sending_is_refused_as_a_whole(by_hand: Any, code: str) -> None:
    sqs, script = by_hand
    script.receive(message("a"))
    script.script.add_client_error("send_message_batch", code)
    with pytest.raises(ClientError, match=code):
        moved(sqs)


# --- by a task of SQS's


def script_task(script: Any, started: int = 0, status: str = "", **more: Any) -> None:
    task = {"StartedTimestamp": started, "Status": status, "SourceArn": DLQ_ARN, **more}
    answer = {"Results": [task] if status else []}
    script.add_response("list_message_move_tasks", answer, {"SourceArn": DLQ_ARN, "MaxResults": 1})


def script_start(script: Any) -> None:
    asked = {"SourceArn": DLQ_ARN, "DestinationArn": QUEUE_ARN}
    script.add_response("start_message_move_task", {"TaskHandle": "handle"}, asked)


def by_task(sqs: Any) -> Redriven:
    return redrive_by_task(sqs, dlq_url=DLQ, dlq_arn=DLQ_ARN, queue_arn=QUEUE_ARN)


def test_a_task_is_started_and_followed_to_its_end(stub: Any, pauses: list[float]) -> None:
    sqs, script = stub("sqs")
    script_task(script, 1, "COMPLETED", ApproximateNumberOfMessagesMoved=9)
    script_start(script)
    script_task(script, 1, "COMPLETED", ApproximateNumberOfMessagesMoved=9)  # not listed yet
    script_task(script, 2, "RUNNING")
    script_task(script, 2, "COMPLETED", ApproximateNumberOfMessagesMoved=3)
    Script(script).depth()
    assert by_task(sqs) == Redriven(3, 0)
    assert len(pauses) == 2


def test_a_task_that_runs_already_is_followed_and_no_second_one_started(
    stub: Any, pauses: list[float]
) -> None:
    sqs, script = stub("sqs")
    script_task(script, 5, "RUNNING")
    script_task(script, 5, "RUNNING")
    script_task(script, 5, "COMPLETED", ApproximateNumberOfMessagesMoved=7)
    Script(script).depth()
    assert by_task(sqs) == Redriven(7, 0)
    assert len(pauses) == 1


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_task_that_does_not_complete_says_why(stub: Any, status: str) -> None:
    sqs, script = stub("sqs")
    script_task(script)
    script_start(script)
    script_task(script, 1, status, FailureReason="AWS.SimpleQueueService.NonExistentQueue")
    with pytest.raises(LabError, match=f"{status}.*NonExistentQueue"):
        by_task(sqs)


@pytest.mark.parametrize("code", ["AccessDenied", "ResourceNotFoundException", "InvalidParameterValue"])
def test_a_task_that_is_refused_is_not_followed(stub: Any, code: str) -> None:
    sqs, script = stub("sqs")
    script_task(script)
    script.add_client_error("start_message_move_task", code)
    with pytest.raises(ClientError, match=code):
        by_task(sqs)
