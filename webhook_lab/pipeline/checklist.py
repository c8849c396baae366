"""Which lines of the production checklist a template holds: one look for each line."""

from collections.abc import Callable, Iterator
from typing import Any

from webhook_lab.facts import quotas
from webhook_lab.facts.production import CHECKLIST

Template = dict[str, Any]
_ALARMS = {
    "ApproximateAgeOfOldestMessage",
    "ApproximateNumberOfMessagesVisible",
    "Throttles",
    "4XXError",
    "5XXError",
    "Errors",
}


def holds(template: Template) -> dict[str, bool]:
    """For each key of `CHECKLIST` whether it holds; what the template lacks does not hold."""
    return {key: _safely(_LOOKS[key], template) for key in CHECKLIST}


def _safely(look: Callable[[Template], bool], template: Template) -> bool:
    try:
        return look(template)
    except (KeyError, TypeError):  # the resource or the property is not there
        return False


def _of(template: Template, logical_id: str) -> Any:
    return template["Resources"][logical_id]["Properties"]


def _all(template: Template, kind: str) -> list[Any]:
    return [each["Properties"] for each in template["Resources"].values() if each["Type"] == kind]


def _statements(template: Template) -> Iterator[Any]:
    for role in _all(template, "AWS::IAM::Role"):
        for policy in role["Policies"]:
            yield from policy["PolicyDocument"]["Statement"]


def _hidden(template: Template) -> bool:
    needed = quotas.VISIBILITY_PER_TIMEOUT.value * _of(template, "SubscribeFunction")["Timeout"]
    return bool(_of(template, "Queue")["VisibilityTimeout"] >= needed)


def _privilege(template: Template) -> bool:
    statements = list(_statements(template))
    named = all("*" not in action for each in statements for action in each["Action"])
    roles = _all(template, "AWS::IAM::Role")
    return named and all(each["Resource"] != "*" for each in statements) and len(roles) >= 2


def _logs(template: Template) -> bool:
    groups, actions = (
        _all(template, "AWS::Logs::LogGroup"),
        [each["Action"] for each in _statements(template)],
    )
    kept = len(groups) >= 2 and all(each["RetentionInDays"] for each in groups)
    return kept and not any("logs:CreateLogGroup" in each for each in actions)


def _secret(template: Template) -> bool:
    variables = _of(template, "PublishFunction")["Environment"]["Variables"]
    written = [value for name, value in variables.items() if "SECRET" in name]
    return template["Parameters"]["SigningSecret"]["NoEcho"] is True and all(
        value in ("", "${SigningSecret}") for value in written
    )


def _five(template: Template) -> bool:
    least = quotas.MAX_RECEIVE_COUNT_ADVISED.value
    return bool(_of(template, "Queue")["RedrivePolicy"]["maxReceiveCount"] >= least)


def _throttle(template: Template) -> bool:
    most = _of(template, "Mapping")["ScalingConfig"]["MaximumConcurrency"]
    reserved = _of(template, "SubscribeFunction").get("ReservedConcurrentExecutions")
    return reserved is None or most <= reserved


def _last_resort(template: Template) -> bool:
    kept = [_of(template, each)["MessageRetentionPeriod"] for each in ("DeadLetterQueue", "Queue")]
    return bool(kept[0] > kept[1])


def _tracing(template: Template) -> bool:
    functions = _all(template, "AWS::Serverless::Function")
    return bool(functions) and all(each["Tracing"] in ("PassThrough", "Active") for each in functions)


_LOOKS: dict[str, Callable[[Template], bool]] = {
    "expiry": lambda t: _of(t, "Table")["TimeToLiveSpecification"]["Enabled"] is True,
    "last_resort": _last_resort,
    "hidden": _hidden,
    "privilege": _privilege,
    "logs": _logs,
    "front_door": lambda t: "${Api}" in _of(t, "ApiPermission")["SourceArn"],
    "bytes": lambda t: _of(t, "Api")["BinaryMediaTypes"] == ["*/*"],
    "secret": _secret,
    "five_receives": _five,
    "partial": lambda t: "ReportBatchItemFailures" in _of(t, "Mapping")["FunctionResponseTypes"],
    "throttle": _throttle,
    "alarms": lambda t: {each["MetricName"] for each in _all(t, "AWS::CloudWatch::Alarm")} >= _ALARMS,
    "dashboard": lambda t: "ConcurrentExecutions" in _of(t, "Dashboard")["DashboardBody"],
    "tracing": _tracing,
    "protection": lambda t: bool(_of(t, "Table")["DeletionProtectionEnabled"]),
}
