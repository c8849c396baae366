"""The exact model: every batch of every poller, from arrival to table or dead-letter queue.

It goes by the rules of `webhook_lab/local_cloud/poller.py`, and shares its constants
(`webhook_lab/facts/pollers.py`). What arrives is one number each, what waits is a range of those, and what
runs is a heap of batches as counts. `webhook_lab/scale/calm.py` has the loop that has to be fast, for while
nothing goes wrong; this is the whole model, and serves alone in tests.

Assumed beside what the pollers assume: the queue gives the oldest first, and what has come back before what
is new; a poller that collects a batch for its window takes what arrives meanwhile; the table serves in order.
"""

import random
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from itertools import repeat
from math import inf
from typing import Self

import numpy as np

from webhook_lab.facts import quotas
from webhook_lab.facts.pollers import MINUTE, Scale, pause_after
from webhook_lab.scale.arrivals import CHUNK, poisoned_among, queued_at
from webhook_lab.scale.scenario import Scenario, fits
from webhook_lab.scale.tally import Tally

LONG_POLL = quotas.SQS_WAIT_LONGEST.value
Message = tuple[int, int]
"""Its place in the order of arrival, and how often it was received."""
Served = tuple[int, float, float]
"""A message's place, and when an invocation with it began and ended."""


class Engine:
    """One run of the model.

    Args:
        progress: told the share of all messages that were read, now and then.
        trace: keep every service of every message; for tests.
    """

    def __init__(
        self,
        scenario: Scenario,
        *,
        progress: Callable[[float], object] = float,
        trace: bool = False,
    ) -> None:
        fits(scenario)
        self.scenario, self.tally = scenario, Tally()
        self.served: list[Served] | None = [] if trace else None
        self.times, self.refused = queued_at(scenario)
        self.ended = 0.0
        self._at = self.times.data
        self._poison = poisoned_among(scenario).data
        self._progress = progress
        self._chance, self._scale = random.Random(scenario.seed), Scale()
        self._lengths = _lengths(scenario)
        self._now, self._head, self._bad = 0.0, 0, 0
        self._busy: list[tuple[float, int]] = []  # when each batch that runs is finished, and its messages
        self._throttled: list[
            tuple[float, float, int, list[Message]]
        ] = []  # next try, visible until, attempt
        self._hidden: list[tuple[float, list[Message]]] = []  # failed: when visible again, and which
        self._back: list[Message] = []  # visible again, the next to be taken last
        self._wanted, self._minute, self._troubled = self._scale.least, inf, False
        self._idle, self._idle_since = self._allowed, 0.0
        self._held = 0  # in flight
        self._length: float | None = None  # of the next batch, if it was drawn before it was served
        self._table = 0.0  # when it is through with what it has

    @property
    def _allowed(self) -> int:
        return min(self._wanted, self.scenario.pollers_most)

    def run(self) -> Self:
        """Let everything come out."""
        for first in range(0, len(self.times), CHUNK):
            self.tally.add("waiting", self.times[first : first + CHUNK], 1)
        while self._head < len(self.times) or self._back or self._hidden or self._throttled:
            self._advance()
        self._progress(1.0)
        return self

    def _advance(self) -> None:
        """Let the next thing happen."""
        self._step()

    def _step(self) -> None:
        """Whatever happens next."""
        self._now = now = self._next()
        while self._busy and self._busy[0][0] <= now:
            self._held -= heappop(self._busy)[1]
        self._let_idle()
        self._keep_time()
        while self._throttled and self._throttled[0][0] <= now:
            self._try_again()
        while self._hidden and self._hidden[0][0] <= now:
            self._give_back(heappop(self._hidden)[1])
        self._let_idle()
        while self._idle and self._is_visible() and self._held < self.scenario.in_flight_most:
            self._read()

    def _next(self) -> float:
        """When something happens next."""
        at = [heap[0][0] for heap in (self._busy, self._throttled, self._hidden) if heap]
        if self._idle and self._held < self.scenario.in_flight_most:
            if self._back:
                return self._now
            if self._head < len(self.times):
                at.append(self._at[self._head])
            if self._minute < inf:
                at.append(self._idle_since + LONG_POLL)
        return max(self._now, min([self._minute, *at]))

    def _is_visible(self) -> bool:
        return bool(self._back) or (self._head < len(self.times) and self._at[self._head] <= self._now)

    def _let_idle(self) -> None:
        """As many pollers read as may and have no batch."""
        idle = max(0, self._allowed - len(self._busy) - len(self._throttled))
        if idle and not self._idle:
            self._idle_since = self._now
        self._idle = idle

    def _keep_time(self) -> None:
        """After a minute their number changes; a long poll that found nothing ends the busy time."""
        if self._now >= self._minute:
            self._wanted = self._scale.after_a_minute(self._wanted, troubled=self._troubled)
            self._minute, self._troubled = self._minute + MINUTE, False
        if self._idle and not self._is_visible() and self._now >= self._idle_since + LONG_POLL:
            self._wanted, self._minute, self._idle_since = self._scale.least, inf, self._now
        self._let_idle()

    def _read(self) -> None:
        """A free poller takes a batch and invokes."""
        read = self._now
        batch, start = self._take()
        if not batch:
            return
        self._idle -= 1
        self._held += len(batch)
        self.tally.one("waiting", start, -len(batch))
        self.tally.one("in_flight", start, len(batch))
        if self._minute == inf:
            self._minute, self._troubled = read + MINUTE, False
        self._invoke(start, read + self.scenario.visibility_timeout, 0, batch)

    def _take(self) -> tuple[list[Message], float]:
        """What is visible, the oldest first, and when the batch is complete."""
        now, batch = self._now, list[Message]()
        size = min(self.scenario.batch, self.scenario.in_flight_most - self._held)
        while self._back and len(batch) < size:
            place, receives = heappop(self._back)
            if receives >= (self.scenario.max_receive_count or inf):
                self._lose("dead", 1)
            elif now - self._at[place] > self.scenario.queue_retention:
                self._lose("expired", 1)
            else:
                batch.append((place, receives + 1))
        kept = bisect_left(self._at, now - self.scenario.queue_retention, self._head, len(self.times))
        if kept > self._head:
            self._lose("expired", kept - self._head)
            self.tally.one("taken", now, kept - self._head)
            self._head = kept
        last = min(self._head + size - len(batch), len(self.times))
        start = now
        if last > self._head and self._at[last - 1] > now and self.scenario.batching_window:
            full = self._at[last - 1] if last - self._head + len(batch) == size else inf
            start = min(now + self.scenario.batching_window, full)
        last = bisect_right(self._at, start, self._head, last)
        batch += [(place, 1) for place in range(self._head, last)]
        self.tally.one("taken", start, last - self._head)
        self._head = last
        return batch, start

    def _lose(self, track: str, messages: int) -> None:
        self.tally.one("waiting", self._now, -messages)
        self.tally.one(track, self._now, messages)

    def _invoke(self, start: float, visible_until: float, attempt: int, batch: list[Message]) -> None:
        """Run, or wait for the next try."""
        if len(self._busy) >= self.scenario.room:
            self._troubled = True
            pause = min(pause_after(attempt, self._chance), visible_until - start)
            heappush(self._throttled, (start + pause, visible_until, attempt + 1, batch))
            return
        scenario = self.scenario
        length, self._length = self._length or next(self._lengths), None
        takes = len(batch) * (scenario.each_message_seconds + scenario.work_seconds * length)
        failed = self._failed(batch, start, takes)
        finish = start + scenario.each_batch_seconds + min(takes, scenario.function_timeout)
        good = len(batch) - len(failed)
        if good:
            self._table = max(self._table, start) + good * scenario.write_units / scenario.table_writes
            finish = max(finish, self._table)
        heappush(self._busy, (finish, good))
        if failed:
            heappush(self._hidden, (max(visible_until, finish), failed))
        self.tally.one("in_flight", finish, -good)
        self.tally.one("stored", finish, good)
        self.tally.one("running", start + scenario.each_batch_seconds, 1)
        self.tally.one("running", finish, -1)
        self.ended = max(self.ended, finish)
        if self.served is not None:
            self.served += [(place, start, finish) for place, _ in batch]

    def _failed(self, batch: list[Message], start: float, takes: float) -> list[Message]:
        """The messages of the batch that go back to the queue."""
        down = self.scenario.failing
        if takes > self.scenario.function_timeout:
            self._troubled = True
            return batch
        if down[0] <= start < down[1]:
            return batch
        while self._poison[self._bad] < self._head:
            self._bad += 1  # the calm loop looks from here
        failed = [message for message in batch if self._is_poison(message[0])]
        return failed if self.scenario.report_batch_item_failures or not failed else batch

    def _is_poison(self, place: int) -> bool:
        return bool(self._poison[bisect_left(self._poison, place)] == place)

    def _try_again(self) -> None:
        now, visible_until, attempt, batch = heappop(self._throttled)
        if now < visible_until:
            self._invoke(now, visible_until, attempt, batch)
        else:  # abandoned: SQS gives the messages out again, one receive poorer
            self._give_back(batch)

    def _give_back(self, batch: list[Message]) -> None:
        self._held -= len(batch)
        self.tally.one("in_flight", self._now, -len(batch))
        self.tally.one("waiting", self._now, len(batch))
        for message in batch:
            heappush(self._back, message)


def _lengths(scenario: Scenario) -> Iterator[float]:
    """How long the work of each batch is, in parts of what it is on average."""
    if not scenario.random_work:
        return repeat(1.0)
    chance = np.random.default_rng(scenario.seed + 2)
    return (each for _ in repeat(None) for each in chance.exponential(1.0, CHUNK).tolist())
