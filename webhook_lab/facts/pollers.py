"""How many pollers a mapping has, and how long they pause: rules for who runs them and who only reckons.

What AWS documents of them and what is assumed is told in `webhook_lab/local_cloud/poller.py`.
"""

import random
from dataclasses import dataclass

from webhook_lab.facts import quotas

MINUTE = 60.0
"""Seconds between two changes of their number."""
FIRST_BACK_OFF, LONGEST_BACK_OFF, DOUBLINGS = 0.1, 5.0, 6
"""Seconds before the second attempt, and at most before any; after so many doublings that is reached."""


@dataclass(frozen=True)
class Scale:
    """How many pollers there are at least and at most, and how many more each minute."""

    least: int = quotas.MAPPING_STARTS_WITH.value
    more: int = quotas.MAPPING_GROWS_BY.value
    most: int = quotas.MAPPING_ENDS_WITH.value

    def after_a_minute(self, wanted: int, *, troubled: bool) -> int:
        """How many are wanted after a busy minute, in which a function may have failed or been throttled."""
        return max(self.least, wanted // 2) if troubled else min(self.most, wanted + self.more)


def pause_after(attempt: int, chance: random.Random) -> float:
    """Seconds until a poller tries again, after a throttle or an error and so many attempts before it.

    The poller waits for so long, and the model on paper reckons with it. AWS gives no figure: an assumption.
    """
    doubled = FIRST_BACK_OFF * 2.0 ** min(attempt, DOUBLINGS)
    return min(LONGEST_BACK_OFF, doubled) * chance.uniform(0.5, 1.5)
