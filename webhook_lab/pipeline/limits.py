"""Names and numbers that AWS refuses by themselves, whatever else is set."""

import re
from collections.abc import Iterator

from webhook_lab.facts import quotas
from webhook_lab.pipeline.plan import Finding, Plan

_NAMES = {
    "function": (1, quotas.LAMBDA_FUNCTION_NAME_CHARACTERS, "a-zA-Z0-9-_"),
    "role": (1, quotas.IAM_ROLE_NAME_CHARACTERS, "a-zA-Z0-9_+=,.@-"),
    "queue": (1, quotas.SQS_NAME_CHARACTERS, "a-zA-Z0-9_-"),
    "table": (quotas.DYNAMODB_TABLE_NAME_SHORTEST.value, quotas.DYNAMODB_TABLE_NAME_LONGEST, "a-zA-Z0-9_.-"),
    "log_group": (1, quotas.LOG_GROUP_NAME_CHARACTERS, r"\.\-_/#A-Za-z0-9"),
}
_RETENTION = ("MessageRetentionPeriod", quotas.SQS_RETENTION_SHORTEST.value, quotas.SQS_RETENTION_LONGEST)
_QUEUE_NUMBERS = (
    ("visibility_timeout", "VisibilityTimeout", 0, quotas.SQS_VISIBILITY_LONGEST),
    ("queue_retention", *_RETENTION),
    ("dlq_retention", *_RETENTION),
)
_TYPES = "https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html"
_MAXIMUM_CONCURRENCY = "ScalingConfig.MaximumConcurrency"
_LAMBDA_NUMBERS = (
    ("function_timeout", "Timeout", 1, quotas.LAMBDA_TIMEOUT_LONGEST),
    ("batch_size", "BatchSize", 1, quotas.MAPPING_BATCH_LARGEST),
    ("batching_window", "MaximumBatchingWindowInSeconds", 0, quotas.MAPPING_WINDOW_LONGEST),
    (
        "maximum_concurrency",
        _MAXIMUM_CONCURRENCY,
        quotas.MAPPING_CONCURRENCY_LEAST.value,
        quotas.MAPPING_CONCURRENCY_MOST,
    ),
)
_NUMBERS_TOO = (
    ("max_receive_count", "maxReceiveCount"),
    ("reserved_concurrency", "ReservedConcurrentExecutions"),
)


def names(plan: Plan) -> Iterator[Finding]:
    """Names that are too short, too long or of other characters than the service takes."""
    for kind, name in plan.names:
        shortest, longest, characters = _NAMES[kind]
        if not re.fullmatch(f"[{characters}]{{{shortest},{longest.value}}}", name):
            length_fits = shortest <= len(name) <= longest.value
            said = _said_of_name(kind, name, length_fits, longest.value, f"[{characters}]+")
            try_this = "Set WEBHOOK_LAB_NAME to a short name such as 'lab-ana'."
            yield Finding("refused", f"{kind} name", said, try_this, longest.source)


def _said_of_name(kind: str, name: str, length_fits: bool, longest: int, pattern: str) -> str:
    must = f"satisfy regular expression pattern: {pattern}"
    if not length_fits:
        must = f"have length less than or equal to {longest}"
    match kind:
        case "queue":
            allowed = "Can only include alphanumeric characters, hyphens, or underscores."
            return f"InvalidParameterValue: {allowed} 1 to {longest} in length"
        case "table" if not length_fits:
            must = f"be at least 3 characters long and at most {longest} characters long"
            return f"ValidationException: TableName must {must}"
        case "role" if length_fits:
            allowed = "It must contain only alphanumeric characters and/or the following: +=,.@_-"
            return f"ValidationError: The specified value for roleName is invalid. {allowed}"
        case "role":
            return f"ValidationError: {_constraint('roleName', name, must)}"
        case "log_group":
            return f"InvalidParameterException: {_constraint('logGroupName', name, must)}"
        case _:
            return f"ValidationException: {_constraint(f'{kind}Name', name, must)}"


def types(plan: Plan) -> Iterator[Finding]:
    """What should be a whole number and is none: boto3 would refuse it, in these words."""
    for field, parameter, *_ in (*_QUEUE_NUMBERS, *_LAMBDA_NUMBERS, *_NUMBERS_TOO):
        value = getattr(plan, field)
        if value is not None and type(value) is not int:
            what = f"Invalid type for parameter {parameter}, value: {value}, type: {type(value)}"
            said = f"ParamValidationError: Parameter validation failed:\n{what}, valid types: {int}"
            yield Finding("refused", parameter, said, "Use a whole number.", _TYPES)


def numbers(plan: Plan) -> Iterator[Finding]:
    """Numbers outside the range that the service takes."""
    for field, parameter, lowest, highest in (*_QUEUE_NUMBERS, *_LAMBDA_NUMBERS):
        value = getattr(plan, field)
        if value is None or lowest <= value <= highest.value:
            continue
        if parameter in {attribute for _, attribute, _, _ in _QUEUE_NUMBERS}:
            said = f"InvalidAttributeValue: Invalid value for the parameter {parameter}."
        elif value < lowest:  # boto3 knows the least value, and refuses before it sends anything
            what = f"Invalid value for parameter {parameter}, value: {value}, valid min value: {lowest}"
            said = f"ParamValidationError: Parameter validation failed:\n{what}"
        else:
            member = ".".join(part[0].lower() + part[1:] for part in parameter.split("."))
            must = f"have value less than or equal to {highest.value}"
            said = f"ValidationException: {_constraint(member, value, must)}"
        try_this = f"Choose a value from {lowest} to {highest.value}."
        yield Finding("refused", parameter, said, try_this, highest.source)


def _constraint(member: str, value: object, must: str) -> str:
    said = f"Value '{value}' at '{member}' failed to satisfy constraint: Member must {must}"
    return f"1 validation error detected: {said}"
