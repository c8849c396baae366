"""Rows out of log lines: put together right in whatever order they come, and counted once."""

import random
from itertools import pairwise
from typing import Any

import pytest

from webhook_lab.watch.concurrency import peak, peak_between, peak_concurrency
from webhook_lab.watch.history import History, attempts, told_faults
from webhook_lab.watch.rows import Invocation, Work

ONE, TWO = {"id": "lab:1", "message_id": "m1"}, {"id": None, "message_id": "m2"}
BATCH: list[dict[str, Any]] = [
    {"event": "invocation_start", "function": "subscribe", "request_id": "r", "at": 100},
    {"event": "record_start", "request_id": "r", "at": 101, **ONE},
    {"event": "record_finish", "request_id": "r", "at": 110, **ONE, "outcome": "stored"},
    {"event": "record_start", "request_id": "r", "at": 110, **TWO},
    {"event": "record_finish", "request_id": "r", "at": 111, **TWO, "outcome": "failed"},
    {"event": "invocation_finish", "function": "subscribe", "request_id": "r", "at": 112},
    {"event": "report", "request_id": "r", "at": 119},
]
START, BEGUN, _, _, _, _, REPORT = BATCH


def spans(*times: tuple[int, int | None]) -> list[Invocation]:
    return [Invocation(str(n), "subscribe", start, end, 0) for n, (start, end) in enumerate(times)]


def line(event: str, at: int, request_id: str = "r1", message_id: str = "m1", **more: Any) -> dict[str, Any]:
    told = {"event": event, "at": at, "request_id": request_id, **more}
    return told if event == "report" else {**told, "message_id": message_id, "id": f"lab:{message_id}"}


@pytest.mark.parametrize("seed", range(20))
def test_lines_in_any_order_give_the_same_rows(seed: int) -> None:
    history = History().add(random.Random(seed).sample(BATCH, len(BATCH)))
    assert history.invocations() == [Invocation("r", "subscribe", 100, 112, records=2)]
    assert history.attempts() == [
        Work("lab:1", "m1", "r", 101, 110, "stored"),
        Work(None, "m2", "r", 110, 111, "failed"),
    ]
    assert history.outcomes == {"stored": 1, "failed": 1}
    assert history.settled == {"lab:1": {"m1"}}


def test_an_invocation_that_was_killed_ends_when_lambda_reports_it() -> None:
    history = History().add([START, BEGUN, REPORT])
    assert history.invocations() == [Invocation("r", "subscribe", 100, 119, records=0)]
    assert history.begun == {"m1": 1}
    assert history.attempts() == [Work("lab:1", "m1", "r", 101, 119, "cut")]


def test_what_still_runs_has_no_end() -> None:
    history = History().add([*BATCH[:2], {**REPORT, "request_id": "another"}])
    assert history.invocations() == [Invocation("r", "subscribe", 100, None, records=0)]
    assert history.attempts() == []


def test_what_began_before_the_first_line_that_was_read_is_no_invocation_of_the_run() -> None:
    assert History().add(BATCH[2:]).invocations() == []


def test_each_receive_of_a_message_is_an_attempt_of_its_own_and_they_come_in_order() -> None:
    lines = [
        line("record_start", 6_000, "r2"),
        line("record_finish", 6_010, "r2", outcome="redelivered"),
        line("record_start", 0),
        line("record_finish", 10, outcome="stored"),
    ]
    told = [(each.request_id, each.outcome) for each in attempts(lines)]
    assert told == [("r1", "stored"), ("r2", "redelivered")]


@pytest.mark.parametrize(
    ("times", "most"),
    {
        "none": ([], 0),
        "one": ([(1, 5)], 1),
        "one after the other": ([(1, 5), (6, 9)], 1),
        "one from the other's end": ([(1, 5), (5, 9)], 1),
        "two at once": ([(1, 5), (4, 9)], 2),
        "two that begin at once": ([(1, 5), (1, 9)], 2),
        "a short one inside a long one": ([(1, 9), (4, 4)], 2),
        "two pairs": ([(1, 4), (2, 5), (6, 9), (7, 8)], 2),
        "three, of which two at once": ([(1, 4), (3, 6), (5, 8)], 2),
        "one whose finish is not written yet": ([(1, None), (7, 8)], 1),
    }.values(),
)
def test_the_peak_is_the_most_that_ran_at_one_time(times: list[tuple[int, int | None]], most: int) -> None:
    lines = []
    for number, (start, finish) in enumerate(times):
        lines.append({"event": "invocation_start", "request_id": str(number), "at": start})
        if finish is not None:
            lines.append({"event": "invocation_finish", "request_id": str(number), "at": finish})
    assert peak_concurrency(lines) == peak_concurrency(reversed(lines)) == peak(spans(*times)) == most


def test_a_killed_invocation_no_longer_counts() -> None:
    killed = [{**START, "request_id": "k"}, {**REPORT, "request_id": "k", "at": 105}]
    later = [{**each, "at": each["at"] + 10} for each in BATCH]
    assert peak_concurrency([*killed, *later]) == 1


@pytest.mark.parametrize(
    ("times", "looks", "most"),
    {
        "the most between two looks": (
            [(10, 14), (12, 16), (30, None)], (0, 5, 13, 20, 29, 31), [0, 2, 2, 0, 1]),
        "what runs on counts at each look": ([(10, None)], (0, 5, 15, 25), [0, 1, 1]),
        "one that begins as another ends": ([(10, 20), (20, 30)], (0, 15, 25, 40), [1, 1, 1]),
        "what ended before": ([(40, None), (10, 30)], (50, 60), [1]),
    }.values(),
)  # fmt: skip
def test_a_look_shows_the_most_that_ran_since_the_last_one(times: Any, looks: Any, most: list[int]) -> None:
    assert [peak_between(spans(*times), *between) for between in pairwise(looks)] == most


def test_invocations_that_lambda_ended_are_counted_by_its_error() -> None:
    report = {"event": "report", "at": 1}
    lines = [{**report, "request_id": str(n), "error": "Runtime.ImportModuleError"} for n in range(12)]
    lines += [{**report, "request_id": "late", "error": "timeout"}, {**report, "request_id": "well"}]
    lines += [{"event": "error", "request_id": "", "at": 1, "error": "Runtime.ImportModuleError: no"}]
    history = History().add(lines)
    assert told_faults(history.failed) == "Runtime.ImportModuleError 12 times, timeout once"
    assert history.invocations() == []
