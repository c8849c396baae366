"""Redrive: take what lies in a dead-letter queue back to the queue that it came from, and lose none of it.

Calls: ListMessageMoveTasks, StartMessageMoveTask, where SQS has them: it moves the messages itself. Else, by
hand, ReceiveMessage, SendMessageBatch, DeleteMessageBatch and ChangeMessageVisibilityBatch, ten at a time.
Either way a copy is a new message: new id, new time of sending, receive count 0
(docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError, code_of
from webhook_lab.aws.retry import retry_until
from webhook_lab.resources.queue import depth, give_back, receive

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

TASK_SECONDS = 3_600.0
"""How long a task of SQS's is followed; it goes on without us."""
_HIDDEN_SECONDS = 10  # a batch by hand: what a kill leaves hidden comes back after that
_PATIENCE = 22  # receives of 1 s that find nothing new: whoever hides messages has given them back by then
_TRIES = 3
_TOO_LONG = ("BatchRequestTooLong", "AWS.SimpleQueueService.BatchRequestTooLong")
_RUNNING = ("RUNNING", "CANCELLING")

Told = Callable[[int], object]


@dataclass(frozen=True)
class Redriven:
    """What a redrive did.

    Args:
        moved: messages that SQS has in the queue now; about as many, where SQS moved them.
        left: messages that stayed in the dead-letter queue.
        refused: how often SQS refused to take one back, by its words.
        by_hand: whether it was done message by message.
    """

    moved: int
    left: int
    refused: tuple[tuple[str, int], ...] = ()
    by_hand: bool = False


def redrive_by_task(sqs: "SQSClient", *, dlq_url: str, dlq_arn: str, queue_arn: str) -> Redriven:
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
        sqs.start_message_move_task(SourceArn=dlq_arn, DestinationArn=queue_arn)
        started += 1
    task = retry_until(ended, seconds=TASK_SECONDS, reason="SQS to move the messages")
    if task["Status"] != "COMPLETED":
        said = f"the task is {task['Status']}: {task.get('FailureReason') or 'no reason given'}"
        raise LabError(
            "redrive the dead-letter queue", said, "What it has not moved is still there: redrive."
        )
    held = depth(sqs, url=dlq_url)
    return Redriven(int(task.get("ApproximateNumberOfMessagesMoved", 0)), held.visible + held.in_flight)


def redrive_by_hand(
    sqs: "SQSClient", *, dlq_url: str, queue_url: str, told: Told = lambda _: None
) -> Redriven:
    """Move all messages, ten at a time: send a copy first, then delete what SQS has acknowledged.

    A kill in between leaves messages in both queues, and none in neither: run it again. A copy has the body,
    the message attributes, the group and the trace header of its message.

    Args:
        told: called with how many were moved, after each batch.

    Raises:
        ClientError: SQS refused a call as a whole. What was not acknowledged is in the dead-letter queue.
    """
    empty = 0
    sent: dict[str, str] = {}  # the copy of each message, by their ids
    refused: dict[str, str] = {}
    stay: dict[str, Any] = {}  # refused, or copies that have come here in their turn
    while empty < _PATIENCE:
        messages = {each["MessageId"]: each for each in receive(sqs, url=dlq_url, hidden=_HIDDEN_SECONDS)}
        copies = set(sent.values())
        new = [each for id_, each in messages.items() if id_ not in copies | sent.keys() | refused.keys()]
        taken, failed = _send(sqs, queue_url, new) if new else ({}, {})
        sent, refused = sent | taken, refused | failed
        _delete(sqs, dlq_url, [each for id_, each in messages.items() if id_ in sent])
        stay |= {id_: each for id_, each in messages.items() if id_ not in sent}
        told(len(sent))
        # Without a new one, only those keep us that others hide: who looks, or a redrive that was killed.
        held = None if new else depth(sqs, url=dlq_url)
        if held and held.visible + held.in_flight <= len(stay):
            break
        empty = 0 if new else empty + 1
    give_back(sqs, url=dlq_url, messages=list(stay.values()))
    left = depth(sqs, url=dlq_url)
    words = tuple(sorted(Counter(refused.values()).items()))
    return Redriven(len(sent), left.visible + left.in_flight, words, by_hand=True)


def _age(task: dict[str, Any]) -> int:
    """When a task was started, in epoch milliseconds; 0 for none. Only a running one has a handle."""
    return int(task.get("StartedTimestamp", 0))


def _copy(message: Any) -> dict[str, Any]:
    """What is sent in a message's place: all of it that may be sent."""
    system = message.get("Attributes", {})
    copy: dict[str, Any] = {"MessageBody": message["Body"]}
    if attributes := message.get("MessageAttributes"):
        copy["MessageAttributes"] = attributes
    if trace := system.get("AWSTraceHeader"):
        named = {"AWSTraceHeader": {"DataType": "String", "StringValue": trace}}
        copy["MessageSystemAttributes"] = named
    if group := system.get("MessageGroupId"):
        copy["MessageGroupId"] = group
    return copy


def _send(sqs: "SQSClient", url: str, messages: Sequence[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """By message id: the id of its copy, for those that SQS took; its words, for those that it refused."""
    entries: Any = [{"Id": str(i), **_copy(each)} for i, each in enumerate(messages)]
    try:
        answer: Any = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    except ClientError as error:
        if code_of(error) not in _TOO_LONG or len(messages) == 1:
            raise
        halves = messages[: len(messages) // 2], messages[len(messages) // 2 :]
        (sent, failed), (more_sent, more_failed) = (_send(sqs, url, half) for half in halves)
        return sent | more_sent, failed | more_failed
    named = {str(i): str(each["MessageId"]) for i, each in enumerate(messages)}
    sent = {named[each["Id"]]: each["MessageId"] for each in answer.get("Successful", [])}
    failed = {named[each["Id"]]: _said(each) for each in answer.get("Failed", [])}
    return sent, failed


def _delete(sqs: "SQSClient", url: str, messages: Sequence[Any]) -> None:
    """Delete the messages; some again, where SQS has failed to. What it never deletes comes twice."""
    left = list(messages)
    for _ in range(_TRIES):
        entries: Any = [{"Id": str(i), "ReceiptHandle": each["ReceiptHandle"]} for i, each in enumerate(left)]
        if not entries:
            return
        failed = sqs.delete_message_batch(QueueUrl=url, Entries=entries).get("Failed", [])
        left = [left[int(each["Id"])] for each in failed]


def _said(entry: Any) -> str:
    return f"{entry['Code']}: {entry.get('Message', '')}".removesuffix(": ")
