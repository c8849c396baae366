"""New log lines, read from where the last read ended: none twice, none missed, no more calls than allowed."""

import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from webhook_lab.facts import quotas
from webhook_lab.watch.log_lines import LogReader, read_lines

START = 1_000_000


class Logs:
    """FilterLogEvents over a list of events, a page at a time; without `tokens` and `ids` as the emulator."""

    def __init__(self, *, page: int = 10_000, tokens: bool = True, ids: bool = True) -> None:
        self.events: list[dict[str, Any]] = []
        self.page, self.tokens, self.ids = page, tokens, ids
        self.starts: list[int] = []
        self.called_at: list[float] = []
        self.clock: Callable[[], float] = lambda: 0.0

    def write(self, at: int, message: str | None = None) -> None:
        number = len(self.events)
        text = json.dumps({"event": "record_start", "number": number}) if message is None else message
        event = {"timestamp": at, "message": text, "logStreamName": "s"}
        self.events.append({**event, **({"eventId": str(number)} if self.ids else {})})

    def filter_log_events(self, logGroupName: str, startTime: int, nextToken: str = "0") -> dict[str, Any]:
        self.starts.append(startTime)
        self.called_at.append(self.clock())
        found = sorted((e for e in self.events if e["timestamp"] >= startTime), key=lambda e: e["timestamp"])
        first = int(nextToken)
        more = first + self.page < len(found) and self.tokens
        answer: dict[str, Any] = {"events": found[first : first + self.page]}
        return {**answer, "nextToken": str(first + self.page)} if more else answer


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[], float]:
    """The reader's clock, which goes forward by its pauses."""
    made: list[float] = []

    def now() -> float:
        return sum(made)

    time = SimpleNamespace(monotonic=now, sleep=made.append)
    monkeypatch.setattr("webhook_lab.watch.log_lines.time", time)
    return now


def reader_of(logs: Logs) -> LogReader:
    return LogReader(logs, log_group="g", since=START, overlap=2.0)  # type: ignore[arg-type]


def numbers(lines: list[dict[str, Any]]) -> list[int]:
    return [line["number"] for line in lines]


@pytest.mark.parametrize("ids", [True, False])
def test_a_line_is_read_once_however_often_one_reads(ids: bool) -> None:
    logs = Logs(ids=ids)
    reader = reader_of(logs)
    assert reader.read() == []
    for n in range(3):
        logs.write(START + n)
    assert numbers(reader.read()) == [0, 1, 2]
    logs.write(START + 2)
    assert numbers(reader.read()) == [3]
    assert reader.read() == []


def test_reading_goes_on_near_the_end_and_never_from_the_start() -> None:
    logs = Logs()
    reader = reader_of(logs)
    for second in range(100):
        logs.write(START + second * 1000)
        reader.read()
    reader.read()
    assert logs.starts[-1] == START + 99_000 - 2_000
    assert len(reader._seen) <= 3


def test_a_line_that_shows_late_is_read_and_one_beyond_the_overlap_is_not() -> None:
    logs = Logs()
    reader = reader_of(logs)
    logs.write(START + 10_000)
    reader.read()
    logs.write(START + 8_500)
    logs.write(START + 7_500)
    assert numbers(reader.read()) == [1]


def test_lines_from_before_the_run_are_left_out() -> None:
    logs = Logs()
    logs.write(START - 1)
    logs.write(START)
    assert numbers(reader_of(logs).read()) == [1]


@pytest.mark.parametrize("tokens", [True, False])
def test_every_page_is_read_also_where_a_full_one_has_no_token(
    tokens: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook_lab.watch.log_lines._PAGE", 5)
    logs = Logs(page=5, tokens=tokens, ids=tokens)
    for n in range(23):
        logs.write(START + n // 2)
    assert numbers(reader_of(logs).read()) == list(range(23))
    assert numbers(read_lines(logs, log_group="g", since=START)) == list(range(23))  # type: ignore[arg-type]


def test_no_second_sees_more_calls_than_aws_allows(clock: Callable[[], float]) -> None:
    logs = Logs(page=2)
    logs.clock = clock
    for n in range(60):
        logs.write(START + n)
    reader = reader_of(logs)
    for _ in range(5):
        reader.read()
    calls = logs.called_at
    assert len(calls) > 30
    for first, later in zip(calls, calls[quotas.LOGS_FILTER_CALLS_PER_SECOND.value - 1 :], strict=False):
        assert later - first > 0.99


def test_only_handlers_lines_and_lambdas_reports_are_given() -> None:
    logs = Logs()
    for message in (
        "START RequestId: r Version: $LATEST",
        "hello",
        "[1]",
        '{"other": 1}',
        "END RequestId: r",
    ):
        logs.write(START, message)
    logs.write(START + 7, "REPORT RequestId: r\tDuration: 5 ms\tBilled Duration: 5 ms")
    assert reader_of(logs).read() == [{"event": "report", "request_id": "r", "at": START + 7}]


def test_what_lambda_says_of_a_failure_is_a_line_too() -> None:
    logs = Logs()
    failing = "REPORT RequestId: r\tDuration: 5 ms\tMax Memory Used: 9 MB\tStatus: "
    for message in (
        "[ERROR] Runtime.ImportModuleError: No module named 'x'\nTraceback (most recent call last):",
        "INIT_REPORT Init Duration: 5.00 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.Unknown",
        "2026-11-28T10:00:00.000Z q Task timed out after 1.00 seconds",
        "RequestId: p Error: Runtime exited with error: signal: killed\nRuntime.ExitError",
        "[ERROR]\t2026-11-28T10:00:00.000Z\tr\tby the function's own logging",
        f"{failing}error\tError Type: Runtime.ImportModuleError\t\nXRAY TraceId: 1-2\tSegmentId: 3",
        f"{failing}timeout",
    ):
        logs.write(START, message)
    assert [(line["event"], line["request_id"], line["error"]) for line in reader_of(logs).read()] == [
        ("error", "", "Runtime.ImportModuleError: No module named 'x'"),
        ("error", "q", "Task timed out after 1.00 seconds"),
        ("error", "p", "Runtime exited with error: signal: killed"),
        ("report", "r", "Runtime.ImportModuleError"),
        ("report", "r", "timeout"),
    ]
    [first, *_] = read_lines(logs, log_group="/aws/lambda/f", since=START)  # type: ignore[arg-type]
    assert (first["function"], first["at"]) == ("f", START)
