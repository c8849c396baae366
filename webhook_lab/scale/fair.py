"""Fair queues: whose turn it is on a standard queue when one sender has more than its share.

Documented (sqs-fair-queues-detailed in the SQS developer guide): a group is noisy when it has more than 10 %
of what is in flight and at least 30 messages; the others' messages are given out first then, until its own
backlog is used up. Left out: the same by processing time. Assumed: in each class the oldest first.
"""

from collections.abc import Mapping
from heapq import heappop, heappush
from math import inf

import numpy as np

from webhook_lab.facts import quotas
from webhook_lab.scale.arrivals import sent_at
from webhook_lab.scale.scenario import Scenario
from webhook_lab.scale.tally import Floats

SHARE, LEAST = quotas.SQS_FAIR_SHARE.value / 100, quotas.SQS_FAIR_LEAST.value

Waits = Mapping[str, tuple[Floats, Floats]]
"""By sender: when each delivery came, and how many seconds it waited to be received."""


def longest(waits: Waits, *, without: str) -> float:
    """Seconds that the unluckiest delivery waited, of all senders but one."""
    return float(max(waited.max() for name, (_, waited) in waits.items() if name != without))


class Turns:
    """One run of many senders through one queue, with as many pollers as the throttle allows.

    Args:
        fair: each message carries its sender as `MessageGroupId`.
    """

    def __init__(self, scenario: Scenario, *, fair: bool) -> None:
        self.scenario, self.fair = scenario, fair
        senders = dict.fromkeys(flow.sender for flow in scenario.flows)
        self.came = {name: sent_at(scenario, name) for name in senders}
        self._next = dict.fromkeys(senders, 0)
        self._flying = dict.fromkeys(senders, 0)
        self._noisy: set[str] = set()

    def run(self) -> Waits:
        """How long each delivery waited."""
        waits = {name: np.zeros(len(came)) for name, came in self.came.items()}
        busy: list[tuple[float, list[str]]] = []
        now, pollers = 0.0, min(self.scenario.pollers_most, self.scenario.room)
        while (soonest := min(map(self._head, self.came))) < inf:
            if len(busy) >= pollers:
                now = max(now, busy[0][0])
            now = max(now, soonest)
            while busy and busy[0][0] <= now:
                for name in heappop(busy)[1]:
                    self._flying[name] -= 1
            batch: list[str] = []
            while len(batch) < self.scenario.batch and (whose := self._turn(now)):
                waits[whose][self._next[whose]] = now - self._head(whose)
                self._next[whose] += 1
                self._flying[whose] += 1
                batch.append(whose)
            heappush(busy, (now + self.scenario.seconds_for(len(batch)), batch))
        return {name: (came, waits[name]) for name, came in self.came.items()}

    def _head(self, name: str) -> float:
        """When the sender's next message came, or will come."""
        came = self.came[name]
        return float(came[self._next[name]]) if self._next[name] < len(came) else inf

    def _turn(self, now: float) -> str | None:
        """Whose message is given out next; None while nobody's waits."""
        waiting = [name for name in self.came if self._head(name) <= now]
        if not waiting:
            return None
        self._noisy &= set(waiting)
        self._noisy |= {name for name in waiting if self.fair and self._is_noisy(name)}
        return min(waiting, key=lambda name: (name in self._noisy, self._head(name)))

    def _is_noisy(self, name: str) -> bool:
        flying = self._flying[name]
        return flying >= LEAST and flying > SHARE * sum(self._flying.values())
