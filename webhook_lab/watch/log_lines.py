"""The handlers' own JSON lines, and what Lambda says when an invocation fails.

The handlers' times are inside their lines; what CloudWatch stamps is a line's arrival.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

from webhook_lab.aws.session import Session
from webhook_lab.facts import quotas

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient

_PAGE = 10_000  # events at most, by default, in one answer of FilterLogEvents
_PAUSE = 1 / (quotas.LOGS_FILTER_CALLS_PER_SECOND.value - 1)  # leaves a call a second to whoever else asks
_REPORT = re.compile(r"REPORT RequestId: (\S+)\tDuration: ")
_STATUS = re.compile(r"\tStatus: (\w+)(?:\tError Type: (\S+))?")
# What was raised, without its traceback; that it took too long; that its process ended. Only `logging` puts a
# tab after the level.
_FAULT = re.compile(
    r"\[ERROR\] (?P<raised>.+)"
    r"|\S+Z (?P<late>\S+) (?P<timeout>Task timed out after .+)"
    r"|RequestId: (?P<ended>\S+) Error: (?P<exit>.+)"
)


def read_lines(logs: "CloudWatchLogsClient", *, log_group: str, since: int = 0) -> list[dict[str, Any]]:
    """Every JSON line that the functions of `log_group` wrote, oldest first, however many there are.

    Among them ``{"event": "error", "function", "request_id", "at", "error"}`` for each thing that Lambda says
    of a failure; `request_id` is empty where Lambda names none, as for code that could not be imported.

    Args:
        since: epoch milliseconds on AWS's clock (`Session.now`); lines that CloudWatch received earlier are
            left out.
    """
    lines = LogReader(logs, log_group=log_group, since=since, overlap=0).read()
    return [line for line in lines if line["event"] != "report"]


def line_of(message: str) -> dict[str, Any] | None:
    """The handler's line in a log event's message; None when somebody else wrote it."""
    try:
        line = json.loads(message)
    except ValueError:
        return None
    return line if isinstance(line, dict) and "event" in line else None


class LogReader:
    """One log group's new lines: each `read` goes on where the last one ended, and calls as often as it may.

    CloudWatch sorts by time and shows some lines late. So a read begins `overlap` before the newest event
    that was seen, and leaves out by their ids those that were read before.

    Args:
        since: epoch milliseconds on AWS's clock (`Session.now`) at which to begin.
        overlap: seconds; a line that shows later than this after a newer one is missed.
    """

    def __init__(
        self,
        logs: "CloudWatchLogsClient",
        *,
        log_group: str,
        since: int,
        overlap: float,
    ) -> None:
        self._logs, self._group, self._since = logs, log_group, since
        self._overlap = round(overlap * 1000)
        self._next_call = 0.0
        self._seen: dict[object, int] = {}  # when each event of the overlap happened
        self._newest = since

    @classmethod
    def of(cls, session: Session, *, log_group: str, since: int) -> Self:
        """A reader by a client of its own, which overlaps as the target's lag of log lines asks for."""
        logs, overlap = session.client("logs", recorded=False), max(2.0, 3 * session.target.traits.log_lag)
        return cls(logs, log_group=log_group, since=since, overlap=overlap)

    def read(self) -> list[dict[str, Any]]:
        """The handlers' lines that are new since the last read.

        For each invocation there is another ``{"event": "report", "request_id", "at"}``, out of Lambda's own
        REPORT line: the only sign of the end of one that was killed. `at` is when Lambda wrote it. One that
        Lambda ended or could not begin has an `error`: "timeout", or a type such as
        "Runtime.ImportModuleError". For Lambda's words about it see `read_lines`.
        """
        found = []
        for event in self._events(max(self._since, self._newest - self._overlap)):
            # The local cloud gives no ids. There, a stream never holds the same text twice in a millisecond.
            key = event.get("eventId") or (event["logStreamName"], event["timestamp"], event["message"])
            if key in self._seen:
                continue
            self._seen[key] = event["timestamp"]
            self._newest = max(self._newest, event["timestamp"])
            if line := line_of(event["message"]) or self._of_lambda(event["message"], event["timestamp"]):
                found.append(line)
        oldest = self._newest - self._overlap
        self._seen = {key: at for key, at in self._seen.items() if at >= oldest}
        return found

    def _of_lambda(self, message: str, at: int) -> dict[str, Any] | None:
        if report := _REPORT.match(message):
            status = _STATUS.search(message)
            error = {"error": status[2] or status[1]} if status else {}
            return {"event": "report", "request_id": report[1], "at": at, **error}
        if fault := _FAULT.match(message):
            about = {"function": self._group.rpartition("/")[2], "at": at}
            about["request_id"] = fault["late"] or fault["ended"] or ""
            return {"event": "error", **about, "error": fault["raised"] or fault["timeout"] or fault["exit"]}
        return None

    def _events(self, start: int) -> Iterator[Mapping[str, Any]]:
        ask: dict[str, Any] = {"startTime": start}
        while True:
            time.sleep(max(0.0, self._next_call - time.monotonic()))
            self._next_call = time.monotonic() + _PAUSE
            page = self._logs.filter_log_events(logGroupName=self._group, **ask)
            yield from (events := page["events"])
            if page.get("nextToken"):
                ask["nextToken"] = page["nextToken"]
            elif len(events) == _PAGE and events[-1]["timestamp"] > ask["startTime"]:
                ask = {"startTime": events[-1]["timestamp"]}  # the local cloud ends a full page without one
            else:
                return
