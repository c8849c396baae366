"""One run, watched while it goes on and kept as rows. Draws nothing and sends nothing."""

import contextlib
import threading
import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Self

from webhook_lab.aws.errors import explain
from webhook_lab.aws.retry import retry_until
from webhook_lab.watch.concurrency import Gauge, peak
from webhook_lab.watch.depth import LOOKS_UNTIL_EMPTY, look
from webhook_lab.watch.history import History
from webhook_lab.watch.log_lines import LogReader
from webhook_lab.watch.rows import Invocation, Sample

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_sqs import SQSClient

LOOK_SECONDS = 0.2
"""Between two looks at a queue: five a second, so that four are kept when one is late."""
READ_SECONDS = 0.5
"""Between two reads of the log: two calls a second of the five that AWS allows."""
METRICS = ("visible", "in_flight", "delayed", "dlq", "stored", "duplicates", "concurrency", "limit")


class Watch:
    """Depths, concurrency and outcomes of one run, from `start` to `stop`; reading them costs no call.

    The same on every target. Concurrency and outcomes come out of the subscribe function's log lines, and so
    as late as those show: the samples of "concurrency" are for `lag` seconds ago and say so in their `at`.
    A target that writes an invocation's lines only when it has ended shows it no earlier than that; what runs
    at present is then seen in "in_flight" alone. What shows too late for a sample still counts in `facts`.

    Args:
        sqs: a client of its own, as is `logs`: it calls them from threads, several times a second.
        log_group: the subscribe function's.
        limit: the throttle at the start; see `set_limit`.
        lag: seconds after which a line that was written has shown up (`Traits.log_lag`).

    Attributes:
        began_at: epoch milliseconds; samples count seconds from here.
        samples: every sample so far, for each metric in order of time.
        limits: (epoch ms from which on it holds, limit), in order.
        history: the log lines so far, put together.
    """

    def __init__(
        self,
        sqs: "SQSClient",
        logs: "CloudWatchLogsClient",
        *,
        queue_url: str,
        dlq_url: str,
        log_group: str,
        limit: int,
        lag: float,
    ) -> None:
        self.began_at, self._began = time.time_ns() // 1_000_000, time.monotonic()
        self.samples: list[Sample] = []
        self.limits: list[tuple[int, int]] = []
        self._gauge, self._lag, self._lock = Gauge(), lag, threading.Lock()
        self.history = History(on_change=self._gauge.add)
        self._reader = LogReader(logs, log_group=log_group, since=self.began_at, overlap=max(2.0, 3 * lag))
        self._sqs, self._queue_url, self._dlq_url = sqs, queue_url, dlq_url
        self._latest, self._empty_looks = dict.fromkeys(METRICS, 0.0), 0
        self._acts = {
            self._look_at_queue: LOOK_SECONDS,
            self._look_at_dlq: LOOK_SECONDS,
            self._read: READ_SECONDS,
        }
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._repeat, args=act, name="watch", daemon=True)
            for act in self._acts.items()
        ]
        self.set_limit(limit)

    def start(self) -> Self:
        """Begin, and return at once. A look that fails is left out; `stop` says it if the last one does."""
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> Self:
        """End, after one more look and read.

        Raises:
            LabError: the queues or the log can't be read.
        """
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        with explain("watch the run"):
            for act in self._acts:
                act()
        self._keep(limit=self.limits[-1][1])
        return self

    def set_limit(self, limit: int) -> None:
        """The throttle is another one from now on. Say so before it is raised, and after it was lowered."""
        self.limits.append((time.time_ns() // 1_000_000, limit))
        self._keep(limit=limit)

    def now(self) -> dict[str, float]:
        """The latest value of each metric; 0 for what was not seen yet."""
        return dict(self._latest)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is visible, in flight or delayed, by several looks in a row."""
        return self._empty_looks >= LOOKS_UNTIL_EMPTY

    def is_over(self, accepted: Collection[str]) -> bool:
        """Whether the queue is empty, and each accepted delivery came out of it: settled by the log, or dead.

        Args:
            accepted: the ids that got a 202.
        """
        return self.is_empty and not self._missing(accepted)

    def wait(self, accepted: Collection[str], *, seconds: float) -> Self:
        """Wait until it `is_over`.

        Raises:
            LabError: it is not in time.
        """
        reason = f"{len(accepted)} deliveries to come out of the queue"
        retry_until(lambda: self.is_over(accepted) or None, seconds=seconds, reason=reason)
        return self

    def invocations(self) -> list[Invocation]:
        """The invocations that began in this run, as far as the log shows them."""
        with self._lock:
            return self.history.invocations()

    def facts(self, accepted: Collection[str]) -> dict[str, int]:
        """What can be said of the run without a clock.

        "stored" and "duplicates" count messages; "dead" those in the dead-letter queue; "lost" the accepted
        ids that are not among either and were never heard of again.
        """
        return {
            "stored": self.history.outcomes["stored"],
            "duplicates": self.history.outcomes["duplicate"],
            "dead": int(self._latest["dlq"]),
            "lost": self._missing(accepted),
            "peak concurrency": peak(self.invocations()),
        }

    def _missing(self, accepted: Collection[str]) -> int:
        return max(0, len(set(accepted) - self.history.settled) - int(self._latest["dlq"]))

    def _repeat(self, act: Callable[[], None], every: float) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            with contextlib.suppress(
                Exception
            ):  # a cloud that is away for a moment must not end the watching
                act()
            due = max(due + every, time.monotonic())

    def _look_at_queue(self) -> None:
        held = look(self._sqs, url=self._queue_url)
        self._empty_looks = 0 if any(held.values()) else self._empty_looks + 1
        self._keep(**held)

    def _look_at_dlq(self) -> None:
        self._keep(dlq=sum(look(self._sqs, url=self._dlq_url).values()))

    def _read(self) -> None:
        known_at = time.time_ns() // 1_000_000 - round(self._lag * 1000)
        lines = self._reader.read()
        with self._lock:
            for line in lines:
                self.history.add(line)
            running = self._gauge.until(known_at)
        self._keep(stored=self.history.outcomes["stored"], duplicates=self.history.outcomes["duplicate"])
        if known_at >= self.began_at:
            self._keep((known_at - self.began_at) / 1000, concurrency=running)

    def _keep(self, at: float | None = None, **values: float) -> None:
        at = time.monotonic() - self._began if at is None else at
        self._latest.update(values)
        self.samples.extend([Sample(at, metric, value) for metric, value in values.items()])
