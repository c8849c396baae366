"""An SQS queue: the buffer that absorbs a burst, or the dead-letter queue for what could not be stored.

Calls: GetQueueUrl, GetQueueAttributes, ListQueueTags; CreateQueue, SetQueueAttributes; DeleteQueue;
ReceiveMessage with DeleteMessageBatch, or PurgeQueue, to empty it. SQS gives and takes numbers as text.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.retry import retry_on, retry_until
from webhook_lab.facts import quotas
from webhook_lab.resources.ownership import Tags, absent_is_none, existed, is_ours, refuse_foreign

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_DELETED_RECENTLY = ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently")
_PURGED_RECENTLY = ("AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress")
_SETTLE_SECONDS = quotas.SQS_NAME_REUSE_DELAY.value + 15
_BATCH = quotas.SQS_BATCH_ENTRIES.value


@dataclass(frozen=True)
class Queue:
    """A queue; times in seconds. The last two are None where no message is ever moved to another queue."""

    name: str
    url: str
    arn: str
    visibility_timeout: int
    receive_wait: int
    retention: int
    max_receive_count: int | None = None
    dead_letter_arn: str | None = None


@dataclass(frozen=True)
class Depth:
    """About how many messages a queue holds: waiting, received and not yet deleted, and delayed."""

    visible: int
    in_flight: int
    delayed: int


def ensure_queue(
    sqs: "SQSClient",
    *,
    name: str,
    visibility_timeout: int,
    receive_wait: int,
    retention: int,
    tags: Tags,
    dead_letter_arn: str | None = None,
    max_receive_count: int | None = None,
) -> Queue:
    """Create the queue, or restore its attributes. SQS may take 60 s to act on a changed attribute.

    Raises:
        Foreign: a queue of that name is not ours.
    """
    redrive = {"deadLetterTargetArn": dead_letter_arn, "maxReceiveCount": max_receive_count}
    wanted: dict[Any, str] = {
        "VisibilityTimeout": str(visibility_timeout),
        "ReceiveMessageWaitTimeSeconds": str(receive_wait),
        "MessageRetentionPeriod": str(retention),
        **({"RedrivePolicy": json.dumps(redrive)} if dead_letter_arn else {}),
    }
    if (url := _url(sqs, name)) is None:
        url = retry_on(
            lambda: sqs.create_queue(QueueName=name, Attributes=wanted, tags=dict(tags)),
            codes=_DELETED_RECENTLY,
            seconds=_SETTLE_SECONDS,
            reason="a deleted queue's name stays taken for a minute",
        )["QueueUrl"]
        arn = retry_on(
            lambda: _attributes(sqs, url, "QueueArn"),
            codes=_GONE,
            seconds=15,
            reason="a new queue can be used after a second or so",
        )["QueueArn"]
    else:
        refuse_foreign(f"queue {name!r}", _tags(sqs, url), tags)
        found = _attributes(sqs, url, "All")
        arn = found["QueueArn"]
        restored = {"RedrivePolicy": "", "DelaySeconds": "0", **wanted}
        differing = {key: value for key, value in restored.items() if not _same(found.get(key, ""), value)}
        if differing:
            sqs.set_queue_attributes(QueueUrl=url, Attributes=differing)
    count = max_receive_count if dead_letter_arn else None
    return Queue(name, url, arn, visibility_timeout, receive_wait, retention, count, dead_letter_arn)


def describe_queue(sqs: "SQSClient", *, name: str, tags: Tags | None = None) -> Queue | None:
    """The queue as it is now, or None."""
    url = _url(sqs, name)
    if url is None or not (tags is None or is_ours(_tags(sqs, url), tags)):
        return None
    if (found := absent_is_none(lambda: _attributes(sqs, url, "All"), *_GONE)) is None:
        return None
    redrive = json.loads(found.get("RedrivePolicy") or "{}")
    return Queue(
        name,
        url,
        found["QueueArn"],
        visibility_timeout=int(found["VisibilityTimeout"]),
        receive_wait=int(found["ReceiveMessageWaitTimeSeconds"]),
        retention=int(found["MessageRetentionPeriod"]),
        max_receive_count=int(redrive["maxReceiveCount"]) if redrive else None,
        dead_letter_arn=redrive.get("deadLetterTargetArn"),
    )


def delete_queue(sqs: "SQSClient", *, name: str, tags: Tags | None = None) -> bool:
    """Delete the queue with every message in it, and wait until SQS denies it. False when there was none."""
    url = _url(sqs, name)
    if url is None or not (tags is None or is_ours(_tags(sqs, url), tags)):
        return False
    deleted = existed(lambda: sqs.delete_queue(QueueUrl=url), *_GONE)
    retry_until(
        lambda: True if _url(sqs, name) is None else None,
        seconds=_SETTLE_SECONDS,
        reason=f"queue {name!r} to be gone",
    )
    return deleted


def depth(sqs: "SQSClient", *, url: str) -> Depth:
    """About how many messages the queue holds now."""
    keys = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    found = _attributes(sqs, url, *keys)
    return Depth(*(int(found[key]) for key in keys))


def empty_queue(sqs: "SQSClient", *, url: str, purge: bool = False) -> int:
    """Remove the messages that wait in the queue, as often as wanted; return about how many there were.

    Messages in flight stay: they come back when their visibility timeout ends.

    Args:
        purge: remove those in flight too. Leave it out on AWS: a purge may also take what is sent in the
            minute after it. One that is refused, within 60 s of the last, goes on as without it.
    """
    held = depth(sqs, url=url)
    if held == Depth(0, 0, 0):
        return 0
    if purge and existed(lambda: sqs.purge_queue(QueueUrl=url), *_PURGED_RECENTLY):
        return held.visible + held.in_flight + held.delayed
    removed = 0
    while held.visible:
        # Long polling asks every server of SQS: an empty answer then means that nothing waits.
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=_BATCH, WaitTimeSeconds=1)
        if not (messages := answer.get("Messages", [])):
            break
        entries: Any = [
            {"Id": str(i), "ReceiptHandle": each["ReceiptHandle"]} for i, each in enumerate(messages)
        ]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        removed += len(messages)
        if len(messages) < _BATCH:
            held = depth(sqs, url=url)
    return removed


def _url(sqs: "SQSClient", name: str) -> str | None:
    return absent_is_none(lambda: sqs.get_queue_url(QueueName=name)["QueueUrl"], *_GONE)


def _tags(sqs: "SQSClient", url: str) -> dict[str, str]:
    return sqs.list_queue_tags(QueueUrl=url).get("Tags", {})


def _attributes(sqs: "SQSClient", url: str, *names: Any) -> Any:
    return sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]


def _same(found: str, wanted: str) -> bool:
    # By value: a redrive policy is JSON, in whatever order and spacing it was written.
    return found == wanted or (bool(found and wanted) and json.loads(found) == json.loads(wanted))
