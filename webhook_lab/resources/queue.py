"""An SQS queue: the buffer that absorbs a burst, or the dead-letter queue for what could not be stored.

Calls: GetQueueUrl, GetQueueAttributes, ListQueueTags; CreateQueue, SetQueueAttributes; DeleteQueue;
ListQueues; ReceiveMessage with DeleteMessageBatch, or PurgeQueue, to empty it. SQS gives and takes numbers
as text.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self
from urllib.parse import quote

from webhook_lab.aws.retry import retry_on, retry_until
from webhook_lab.aws.session import Session
from webhook_lab.facts import prices, quotas, spoken
from webhook_lab.resources.ownership import (
    Tags,
    absent_is_none,
    existed,
    is_ours,
    looks_again,
    pages,
    refuse_foreign,
    to_pairs,
)
from webhook_lab.resources.queue_changes import being_set, differing_in
from webhook_lab.resources.resource import IN_USE, Listed, Resource, Rows, tail

_GONE = ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist")
_DELETED_RECENTLY = ("AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently")
_PURGED_RECENTLY = ("AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress")
_SETTLE_SECONDS = quotas.SQS_NAME_REUSE_DELAY.value + 15
_BATCH = quotas.SQS_BATCH_ENTRIES.value
_HIDDEN_SECONDS = 10


@dataclass(frozen=True)
class Queue(Resource):
    """A queue; times in seconds. Without `dead_letter_arn` no message is ever moved to another queue."""

    kind: ClassVar[str] = "queue"
    title: ClassVar[str] = "SQS queue"
    idle: ClassVar[str] = IN_USE.format(prices.SQS_REQUESTS)

    visibility_timeout: int
    receive_wait: int
    retention: int
    max_receive_count: int | None = None
    dead_letter_arn: str | None = None
    url: str = ""
    arn: str = ""

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create the queue, or restore its attributes. SQS may take 60 s to act on a changed attribute.

        Raises:
            Foreign: a queue of that name is not ours.
        """
        sqs, name, wanted = aws.sqs, self.name, self._attributes()
        if (url := _url(aws, name)) is None:
            url = retry_on(
                lambda: sqs.create_queue(QueueName=name, Attributes=wanted, tags=dict(tags)),
                codes=_DELETED_RECENTLY,
                seconds=_SETTLE_SECONDS,
                reason="a deleted queue's name stays taken for a minute",
            )["QueueUrl"]
            arn = retry_on(
                lambda: _read(aws, url, "QueueArn"),
                codes=_GONE,
                seconds=15,
                reason="a new queue can be used after a second or so",
            )["QueueArn"]
        else:
            refuse_foreign(f"queue {name!r}", _tags(aws, url), tags)
            found = {**_read(aws, url, "All"), **being_set(aws, url)}
            arn = found["QueueArn"]
            restored = {"RedrivePolicy": "", "DelaySeconds": "0", **wanted}
            if differing := differing_in(found, restored):
                sqs.set_queue_attributes(QueueUrl=url, Attributes=differing)
        return replace(self, url=url, arn=arn)

    def _attributes(self) -> dict[Any, str]:
        redrive = {"deadLetterTargetArn": self.dead_letter_arn, "maxReceiveCount": self.max_receive_count}
        return {
            "VisibilityTimeout": str(self.visibility_timeout),
            "ReceiveMessageWaitTimeSeconds": str(self.receive_wait),
            "MessageRetentionPeriod": str(self.retention),
            **({"RedrivePolicy": json.dumps(redrive)} if self.dead_letter_arn else {}),
        }

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        url = _url(aws, name)
        if url is None or not (tags is None or is_ours(_tags(aws, url), tags)):
            return None
        if (found := absent_is_none(lambda: _read(aws, url, "All"), *_GONE)) is None:
            return None
        redrive = json.loads(found.get("RedrivePolicy") or "{}")
        return cls(
            name,
            visibility_timeout=int(found["VisibilityTimeout"]),
            receive_wait=int(found["ReceiveMessageWaitTimeSeconds"]),
            retention=int(found["MessageRetentionPeriod"]),
            max_receive_count=int(redrive["maxReceiveCount"]) if redrive else None,
            dead_letter_arn=redrive.get("deadLetterTargetArn"),
            url=url,
            arn=found["QueueArn"],
        )

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Delete the queue with every message in it, and wait until SQS denies it."""
        if (url := _url(aws, identity)) is None:
            return False
        deleted = existed(lambda: aws.sqs.delete_queue(QueueUrl=url), *_GONE)
        retry_until(
            lambda: True if _url(aws, identity) is None else None,
            seconds=_SETTLE_SECONDS,
            reason=f"queue {identity!r} to be gone",
        )
        return deleted

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:
        where: dict[str, Any] = {"PaginationConfig": {"PageSize": 1000}}
        where |= {"QueueNamePrefix": prefix} if prefix else {}
        for url in pages(aws.sqs, "list_queues", "QueueUrls", **where):
            name = url.rsplit("/", 1)[-1]
            yield Listed(name, name, aws.target.arn("sqs", name), partial(_read_tags, aws, url))

    def cloudformation(self, logical_id: str, tags: Tags) -> dict[str, Any]:
        redrive = {"deadLetterTargetArn": self.dead_letter_arn, "maxReceiveCount": self.max_receive_count}
        properties = {
            "QueueName": self.name,
            "VisibilityTimeout": self.visibility_timeout,
            "ReceiveMessageWaitTimeSeconds": self.receive_wait,
            "MessageRetentionPeriod": self.retention,
            **({"RedrivePolicy": redrive} if self.dead_letter_arn else {}),
            "Tags": to_pairs(tags),
        }
        return {logical_id: {"Type": "AWS::SQS::Queue", "Properties": properties}}

    def rows(self) -> Rows:
        after = "none: a message that keeps failing is lost when it expires"
        if self.dead_letter_arn:
            after = f"{tail(self.dead_letter_arn)} after {spoken(self.max_receive_count, 'receives')}"
        return (
            ("Visibility timeout", spoken(self.visibility_timeout, "seconds")),
            ("Receive wait time", spoken(self.receive_wait, "seconds")),
            ("Message retention", spoken(self.retention, "seconds")),
            ("Dead-letter queue", after),
        )

    @classmethod
    def title_of(cls, name: str) -> str:
        return "SQS dead-letter queue" if name.endswith("-dlq") else cls.title

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:
        url = f"https://sqs.{aws.target.region}.{aws.target.dns_suffix}/{aws.target.account}/{name}"
        return f"sqs/v3/home?region={aws.target.region}#/queues/{quote(url, safe='')}"


@dataclass(frozen=True)
class Depth:
    """About how many messages a queue holds: waiting, received and not yet deleted, and delayed."""

    visible: int
    in_flight: int
    delayed: int


def depth(sqs: Any, *, url: str) -> Depth:
    """About how many messages the queue holds now."""
    keys: Any = [f"ApproximateNumberOfMessages{kind}" for kind in ("", "NotVisible", "Delayed")]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=keys)["Attributes"]
    return Depth(*(int(found[key]) for key in keys))


def empty_queue(sqs: Any, *, url: str, purge: bool = False) -> int:
    """Remove the messages that wait in the queue, as often as wanted; return about how many there were.

    Messages in flight stay: they come back when their visibility timeout ends.

    Args:
        purge: remove those in flight too. Leave it out on AWS: a purge may also take what is sent in the
            minute after it. One that is refused, within 60 s of the last, goes on as without it.
    """
    held = sum(vars(depth(sqs, url=url)).values()) if purge else 0
    if purge and (not held or existed(lambda: sqs.purge_queue(QueueUrl=url), *_PURGED_RECENTLY)):
        return held
    removed = 0
    while messages := receive(sqs, url=url, hidden=_HIDDEN_SECONDS):  # a depth may be a minute old
        entries = [{"Id": str(i), "ReceiptHandle": each["ReceiptHandle"]} for i, each in enumerate(messages)]
        sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        removed += len(messages)
    return removed


def receive(sqs: Any, *, url: str, hidden: int) -> list[Any]:
    """Up to ten messages, with all that SQS knows of them; `hidden` from others for so many seconds."""
    # Long polling asks every server of SQS: an empty answer then means that nothing waits.
    return list(
        sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=_BATCH,
            VisibilityTimeout=hidden,
            WaitTimeSeconds=1,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
    )


def give_back(sqs: Any, *, url: str, messages: Sequence[Any]) -> None:
    """Let others receive the messages at once. One that SQS refuses is no longer hidden: its time was up."""
    for start in range(0, len(messages), _BATCH):
        entries = [
            {"Id": str(i), "ReceiptHandle": each["ReceiptHandle"], "VisibilityTimeout": 0}
            for i, each in enumerate(messages[start : start + _BATCH])
        ]
        sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)


def _url(aws: Session, name: str) -> str | None:
    return absent_is_none(lambda: aws.sqs.get_queue_url(QueueName=name)["QueueUrl"], *_GONE)


def _tags(aws: Session, url: str) -> dict[str, str]:
    """Its tags; none when the queue was deleted since its URL was asked for."""
    return absent_is_none(lambda: _read_tags(aws, url), *_GONE) or {}


def _read_tags(aws: Session, url: str) -> dict[str, str]:
    return aws.sqs.list_queue_tags(QueueUrl=url).get("Tags", {})


def _read(aws: Session, url: str, *names: Any) -> Any:
    return aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(names))["Attributes"]
