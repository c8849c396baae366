"""The event source mapping: Lambda's own pollers, which read a queue and invoke a function with batches.

Calls: ListEventSourceMappings, ListTags; CreateEventSourceMapping, UpdateEventSourceMapping,
GetEventSourceMapping until it has settled; DeleteEventSourceMapping, then GetEventSourceMapping until it is
gone. A mapping has no name: it is known by its two ends, and outlives either of them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.retry import retry_on, retry_until
from webhook_lab.resources.ownership import (
    Tags,
    existed,
    is_ours,
    once_role_is_known,
    refuse_foreign,
)

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_GONE = "ResourceNotFoundException"
_PARTIAL = "ReportBatchItemFailures"
_SETTLED = ("Enabled", "Disabled")
_SECONDS = 180  # AWS gives no figure; a change of state is usually a matter of a minute
# Never set here, and put back: a filter would make messages vanish, a window hold them back.
_UNSET = {"FilterCriteria": {}, "MaximumBatchingWindowInSeconds": 0}


@dataclass(frozen=True)
class Mapping:
    """A mapping; `maximum_concurrency` is None where only the function's own concurrency limits it.

    `state` is Lambda's word, such as ``"Enabled"``, ``"Updating"`` or ``"Deleting"``.
    """

    uuid: str
    function_name: str
    queue_arn: str
    batch_size: int
    maximum_concurrency: int | None
    report_batch_item_failures: bool
    state: str


def ensure_mapping(
    lambda_: "LambdaClient",
    *,
    function_name: str,
    queue_arn: str,
    batch_size: int,
    maximum_concurrency: int | None,
    tags: Tags,
    report_batch_item_failures: bool = True,
    enabled: bool = True,
) -> Mapping:
    """Create the mapping, or restore its settings; return when it polls, or has stopped if it should not.

    Raises:
        Foreign: a mapping between the two exists and is not ours.
        LabError: it did not settle in time.
        ClientError: Lambda refused, as when the function's timeout exceeds the queue's visibility timeout.
    """
    wanted: dict[str, Any] = {
        "BatchSize": batch_size,
        "ScalingConfig": {} if maximum_concurrency is None else {"MaximumConcurrency": maximum_concurrency},
        "FunctionResponseTypes": [_PARTIAL] if report_batch_item_failures else [],
    }
    found = next(iter(_look(lambda_, function_name, queue_arn)), None)
    if found is not None:
        refuse_foreign(f"event source mapping of {function_name!r}", _tags(lambda_, found), tags)
        if found["State"] == "Deleting":
            _await_gone(lambda_, found["UUID"])
            found = None
    if found is None:
        found = once_role_is_known(
            lambda: lambda_.create_event_source_mapping(
                EventSourceArn=queue_arn,
                FunctionName=function_name,
                Enabled=enabled,
                Tags=dict(tags),
                **{key: value for key, value in wanted.items() if value},
            )
        )
    found = _settled(lambda_, found)
    have = {**found, "Enabled": found["State"] == "Enabled"}
    restored = {**wanted, **_UNSET, "Enabled": enabled}
    differing = {key: value for key, value in restored.items() if (have.get(key) or type(value)()) != value}
    if differing:
        uuid = found["UUID"]
        changed = _once_free(lambda: lambda_.update_event_source_mapping(UUID=uuid, **differing))
        found = _settled(lambda_, changed)
    return _mapping(found)


def describe_mapping(
    lambda_: "LambdaClient", *, function_name: str, queue_arn: str, tags: Tags | None = None
) -> Mapping | None:
    """The mapping between the two as it is now, or None."""
    for found in _look(lambda_, function_name, queue_arn):
        if tags is None or is_ours(_tags(lambda_, found), tags):
            return _mapping(found)
    return None


def other_maxima(lambda_: "LambdaClient", *, function_name: str, queue_arn: str) -> tuple[int | None, ...]:
    """MaximumConcurrency of each enabled mapping that feeds the function from elsewhere; None without one."""
    pages = lambda_.get_paginator("list_event_source_mappings").paginate()
    found = [each for page in pages for each in page["EventSourceMappings"]]
    return tuple(
        each.get("ScalingConfig", {}).get("MaximumConcurrency")
        for each in found
        if _function_of(each) == function_name
        and each["EventSourceArn"] != queue_arn
        and each["State"] not in ("Disabled", "Deleting")
    )


def delete_mapping(
    lambda_: "LambdaClient",
    *,
    uuid: str | None = None,
    function_name: str = "",
    queue_arn: str = "",
    tags: Tags | None = None,
) -> bool:
    """Delete a mapping, by its uuid or by its two ends, and wait until it is gone. False when there was none.

    Until then its pollers may still receive messages and invoke the function.
    """
    if uuid is None:
        known = describe_mapping(lambda_, function_name=function_name, queue_arn=queue_arn, tags=tags)
        return known is not None and delete_mapping(lambda_, uuid=known.uuid)
    deleted = existed(lambda: _once_free(lambda: lambda_.delete_event_source_mapping(UUID=uuid)), _GONE)
    if deleted:
        _await_gone(lambda_, uuid)
    return deleted


def _look(lambda_: "LambdaClient", function_name: str, queue_arn: str) -> list[Any]:
    # Asked for by queue alone: asked by a function that is gone, Lambda answers that there is no such one.
    mappings = lambda_.list_event_source_mappings(EventSourceArn=queue_arn)["EventSourceMappings"]
    return [each for each in mappings if _function_of(each) == function_name]


def _tags(lambda_: "LambdaClient", found: Any) -> dict[str, str]:
    return lambda_.list_tags(Resource=found["EventSourceMappingArn"])["Tags"]


def _settled(lambda_: "LambdaClient", found: Any) -> Any:
    def attempt() -> Any:
        now = lambda_.get_event_source_mapping(UUID=found["UUID"])
        return now if now["State"] in _SETTLED else None

    if found["State"] in _SETTLED:
        return found
    return retry_until(attempt, seconds=_SECONDS, reason="the event source mapping to be enabled or disabled")


def _await_gone(lambda_: "LambdaClient", uuid: str) -> None:
    def attempt() -> bool | None:
        return None if existed(lambda: lambda_.get_event_source_mapping(UUID=uuid), _GONE) else True

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


def _mapping(found: Any) -> Mapping:
    return Mapping(
        uuid=found["UUID"],
        function_name=_function_of(found),
        queue_arn=found["EventSourceArn"],
        batch_size=found["BatchSize"],
        maximum_concurrency=found.get("ScalingConfig", {}).get("MaximumConcurrency"),
        report_batch_item_failures=_PARTIAL in found.get("FunctionResponseTypes", []),
        state=found["State"],
    )
