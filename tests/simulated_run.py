"""A queue and a throttled function on paper only, in real time: something to watch without a cloud."""

import threading
import time
from collections.abc import Callable

from webhook_lab.watch.rows import Sample


class SimulatedRun:
    """Each message takes `work` seconds, one to an invocation; any method may be called from any thread."""

    def __init__(self, *, work: float = 0.5, limit: int = 2, clock: Callable[[], float] = time.monotonic):
        self.work, self.limit, self.paused = work, limit, False
        self.waiting = self.stored = 0
        self.busy_until: list[float] = []
        self._clock, self._began, self._now = clock, clock(), 0.0
        self._lock = threading.Lock()

    def seconds(self) -> float:
        return self._clock() - self._began

    def send(self, number: int) -> None:
        with self._lock:
            self._advance()
            self.waiting += number

    def throttle(self, limit: int) -> None:
        with self._lock:
            self._advance()
            self.limit = limit

    def pause(self, paused: bool) -> None:
        with self._lock:
            self._advance()
            self.paused = paused

    def is_over(self) -> bool:
        return self.stored > 0 and not self.waiting and not self.busy_until

    def sample(self) -> list[Sample]:
        with self._lock:
            self._advance()
            values = {
                "visible": self.waiting,
                "in_flight": len(self.busy_until),
                "concurrency": len(self.busy_until),
                "limit": self.limit,
                "stored": self.stored,
                "duplicates": 0,
                "dlq": 0,
            }
            return [Sample(self._now, metric, value) for metric, value in values.items()]

    def _advance(self) -> None:
        """Start and finish what is due by now, in order of time."""
        now = self.seconds()
        while True:
            while self.waiting and len(self.busy_until) < self.limit and not self.paused:
                self.waiting -= 1
                self.busy_until.append(self._now + self.work)
            due = min(self.busy_until, default=now)
            if not self.busy_until or due > now:
                self._now = now
                return
            self._now = due
            self.busy_until.remove(due)
            self.stored += 1
