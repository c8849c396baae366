"""What a million deliveries cost, for each way of building the pattern: list prices, without free tiers."""

from dataclasses import dataclass
from math import ceil

from webhook_lab.facts import prices, quotas, senders

MILLION = 1_000_000
MB, GIB = 1024 * 1024, 1024**3
LINE_BYTES = 250
"""Assumed of a log line, ours or Lambda's own."""


@dataclass(frozen=True)
class Variant:
    """One way to build it, as far as its price goes.

    Args:
        publishes: a publish function stands between API and queue.
        copies: how often each delivery is queued, and so stored.
        keeps_body: the item holds the delivery; else a line of text.
        fifo: the queue is a FIFO queue.
        lines: log lines for each delivery.
    """

    name: str
    publishes: bool = True
    copies: int = 1
    keeps_body: bool = True
    fifo: bool = False
    lines: int = 6


VARIANTS = (
    Variant("the original as shipped", copies=2, keeps_body=False),
    Variant("ours"),
    Variant("direct, no publish function", publishes=False, lines=3),
    Variant("ours, with a FIFO queue", fifo=True),
)


def cost(
    variant: Variant,
    *,
    memory: int,
    deliveries: int = MILLION,
    payload_bytes: int = senders.GITHUB_PAYLOAD.value,
    batch: int = 10,
    publish_seconds: float = 0.02,
    work_seconds: float = 0.0,
) -> dict[str, float]:
    """US dollars by service.

    Args:
        memory: of each function, in MB.
        publish_seconds, work_seconds: that publish takes, and subscribe for each message: assumed.
    """
    sqs = prices.SQS_FIFO_REQUESTS if variant.fifo else prices.SQS_REQUESTS
    payload_bytes = payload_bytes if variant.keeps_body else LINE_BYTES
    pieces = ceil(payload_bytes / prices.SQS_REQUEST_BYTES.value)
    received = ceil(batch * payload_bytes / prices.SQS_REQUEST_BYTES.value) / batch
    requests = variant.copies * (pieces + received + 1 / batch)  # sent, received and deleted
    invoked = variant.publishes + variant.copies / batch
    seconds = variant.publishes * publish_seconds + variant.copies * (0.02 / batch + work_seconds + 0.005)
    units = ceil(payload_bytes / quotas.DYNAMODB_WRITE_UNIT_BYTES.value)
    million = deliveries / MILLION
    return {
        "API Gateway": million * prices.REST_API_REQUESTS.value,
        "Lambda": million * prices.LAMBDA_REQUESTS.value * invoked
        + deliveries * seconds * memory / 1024 * prices.LAMBDA_GB_SECONDS.value,
        "SQS": million * requests * sqs.value,
        "DynamoDB": million * variant.copies * units * prices.DYNAMODB_WRITES.value,
        "Logs": deliveries * variant.lines * LINE_BYTES / GIB * prices.LOGS_INGESTED.value,
    }


def idle_month() -> float:
    """US dollars for a month in which nothing comes: the mapping's receives, without the free tier."""
    return prices.idle_labs(1)
