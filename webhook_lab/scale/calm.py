"""The exact model while nothing goes wrong: the one loop that has to be fast.

What needs thought (a throttle, a failure, a message that comes back, a minute over) is for `Engine`.
"""

from bisect import bisect_right
from collections.abc import Callable
from heapq import heappop, heappush
from math import inf
from typing import Self

import numpy as np

from webhook_lab.scale.arrivals import CHUNK
from webhook_lab.scale.engine import LONG_POLL, Engine
from webhook_lab.scale.scenario import Scenario


class QuickEngine(Engine):
    """`Engine`, which it equals message for message, some ten times as fast."""

    def __init__(
        self, scenario: Scenario, *, progress: Callable[[float], object] = float, trace: bool = False
    ) -> None:
        super().__init__(scenario, progress=progress, trace=trace)
        self._booked: tuple[list[float], list[float], list[int], list[int]] = ([], [], [], [])

    def run(self) -> Self:
        """Let everything come out."""
        super().run()
        self._book()
        return self

    def _advance(self) -> None:
        if not (self._is_calm() and self._calm()):
            self._step()

    def _is_calm(self) -> bool:
        """Whether every poller that reads may invoke, and nothing waits but what never was received."""
        down = self.scenario.failing
        return not (
            self._back
            or self._throttled
            or self._minute == inf
            or self._allowed > self.scenario.room
            or len(self._busy) + self._idle != self._allowed
            or down[0] <= self._now < down[1]
        )

    def _calm(self) -> bool:
        """Serve what is new until something needs thought; whether anything was served."""
        scenario, at, busy, lengths = self.scenario, self._at, self._busy, self._lengths
        size, window, between = scenario.batch, scenario.batching_window, scenario.each_batch_seconds
        each, work, timeout = scenario.each_message_seconds, scenario.work_seconds, scenario.function_timeout
        most, kept = scenario.in_flight_most, scenario.queue_retention
        down, now, held, idle = scenario.failing[0], self._now, self._held, self._idle
        table = self._table
        until = min(self._minute, self._hidden[0][0] if self._hidden else inf, down if down >= now else inf)
        end = int(min(self._poison[self._bad], len(at)))
        units = scenario.write_units / scenario.table_writes
        head = begun = self._head
        begins, ends, counts, heads = self._booked
        while len(begins) < CHUNK and (head + size <= end or head < end == len(at)):
            came = at[head]
            if idle:
                read = came if came > now else now
                if read - self._idle_since >= LONG_POLL:
                    break
            else:
                read = busy[0][0]
                if came > read:
                    read = came
            if read >= until or read - came > kept:
                break
            while busy and busy[0][0] <= read:
                finished, messages = heappop(busy)
                held -= messages
                if not idle:
                    self._idle_since = finished
                idle += 1
            now = read
            if held >= most:
                break
            last = min(head + size, end)
            start = read
            if at[last - 1] > read:
                if window:
                    start = min(read + window, at[last - 1] if last == head + size else inf)
                last = bisect_right(at, start, head, last)
            messages = last - head
            length = next(lengths)
            takes = messages * (each + work * length)
            if takes > timeout:
                self._length = length
                break
            finish = start + between + takes
            table = (table if table > start else start) + messages * units
            if table > finish:
                finish = table
            heappush(busy, (finish, messages))
            held += messages
            idle -= 1
            begins.append(start)
            ends.append(finish)
            counts.append(messages)
            heads.append(head)
            head = last
        self._now, self._held, self._idle, self._head, self._table = now, held, idle, head, table
        if len(begins) >= CHUNK:
            self._book()
        return head > begun

    def _book(self) -> None:
        """Count what the calm loop has served since the last time."""
        tally, (begins, ends, counts, heads) = self.tally, self._booked
        if not begins:
            return
        taken, given = np.array(counts), -np.array(counts)
        for track, at, change in (
            ("waiting", begins, given), ("taken", begins, taken), ("in_flight", begins, taken),
            ("in_flight", ends, given), ("stored", ends, taken), ("running", ends, -1),
            ("running", np.array(begins) + self.scenario.each_batch_seconds, 1),
        ):  # fmt: skip
            tally.add(track, at, change)
        if self.served is not None:
            for begin, end, count, head in zip(begins, ends, counts, heads, strict=True):
                self.served += [(place, begin, end) for place in range(head, head + count)]
        self.ended = max(self.ended, *ends)
        self._progress(self._head / len(self.times))
        for each in self._booked:
            each.clear()
