"""Every attempt at a message, by the function's own log lines: one for each receive that reached it."""

from collections.abc import Iterable, Mapping
from typing import Any

from webhook_lab.watch.rows import Work

CUT = "cut"
"""Outcome of an attempt whose function wrote no more lines about it: it timed out, or died."""


def attempts(lines: Iterable[Mapping[str, Any]]) -> list[Work]:
    """What was begun on each message and how it ended, oldest first.

    One without an end of its own ends where Lambda's report says that the invocation did, and is `CUT`;
    while there is none of that either it is not told of, for it may still run. A message of a batch that
    was cut before its turn was received too, and no line says so.

    Args:
        lines: with the reports that `LogReader` makes of Lambda's own lines.
    """
    lines = list(lines)
    starts = [line for line in lines if line["event"] == "record_start"]
    finishes = {_key(line): line for line in lines if line["event"] == "record_finish"}
    reports = {line["request_id"]: line for line in lines if line["event"] == "report"}
    found = []
    for line in starts:
        finish = finishes.get(_key(line))
        if end := finish or reports.get(line["request_id"]):
            times = int(line["at"]), int(end["at"])
            outcome = finish["outcome"] if finish else CUT
            found.append(Work(line["id"], line["message_id"], line["request_id"], *times, outcome))
    return sorted(found, key=lambda each: (each.started_at, each.request_id))


def _key(line: Mapping[str, Any]) -> tuple[str, str]:
    return line["request_id"], line["message_id"]
