"""The steps of the pipeline, in the order in which they are built. Each is one AWS resource."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.ledger import Ledger
from webhook_lab.pipeline.naming import REGION_KEY, ROLE_PATH, Names
from webhook_lab.pipeline.packaging import package
from webhook_lab.pipeline.settings import Settings
from webhook_lab.resources import (
    alarm,
    event_source_mapping,
    function,
    log_group,
    policies,
    queue,
    rest_api,
    role,
    table,
)


class Site(Protocol):
    """What a step builds on: the clients, the names, the settings, and the steps that stand already."""

    session: Session
    names: Names
    settings: Settings
    ledger: Ledger

    def get(self, step: str) -> Any: ...


@dataclass(frozen=True)
class Step:
    """One resource of the pipeline.

    Args:
        key: how the ledger and the notebooks call it.
        title: what AWS calls such a thing, for messages.
        name: the name that it has in a lab; a mapping goes by its function's.
        arguments: the keyword arguments of `ensure`, from settings and from earlier steps.
        ensure: the resource module's function, given the site and those arguments.
        describe, delete: the same module's, given the site.
    """

    key: str
    title: str
    name: Callable[[Names], str]
    arguments: Callable[[Site], dict[str, Any]]
    ensure: Callable[..., Any]
    describe: Callable[[Site], Any | None]
    delete: Callable[[Site], object]


def _ours(site: Site, name: str) -> dict[str, Any]:
    """What finds `name` only where it carries this lab's tag: a stranger's resource is as good as absent."""
    return {"name": name, "tags": site.names.tags}


def _table() -> Step:
    return Step(
        "table",
        "table",
        name=lambda names: names.table,
        arguments=lambda site: {"name": site.names.table, "tags": site.names.tags},
        ensure=lambda site, **wanted: table.ensure_table(
            site.session.dynamodb, wait=site.session.wait, **wanted
        ),
        describe=lambda site: table.describe_table(site.session.dynamodb, **_ours(site, site.names.table)),
        delete=lambda site: table.delete_table(
            site.session.dynamodb, wait=site.session.wait, **_ours(site, site.names.table)
        ),
    )


def _queue(key: str) -> Step:
    def name(names: Names) -> str:
        return names.dlq if key == "dlq" else names.queue

    def arguments(site: Site) -> dict[str, Any]:
        settings = site.settings
        common = {
            "name": name(site.names),
            "tags": site.names.tags,
            "visibility_timeout": settings.visibility_timeout,
            "receive_wait": settings.receive_wait,
        }
        if key == "dlq":
            return {**common, "retention": settings.dlq_retention}
        return {
            **common,
            "retention": settings.queue_retention,
            "dead_letter_arn": site.get("dlq").arn,
            "max_receive_count": settings.max_receive_count,
        }

    return Step(
        key,
        "dead-letter queue" if key == "dlq" else "queue",
        name=name,
        arguments=arguments,
        ensure=lambda site, **wanted: queue.ensure_queue(site.session.sqs, **wanted),
        describe=lambda site: queue.describe_queue(site.session.sqs, **_ours(site, name(site.names))),
        delete=lambda site: queue.delete_queue(site.session.sqs, **_ours(site, name(site.names))),
    )


def _logs(handler: str) -> Step:
    return Step(
        f"{handler}_logs",
        "log group",
        name=lambda names: names.log_group(handler),
        arguments=lambda site: {
            "name": site.names.log_group(handler),
            "retention_days": site.settings.log_retention_days,
            "tags": site.names.tags,
        },
        ensure=lambda site, **wanted: log_group.ensure_log_group(site.session.logs, **wanted),
        describe=lambda site: log_group.describe_log_group(
            site.session.logs, **_ours(site, site.names.log_group(handler))
        ),
        delete=lambda site: log_group.delete_log_group(
            site.session.logs, **_ours(site, site.names.log_group(handler))
        ),
    )


def _role(handler: str) -> Step:
    def policy(site: Site) -> dict[str, Any]:
        arns = {"queue_arn": site.get("queue").arn, "log_group_arn": site.get(f"{handler}_logs").arn}
        if handler == "publish":
            return policies.publish_policy(**arns)
        return policies.subscribe_policy(**arns, table_arn=site.get("table").arn)

    def ours(site: Site) -> dict[str, Any]:
        tags = {**site.names.tags, REGION_KEY: site.session.target.region}
        return {"name": site.names.function(handler), "tags": tags}

    return Step(
        f"{handler}_role",
        "role",
        name=lambda names: names.function(handler),
        arguments=lambda site: {**ours(site), "path": ROLE_PATH, "policy": policy(site)},
        ensure=lambda site, **wanted: role.ensure_role(site.session.iam, **wanted),
        describe=lambda site: role.describe_role(site.session.iam, **ours(site)),
        delete=lambda site: role.delete_role(site.session.iam, **ours(site)),
    )


def _function(handler: str) -> Step:
    def arguments(site: Site) -> dict[str, Any]:
        settings = site.settings
        if handler == "publish":
            environment = {"QUEUE_URL": site.get("queue").url, **settings.publish_environment}
        else:
            environment = {"TABLE_NAME": site.get("table").name, **settings.subscribe_environment}
        return {
            "name": site.names.function(handler),
            "role_arn": site.get(f"{handler}_role").arn,
            "zip_bytes": package(handler).zip_bytes,
            "runtime": settings.runtime,
            "timeout": settings.function_timeout,
            "memory": settings.memory,
            "environment": environment,
            "reserved_concurrency": settings.reserved_concurrency if handler == "subscribe" else None,
            "tags": site.names.tags,
        }

    return Step(
        f"{handler}_function",
        "function",
        name=lambda names: names.function(handler),
        arguments=arguments,
        ensure=lambda site, **wanted: function.ensure_function(
            site.session.lambda_, wait=site.session.wait, **wanted
        ),
        describe=lambda site: function.describe_function(
            site.session.lambda_, **_ours(site, site.names.function(handler))
        ),
        delete=lambda site: function.delete_function(
            site.session.lambda_, **_ours(site, site.names.function(handler))
        ),
    )


def _mapping() -> Step:
    def ends(site: Site) -> dict[str, str]:
        # From names alone: a mapping outlives its queue, and has to be found then too.
        target = site.session.target
        queue_arn = f"arn:aws:sqs:{target.region}:{target.account}:{site.names.queue}"
        return {"function_name": site.names.function("subscribe"), "queue_arn": queue_arn}

    return Step(
        "mapping",
        "event source mapping",
        name=lambda names: names.function("subscribe"),
        arguments=lambda site: {
            "function_name": site.get("subscribe_function").name,
            "queue_arn": site.get("queue").arn,
            "batch_size": site.settings.batch_size,
            "maximum_concurrency": site.settings.maximum_concurrency,
            "report_batch_item_failures": site.settings.report_batch_item_failures,
            "tags": site.names.tags,
        },
        ensure=lambda site, **wanted: event_source_mapping.ensure_mapping(site.session.lambda_, **wanted),
        describe=lambda site: event_source_mapping.describe_mapping(
            site.session.lambda_, tags=site.names.tags, **ends(site)
        ),
        delete=lambda site: event_source_mapping.delete_mapping(
            site.session.lambda_, tags=site.names.tags, **ends(site)
        ),
    )


def _api() -> Step:
    return Step(
        "api",
        "REST API",
        name=lambda names: names.api,
        arguments=lambda site: {
            "name": site.names.api,
            "function_arn": site.get("publish_function").arn,
            "function_name": site.get("publish_function").name,
            "region": site.session.target.region,
            "account": site.session.target.account,
            "stage": site.settings.stage,
            "tags": site.names.tags,
        },
        ensure=lambda site, **wanted: rest_api.ensure_rest_api(
            site.session.apigateway, site.session.lambda_, **wanted
        ),
        describe=lambda site: rest_api.describe_rest_api(
            site.session.apigateway, **_ours(site, site.names.api)
        ),
        delete=lambda site: rest_api.delete_rest_api(site.session.apigateway, **_ours(site, site.names.api)),
    )


def _alarm() -> Step:
    def describe(site: Site) -> Any | None:
        if not site.session.target.traits.publishes_metrics:
            return None  # nothing to set one on; and making a client takes a tenth of a second
        return alarm.describe_alarm(site.session.cloudwatch, **_ours(site, site.names.alarm))

    return Step(
        "alarm",
        "alarm",
        name=lambda names: names.alarm,
        arguments=lambda site: {
            "name": site.names.alarm,
            "queue_name": site.names.dlq,
            "rule": site.settings.dead_letter_alarm,
            "tags": site.names.tags,
        },
        ensure=lambda site, **wanted: alarm.ensure_alarm(site.session.cloudwatch, **wanted),
        describe=describe,
        delete=lambda site: alarm.delete_alarm(site.session.cloudwatch, **_ours(site, site.names.alarm)),
    )


class _Steps(dict[str, Step]):
    """Steps by their keys; one that is not there is said in words, since learners type them."""

    def __missing__(self, key: str) -> Step:
        raise LabError(f"use step {key!r}", "there is no such step", f"The steps are {', '.join(self)}.")


STEPS: dict[str, Step] = _Steps(
    (step.key, step)
    for step in (
        _table(),
        _queue("dlq"),
        _queue("queue"),
        _logs("publish"),
        _role("publish"),
        _function("publish"),
        _logs("subscribe"),
        _role("subscribe"),
        _function("subscribe"),
        _mapping(),
        _api(),
    )
)
"""Every step by its key, in building order; they come down in reverse."""


EXTRAS: dict[str, Step] = {step.key: step for step in (_alarm(),)}
"""What a chapter may add to the pipeline: built by no other, and removed by whatever is restored next."""

ALL: dict[str, Step] = _Steps({**STEPS, **EXTRAS})


def label(step: Step) -> str:
    """The step in two words, such as ``"publish role"``."""
    handler, _, rest = step.key.partition("_")
    return f"{handler} {step.title}" if rest else step.title


LAST = next(reversed(STEPS))


def steps_until(last: str | None) -> list[Step]:
    """The steps up to and including `last`, in building order; none for None.

    Raises:
        LabError: when there is no such step.
    """
    if last is None:
        return []
    keys = list(STEPS)
    return [STEPS[key] for key in keys[: keys.index(STEPS[last].key) + 1]]
