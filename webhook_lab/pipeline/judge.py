"""Put the pipeline before preflight: what one step is about to ask for, or everything as it stands."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.errors import explain
from webhook_lab.pipeline.plan import Finding, Plan
from webhook_lab.pipeline.preflight import check
from webhook_lab.resources.account import account_limits
from webhook_lab.resources.any_url_api import undeployed_methods
from webhook_lab.resources.function import Function
from webhook_lab.resources.mapping import other_maxima
from webhook_lab.resources.ownership import absent_is_none
from webhook_lab.resources.resource import Resource

if TYPE_CHECKING:
    from webhook_lab.pipeline.build import Pipeline

_FIELDS = {
    "queue": {
        "visibility_timeout": "visibility_timeout",
        "receive_wait": "receive_wait",
        "retention": "queue_retention",
        "max_receive_count": "max_receive_count",
    },
    "dlq": {"retention": "dlq_retention"},
    "publish_logs": {"retention_days": "log_retention_days"},
    "subscribe_logs": {"retention_days": "log_retention_days"},
    "publish_function": {"timeout": "function_timeout", "memory": "memory", "runtime": "runtime"},
    "subscribe_function": {
        "timeout": "function_timeout",
        "memory": "memory",
        "runtime": "runtime",
        "reserved_concurrency": "reserved_concurrency",
    },
    "mapping": {
        "batch_size": "batch_size",
        "batching_window": "batching_window",
        "maximum_concurrency": "maximum_concurrency",
        "report_batch_item_failures": "report_batch_item_failures",
    },
}
"""By step: the fields of its resource that a plan has, and what the plan calls them."""

_AT_THE_MAPPING = frozenset({"visibility timeout", "mapping role"})
"""Rules on several resources, which AWS itself applies when a mapping is created or changed, not before."""


def findings_of_step(pipeline: "Pipeline", key: str, wanted: Resource) -> list[Finding]:
    """What to say about one step's resource before it is asked for. Nothing is looked up for it."""
    findings = check(_plan(pipeline, **_fields_of(key, wanted)))
    return [each for each in findings if each.rule not in _AT_THE_MAPPING]


def findings_of_all(pipeline: "Pipeline", found: Mapping[str, Any]) -> list[Finding]:
    """What to say about the settings, and about what stands: `found` has each step's resource, or None.

    What stands and would be refused was changed behind AWS's check: that is a warning.
    """
    known = {**_role_policy(found), **_looked_up(pipeline, found)}
    deleted = [
        pipeline.ledger.removed_at("queue", name) for name in (pipeline.names.queue, pipeline.names.dlq)
    ]
    known["queue_deleted_ago"] = min((time.time() - at for at in deleted if at), default=None)
    findings = check(_plan(pipeline, **known))
    said = {(finding.rule, finding.said) for finding in findings}
    standing = check(_plan(pipeline, **{**known, **_standing(found)}))
    return findings + [
        replace(each, level="warning", said=f"as it stands: {each.said}")
        for each in standing
        if (each.rule, each.said) not in said
    ]


def _plan(pipeline: "Pipeline", **known: Any) -> Plan:
    target = pipeline.session.target
    plan = dict(vars(pipeline.settings))
    plan["queue_arn"] = target.arn("sqs", pipeline.names.queue)
    plan["local_python"] = sys.version_info[:2] if target.traits.function_python else None
    return Plan(**{**plan, **known})


def _fields_of(key: str, resource: Resource) -> dict[str, Any]:
    known = {ours: getattr(resource, field) for field, ours in _FIELDS.get(key, {}).items()}
    if isinstance(resource, Function):
        known["environments"] = (resource.environment,)
    return known


def _standing(found: Mapping[str, Any]) -> dict[str, Any]:
    """What the resources are set to now, under the names that a plan has for it."""
    known: dict[str, Any] = {}
    for key, resource in found.items():
        known |= _fields_of(key, resource) if resource and key != "publish_function" else {}
    return known


def _role_policy(found: Mapping[str, Any]) -> dict[str, Any]:
    role = found.get("subscribe_role")
    return {"mapping_policy": (role.policy or {}) if role else None}


def _looked_up(pipeline: "Pipeline", found: Mapping[str, Any]) -> dict[str, Any]:
    """What no resource's description holds: policies, deployments, other mappings, the account's limits."""
    session, names, api, function = (
        pipeline.session,
        pipeline.names,
        found["api"],
        found["subscribe_function"],
    )
    known: dict[str, Any] = {}
    with explain("look at what preflight judges"):
        if api:
            known["api_arn"] = session.target.arn("execute-api", api.id)
            known["undeployed"] = undeployed_methods(session, api_id=api.id) if api.stage else ()
        queue_arn = session.target.arn("sqs", names.queue)
        known["other_mappings"] = other_maxima(
            session, function_name=names.function("subscribe"), queue_arn=queue_arn
        )
        publish = names.function("publish")
        policy = absent_is_none(
            lambda: session.lambda_.get_policy(FunctionName=publish), "ResourceNotFoundException"
        )
        known["function_policy"] = json.loads(policy["Policy"]) if policy else None
        if session.target.traits.limits_account_concurrency and (limits := account_limits(session)):
            known["account_concurrency"], known["unreserved_concurrency"] = limits
            known["already_reserved"] = (function and function.reserved_concurrency) or 0
    return known
