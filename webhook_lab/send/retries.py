"""How long a provider waits for an answer, and when it sends the same delivery again.

A schedule of hours is run in seconds: what is compressed are the delays between attempts, never the wait for
an answer.
"""

import random
from dataclasses import dataclass

from webhook_lab.facts import senders

JITTER = 0.1
"""Each delay is longer or shorter by up to this part. Standard Webhooks asks for jitter, not how much."""
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

    def delay(self, attempts: int, *, compress: float, at_least: float = 0) -> float | None:
        """Seconds of the run until the next attempt after `attempts` of them; None when there is none.

        Args:
            compress: how many of the provider's seconds pass in one of the run.
            at_least: what a Retry-After header asked for, on the provider's clock.
        """
        if attempts > len(self.delays):
            return None
        jitter = random.uniform(1 - JITTER, 1 + JITTER)
        return max(self.delays[attempts - 1] * jitter, at_least) / compress


ONCE = Schedule(wait=30.0)
"""No retries; a REST API's integration answers within 29 s or not at all (API Gateway quotas)."""
STANDARD_WEBHOOKS = Schedule(
    senders.STANDARD_WEBHOOKS_WAIT_LONGEST.value, senders.STANDARD_WEBHOOKS_RETRIES.value[1:]
)
GITHUB = Schedule(senders.GITHUB_WAIT.value)
"""It never retries by itself."""


def is_accepted(status: int | None) -> bool:
    """Whether the sender takes the delivery for delivered: any 2xx."""
    return status is not None and 200 <= status < 300
