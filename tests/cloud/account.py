"""What stands in the account, as AWS itself lists it: nothing of the library has a say in this."""

import functools
from collections.abc import Callable
from typing import Any

import boto3


@functools.cache  # a client takes 50 ms to make, and a test run has one cloud
def _client(service: str) -> Any:
    return boto3.client(service)  # type: ignore[call-overload]


def _queues() -> list[str]:
    return [url.rsplit("/", 1)[1] for url in _client("sqs").list_queues().get("QueueUrls", [])]


def _mappings() -> list[str]:
    found = _client("lambda").list_event_source_mappings()["EventSourceMappings"]
    return [each["FunctionArn"].split(":")[6] for each in found]


def _log_groups() -> list[str]:
    return [each["logGroupName"] for each in _client("logs").describe_log_groups()["logGroups"]]


NAMES: dict[str, Callable[[], list[str]]] = {
    "table": lambda: list(_client("dynamodb").list_tables()["TableNames"]),
    "queue": _queues,
    "log_group": _log_groups,
    "role": lambda: [each["RoleName"] for each in _client("iam").list_roles()["Roles"]],
    "function": lambda: [each["FunctionName"] for each in _client("lambda").list_functions()["Functions"]],
    "mapping": _mappings,
    "api": lambda: [each["name"] for each in _client("apigateway").get_rest_apis(limit=500)["items"]],
    "alarm": lambda: [each["AlarmName"] for each in _client("cloudwatch").describe_alarms()["MetricAlarms"]],
    "bucket": lambda: [each["Name"] for each in _client("s3").list_buckets()["Buckets"]],
}
"""By kind: the name of each that stands, as often as it does; of a mapping its function's."""


def standing(kind: str, name: str) -> int:
    """How many of that kind stand whose name is that, or begins with it where it is a bucket's."""
    return sum(each == name or (kind == "bucket" and each.startswith(name)) for each in NAMES[kind]())


def of_lab(prefix: str) -> set[str]:
    """The names of all that stands with a lab's name; chapters' extras apart."""
    kinds = [kind for kind in NAMES if kind not in ("alarm", "bucket")]
    return {name for kind in kinds for name in NAMES[kind]() if prefix in name}
