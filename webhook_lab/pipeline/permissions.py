"""Whether a policy document allows a call: as much of IAM as the pipeline's own policies need."""

import re
from collections.abc import Mapping
from typing import Any

Policy = Mapping[str, Any]
_NARROWERS = frozenset({"Condition", "NotAction", "NotResource"})


def allows(policy: Policy, action: str, resource: str) -> bool:
    """Whether an identity policy lets `action` be done on `resource`: some Allow covers it and no Deny does.

    Understands Action and Resource with the wildcards * and ?. A statement with anything else that narrows it
    (Condition, NotAction, NotResource) counts against: as an Allow it gives nothing, as a Deny it takes.
    """
    allowed = False
    for statement in _listed(policy.get("Statement")):
        covered = _covers(statement.get("Action", "*"), action, ignore_case=True)
        covered = covered and _covers(statement.get("Resource", "*"), resource)
        if statement.get("Effect") == "Deny" and covered:
            return False
        allowed |= statement.get("Effect") == "Allow" and covered and not _NARROWERS & statement.keys()
    return allowed


def lets_api_invoke(policy: Policy | None, api_arn: str, stage: str) -> bool:
    """Whether a function's resource policy lets every method and path of an API's stage invoke the function.

    Args:
        policy: what Lambda's GetPolicy says; None when the function has none.
        api_arn: ``arn:aws:execute-api:<region>:<account>:<api id>``.
    """
    statements = _listed((policy or {}).get("Statement"))
    calls = (f"{api_arn}/{stage}/POST/", f"{api_arn}/{stage}/GET/any/path")
    return all(any(_lets_invoke(statement, call) for statement in statements) for call in calls)


def _lets_invoke(statement: Policy, source_arn: str) -> bool:
    principal = statement.get("Principal")
    service = principal.get("Service") if isinstance(principal, Mapping) else principal
    conditions = [pair for operator in statement.get("Condition", {}).values() for pair in operator.items()]
    return (
        statement.get("Effect") == "Allow"
        and _covers(service, "apigateway.amazonaws.com")
        and _covers(statement.get("Action"), "lambda:InvokeFunction", ignore_case=True)
        and all(_covers(wanted, source_arn) for key, wanted in conditions if key.lower() == "aws:sourcearn")
    )


def _listed(value: Any) -> list[Any]:
    """IAM writes a list of one as the one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _covers(patterns: Any, value: str, ignore_case: bool = False) -> bool:
    """Whether one of `patterns` matches the whole of `value`: * is any run of characters, ? any one."""
    flags = re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    escaped = (re.escape(pattern) for pattern in _listed(patterns))
    return any(re.fullmatch(p.replace(r"\*", ".*").replace(r"\?", "."), value, flags) for p in escaped)
