"""What preflight looks at, and what it has to say: plain values, so that its rules need no AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from webhook_lab.pipeline.permissions import Policy
from webhook_lab.pipeline.settings import Settings


@dataclass(frozen=True)
class Plan(Settings):
    """A pipeline's settings, and what else its rules look at: plain values, so that they need no AWS.

    Args:
        account_concurrency, unreserved_concurrency: from Lambda's GetAccountSettings; None when not known.
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
