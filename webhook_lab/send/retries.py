"""How long a provider waits for an answer, and when it sends the same delivery again.

A schedule of hours is run in seconds: what is compressed are the delays between attempts, never the wait for
an answer. Where a provider documents a period and not the delays in it, ours double from one to the next.
"""

import random
from dataclasses import dataclass

from webhook_lab.facts import senders

JITTER = 0.1
"""Each delay is longer or shorter by up to this part. Standard Webhooks asks for jitter, not how much."""
UNSTATED_WAIT = 20.0
"""Seconds, for a provider that does not say how long it waits."""
GONE = 410
"""The one refusal after which a sender stops at once (Standard Webhooks 1.0)."""


@dataclass(frozen=True)
class Schedule:
    """One provider's patience.

    Args:
        wait: seconds for the whole of one attempt, from connecting to the last byte of the answer.
        delays: seconds before each retry, on the provider's own clock; empty when it never retries.
    """

    wait: float
    delays: tuple[float, ...] = ()

    def delay(self, attempts: int, *, compress: float, dice: str, at_least: float = 0) -> float | None:
        """Seconds of the run until the next attempt after `attempts` of them; None when there is none.

        Args:
            compress: how many of the provider's seconds pass in one of the run.
            dice: what the jitter is drawn from: the same text, the same jitter.
            at_least: what a Retry-After header asked for, on the provider's clock.
        """
        if attempts > len(self.delays):
            return None
        jitter = random.Random(f"{dice}/{attempts}").uniform(1 - JITTER, 1 + JITTER)
        return max(self.delays[attempts - 1] * jitter, at_least) / compress


def doubling(retries: int, period: float) -> tuple[float, ...]:
    """Delays of which each is twice the one before and which add up to `period` seconds."""
    first = period / (2**retries - 1)
    return tuple(first * 2**retry for retry in range(retries))


ONCE = Schedule(wait=30.0)
"""No retries, and the wait of a REST API's own clients."""

_SCHEDULES = {
    "standard-webhooks": Schedule(
        senders.STANDARD_WEBHOOKS_WAIT_LONGEST.value, senders.STANDARD_WEBHOOKS_RETRIES.value[1:]
    ),
    "github": Schedule(senders.GITHUB_WAIT.value),
    "shopify": Schedule(
        senders.SHOPIFY_WAIT.value,
        doubling(senders.SHOPIFY_RETRIES.value, senders.SHOPIFY_RETRY_PERIOD.value),
    ),
    "slack": Schedule(senders.SLACK_WAIT.value, senders.SLACK_RETRIES.value),
    # How many retries are in its three days is ours too.
    "stripe": Schedule(UNSTATED_WAIT, doubling(8, senders.STRIPE_RETRY_PERIOD.value)),
}


def schedule(provider: str) -> Schedule:
    """The provider's own; `ONCE` for a delivery that is no provider's."""
    return _SCHEDULES.get(provider, ONCE)


def is_accepted(status: int | None) -> bool:
    """Whether the sender takes the delivery for delivered: any 2xx."""
    return status is not None and 200 <= status < 300
