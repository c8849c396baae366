"""The time that scenarios go by: the machine's, or one that a test moves on by itself."""

import atexit
import contextlib
import heapq
import itertools
import threading
import time
from collections.abc import Callable
from typing import Protocol

Act = Callable[[], object]


class Clock(Protocol):
    """What a scenario asks of time."""

    def now(self) -> float:
        """Seconds since some moment."""

    def epoch_ms(self) -> int:
        """Milliseconds since 1970, as log events carry them."""

    def later(self, seconds: float, act: Act, *, owed: bool = True) -> None:
        """Do it then, on another thread. What is `owed` is done in any case: at the latest at the exit."""


class RealClock:
    """The machine's time, and one thread for all that is to be done later."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, bool, Act]] = []
        self._numbers, self._changed = itertools.count(), threading.Condition()
        self._thread: threading.Thread | None = None

    def now(self) -> float:
        return time.monotonic()

    def epoch_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def later(self, seconds: float, act: Act, *, owed: bool = True) -> None:
        with self._changed:
            heapq.heappush(self._due, (self.now() + seconds, next(self._numbers), owed, act))
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="a day's clock", daemon=True)
                self._thread.start()
                atexit.register(self.settle)

    def settle(self) -> None:
        """Do what is owed now, in its order."""
        with self._changed:
            due, self._due = sorted(self._due), []
        for _, _, owed, act in due:
            if owed:
                act()

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._due or self._due[0][0] > self.now():
                    self._changed.wait(self._due[0][0] - self.now() if self._due else None)
                act = heapq.heappop(self._due)[3]
            with contextlib.suppress(Exception):
                act()


class VirtualClock:
    """A test's time: it stands still until `advance`, which does what falls due on the way."""

    def __init__(self, epoch_ms: int = 1_800_000_000_000) -> None:
        self._now, self._epoch_ms = 0.0, epoch_ms
        self._due: list[tuple[float, int, Act]] = []
        self._numbers = itertools.count()

    def now(self) -> float:
        return self._now

    def epoch_ms(self) -> int:
        return self._epoch_ms + round(self._now * 1000)

    def later(self, seconds: float, act: Act, *, owed: bool = True) -> None:
        heapq.heappush(self._due, (self._now + seconds, next(self._numbers), act))

    def advance(self, seconds: float) -> None:
        """Move on, and do each thing at its own moment."""
        until = self._now + seconds
        while self._due and self._due[0][0] <= until:
            self._now, _, act = heapq.heappop(self._due)
            act()
        self._now = until
