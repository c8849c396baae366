"""Put the pipeline before preflight: what one step is about to ask for, or everything as it stands."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from webhook_lab.aws.errors import explain
from webhook_lab.pipeline import preflight
from webhook_lab.pipeline.plan import Finding, Plan
from webhook_lab.pipeline.steps import STEPS, Site
from webhook_lab.resources.event_source_mapping import other_maxima
from webhook_lab.resources.ownership import absent_is_none
from webhook_lab.resources.rest_api import undeployed_methods

_WAITS_FOR_MAPPING = frozenset({"visibility timeout", "batching window", "mapping role"})
"""Rules that AWS applies when a mapping is created, and not before."""

_SETTLED_BY = {
    "queue": ("visibility_timeout", "queue_retention", "max_receive_count"),
    "dlq": ("dlq_retention",),
    "subscribe_function": ("function_timeout", "runtime", "reserved_concurrency"),
    "mapping": ("batch_size", "maximum_concurrency", "report_batch_item_failures"),
}
"""The step whose resource holds each setting."""


def judge_step(site: Site, key: str, arguments: Mapping[str, Any]) -> None:
    """Refuse what AWS would refuse of one step, given the arguments of its ensure function.

    Raises:
        PreflightRefused: in AWS's own words.
    """
    known = _as_settings(key, arguments)
    if key == "mapping":  # judged by what it connects, which somebody may have changed since
        known = {**_standing(site, "queue", "subscribe_function"), **known}
        known["mapping_policy"] = _mapping_policy(site)
    findings = preflight.check(_plan(site, **known))
    if key != "mapping":
        findings = [finding for finding in findings if finding.rule not in _WAITS_FOR_MAPPING]
    preflight.refuse(findings)


def judge(site: Site) -> list[Finding]:
    """What AWS would refuse, or let pass and make one regret, of the settings and of what stands now.

    What stands and would be refused was changed behind AWS's check: that is a warning.
    """
    session, names = site.session, site.names
    known: dict[str, Any] = {}
    if (api := STEPS["api"].describe(site)) is not None:
        target = session.target
        known["api_arn"] = f"arn:aws:execute-api:{target.region}:{target.account}:{api.id}"
        if api.stage:
            known["undeployed"] = undeployed_methods(session.apigateway, api_id=api.id, stage=api.stage)
    known["other_mappings"] = other_maxima(
        session.lambda_, function_name=names.function("subscribe"), queue_arn=_queue_arn(site)
    )
    known |= {"mapping_policy": _mapping_policy(site), "function_policy": _function_policy(site)}
    deleted = [site.ledger.removed_at(key, STEPS[key].name(names)) for key in ("queue", "dlq")]
    known["queue_deleted_ago"] = min((time.time() - at for at in deleted if at), default=None)
    findings = preflight.check(_plan(site, **known))
    said = {(finding.rule, finding.said) for finding in findings}
    standing = preflight.check(_plan(site, **known, **_standing(site, *_SETTLED_BY)))
    return findings + [
        replace(each, level="warning", said=f"as it stands: {each.said}")
        for each in standing
        if (each.rule, each.said) not in said
    ]


def _plan(site: Site, **known: Any) -> Plan:
    settings, target = site.settings, site.session.target
    plan: dict[str, Any] = {
        field: getattr(settings, field) for field in Plan.__dataclass_fields__ if hasattr(settings, field)
    }
    kinds = {"dead-letter queue": "queue", "log group": "log_group"}
    named = [(kinds.get(step.title, step.title), step.name(site.names)) for step in STEPS.values()]
    plan["names"] = [
        (kind, name) for kind, name in named if kind in {"table", "queue", "function", "role", "log_group"}
    ]
    plan["queue_arn"] = _queue_arn(site)
    plan["local_python"] = sys.version_info[:2] if target.traits.function_python else None
    if target.traits.limits_account_concurrency:
        with explain("read the account's Lambda limits"):
            limit = site.session.lambda_.get_account_settings()["AccountLimit"]
        plan["account_concurrency"] = limit["ConcurrentExecutions"]
        plan["unreserved_concurrency"] = limit["UnreservedConcurrentExecutions"]
        subscribe = STEPS["subscribe_function"].describe(site)
        plan["already_reserved"] = (subscribe and subscribe.reserved_concurrency) or 0
    return Plan(**{**plan, **known})


def _as_settings(key: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A step's own arguments under the names that settings have for them."""
    renamed = {"timeout": "function_timeout", "retention": f"{key}_retention"}
    if key == "publish_function":
        arguments = {name: value for name, value in arguments.items() if name != "reserved_concurrency"}
    known = {renamed.get(name, name): value for name, value in arguments.items()}
    return {
        name: value for name, value in known.items() if name in Plan.__dataclass_fields__ and name != "names"
    }


def _standing(site: Site, *keys: str) -> dict[str, Any]:
    """What the steps' resources are set to now, under the names that settings have for it."""
    known: dict[str, Any] = {}
    for key in keys:
        if (resource := STEPS[key].describe(site)) is not None:
            found = _as_settings(key, asdict(resource))
            known |= {name: value for name, value in found.items() if name in _SETTLED_BY[key]}
    return known


def _queue_arn(site: Site) -> str:
    target = site.session.target
    return f"arn:aws:sqs:{target.region}:{target.account}:{site.names.queue}"


def _mapping_policy(site: Site) -> dict[str, Any] | None:
    role = STEPS["subscribe_role"].describe(site)
    return None if role is None else role.policy or {}


def _function_policy(site: Site) -> dict[str, Any] | None:
    name = site.names.function("publish")
    lambda_ = site.session.lambda_
    with explain(f"read the resource policy of function {name!r}"):
        found = absent_is_none(lambda: lambda_.get_policy(FunctionName=name), "ResourceNotFoundException")
    return json.loads(found["Policy"]) if found else None
