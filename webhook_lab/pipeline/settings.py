"""What the pipeline is built with: every setting of every resource, once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook_lab.aws.errors import LabError
from webhook_lab.facts import quotas
from webhook_lab.resources.alarm import Rule
from webhook_lab.resources.function import is_secret

DAY = 24 * 60 * 60
"""Seconds in a day."""


@dataclass(frozen=True)
class Settings:
    """The settings of one lab's pipeline. Times are in seconds unless named otherwise, memory in MB.

    Sources: AWS's guidance for queues that feed functions (visibility timeout at least six times the
    function's timeout, maxReceiveCount at least 5: Lambda developer guide, "Using Lambda with Amazon SQS"),
    and the original pattern (a throttle of two).

    Args:
        reserved_concurrency: None leaves it out, as an account that must keep its last 100 executions has to.
        publish_concurrency: the same of publish, which takes whatever the account has left unless told so.
        memory: also how much of a processor a function gets (`facts.quotas.LAMBDA_CPU_MEMORY`). The least
            with which a cold function comes through chapter 10's one second: `python -m bench cold`.
        maximum_concurrency: how many invocations the mapping may have at once; None leaves it out.
        batching_window: for how long the mapping collects a batch that is not full.
        work_seconds: how long subscribe works on each record before it stores it.
        signed_prefix: paths that start with it need a valid signature; empty asks for none.
        signing_secret: ``whsec_`` and base64 (Standard Webhooks); the other senders take the same text as it
            stands. While a secret changes: both, with a space between them.
        subscriber: the folder of handlers/ that the subscribe function is zipped from.
        database: what that reads beside, such as a PostgreSQL's address (PGHOST and the like).
        handshakes: whose question before the first delivery is answered, such as ``"slack,meta"``; empty
            answers none.
        handshake_secret: what Meta calls the verify token and Zoom the secret token.
        claim_check: put a body that fits into no message into the bucket, which has to stand.

    Raises:
        LabError: no such time to work. Preflight judges the others, since AWS would.
    """

    ttl_days: int = 7
    visibility_timeout: int = quotas.VISIBILITY_PER_TIMEOUT.value * 30
    receive_wait: int = 20
    queue_retention: int = 4 * DAY
    dlq_retention: int = 14 * DAY
    max_receive_count: int | None = quotas.MAX_RECEIVE_COUNT_ADVISED.value
    log_retention_days: int | None = 1
    runtime: str = "python3.13"
    function_timeout: int = 30
    memory: int = 512
    reserved_concurrency: int | None = 2
    publish_concurrency: int | None = None
    maximum_concurrency: int | None = 2
    batch_size: int = 10
    batching_window: int = 0
    report_batch_item_failures: bool = True
    work_seconds: float = 0
    subscriber: str = "subscribe"
    database: Mapping[str, str] = field(default_factory=dict, repr=False)
    signed_prefix: str = ""
    signing_secret: str = field(default="", repr=False)
    handshakes: str = ""
    handshake_secret: str = field(default="", repr=False)
    claim_check: bool = False
    dead_letter_alarm: Rule = field(default_factory=Rule)

    def __post_init__(self) -> None:
        if not isinstance(self.work_seconds, int | float) or not self.work_seconds >= 0:
            said = f"work_seconds is {self.work_seconds!r}"
            raise LabError("set the pipeline", said, "Use a number of seconds, 0 or more.")

    @property
    def body_days(self) -> int:
        """How long the bucket keeps a body, in days: its message may wait, die, come back; then its item."""
        return (self.queue_retention + self.dlq_retention) // DAY + 1 + self.ttl_days

    @property
    def publish_environment(self) -> dict[str, str]:
        """What the publish function reads beside its QUEUE_URL."""
        return {
            "SIGNED_PREFIX": self.signed_prefix,
            "SIGNING_SECRET": self.signing_secret,
            "HANDSHAKES": self.handshakes,
            "HANDSHAKE_SECRET": self.handshake_secret,
        }

    @property
    def subscribe_environment(self) -> dict[str, str]:
        """What the subscribe function reads beside its TABLE_NAME; of signatures where one is asked for."""
        signed = {"SIGNED_PREFIX": self.signed_prefix, "SIGNING_SECRET": self.signing_secret}
        always = {"WORK_SECONDS": f"{self.work_seconds:g}", "TTL_DAYS": str(self.ttl_days), **self.database}
        return {**always, **(signed if self.signed_prefix else {})}

    @property
    def secrets(self) -> dict[str, str]:
        """By its value the name of each variable whose value must not be shown, where there is any."""
        variables = {**self.publish_environment, **self.subscribe_environment}
        return {value: name for name, value in variables.items() if value and is_secret(name)}
