"""What a queue promises, in one process: SQS's stand-in here, so that the database alone is under test."""

import threading
import time
from collections import Counter, deque


class Buffer:
    """Holds each message until it is deleted. A received one is invisible for a while, then comes back.

    Args:
        visibility_timeout: seconds.
    """

    def __init__(self, visibility_timeout: float) -> None:
        self._timeout = visibility_timeout
        self._visible: deque[int] = deque()
        self._in_flight: dict[int, float] = {}
        self._received: Counter[int] = Counter()
        self._lock = threading.Lock()

    def send(self, message: int) -> None:
        with self._lock:
            self._visible.append(message)

    def receive(self) -> int | None:
        """The next visible message, in flight from now on; None when there is none."""
        now = time.monotonic()
        with self._lock:
            for message in [each for each, until in self._in_flight.items() if until < now]:
                del self._in_flight[message]
                self._visible.append(message)
            if not self._visible:
                return None
            message = self._visible.popleft()
            self._in_flight[message] = now + self._timeout
            self._received[message] += 1
            return message

    def delete(self, message: int) -> None:
        """It is dealt with."""
        with self._lock:
            self._in_flight.pop(message, None)

    def held(self) -> int:
        """Messages that nobody has deleted yet, visible or in flight."""
        with self._lock:
            return len(self._visible) + len(self._in_flight)

    def redelivered(self) -> int:
        """How often a message was received that had been received before."""
        with self._lock:
            return self._received.total() - len(self._received)
