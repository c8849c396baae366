"""Log lines put together, in whatever order they come: invocations, and what each did about its records."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from webhook_lab.watch.rows import Invocation, Work

SETTLED = frozenset({"stored", "duplicate", "redelivered", "conflict"})
"""Outcomes after which a message is done with; what failed comes again, or goes to the dead-letter queue."""


@dataclass
class _Seen:
    function: str = ""
    started_at: int | None = None
    finished_at: int | None = None
    reported_at: int | None = None
    records: int = 0


class History:
    """One function's lines so far. Adding one costs the same however many there are.

    Args:
        on_change: told (epoch ms, 1 or -1) of each beginning and end of an invocation, once each.

    Attributes:
        work: a row for each record that was finished, in the order in which that was read.
        outcomes: how many records came to each outcome.
        settled: ids of the deliveries that are done with.
        begun: how often work on each message was begun, by message id; not all that is begun is finished.
    """

    def __init__(self, on_change: Callable[[int, int], object] | None = None) -> None:
        self.work: list[Work] = []
        self.outcomes: Counter[str] = Counter()
        self.settled: set[str] = set()
        self.begun: Counter[str] = Counter()
        self._seen: dict[str, _Seen] = {}
        self._halves: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._on_change = on_change or (lambda _at, _change: None)

    def add(self, line: Mapping[str, Any]) -> None:
        """Take in one line; lines that say nothing about an invocation or a record are left out."""
        at, request_id = int(line["at"]), str(line["request_id"])
        seen = self._seen.setdefault(request_id, _Seen())
        seen.function = seen.function or line.get("function", "")
        before = seen.started_at, self._end(seen)
        if line["event"] == "invocation_start":
            seen.started_at = at
        elif line["event"] == "invocation_finish":
            seen.finished_at = at
        elif line["event"] == "report":
            seen.reported_at = at
        elif line["event"] in ("record_start", "record_finish"):
            self._record(line, seen)
        if seen.started_at is not None:
            if before[0] is None:
                self._on_change(seen.started_at, 1)
            if (end := self._end(seen)) is not None and (before[0] is None or before[1] is None):
                self._on_change(end, -1)

    def invocations(self) -> list[Invocation]:
        """A row for each invocation whose beginning is known, as they were first heard of."""
        return [
            Invocation(request_id, seen.function, seen.started_at, self._end(seen), seen.records)
            for request_id, seen in list(self._seen.items())
            if seen.started_at is not None
        ]

    def _record(self, line: Mapping[str, Any], seen: _Seen) -> None:
        if line["event"] == "record_start":
            self.begun[str(line.get("message_id"))] += 1
        else:
            seen.records += 1
            self.outcomes[line["outcome"]] += 1
            if line["outcome"] in SETTLED:
                self.settled.add(str(line["id"]))
        key = str(line["request_id"]), str(line.get("message_id"))
        if (other := self._halves.pop(key, None)) is None:
            self._halves[key] = line
            return
        start, finish = sorted((line, other), key=lambda half: half["event"] == "record_finish")
        times = int(start["at"]), int(finish["at"])
        self.work.append(Work(finish["id"], key[1], key[0], *times, finish["outcome"]))

    @staticmethod
    def _end(seen: _Seen) -> int | None:
        """Its own word where it has one; one that was killed, or raised, has only Lambda's."""
        return seen.finished_at if seen.finished_at is not None else seen.reported_at


def work_of(item: Mapping[str, Any]) -> Work:
    """The work that an item of the table tells of, given as plain values."""
    times = int(item["started_at"]), int(item["finished_at"])
    return Work(item["id"], item["message_id"], item["function_request_id"], *times, "stored")
