"""The event source mapping: Lambda's own pollers, which read a queue and invoke a function with batches.

Calls: ListEventSourceMappings, GetEventSourceMapping, ListTags; CreateEventSourceMapping,
UpdateEventSourceMapping, and GetEventSourceMapping until it has settled; DeleteEventSourceMapping, and the
same until it is gone. A mapping has no name: here it goes by its function's. It outlives its queue and its
function.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

from botocore.exceptions import ClientError

from webhook_lab.aws.retry import retry_on, retry_until
from webhook_lab.aws.session import Session
from webhook_lab.facts import prices, spoken
from webhook_lab.facts.fact import dollars
from webhook_lab.resources.ownership import (
    Tags,
    absent_is_none,
    existed,
    is_ours,
    looks_again,
    once_role_is_known,
    pages,
    refuse_foreign,
    to_pairs,
)
from webhook_lab.resources.queue_changes import settle
from webhook_lab.resources.resource import FREE, Listed, Resource, Rows, tail

_GONE = "ResourceNotFoundException"
_PARTIAL = "ReportBatchItemFailures"
_SETTLED = ("Enabled", "Disabled")
_SECONDS = 180  # AWS gives no figure; a change of state is usually a matter of a minute
_UNSET: dict[str, Any] = {"FilterCriteria": {}}  # never set here, and put back: it makes messages vanish
_POLLING_COST = dollars(round(prices.idle_labs(1), 2))


@dataclass(frozen=True)
class Mapping(Resource):
    """A mapping; `name` is its function's. `maximum_concurrency` None: only the function's own limits it.

    `batching_window` is for how many seconds it collects a batch that is not full.
    `state` is Lambda's word, such as ``"Enabled"``, ``"Updating"`` or ``"Deleting"``.
    """

    kind: ClassVar[str] = "mapping"
    title: ClassVar[str] = "Event source mapping"
    idle: ClassVar[str] = (
        f"{FREE}: about {prices.IDLE_RECEIVES}, of which SQS gives {prices.SQS_FREE_REQUESTS:,} free; "
        f"else {_POLLING_COST}"
    )

    queue_arn: str
    batch_size: int
    maximum_concurrency: int | None
    report_batch_item_failures: bool = True
    batching_window: int = 0
    enabled: bool = True
    uuid: str = ""
    state: str = ""

    @property
    def id(self) -> str:
        return self.uuid

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create the mapping, or restore its settings; return when it polls, or has stopped if it should not.

        Raises:
            Foreign: a mapping between the two exists and is not ours.
            LabError: it did not settle in time.
            ClientError: Lambda refused, as a function that runs longer than the queue hides a message.
        """
        lambda_, wanted = aws.lambda_, self._wanted()
        found = next((each for each in _of(aws, self.name) if each["EventSourceArn"] == self.queue_arn), None)
        if found is not None:
            refuse_foreign(f"event source mapping of {self.name!r}", _tags(aws, found), tags)
            if found["State"] == "Deleting":
                _await_gone(aws, found["UUID"])
                found = None
        if found is None:
            create = partial(
                lambda_.create_event_source_mapping,
                EventSourceArn=self.queue_arn,
                FunctionName=self.name,
                Enabled=self.enabled,
                Tags=dict(tags),
                **{key: value for key, value in wanted.items() if value},
            )
            found = self._once_queue_is_settled(aws, lambda: once_role_is_known(create))
        found = _settled(aws, found)
        have = {**found, "Enabled": found["State"] == "Enabled"}
        restored = {**wanted, **_UNSET, "Enabled": self.enabled}
        differing = {
            key: value for key, value in restored.items() if (have.get(key) or type(value)()) != value
        }
        if differing:
            update = partial(lambda_.update_event_source_mapping, UUID=found["UUID"], **differing)
            found = _settled(aws, self._once_queue_is_settled(aws, lambda: _once_free(update)))
        return replace(self, uuid=found["UUID"], state=found["State"])

    def _once_queue_is_settled(self, aws: Session, change: Callable[[], Any]) -> Any:
        """Lambda compares the function with a visibility timeout that may still be the one from before."""
        try:
            return change()
        except ClientError as refused:
            url = aws.sqs.get_queue_url(QueueName=tail(self.queue_arn))["QueueUrl"]
            if "visibility timeout" not in str(refused) or not settle(aws, url):
                raise
        return change()

    def _wanted(self) -> dict[str, Any]:
        most = self.maximum_concurrency
        return {
            "BatchSize": self.batch_size,
            "MaximumBatchingWindowInSeconds": self.batching_window,
            "ScalingConfig": {} if most is None else {"MaximumConcurrency": most},
            "FunctionResponseTypes": [_PARTIAL] if self.report_batch_item_failures else [],
        }

    def cloudformation(self, logical_id: str, tags: Tags) -> dict[str, Any]:
        properties = {
            "EventSourceArn": self.queue_arn,
            "FunctionName": self.name,
            "Enabled": self.enabled,
            **{key: value for key, value in self._wanted().items() if value},
            "Tags": to_pairs(tags),
        }
        return {logical_id: {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}}

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        """The mapping that feeds the function `name`, and carries `tags` if given, or None."""
        ours = (each for each in _of(aws, name) if tags is None or is_ours(_tags(aws, each), tags))
        found = next(ours, None)
        if found is None:
            return None
        return cls(
            name,
            queue_arn=found["EventSourceArn"],
            batch_size=found["BatchSize"],
            maximum_concurrency=found.get("ScalingConfig", {}).get("MaximumConcurrency"),
            report_batch_item_failures=_PARTIAL in found.get("FunctionResponseTypes", []),
            batching_window=found.get("MaximumBatchingWindowInSeconds") or 0,
            enabled=found["State"] not in ("Disabled", "Disabling"),
            uuid=found["UUID"],
            state=found["State"],
        )

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Delete it and wait until it is gone: until then its pollers may still invoke the function."""
        lambda_ = aws.lambda_
        deleted = existed(
            lambda: _once_free(lambda: lambda_.delete_event_source_mapping(UUID=identity)), _GONE
        )
        if deleted:
            _await_gone(aws, identity)
        return deleted

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:  # noqa: ARG003
        """Every mapping that reads a queue; one without a tag belongs with its queue and its function."""
        for row in _all(aws):
            function, queue = _function_of(row), tail(row["EventSourceArn"])
            arn = row.get("EventSourceMappingArn", "")
            ends = (("function", function), ("queue", queue))
            yield Listed(function, row["UUID"], arn, partial(_tags, aws, row), goes_with=ends)

    def rows(self) -> Rows:
        most = "not set: only the function's own concurrency limits it"
        if self.maximum_concurrency is not None:
            most = spoken(self.maximum_concurrency, "invocations")
        failures = "one failed message returns its whole batch"
        if self.report_batch_item_failures:
            failures = "only failed messages return (ReportBatchItemFailures)"
        window = (("Batching window", spoken(self.batching_window, "seconds")),)
        return (
            ("Batch size", spoken(self.batch_size, "messages")),
            *(window if self.batching_window else ()),
            ("Maximum concurrency", most),
            ("When a message fails", failures),
        )

    @property
    def card_title(self) -> tuple[str, str]:
        return self.title, f"{tail(self.queue_arn)} -> {self.name}"

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:
        return f"lambda/home?region={aws.target.region}#/functions/{name}?tab=configure"


def other_maxima(aws: Session, *, function_name: str, queue_arn: str) -> tuple[int | None, ...]:
    """MaximumConcurrency of each enabled mapping that feeds the function from elsewhere; None without one."""
    return tuple(
        each.get("ScalingConfig", {}).get("MaximumConcurrency")
        for each in _of(aws, function_name)
        if each["EventSourceArn"] != queue_arn and each["State"] not in ("Disabled", "Deleting")
    )


def _all(aws: Session) -> Iterator[Any]:
    """Every mapping that reads a queue. Asked for a function that is gone, Lambda would refuse."""
    for row in pages(aws.lambda_, "list_event_source_mappings", "EventSourceMappings"):
        if row.get("EventSourceArn", ":::").split(":")[2] == "sqs":
            yield row


def _of(aws: Session, function_name: str) -> list[Any]:
    """The function's mappings as they are now: one that is only listed still is none."""
    listed = (each["UUID"] for each in _all(aws) if _function_of(each) == function_name)
    return [found for uuid in listed if (found := _look(aws, uuid))]


def _look(aws: Session, uuid: str) -> Any:
    return absent_is_none(lambda: aws.lambda_.get_event_source_mapping(UUID=uuid), _GONE)


def _tags(aws: Session, found: Any) -> dict[str, str]:
    arn = found.get("EventSourceMappingArn")
    return aws.lambda_.list_tags(Resource=arn).get("Tags", {}) if arn else {}


def _settled(aws: Session, found: Any) -> Any:
    def attempt() -> Any:
        now = aws.lambda_.get_event_source_mapping(UUID=found["UUID"])
        return now if now["State"] in _SETTLED else None

    if found["State"] in _SETTLED:
        return found
    return retry_until(attempt, seconds=_SECONDS, reason="the event source mapping to be enabled or disabled")


def _await_gone(aws: Session, uuid: str) -> None:
    def attempt() -> bool | None:
        return None if _look(aws, uuid) else True

    retry_until(attempt, seconds=_SECONDS, reason="the event source mapping to be gone")


def _once_free(change: Callable[[], Any]) -> Any:
    return retry_on(
        change,
        codes=("ResourceInUseException", "ResourceConflictException"),
        seconds=_SECONDS,
        reason="the mapping is still being created or changed",
    )


def _function_of(found: Any) -> str:
    return str(found["FunctionArn"]).split(":")[6]
