"""Redrive: take what lies in a dead-letter queue back to the queue that it came from, and lose none of it.

Calls: ListMessageMoveTasks, StartMessageMoveTask, then ListMessageMoveTasks until SQS has moved the messages.
A copy is a new message: new id, new time of sending, receive count 0
(docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_until
from webhook_lab.resources.queue import depth

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

TASK_SECONDS = 3_600.0
"""How long a task is followed; it goes on without us."""
_RUNNING = ("RUNNING", "CANCELLING")


@dataclass(frozen=True)
class Redriven:
    """What a redrive did.

    Args:
        moved: about as many messages as SQS has moved.
        left: messages in the dead-letter queue still: somebody hides them, or they came there meanwhile.
    """

    moved: int
    left: int


def redrive(sqs: "SQSClient", *, dlq_url: str, dlq_arn: str, queue_arn: str) -> Redriven:
    """Have SQS move all messages, and return when it has. A task that is under way already is followed.

    Raises:
        LabError: the task failed or was cancelled, or goes on still after an hour.
        ClientError: SQS refused to start one.
    """

    def latest() -> dict[str, Any]:
        tasks: list[Any] = sqs.list_message_move_tasks(SourceArn=dlq_arn, MaxResults=1).get("Results", [])
        return tasks[0] if tasks else {}

    def ended() -> dict[str, Any] | None:
        task = latest()
        return None if not task or task["Status"] in _RUNNING or _age(task) < started else task

    now = latest()
    started = _age(now)
    if now.get("Status") not in _RUNNING:
        try:
            sqs.start_message_move_task(SourceArn=dlq_arn, DestinationArn=queue_arn)
        except ClientError:
            if _age(latest()) <= started:  # else it was started before, and the answer was lost on its way
                raise
        started += 1
    task = retry_until(ended, seconds=TASK_SECONDS, reason="SQS to move the messages")
    if task["Status"] != "COMPLETED":
        said = f"the task is {task['Status']}: {task.get('FailureReason') or 'no reason given'}"
        raise LabError(
            "redrive the dead-letter queue", said, "What it has not moved is still there: redrive."
        )
    held = depth(sqs, url=dlq_url)
    return Redriven(int(task.get("ApproximateNumberOfMessagesMoved", 0)), held.visible + held.in_flight)


def _age(task: dict[str, Any]) -> int:
    """When a task was started, in epoch milliseconds; 0 for none. Only a running one has a handle."""
    return int(task.get("StartedTimestamp", 0))
