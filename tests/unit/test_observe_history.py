"""Rows out of log lines: put together right in whatever order they come, and counted once."""

import itertools
import random
from typing import Any

import pytest

from webhook_lab.watch.concurrency import Gauge, contradictions, peak, peak_concurrency, steps
from webhook_lab.watch.history import History, work_of
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


def history_of(lines: list[dict[str, Any]]) -> History:
    history = History()
    for line in lines:
        history.add(line)
    return history


def spans(*times: tuple[int, int | None]) -> list[Invocation]:
    return [Invocation(str(n), "subscribe", start, end, 0) for n, (start, end) in enumerate(times)]


@pytest.mark.parametrize("seed", range(20))
def test_lines_in_any_order_give_the_same_rows(seed: int) -> None:
    shuffled = random.Random(seed).sample(BATCH, len(BATCH))
    history = history_of(shuffled)
    assert history.invocations() == [Invocation("r", "subscribe", 100, 112, records=2)]
    assert sorted(history.work, key=lambda work: work.message_id) == [
        Work("lab:1", "m1", "r", 101, 110, "stored"),
        Work(None, "m2", "r", 110, 111, "failed"),
    ]
    assert history.outcomes == {"stored": 1, "failed": 1}
    assert history.settled == {"lab:1"}


@pytest.mark.parametrize("seed", range(20))
def test_each_beginning_and_end_is_told_once(seed: int) -> None:
    told: list[tuple[int, int]] = []
    history = History(on_change=lambda at, change: told.append((at, change)))
    for line in random.Random(seed).sample(BATCH, len(BATCH)):
        history.add(line)
    ends = [at for at, change in told if change < 0]
    assert [at for at, change in told if change > 0] == [100]
    assert len(ends) == 1
    assert ends[0] in (112, 119)  # Lambda's word may be heard before its own


def test_an_invocation_that_was_killed_ends_when_lambda_reports_it() -> None:
    history = history_of([BATCH[0], BATCH[1], BATCH[6]])
    assert history.invocations() == [Invocation("r", "subscribe", 100, 119, records=0)]
    assert history.work == []


def test_an_invocation_that_still_runs_has_no_end() -> None:
    assert history_of(BATCH[:3]).invocations() == [Invocation("r", "subscribe", 100, None, records=1)]


def test_what_began_before_the_first_line_that_was_read_is_no_invocation_of_the_run() -> None:
    assert history_of(BATCH[2:]).invocations() == []


def test_steps_say_how_many_ran_from_when() -> None:
    ran = spans((10, 20), (15, 25), (20, 30), (40, 40), (50, None))
    assert steps(ran) == [(10, 1), (15, 2), (25, 1), (30, 0), (50, 1)]
    assert steps([]) == []


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_the_peak_does_not_depend_on_the_order(order: tuple[int, ...]) -> None:
    ran = spans((10, 20), (15, 25), (20, 30))
    assert peak([ran[n] for n in order]) == 2


def test_a_killed_invocation_no_longer_counts() -> None:
    killed = [{**BATCH[0], "request_id": "k"}, {**BATCH[6], "request_id": "k", "at": 105}]
    later = [{**line, "at": line["at"] + 10} for line in BATCH]
    assert peak_concurrency([*killed, *later]) == 1


def test_items_log_and_limit_of_an_honest_run_agree() -> None:
    items = [Work("a", "m", "0", 12, 18, "stored"), Work("b", "m", "1", 20, 20, "stored")]
    assert contradictions(items, spans((10, 20), (20, 21)), [(0, 1)]) == []


def test_each_kind_of_contradiction_is_told() -> None:
    item = {"id": "a", "message_id": "m", "function_request_id": "0", "started_at": 5, "finished_at": 30}
    [outside] = contradictions([work_of(item)], spans((10, 20)), [(0, 1)])
    assert "outside" in outside
    [unknown] = contradictions([Work("a", "m", "9", 10, 20, "stored")], spans((10, 20)), [(0, 1)])
    assert "no line" in unknown
    items = [Work(name, "m", "0", 12, 18, "stored") for name in "ab"]
    [more] = contradictions(items, spans((10, 20)), [(0, 1)])
    assert "2 items at once, but only 1" in more
    [beyond] = contradictions([], spans((10, 20), (11, 20), (12, 20)), [(0, 2)])
    assert "3 invocations at 12, though the limit was 2" in beyond


def test_an_invocation_without_an_end_is_told_and_counts_for_no_more_than_is_known() -> None:
    unfinished = spans((10, None), (20, 30))
    assert peak(unfinished) == 1
    assert contradictions([Work("a", "m", "0", 12, 25, "stored")], unfinished, [(0, 1)]) == [
        "no end of invocation 0"
    ]


def test_a_limit_holds_from_when_it_is_set_and_what_runs_may_end() -> None:
    before_the_raise = spans((10, 30), (11, 30), (12, 30))
    assert contradictions([], before_the_raise, [(0, 2), (12, 3)]) == []
    assert len(contradictions([], before_the_raise, [(0, 2), (13, 3)])) == 1
    lowered = spans((10, 30), (11, 30), (12, 40), (35, 50))
    assert contradictions([], lowered, [(0, 3), (20, 2)]) == []


def test_the_gauge_shows_the_most_between_two_looks() -> None:
    gauge = Gauge()
    for at, change in ((10, 1), (12, 1), (14, -1), (16, -1), (30, 1)):
        gauge.add(at, change)
    assert [gauge.until(at) for at in (5, 13, 20, 29, 31)] == [0, 2, 2, 0, 1]


def test_lines_out_of_order_within_the_lag_leave_the_gauge_right() -> None:
    gauge = Gauge()
    gauge.add(20, 1)  # the next one begins as soon as the first ends,
    gauge.add(10, 1)
    assert gauge.until(15) == 1
    gauge.add(20, -1)  # and is heard of before that end
    assert gauge.until(25) == 1


def test_what_the_gauge_hears_too_late_makes_no_peak_that_never_was() -> None:
    gauge = Gauge()
    gauge.add(40, 1)
    assert gauge.until(50) == 1
    gauge.add(10, 1)
    gauge.add(30, -1)
    assert gauge.until(60) == 1
