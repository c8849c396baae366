"""Attempts at messages out of log lines, whichever are there."""

from typing import Any

from webhook_lab.watch.attempts import attempts
from webhook_lab.watch.rows import Work


def line(event: str, at: int, request_id: str = "r1", message_id: str = "m1", **more: Any) -> dict[str, Any]:
    told = {"event": event, "at": at, "request_id": request_id, **more}
    return told if event == "report" else {**told, "message_id": message_id, "id": f"lab:{message_id}"}


def test_a_start_and_a_finish_are_an_attempt_in_whatever_order_they_come() -> None:
    lines = [line("record_finish", 25, outcome="failed"), line("record_start", 20)]
    assert attempts(lines) == [Work("lab:m1", "m1", "r1", 20, 25, "failed")]


def test_each_receive_of_a_message_is_an_attempt_of_its_own_and_they_come_in_order() -> None:
    lines = [
        line("record_start", 6_000, "r2"),
        line("record_finish", 6_010, "r2", outcome="redelivered"),
        line("record_start", 0),
        line("record_finish", 10, outcome="stored"),
    ]
    assert [(each.request_id, each.outcome) for each in attempts(lines)] == [
        ("r1", "stored"),
        ("r2", "redelivered"),
    ]


def test_one_without_an_end_was_cut_when_its_invocation_ended() -> None:
    lines = [line("record_start", 20), line("report", 1_000)]
    assert attempts(lines) == [Work("lab:m1", "m1", "r1", 20, 1_000, "cut")]


def test_one_that_may_still_run_is_not_told_of() -> None:
    lines = [line("record_start", 20), line("report", 1_000, "r2")]
    assert attempts(lines) == []


def test_a_report_does_not_alter_what_a_line_says() -> None:
    lines = [line("report", 1_000), line("record_start", 20), line("record_finish", 25, outcome="failed")]
    assert attempts(lines)[0].outcome == "failed"
