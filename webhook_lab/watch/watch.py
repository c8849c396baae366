"""One run, watched while it goes on and kept as rows. Draws nothing and sends nothing."""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from webhook_lab.aws.errors import explain
from webhook_lab.aws.session import Session
from webhook_lab.resources.queue import depth
from webhook_lab.watch.concurrency import peak, peak_between
from webhook_lab.watch.history import History
from webhook_lab.watch.log_lines import LogReader
from webhook_lab.watch.peek import messages_of, peek
from webhook_lab.watch.rows import Sample

LOOK_SECONDS = 0.2
"""Between two looks at a queue: five a second, so that four are kept when one is late."""
READ_SECONDS = 0.5
"""Between two reads of the log: two calls a second of the five that AWS allows."""
EMPTY_SECONDS = 4 * LOOK_SECONDS
"""A queue is taken for empty when every look says so for so long: the counts are approximate."""
METRICS = ("visible", "in_flight", "delayed", "dlq", "stored", "duplicates", "failed", "concurrency", "limit")
NOT_OUT = ("waiting", "in flight", "lost")
"""Where a delivery is that was accepted and has not come out."""


class Watch:
    """Depths, concurrency and outcomes of one run, from `start` to `stop`; reading them costs no call.

    The same on every target. Concurrency and outcomes come out of the subscribe function's log lines, and so
    as late as those show: the samples of "concurrency" are for some seconds ago (`Traits.log_lag`) and say so
    in their `at`. A target that writes an invocation's lines only when it has ended shows it no earlier than
    that; what runs at present is then seen in "in_flight" alone. What shows too late for a sample still
    counts in `facts`.

    Dead letters are counted one by one, up to 1,000; see `messages_of` for what a look at them costs on AWS.

    Args:
        session: the calls are made by clients of its own, and are not among those that it records.
        log_group: the subscribe function's.
        limit: the throttle at the start; see `set_limit`.

    Attributes:
        began_at: epoch milliseconds by AWS's clock; samples count seconds from here.
        samples: every sample so far, for each metric in order of time.
        latest: the latest value of each metric; 0 for what was not seen yet.
        limit: the throttle as it was last set.
        history: the log lines so far, put together.
    """

    def __init__(self, session: Session, *, queue_url: str, dlq_url: str, log_group: str, limit: int) -> None:
        self.began_at, self._began = session.now(), time.monotonic()
        self.samples: list[Sample] = []
        self.history = History()
        self._session, self._lag = session, session.target.traits.log_lag
        self._sqs = session.client("sqs", recorded=False)
        self._reader = LogReader.of(session, log_group=log_group, since=self.began_at)
        self._queue_url, self._dlq_url = queue_url, dlq_url
        self.latest, self._known_at = dict.fromkeys(METRICS, 0.0), self.began_at
        self._held_before = 0
        self._looked_at, self._empty_since, self._out_since = 0.0, float("inf"), float("inf")
        self._most = EMPTY_SECONDS + session.target.traits.patience / 2  # of its two minutes
        self._taken_at = 0.0
        self._dead: dict[str, str] = {}  # the delivery of each dead message, by the message's id
        self._dead_counted, self._dead_before = 0, frozenset[str]()
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
        """Look at what is there already, begin, and return. A look that fails is left out; `stop` says it if
        the last one does."""
        with contextlib.suppress(Exception):
            self._held_before = sum(vars(depth(self._sqs, url=self._queue_url)).values())
            self._look_at_dlq()
            self._dead_before = frozenset(self._dead)
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
        self._dead_counted = -1  # once more, whatever their number, which may be a minute old
        with explain("watch the run"):
            for act in self._acts:
                act()
        self._keep(limit=self.limit)
        return self

    def look_late(self) -> None:
        """Look and read once more when every line has shown: what was stored just now is else taken for lost.

        Raises:
            LabError: the queues or the log can't be read.
        """
        time.sleep(self._lag + READ_SECONDS)
        with explain("watch the run"):
            for act in self._acts:
                act()

    def set_limit(self, limit: int) -> None:
        """The throttle is another one from now on. Say so before it is raised, and after it was lowered."""
        self.limit = limit
        self._keep(limit=limit)

    def seconds(self) -> float:
        """Since the run began."""
        return time.monotonic() - self._began

    def is_over(self, own: Iterable[str]) -> bool:
        """Whether the run's own deliveries came out of the queue: settled by the log, or dead.

        What the queue held before the run, such as a message that fails again and again, is left out; where
        its depth is so old that it did not show by then, an empty queue is waited for no more than a minute.

        Args:
            own: the id of each delivery that got a 202, as often as it got one, and of each that was taken
                back from the dead-letter queue; see `taking_back`.
        """
        if not self._came_out(own):
            self._out_since = float("inf")
            return False
        self._out_since = min(self._out_since, self._looked_at)
        is_empty = self._looked_at - self._empty_since >= EMPTY_SECONDS
        return is_empty or self._looked_at - self._out_since >= self._most

    def _came_out(self, own: Iterable[str]) -> bool:
        dead = self._dead_of_deliveries()
        return all(
            len(self.history.settled.get(id_, set()) | dead.get(id_, set())) >= messages
            for id_, messages in Counter(own).items()
        )

    @contextlib.contextmanager
    def taking_back(self) -> Iterator[list[str]]:
        """Around a redrive: the id of the delivery of each message that it finds dead, which then lives."""
        messages = messages_of(self._session, queue_url=self._dlq_url, sqs=self._sqs)
        yield [delivery_in(each) for each in messages]
        self._taken_at, self._dead, self._dead_before = time.monotonic(), {}, frozenset()

    def places(self, own: Iterable[str]) -> dict[str, int]:
        """Where the run's own deliveries are: each counts in one place.

        "settled" by the log, "dead" by the dead-letter queue; of the rest "waiting" and "in flight" as many
        as the queue holds beyond what it held before the run; "lost" are those that are nowhere.
        """
        ids, settled, dead = set(own), self.history.settled.keys(), self._dead_of_deliveries().keys()
        found = {"settled": len(ids & settled), "dead": len((ids & dead) - settled)}
        rest, now = len(ids - settled - dead), self.latest
        held = now["visible"] + now["delayed"] + now["in_flight"] - self._held_before
        held = max(0, min(rest, int(held)))
        waiting = min(held, int(now["visible"] + now["delayed"]))
        return {**found, "waiting": waiting, "in flight": held - waiting, "lost": rest - held}

    def facts(self, own: Iterable[str]) -> dict[str, int]:
        """What can be said of the run without a clock, and of its own deliveries alone.

        "stored" and "duplicates" count messages; "dead" those that came to the dead-letter queue in this run
        and are there; "waiting", "in flight" and "lost" are ids that are not out, of which a whole run has
        none; see `places`.
        """
        ids = set(own)
        outcomes = sum((self.history.outcomes_of.get(id_, Counter()) for id_ in ids), Counter[str]())
        new = self._dead.keys() - self._dead_before
        places = self.places(ids)
        return {
            "stored": outcomes["stored"],
            "duplicates": outcomes["duplicate"],
            "dead": sum(self._dead[message_id] in ids for message_id in new),
            **{place: places[place] for place in NOT_OUT},
            "peak concurrency": peak(self.history.invocations()),
        }

    def _dead_of_deliveries(self) -> dict[str, set[str]]:
        """The ids of the dead messages, by the id of their delivery."""
        found: dict[str, set[str]] = {}
        for message_id, id_ in self._dead.items():
            found.setdefault(id_, set()).add(message_id)
        return found

    def _repeat(self, act: Callable[[], None], every: float) -> None:
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            # A cloud that is away for a moment must not end the watching.
            with contextlib.suppress(Exception):
                act()
            due = max(due + every, time.monotonic())

    def _look_at_queue(self) -> None:
        found = vars(depth(self._sqs, url=self._queue_url))
        held, self._looked_at = sum(found.values()), time.monotonic()
        self._held_before = min(self._held_before, held)
        empty = held <= self._held_before
        self._empty_since = min(self._empty_since, self._looked_at) if empty else float("inf")
        self._keep(**found)

    def _look_at_dlq(self) -> None:
        held = sum(vars(depth(self._sqs, url=self._dlq_url)).values())
        if held != self._dead_counted:
            self._count_dead(held)
        self._keep(dlq=held)

    def _count_dead(self, held: int) -> None:
        began = time.monotonic()
        messages: list[dict[str, Any]] | None = []
        if held > max(0, self._dead_counted) or self._dead_counted < 0:
            messages = messages_of(self._session, queue_url=self._dlq_url, sqs=self._sqs)
        elif held:  # a redrive goes on: it would leave those that a receive hides
            messages = peek(self._session, queue_url=self._dlq_url)
        if messages is not None and began >= self._taken_at:
            self._dead = {each["MessageId"]: delivery_in(each) for each in messages}
            self._dead_before &= self._dead.keys()
        self._dead_counted = held

    def _read(self) -> None:
        known_at = self.began_at + round((self.seconds() - self._lag) * 1000)
        self.history.add(self._reader.read())
        outcomes = self.history.outcomes
        failed = outcomes["failed"]
        self._keep(stored=outcomes["stored"], duplicates=outcomes["duplicate"], failed=failed)
        if known_at >= self.began_at:
            running = peak_between(self.history.invocations(), self._known_at, known_at)
            self._keep((known_at - self.began_at) / 1000, concurrency=running)
            self._known_at = known_at

    def _keep(self, at: float | None = None, **values: float) -> None:
        at = self.seconds() if at is None else at
        self.latest.update(values)
        self.samples.extend([Sample(at, metric, value) for metric, value in values.items()])


def delivery_in(message: Mapping[str, Any]) -> str:
    """The id of the delivery that publish put into a message; empty where none can be read."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return str(json.loads(message["Body"])["id"])
    return ""
