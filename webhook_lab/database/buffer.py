"""What a queue promises, in one process: SQS's stand-in here, so that the database alone is under test."""

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator

from webhook_lab.database.outcome import Webhook

SEND_SECONDS = 0.008
"""About what SQS takes to say that it has a message."""
POLL_SECONDS = 0.01


class Buffer:
    """Holds each message until it is deleted. A received one is invisible for a while, then comes back.

    Args:
        visibility_timeout: seconds.
    """

    def __init__(self, visibility_timeout: float) -> None:
        self._timeout = visibility_timeout
        self._visible: deque[Webhook] = deque()
        self._in_flight: dict[Webhook, float] = {}
        self._received: Counter[Webhook] = Counter()
        self._lock = threading.Lock()
        self.closed = threading.Event()
        """Once set, `messages` hands out no more."""

    def send(self, message: Webhook) -> None:
        """Returns when the queue has it, and answers for it."""
        time.sleep(SEND_SECONDS)
        with self._lock:
            self._visible.append(message)

    def receive(self) -> Webhook | None:
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

    def messages(self) -> Iterator[Webhook]:
        """One message after another, until the queue is closed."""
        while not self.closed.is_set():
            message = self.receive()
            if message is None:
                self.closed.wait(POLL_SECONDS)
            else:
                yield message

    def delete(self, message: Webhook) -> None:
        """It is dealt with."""
        with self._lock:
            self._in_flight.pop(message, None)

    def held(self) -> int:
        """Webhooks that nobody has deleted yet, visible or in flight."""
        with self._lock:
            return len(self._visible) + len(self._in_flight)

    def redelivered(self) -> int:
        """How often a message was received that had been received before."""
        with self._lock:
            return self._received.total() - len(self._received)
