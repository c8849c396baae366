"""What preflight looks at, and what it finds: plain values, so that its rules need no AWS."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from webhook_lab.facts import quotas
from webhook_lab.pipeline.permissions import Policy


@dataclass(frozen=True)
class Plan:
    """A pipeline's settings as plain values: seconds, counts, names and policy documents.

    Args:
        names: (kind, name) pairs; kinds are "table", "queue", "function", "role" and "log_group".
        dlq_retention, max_receive_count: None when the queue has no dead-letter queue.
        account_concurrency, unreserved_concurrency: from Lambda's GetAccountSettings; None when not asked.
        already_reserved: what the subscribe function holds of its account's concurrency now.
        mapping_policy: what the mapping's role may do, with `queue_arn`; None when not known yet.
        other_mappings: MaximumConcurrency of each further mapping of the subscribe function that is enabled.
        undeployed: the API's methods, as ``"GET /path"``, that its stage does not serve, or serves still.
        queue_deleted_ago: seconds since a queue with one of our names was deleted; None: none was of late.
        function_policy: the publish function's resource policy, with `api_arn`
            (``arn:aws:execute-api:<region>:<account>:<api id>``; None while there is no API).
        local_python: (major, minor) of the interpreter that runs functions; None where Lambda's runtime does.
    """

    names: Sequence[tuple[str, str]] = ()
    runtime: str = "python3.13"
    function_timeout: int = 30
    visibility_timeout: int = 180
    queue_retention: int = quotas.SQS_RETENTION_DEFAULT.value
    dlq_retention: int | None = quotas.SQS_RETENTION_LONGEST.value
    max_receive_count: int | None = 5
    batch_size: int = 10
    batching_window: int = 0
    maximum_concurrency: int | None = 2
    reserved_concurrency: int | None = 2
    report_batch_item_failures: bool = True
    account_concurrency: int | None = None
    unreserved_concurrency: int | None = None
    already_reserved: int = 0
    queue_arn: str = ""
    mapping_policy: Policy | None = None
    api_arn: str | None = None
    stage: str = "prod"
    undeployed: Sequence[str] = ()
    other_mappings: Sequence[int | None] = ()
    queue_deleted_ago: float | None = None
    function_policy: Policy | None = None
    local_python: tuple[int, int] | None = None


@dataclass(frozen=True)
class Finding:
    """One setting that AWS refuses, or takes and makes one regret ("warning"), and the page that says so."""

    level: Literal["refused", "warning"]
    rule: str
    said: str
    try_this: str
    source: str
