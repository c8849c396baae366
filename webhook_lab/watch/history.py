"""Log lines put together, in whatever order they come: invocations, and what each did about its records."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from webhook_lab.watch.rows import Invocation, Work

SETTLED = frozenset({"stored", "duplicate", "redelivered", "conflict", "unauthorized"})
"""Outcomes after which a message is done with; what failed comes again, or goes to the dead-letter queue."""
TIMEOUT = "timeout"
"""What Lambda reports of an invocation that took too long."""
CUT = "cut"
"""Outcome of an attempt whose function wrote no more lines about it: it timed out, or died."""


@dataclass
class _Seen:
    function: str = ""
    started_at: int | None = None
    finished_at: int | None = None
    reported_at: int | None = None
    records: int = 0

    @property
    def ended_at(self) -> int | None:
        """By its own word where it has one; one that was killed, or raised, has only Lambda's."""
        return self.reported_at if self.finished_at is None else self.finished_at


class History:
    """One function's lines so far. Adding one costs the same however many there are.

    It may be read from other threads than the one that adds.

    Attributes:
        outcomes: how many records came to each outcome.
        outcomes_of: the same by the id of the delivery.
        settled: the ids of the messages that are done with, by the id of their delivery.
        begun: how often work on each message was begun, by message id; not all that is begun is finished.
        failed: how many invocations Lambda ended or could not begin, by its error: "timeout", or a type.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.outcomes_of: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.settled: dict[str, set[str]] = {}
        self.begun: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self._seen: defaultdict[str, _Seen] = defaultdict(_Seen)
        self._starts: dict[tuple[str, str], Mapping[str, Any]] = {}
        self._finishes: dict[tuple[str, str], Mapping[str, Any]] = {}

    def add(self, lines: Iterable[Mapping[str, Any]]) -> Self:
        """Take in more lines; those that say nothing about an invocation or a record are left out.

        Args:
            lines: with the reports that `LogReader` makes of Lambda's own lines.
        """
        for line in lines:
            if line["event"] == "error":
                continue
            seen, at = self._seen[str(line["request_id"])], int(line["at"])
            seen.function = seen.function or line.get("function", "")
            match line["event"]:
                case "invocation_start":
                    seen.started_at = at
                case "invocation_finish":
                    seen.finished_at = at
                case "report":
                    seen.reported_at = at
                    self.failed.update([line["error"]] if "error" in line else [])
                case "record_start":
                    self.begun[str(line.get("message_id"))] += 1
                    self._starts[_key(line)] = line
                case "record_finish":
                    seen.records += 1
                    self._finish(line)
        return self

    def invocations(self) -> list[Invocation]:
        """A row for each invocation whose beginning is known, as they were first heard of."""
        return [
            Invocation(request_id, seen.function, seen.started_at, seen.ended_at, seen.records)
            for request_id, seen in list(self._seen.items())
            if seen.started_at is not None
        ]

    def attempts(self) -> list[Work]:
        """What was begun on each message and how it ended, oldest first.

        One without an end of its own ends where Lambda's report says that the invocation did, and is `CUT`;
        while there is none of that either it is not told of, for it may still run. A message of a batch that
        was cut before its turn was received too, and no line says so.
        """
        found = []
        for (request_id, message_id), start in list(self._starts.items()):
            finish = self._finishes.get((request_id, message_id))
            end = finish["at"] if finish else self._seen[request_id].reported_at
            if end is not None:
                outcome = finish["outcome"] if finish else CUT
                times = int(start["at"]), int(end)
                found.append(Work(start.get("id"), message_id, request_id, *times, outcome))
        return sorted(found, key=lambda each: (each.started_at, each.request_id))

    def _finish(self, line: Mapping[str, Any]) -> None:
        self.outcomes[line["outcome"]] += 1
        self.outcomes_of[str(line.get("id"))][line["outcome"]] += 1
        self._finishes[_key(line)] = line
        if line["outcome"] in SETTLED:
            self.settled.setdefault(str(line["id"]), set()).add(str(line.get("message_id")))


def attempts(lines: Iterable[Mapping[str, Any]]) -> list[Work]:
    """Every attempt that the lines tell of; see `History.attempts`."""
    return History().add(lines).attempts()


def told_faults(failed: Mapping[str, int]) -> str:
    """`History.failed` in words.

    >>> told_faults({"Runtime.ImportModuleError": 12, "timeout": 1})
    'Runtime.ImportModuleError 12 times, timeout once'
    """
    return ", ".join(f"{error} {'once' if n == 1 else f'{n} times'}" for error, n in failed.items())


def _key(line: Mapping[str, Any]) -> tuple[str, str]:
    return str(line["request_id"]), str(line.get("message_id"))
