"""How many invocations ran at once, out of when each began and ended."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from webhook_lab.watch.history import History


class Span(Protocol):
    """What has a beginning and an end: an `Invocation`, or a `Work`. Not ended yet: None."""

    @property
    def started_at(self) -> int: ...
    @property
    def finished_at(self) -> int | None: ...


def peak(spans: Iterable[Span]) -> int:
    """The most that are known to have run at one time.

    What begins in the millisecond in which another ends came after it. What has not ended by what is known
    counts when it begins and no longer: lines may be late.
    """
    times = ((span.started_at, span.finished_at) for span in spans)
    return _most((start, start if end is None else end) for start, end in times)


def peak_between(spans: Iterable[Span], since: int, until: int) -> int:
    """The most that ran at one time after `since` and up to `until`, in epoch milliseconds.

    What has not ended by what is known runs on: one hears of it while it runs.
    """
    times = ((span.started_at, span.finished_at) for span in spans if span.started_at <= until)
    return _most(
        (max(start, since), until + 1 if end is None else end)
        for start, end in times
        if end is None or end > since
    )


def peak_concurrency(lines: Iterable[Mapping[str, Any]]) -> int:
    """The most invocations that ran at one time, by a function's log lines in any order."""
    return peak(History().add(lines).invocations())


def _most(times: Iterable[tuple[int, int]]) -> int:
    changes: list[tuple[int, int, int]] = []
    for start, end in times:
        # What ends goes before what begins in the same millisecond, unless it began just then.
        changes += [(start, 1, 1), (end, 2 if end == start else 0, -1)]
    running = most = 0
    for _, _, change in sorted(changes):
        running += change
        most = max(most, running)
    return most
