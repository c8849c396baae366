"""Taking messages back, call by call: SQS's own task is started, or followed when it runs already."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY

from webhook_lab.aws.errors import LabError
from webhook_lab.resources.redrive import Redriven, redrive

QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/lab-webhooks"
DLQ = f"{QUEUE}-dlq"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:lab-webhooks"
DLQ_ARN = f"{QUEUE_ARN}-dlq"


def script_task(script: Any, started: int = 0, status: str = "", **more: Any) -> None:
    task = {"StartedTimestamp": started, "Status": status, "SourceArn": DLQ_ARN, **more}
    answer = {"Results": [task] if status else []}
    script.add_response("list_message_move_tasks", answer, {"SourceArn": DLQ_ARN, "MaxResults": 1})


def script_start(script: Any) -> None:
    asked = {"SourceArn": DLQ_ARN, "DestinationArn": QUEUE_ARN}
    script.add_response("start_message_move_task", {"TaskHandle": "handle"}, asked)


def script_depth(script: Any) -> None:
    found = {f"ApproximateNumberOfMessages{kind}": "0" for kind in ("", "NotVisible", "Delayed")}
    asked = {"QueueUrl": DLQ, "AttributeNames": ANY}
    script.add_response("get_queue_attributes", {"Attributes": found}, asked)


def moved(sqs: Any) -> Redriven:
    return redrive(sqs, dlq_url=DLQ, dlq_arn=DLQ_ARN, queue_arn=QUEUE_ARN)


def test_a_task_is_started_and_followed_to_its_end(stub: Any, pauses: list[float]) -> None:
    sqs, script = stub("sqs")
    script_task(script, 1, "COMPLETED", ApproximateNumberOfMessagesMoved=9)
    script_start(script)
    script_task(script, 1, "COMPLETED", ApproximateNumberOfMessagesMoved=9)  # not listed yet
    script_task(script, 2, "RUNNING")
    script_task(script, 2, "COMPLETED", ApproximateNumberOfMessagesMoved=3)
    script_depth(script)
    assert moved(sqs) == Redriven(3, 0)
    assert len(pauses) == 2


def test_a_task_that_runs_already_is_followed_and_no_second_one_started(
    stub: Any, pauses: list[float]
) -> None:
    sqs, script = stub("sqs")
    script_task(script, 5, "RUNNING")
    script_task(script, 5, "RUNNING")
    script_task(script, 5, "COMPLETED", ApproximateNumberOfMessagesMoved=7)
    script_depth(script)
    assert moved(sqs) == Redriven(7, 0)
    assert len(pauses) == 1


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
def test_a_task_that_does_not_complete_says_why(stub: Any, status: str) -> None:
    sqs, script = stub("sqs")
    script_task(script)
    script_start(script)
    script_task(script, 1, status, FailureReason="AWS.SimpleQueueService.NonExistentQueue")
    with pytest.raises(LabError, match=f"{status}.*NonExistentQueue"):
        moved(sqs)


@pytest.mark.parametrize("code", ["AccessDenied", "ResourceNotFoundException", "InvalidParameterValue"])
def test_a_task_that_is_refused_is_not_followed(stub: Any, code: str) -> None:
    sqs, script = stub("sqs")
    script_task(script)
    script.add_client_error("start_message_move_task", code)
    script_task(script)
    with pytest.raises(ClientError, match=code):
        moved(sqs)


def test_a_task_that_was_started_and_not_heard_of_is_followed(stub: Any, pauses: list[float]) -> None:
    sqs, script = stub("sqs")
    script_task(script, 1, "COMPLETED")
    script.add_client_error("start_message_move_task", "InvalidParameterValue")  # one runs already
    script_task(script, 2, "RUNNING")
    script_task(script, 2, "COMPLETED", ApproximateNumberOfMessagesMoved=3)
    script_depth(script)
    assert moved(sqs) == Redriven(3, 0)
