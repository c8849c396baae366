"""Preflight's rules about settings alone."""

import json
from collections.abc import Iterator

from webhook_lab.facts import pages, quotas
from webhook_lab.facts.refusals import INVALID, hidden_too_short, window_missing
from webhook_lab.pipeline.plan import Finding, Plan

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
    ("batching_window", "maximumBatchingWindowInSeconds", quotas.MAPPING_WINDOW_LONGEST),
    ("maximum_concurrency", "scalingConfig.maximumConcurrency", quotas.MAPPING_CONCURRENCY_MOST),
)
_WHOLE = (
    *(field for field, *_ in (*_QUEUE_RANGES, *_LAMBDA_MOST)),
    "max_receive_count",
    "reserved_concurrency",
    "log_retention_days",
)


def types(plan: Plan) -> Iterator[Finding]:
    """What should be a whole number and is none."""
    for field in _WHOLE:
        value = getattr(plan, field)
        if value is not None and type(value) is not int:
            said = f"{field} is {value!r}"
            yield Finding("refused", field.replace("_", " "), said, "Use a whole number.", pages.MAPPING)


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
            yield Finding("refused", "environment", INVALID + said, try_this, most.source)


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
        yield Finding("refused", "runtime", INVALID + said, use, ended.source)
    elif plan.runtime not in known.value:
        said = (
            f"Value {plan.runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value "
            f"set: [{', '.join(known.value)}, …] or be a valid ARN"
        )
        yield Finding("refused", "runtime", INVALID + said, use, known.source)
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
    enough = quotas.VISIBILITY_PER_TIMEOUT.value * timeout + plan.batching_window
    try_this = f"Set the visibility timeout to {enough} s."
    if said := hidden_too_short(visibility, timeout):
        yield Finding("refused", "visibility timeout", INVALID + said, try_this, pages.MAPPING)
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
        yield Finding("warning", "dead-letter queue", said, "Give the queue a dead-letter queue.", pages.DLQ)
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
        yield Finding("warning", "DLQ retention", said, try_this, pages.DLQ_RETENTION)


def _batches(plan: Plan) -> Iterator[Finding]:
    most = quotas.MAPPING_BATCH_WITHOUT_WINDOW
    if said := window_missing(plan.batch_size, plan.batching_window):
        try_this = f"Set a batching window of 1 s, or a batch size of {most.value}."
        yield Finding("refused", "batching window", INVALID + said, try_this, most.source)
    if not plan.report_batch_item_failures:
        said = "without ReportBatchItemFailures one failing record returns its whole batch to the queue"
        try_this = "Add ReportBatchItemFailures to the mapping's FunctionResponseTypes."
        yield Finding("warning", "partial batch response", said, try_this, pages.ERRORS)


SETTINGS = (_ranges, _environments, _kept, _runtime, _batches, _times, _dead_letters)
"""Each is asked once `types` has found nothing: numbers can be compared."""
