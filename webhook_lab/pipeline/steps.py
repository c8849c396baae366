"""The pipeline as a list: each step is one resource, of a kind, under a name, with its settings.

Building, restoring, tearing down, sweeping, cards and commands are loops over it. Another resource is one
more line here, and one file in `webhook_lab.resources` if its kind is new.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from webhook_lab.aws.errors import LabError
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.packaging import package
from webhook_lab.resources import policies
from webhook_lab.resources.alarm import Alarm
from webhook_lab.resources.bucket import Bucket
from webhook_lab.resources.direct_api import DirectApi
from webhook_lab.resources.function import Function
from webhook_lab.resources.log_group import LogGroup
from webhook_lab.resources.mapping import Mapping
from webhook_lab.resources.queue import Queue
from webhook_lab.resources.resource import Resource
from webhook_lab.resources.rest_api import RestApi
from webhook_lab.resources.role import Role
from webhook_lab.resources.stack import Stack
from webhook_lab.resources.table import Table

if TYPE_CHECKING:
    from webhook_lab.pipeline.build import Pipeline


@dataclass(frozen=True)
class Step:
    """One resource of the pipeline.

    Args:
        key: how notebooks and commands call it, such as ``"publish_role"``.
        kind: the class of the resource.
        name: the name that it has in a lab.
        wanted: the resource as the settings want it, from what stands already.
        label: the step in two words, such as ``"publish role"``.
    """

    key: str
    kind: type[Resource]
    name: Callable[[Names], str]
    wanted: Callable[["Pipeline"], Resource]
    label: str


def _table(site: "Pipeline") -> Table:
    return Table(site.names.table)


def _dlq(site: "Pipeline") -> Queue:
    settings = site.settings
    return Queue(
        site.names.dlq, settings.visibility_timeout, settings.receive_wait, retention=settings.dlq_retention
    )


def _queue(site: "Pipeline") -> Queue:
    settings = site.settings
    return Queue(
        site.names.queue,
        settings.visibility_timeout,
        settings.receive_wait,
        retention=settings.queue_retention,
        max_receive_count=settings.max_receive_count,
        dead_letter_arn=site.get("dlq").arn,
    )


def _logs(handler: str, site: "Pipeline") -> LogGroup:
    return LogGroup(site.names.log_group(handler), site.settings.log_retention_days)


def _bucket(site: "Pipeline") -> Bucket:
    return Bucket(site.names.bucket, site.settings.body_days)


def _bodies(site: "Pipeline") -> dict[str, str]:
    """The bucket's name and ARN where bodies go there, else nothing."""
    return vars(site.get("bucket")) if site.settings.claim_check else {}


def _claim_check(site: "Pipeline") -> dict[str, str]:
    bodies = _bodies(site)
    return {"CLAIM_CHECK": bodies["bucket"]} if bodies else {}


def _publish_role(site: "Pipeline") -> Role:
    log_group_arn = site.get("publish_logs").arn
    policy = policies.publish_policy(
        queue_arn=site.get("queue").arn, log_group_arn=log_group_arn, bucket_arn=_bodies(site).get("arn")
    )
    return Role(site.names.function("publish"), policy)


def _subscribe_role(site: "Pipeline") -> Role:
    policy = policies.subscribe_policy(
        queue_arn=site.get("queue").arn,
        table_arn=site.get("table").arn,
        log_group_arn=site.get("subscribe_logs").arn,
        bucket_arn=_bodies(site).get("arn"),
    )
    return Role(site.names.function("subscribe"), policy)


def _function(
    handler: str,
    site: "Pipeline",
    environment: dict[str, str],
    reserved: int | None = None,
    source: str | None = None,
) -> Function:
    settings = site.settings
    return Function(
        site.names.function(handler),
        role_arn=site.get(f"{handler}_role").arn,
        runtime=settings.runtime,
        timeout=settings.function_timeout,
        memory=settings.memory,
        environment=environment,
        reserved_concurrency=reserved,
        zip_bytes=package(source or handler).zip_bytes,
    )


def _publish_function(site: "Pipeline") -> Function:
    environment = {"QUEUE_URL": site.get("queue").url, **site.settings.publish_environment}
    reserved = site.settings.publish_concurrency
    return _function("publish", site, {**environment, **_claim_check(site)}, reserved)


def _subscribe_function(site: "Pipeline") -> Function:
    settings = site.settings
    elsewhere = settings.database and settings.subscriber != "subscribe"
    table = {} if elsewhere else {"TABLE_NAME": site.get("table").name}  # one place or the other
    environment = {**table, **settings.subscribe_environment, **_claim_check(site)}
    return _function("subscribe", site, environment, settings.reserved_concurrency, settings.subscriber)


def _mapping(site: "Pipeline") -> Mapping:
    settings = site.settings
    return Mapping(
        site.get("subscribe_function").name,
        queue_arn=site.get("queue").arn,
        batch_size=settings.batch_size,
        maximum_concurrency=settings.maximum_concurrency,
        report_batch_item_failures=settings.report_batch_item_failures,
        batching_window=settings.batching_window,
    )


def _api(site: "Pipeline") -> RestApi:
    return RestApi(site.names.api, site.get("publish_function").arn)


def _direct_role(site: "Pipeline") -> Role:
    policy = policies.direct_policy(queue_arn=site.get("queue").arn)
    return Role(site.names.direct, policy, service=policies.API_GATEWAY)


def _direct_api(site: "Pipeline") -> DirectApi:
    return DirectApi(site.names.direct, site.get("queue").arn, site.get("direct_role").arn)


def _alarm(site: "Pipeline") -> Alarm:
    return Alarm(site.names.alarm, site.names.dlq, site.settings.dead_letter_alarm)


def _stack(site: "Pipeline") -> Stack:
    return Stack(site.names.stack)


def _named(method: Callable[[Names, str], str], handler: str) -> Callable[[Names], str]:
    return lambda names: method(names, handler)


PUBLISH, SUBSCRIBE = _named(Names.function, "publish"), _named(Names.function, "subscribe")
PUBLISH_LOGS, SUBSCRIBE_LOGS = _named(Names.log_group, "publish"), _named(Names.log_group, "subscribe")


class _Steps(dict[str, Step]):
    """Steps by their keys; one that is not there is said in words, since learners type them."""

    def __init__(self, steps: Iterable[Step]) -> None:
        super().__init__((step.key, step) for step in steps)

    def __missing__(self, key: str) -> Step:
        raise LabError(f"use step {key!r}", "there is no such step", f"The steps are {', '.join(self)}.")


STEPS: dict[str, Step] = _Steps(
    (
        Step("table", Table, lambda names: names.table, _table, "table"),
        Step("dlq", Queue, lambda names: names.dlq, _dlq, "dead-letter queue"),
        Step("queue", Queue, lambda names: names.queue, _queue, "queue"),
        Step("publish_logs", LogGroup, PUBLISH_LOGS, partial(_logs, "publish"), "publish log group"),
        Step("publish_role", Role, PUBLISH, _publish_role, "publish role"),
        Step("publish_function", Function, PUBLISH, _publish_function, "publish function"),
        Step("subscribe_logs", LogGroup, SUBSCRIBE_LOGS, partial(_logs, "subscribe"), "subscribe log group"),
        Step("subscribe_role", Role, SUBSCRIBE, _subscribe_role, "subscribe role"),
        Step("subscribe_function", Function, SUBSCRIBE, _subscribe_function, "subscribe function"),
        Step("mapping", Mapping, SUBSCRIBE, _mapping, "event source mapping"),
        Step("api", RestApi, lambda names: names.api, _api, "REST API"),
    )
)
"""Every step by its key, in building order; they come down in reverse."""

EXTRAS: dict[str, Step] = _Steps(
    (
        Step("alarm", Alarm, lambda names: names.alarm, _alarm, "alarm"),
        Step("direct_role", Role, lambda names: names.direct, _direct_role, "direct door's role"),
        Step("direct_api", DirectApi, lambda names: names.direct, _direct_api, "direct door"),
        Step("stack", Stack, lambda names: names.stack, _stack, "stack"),
        Step("bucket", Bucket, lambda names: names.bucket, _bucket, "bucket"),
    )
)
"""What a chapter may add to the pipeline: built by no other, and removed by whatever is restored next.

Neither `status` nor the exported template knows of it; sweep and teardown do."""

LAST = next(reversed(STEPS))


def step_of(key: str) -> Step:
    """The step of that key, extras included.

    Raises:
        LabError: when there is no such step.
    """
    return EXTRAS[key] if key in EXTRAS else STEPS[key]


def steps_until(last: str | None) -> list[Step]:
    """The steps up to and including `last`, in building order; none for None.

    Raises:
        LabError: when there is no such step.
    """
    if last is None:
        return []
    keys = list(STEPS)
    return [STEPS[key] for key in keys[: keys.index(STEPS[last].key) + 1]]


def kinds() -> dict[str, type[Resource]]:
    """Every kind of resource that the pipeline is made of, by its word, in building order."""
    return {step.kind.kind: step.kind for step in (*STEPS.values(), *EXTRAS.values())}
