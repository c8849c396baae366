"""What AWS would refuse, and what it would let pass and make one regret: found before it is asked.

Rules are pure functions over a `Plan`, so that a target that checks less than AWS teaches the same. What AWS
refuses is said in its own words: error code, then message. What boto3 refuses by itself is left to boto3.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from webhook_lab.aws.errors import PreflightRefused
from webhook_lab.facts import quotas
from webhook_lab.pipeline.permissions import Policy, allows, lets_api_invoke
from webhook_lab.pipeline.settings import Settings
from webhook_lab.resources.any_url_api import STAGE
from webhook_lab.resources.policies import MAPPING_ACTIONS

_LAMBDA = "https://docs.aws.amazon.com/lambda/latest/dg/"
_MAPPING = _LAMBDA + "services-sqs-configure.html"
_SCALING = _LAMBDA + "services-sqs-scaling.html"
_ERRORS = _LAMBDA + "services-sqs-errorhandling.html"
_SQS = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
_DLQ = _SQS + "sqs-dead-letter-queues.html"
_DLQ_RETENTION = _SQS + "setting-up-dead-letter-queue-retention.html"
_API = "https://docs.aws.amazon.com/apigateway/latest/developerguide/"
_API_ARNS, _API_DEPLOY = _API + "arn-format-reference.html", _API + "how-to-deploy-api.html"
_INVALID = "InvalidParameterValueException: "

_QUEUE_RANGES = (
    ("receive_wait", "ReceiveMessageWaitTimeSeconds", 0, quotas.SQS_WAIT_LONGEST),
    ("visibility_timeout", "VisibilityTimeout", 0, quotas.SQS_VISIBILITY_LONGEST),
    (
        "queue_retention",
        "MessageRetentionPeriod",
        quotas.SQS_RETENTION_SHORTEST.value,
        quotas.SQS_RETENTION_LONGEST,
    ),
    (
        "dlq_retention",
        "MessageRetentionPeriod",
        quotas.SQS_RETENTION_SHORTEST.value,
        quotas.SQS_RETENTION_LONGEST,
    ),
)
_LAMBDA_MOST = (
    ("function_timeout", "timeout", quotas.LAMBDA_TIMEOUT_LONGEST),
    ("memory", "memorySize", quotas.LAMBDA_MEMORY_LARGEST),
    ("batch_size", "batchSize", quotas.MAPPING_BATCH_LARGEST),
    ("maximum_concurrency", "scalingConfig.maximumConcurrency", quotas.MAPPING_CONCURRENCY_MOST),
)
_WHOLE = (
    *(field for field, *_ in (*_QUEUE_RANGES, *_LAMBDA_MOST)),
    "max_receive_count",
    "reserved_concurrency",
    "log_retention_days",
)


@dataclass(frozen=True)
class Plan(Settings):
    """A pipeline's settings, and what else its rules look at: plain values, so that they need no AWS.

    Args:
        account_concurrency, unreserved_concurrency: from Lambda's GetAccountSettings; None when not asked.
        already_reserved: what the subscribe function holds of its account's concurrency now.
        mapping_policy: what the mapping's role may do, with `queue_arn`; None when not known yet.
        other_mappings: MaximumConcurrency of each further mapping of the subscribe function that is enabled.
        undeployed: the API's methods, as ``"GET /path"``, that its stage does not serve, or serves still.
        queue_deleted_ago: seconds since a queue with one of our names was deleted; None: none was of late.
        function_policy: the publish function's resource policy, with `api_arn`
            (``arn:aws:execute-api:<region>:<account>:<api id>``; None while there is no API).
        environments: the variables of one function or of more; () for what the settings say of both.
        local_python: (major, minor) of the interpreter that runs functions; None where Lambda's runtime does.
    """

    account_concurrency: int | None = None
    unreserved_concurrency: int | None = None
    already_reserved: int = 0
    queue_arn: str = ""
    mapping_policy: Policy | None = None
    api_arn: str | None = None
    undeployed: Sequence[str] = ()
    other_mappings: Sequence[int | None] = ()
    queue_deleted_ago: float | None = None
    function_policy: Policy | None = None
    local_python: tuple[int, int] | None = None
    environments: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True)
class Finding:
    """One setting that AWS refuses, or takes and makes one regret ("warning"), and the page that says so."""

    level: Literal["refused", "warning"]
    rule: str
    said: str
    try_this: str
    source: str


def check(plan: Plan) -> list[Finding]:
    """Everything to say about `plan`, refusals first. Empty: AWS takes it, and its guidance is followed."""
    rules = (_ranges, _environments, _kept, _runtime, _batches, _times, _dead_letters, _concurrency)
    findings = list(_types(plan))
    if not findings:  # numbers can be compared
        findings = [finding for rule in (*rules, *_OF_WHAT_STANDS) for finding in rule(plan)]
    return sorted(findings, key=lambda finding: finding.level != "refused")


def refuse(findings: Sequence[Finding]) -> None:
    """Stop at the first refusal among `findings`; warnings pass.

    Raises:
        PreflightRefused: with AWS's words, what to try, and the page to read.
    """
    for finding in findings:
        if finding.level == "refused":
            where = f"preflight: {finding.rule} (nothing was asked of AWS, which would refuse it)"
            raise PreflightRefused(where, finding.said, f"{finding.try_this} See {finding.source}")


def _types(plan: Plan) -> Iterator[Finding]:
    """What should be a whole number and is none."""
    for field in _WHOLE:
        value = getattr(plan, field)
        if value is not None and type(value) is not int:
            said = f"{field} is {value!r}"
            yield Finding("refused", field.replace("_", " "), said, "Use a whole number.", _MAPPING)


def _ranges(plan: Plan) -> Iterator[Finding]:
    """Numbers outside the range that the service takes; boto3 knows some lower ends, and no upper one."""
    for field, parameter, least, most in _QUEUE_RANGES:
        value = getattr(plan, field)
        if value is not None and not least <= value <= most.value:
            said = f"InvalidAttributeValue: Invalid value for the parameter {parameter}."
            yield Finding("refused", parameter, said, f"Choose from {least} to {most.value}.", most.source)
    for field, member, most in _LAMBDA_MOST:
        value = getattr(plan, field)
        if value is not None and value > most.value:
            must = f"Member must have value less than or equal to {most.value}"
            said = f"Value '{value}' at '{member}' failed to satisfy constraint: {must}"
            said = f"ValidationException: 1 validation error detected: {said}"
            yield Finding("refused", member, said, f"Choose {most.value} or less.", most.source)


def _environments(plan: Plan) -> Iterator[Finding]:
    """Lambda measures the JSON text of all variables together."""
    most = quotas.LAMBDA_ENVIRONMENT_BYTES
    for variables in plan.environments or (plan.publish_environment, plan.subscribe_environment):
        measured = json.dumps(dict(variables), ensure_ascii=False, separators=(",", ":")).encode()
        if len(measured) > most.value:
            said = (
                "Lambda was unable to configure your environment variables because the environment variables "
                "you have provided exceeded the 4KB limit."
            )
            largest = max(variables, key=lambda name: len(variables[name]))
            try_this = f"They measure {len(measured):,} bytes, of {most:,}: shorten {largest}."
            yield Finding("refused", "environment", _INVALID + said, try_this, most.source)


def _kept(plan: Plan) -> Iterator[Finding]:
    """How long log lines are kept; None for ever."""
    days, fact = plan.log_retention_days, quotas.LOGS_RETENTION_DAYS
    if days is not None and days not in fact.value:
        said = (
            f"InvalidParameterException: 1 validation error detected: Value '{days}' at 'retentionInDays' "
            f"failed to satisfy constraint: Member must satisfy enum value set: {list(fact.value)}"
        )
        yield Finding("refused", "log retention", said, "Choose one of them.", fact.source)


def _runtime(plan: Plan) -> Iterator[Finding]:
    current, known = quotas.LAMBDA_PYTHON_RUNTIMES, quotas.LAMBDA_PYTHON_RUNTIMES_KNOWN
    ended, use = quotas.LAMBDA_PYTHON_RUNTIMES_ENDED, f"Use {current.value[0]}."
    if plan.runtime in ended.value:
        said = (
            f"The runtime parameter of {plan.runtime} is no longer supported for creating or updating AWS "
            "Lambda functions. We recommend you use a supported runtime while creating or updating functions."
        )
        yield Finding("refused", "runtime", _INVALID + said, use, ended.source)
    elif plan.runtime not in known.value:
        said = (
            f"Value {plan.runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
            f"set: [{', '.join(known.value)}, …] or be a valid ARN"
        )
        yield Finding("refused", "runtime", _INVALID + said, use, known.source)
    elif plan.runtime not in current.value:
        said = f"this course is not written for {plan.runtime}; Lambda ends older runtimes year by year"
        yield Finding("warning", "runtime", said, use, current.source)
    here = "python{}.{}".format(*plan.local_python) if plan.local_python else plan.runtime
    if plan.runtime != here:
        said = f"the functions name {plan.runtime}, and on this target they run under {here}"
        try_this = "Keep the handlers to what both versions understand."
        yield Finding("warning", "runtime here", said, try_this, current.source)


def _times(plan: Plan) -> Iterator[Finding]:
    visibility, timeout = plan.visibility_timeout, plan.function_timeout
    enough = quotas.VISIBILITY_PER_TIMEOUT.value * timeout
    try_this = f"Set the visibility timeout to {enough} s."
    if visibility < timeout:
        said = f"Queue visibility timeout: {visibility} seconds is less than "
        said += f"Function timeout: {timeout} seconds"
        yield Finding("refused", "visibility timeout", _INVALID + said, try_this, _MAPPING)
    elif visibility < enough:
        said = (
            f"{visibility} s is less than six times the function's timeout plus the batching window "
            f"({enough} s): messages of a throttled batch reappear before Lambda is done with trying"
        )
        yield Finding("warning", "visibility timeout", said, try_this, quotas.VISIBILITY_PER_TIMEOUT.source)


def _dead_letters(plan: Plan) -> Iterator[Finding]:
    advised, most = quotas.MAX_RECEIVE_COUNT_ADVISED, quotas.SQS_MAX_RECEIVE_COUNT_MOST
    count = plan.max_receive_count
    if count is None:
        said = "without a dead-letter queue a poison message is tried again until it expires, and then lost"
        yield Finding("warning", "dead-letter queue", said, "Give the queue a dead-letter queue.", _DLQ)
        return
    try_this = f"Set maxReceiveCount to at least {advised.value}."
    if not 1 <= count <= most.value:
        said = (
            "InvalidParameterValue: Value for parameter RedrivePolicy is invalid. Reason: Invalid value for "
            f"maxReceiveCount: {count}, valid values are from 1 to {most.value} both inclusive."
        )
        yield Finding("refused", "maxReceiveCount", said, try_this, most.source)
    elif count < advised.value:
        said = f"{count} is soon reached: a throttled batch counts too, and good messages land in the DLQ"
        yield Finding("warning", "maxReceiveCount", said, try_this, advised.source)
    if plan.dlq_retention <= plan.queue_retention:
        said = (
            f"the DLQ keeps a message {plan.dlq_retention} s and the queue {plan.queue_retention} s, both "
            "counted from when it was first sent: it may expire as soon as it is moved"
        )
        try_this = "Keep messages longer in the DLQ than in the queue."
        yield Finding("warning", "DLQ retention", said, try_this, _DLQ_RETENTION)


def _batches(plan: Plan) -> Iterator[Finding]:
    most = quotas.MAPPING_BATCH_WITHOUT_WINDOW
    if plan.batch_size > most.value:
        said = (
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than "
            f"{most.value}"
        )
        try_this = f"Set a batching window of 1 s, or a batch size of {most.value}."
        yield Finding("refused", "batching window", _INVALID + said, try_this, most.source)
    if not plan.report_batch_item_failures:
        said = "without ReportBatchItemFailures one failing record returns its whole batch to the queue"
        try_this = "Add ReportBatchItemFailures to the mapping's FunctionResponseTypes."
        yield Finding("warning", "partial batch response", said, try_this, _ERRORS)


def _concurrency(plan: Plan) -> Iterator[Finding]:
    reserved, maximum = plan.reserved_concurrency, plan.maximum_concurrency
    unreserved = plan.unreserved_concurrency
    if reserved is None:
        return
    fact = quotas.LAMBDA_UNRESERVED_CONCURRENCY
    # An account whose whole limit is below 100 is told its own limit as the minimum.
    stays = min(fact.value, plan.account_concurrency or fact.value)
    if unreserved is not None and unreserved + plan.already_reserved - reserved < stays:
        said = (
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{stays}]."
        )
        try_this = "Leave reserved concurrency out, and throttle with MaximumConcurrency alone."
        yield Finding("refused", "unreserved concurrency", _INVALID + said, try_this, fact.source)
    if maximum is None:
        said = (
            f"reserved concurrency {reserved} without MaximumConcurrency: the mapping reads more than the "
            "function may run, and what was only ever throttled ends in the DLQ, without one log line"
        )
        least = max(reserved, quotas.MAPPING_CONCURRENCY_LEAST.value)
        yield Finding("warning", "over-pull", said, f"Set MaximumConcurrency to {least}.", _SCALING)
    elif maximum > reserved:
        said = f"MaximumConcurrency {maximum} is more than the {reserved} reserved: the rest is throttled"
        try_this = f"Reserve {maximum}, or set MaximumConcurrency to {reserved}."
        yield Finding("warning", "over-pull", said, try_this, _SCALING)
    elif plan.other_mappings:
        yield from _together(reserved, (maximum, *plan.other_mappings))


def _together(reserved: int, maxima: Sequence[int | None]) -> Iterator[Finding]:
    """Each mapping keeps to its own maximum and knows nothing of the others: their sum has to fit."""
    needed = sum(maximum or 0 for maximum in maxima)
    if None in maxima:
        said = (
            f"one of the function's {len(maxima)} mappings has no MaximumConcurrency, {reserved} are reserved"
        )
        yield Finding("warning", "over-pull", said, "Set MaximumConcurrency on each mapping.", _SCALING)
    elif needed > reserved:
        said = f"the function's {len(maxima)} mappings may run {needed} together, and {reserved} are reserved"
        yield Finding("warning", "over-pull", said, f"Reserve {needed}, or lower their maxima.", _SCALING)


def _permissions(plan: Plan) -> Iterator[Finding]:
    for action in MAPPING_ACTIONS:
        if plan.mapping_policy is not None and not allows(plan.mapping_policy, action, plan.queue_arn):
            call = action.removeprefix("sqs:")
            said = f"{_INVALID}The function execution role does not have permissions to call {call} on SQS"
            yield Finding("refused", "mapping role", said, f"Allow {action} on {plan.queue_arn}.", _MAPPING)
    if plan.api_arn and not lets_api_invoke(plan.function_policy, plan.api_arn, STAGE):
        said = (
            "500 Internal server error to the sender; in the API's execution log: Execution failed due to "
            "configuration error: Invalid permissions on Lambda function"
        )
        try_this = f"Call AddPermission for apigateway.amazonaws.com with SourceArn {plan.api_arn}/*/*."
        yield Finding("refused", "API permission", said, try_this, _API_ARNS)


def _deployment(plan: Plan) -> Iterator[Finding]:
    if plan.undeployed:
        said = f"changed since stage {STAGE!r} was deployed, which serves what it had then: "
        said += ", ".join(plan.undeployed)
        try_this = f"Call CreateDeployment for stage {STAGE!r}."
        yield Finding("warning", "API deployment", said, try_this, _API_DEPLOY)


def _queue_name(plan: Plan) -> Iterator[Finding]:
    taken = quotas.SQS_NAME_REUSE_DELAY
    if plan.queue_deleted_ago is not None and plan.queue_deleted_ago < taken.value:
        said = (
            f"AWS.SimpleQueueService.QueueDeletedRecently: You must wait {taken.value} seconds after "
            "deleting a queue before you can create another with the same name."
        )
        left = round(taken.value - plan.queue_deleted_ago)
        try_this = f"It is asked for again until AWS takes it: {left} s more."
        yield Finding("warning", "queue name", said, try_this, taken.source)


_OF_WHAT_STANDS = (_permissions, _deployment, _queue_name)
