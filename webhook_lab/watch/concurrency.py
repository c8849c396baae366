"""How many invocations ran at once, out of when each began and ended."""

import heapq
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol

from webhook_lab.watch.history import History
from webhook_lab.watch.rows import Invocation, Work


class Span(Protocol):
    """What has a beginning and an end: an `Invocation`, or a `Work`. Not ended yet: None."""

    @property
    def started_at(self) -> int: ...
    @property
    def finished_at(self) -> int | None: ...


def _changes(spans: Iterable[Span], *, unfinished_run_on: bool) -> list[tuple[int, int, int]]:
    """(epoch ms, order within it, change): what ends goes before what begins, unless it began just then."""
    found = []
    for span in spans:
        end = span.finished_at
        found.append((span.started_at, 1, 1))
        if end is None and not unfinished_run_on:
            end = span.started_at
        if end is not None:
            found.append((end, 2 if end == span.started_at else 0, -1))
    return sorted(found)


def steps(spans: Iterable[Span]) -> list[tuple[int, int]]:
    """How many ran from each moment on at which that changed: (epoch milliseconds, count), in order.

    What has not ended by what is known runs on.
    """
    running, found = 0, [(0, 0)]
    for at, changes in groupby(_changes(spans, unfinished_run_on=True), key=lambda change: change[0]):
        running += sum(change for _, _, change in changes)
        if running != found[-1][1]:
            found.append((at, running))
    return found[1:]


def peak(spans: Iterable[Span]) -> int:
    """The most that are known to have run at one time.

    What begins in the millisecond in which another ends came after it. What has not ended by what is known
    counts when it begins and no longer: lines may be late.
    """
    running = most = 0
    for _, _, change in _changes(spans, unfinished_run_on=False):
        running += change
        most = max(most, running)
    return most


def peak_concurrency(lines: Iterable[Mapping[str, Any]]) -> int:
    """The most invocations that ran at one time, by a function's log lines in any order."""
    history = History()
    for line in lines:
        history.add(line)
    return peak(history.invocations())


def contradictions(
    items: Sequence[Work], invocations: Sequence[Invocation], limits: Sequence[tuple[int, int]]
) -> list[str]:
    """Where what the table, the log and the settings say of one run do not agree; empty when they do.

    Each item was worked on within the invocation that it names; no more items than invocations were worked
    on at once; and no invocation began beyond the limit. What runs when that is lowered may end.

    Args:
        items: by `history.work_of`.
        limits: (epoch ms from which on it holds, limit), in order.
    """
    known = {invocation.request_id: invocation for invocation in invocations}
    found = [f"no end of invocation {each.request_id}" for each in invocations if each.finished_at is None]
    for item in items:
        whole = known.get(item.request_id)
        if whole is None:
            found.append(f"{item.id}: no line of its invocation {item.request_id}")
        elif item.started_at < whole.started_at or item.finished_at > (whole.finished_at or item.finished_at):
            found.append(f"{item.id}: worked on outside its invocation {item.request_id}")
    if not found and peak(items) > peak(invocations):
        found.append(f"{peak(items)} items at once, but only {peak(invocations)} invocations")
    running = 0
    for at, _, change in _changes(invocations, unfinished_run_on=False):
        running += change
        limit = next((limit for since, limit in reversed(limits) if since <= at), running)
        if change > 0 and running > limit:
            found.append(f"{running} invocations at {at}, though the limit was {limit}")
    return found


class Gauge:
    """Concurrency while it goes on, a little late: lines come late, and not in order."""

    def __init__(self) -> None:
        self._ahead: list[tuple[int, int]] = []
        self._running = self._known = 0

    def add(self, at: int, change: int) -> None:
        """One more (1) or one less (-1) runs from `at` on, in epoch milliseconds."""
        heapq.heappush(self._ahead, (at, change))

    def until(self, at: int) -> int:
        """The most that ran at once since the last call's `at`, by what has been told of that time by now."""
        while self._ahead and self._ahead[0][0] <= self._known:
            self._running += heapq.heappop(self._ahead)[1]
        most = self._running
        while self._ahead and self._ahead[0][0] <= at:
            self._running += heapq.heappop(self._ahead)[1]
            most = max(most, self._running)
        self._known = at
        return most
