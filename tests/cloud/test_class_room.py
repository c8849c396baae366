"""A class of thirty: nothing lost, nothing twice, and the board right, over a network that loses answers."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.unit.odd_server import Received, answer, serving
from tools.simulated_class import NAMES, Play
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_until
from webhook_lab.cli import main
from webhook_lab.course import classroom
from webhook_lab.course.checks import checks_of
from webhook_lab.keeper import free_port
from webhook_lab.lab import Lab
from webhook_lab.lab.classroom import ClassRoom
from webhook_lab.local_cloud import Cloud
from webhook_lab.send.events import event
from webhook_lab.send.sender import Delivery, post
from webhook_lab.watch.items import read_items

CHAPTERS = ("02",)
LEFT_OUT = (b"host", b"content-length")


@pytest.fixture(scope="module")
def room(cloud: Cloud) -> Iterator[ClassRoom]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBHOOK_LAB_NAME", "teacher")
        opened = ClassRoom.open()
        yield opened
        left = opened.teardown()
    assert "nothing" in repr(left).lower() or "0" in repr(left)


@pytest.fixture
def nothing_at_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classroom.atexit, "register", lambda _: None)
    monkeypatch.setattr(classroom, "DELAYS", (0.05,) * 100)


def bad_line(room: ClassRoom):  # type: ignore[no-untyped-def]
    """Passes deliveries on, but loses one in five on its way there, and one in seven on its way back."""
    number = count(1)

    async def reply(received: Received, writer: asyncio.StreamWriter) -> None:
        n = next(number)
        if n % 5 == 0:
            raise ConnectionError
        headers = {
            name.decode(): value.decode() for name, value in received.headers.items() if name not in LEFT_OUT
        }
        delivery = Delivery(classroom.PATH, received.body, headers)
        taken = await asyncio.to_thread(post, room.url, delivery)
        if n % 7 == 0:
            raise ConnectionError
        writer.write(answer(taken.status, taken.body))

    return reply


def test_thirty_learners_over_a_bad_line(room: ClassRoom, nothing_at_exit: None) -> None:
    with serving(bad_line(room)) as line:
        play = Play((line.url, room.secret), NAMES, CHAPTERS, until=1e9, pace=1e9).start()
        play.join()
        sent = {each.id for one in play.reporters.values() for each in one._outbox._put}  # type: ignore[union-attr]
        play.stop()
    stored = retry_until(lambda: all_of(room, sent), seconds=60, reason="all reports to be stored")
    assert len(NAMES) == 30
    assert sorted(stored) == sorted(sent)  # 0 lost, 0 twice
    counts = dict(room.counts().rows)
    assert counts["stored"] == len(sent)
    assert counts["came again, and were stored once"]
    assert not counts["came under a taken id with another body"]
    right: dict[tuple[str, str], dict[str, str]] = {}
    for each, name in play.told:
        right.setdefault((name, each.chapter), {})[each.claim] = each.outcome
    board = room.board()
    assert {seat.name for seat in board.seats} == set(NAMES)
    assert board.reports == len(sent)
    for seat in board.seats:
        for (number, _), square in zip(board.chapters, seat.squares, strict=True):
            outcomes = right.get((seat.name, number), {})
            assert square.opened == bool(outcomes)
            assert square.solved == (outcomes.get("exercise") == "solved")
            assert square.done == sum(
                outcome == "passed" for claim, outcome in outcomes.items() if claim != "exercise"
            )
            assert square.of == len(checks_of(number).claims)


def all_of(room: ClassRoom, sent: set[str]) -> list[str] | None:
    """The deliveries' own ids in the table, once there are as many as were sent."""
    items = read_items(room.pipeline.session.dynamodb, table=room.pipeline.names.table)
    ids = [item["id"].removeprefix("webhook:").partition("#")[0] for item in items]
    return ids if len(ids) >= len(sent) else None


def test_a_lab_that_is_opened_in_a_class_is_on_the_board(
    room: ClassRoom,
    nothing_at_exit: None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    learner = {"WEBHOOK_LAB_CLASS": room.url, "WEBHOOK_LAB_CLASS_SECRET": room.secret}
    for name, value in {**learner, "WEBHOOK_LAB_CLASS_NAME": "Bea", "WEBHOOK_LAB_NAME": "bea"}.items():
        monkeypatch.setenv(name, value)
    lab = Lab.open(chapter="02")
    assert "Class: the board shows you as Bea." in capsys.readouterr().out
    claim = next(iter(checks_of("02").claims))
    with pytest.raises(LabError):
        lab.checkpoint(claim)
    seat = retry_until(lambda: failing(room, "Bea"), seconds=30, reason="the board to show it")
    assert claim in seat.says
    lab.teardown()
    here = classroom.reporter()
    assert here
    assert here._outbox
    here._outbox.stop()


def failing(room: ClassRoom, name: str):  # type: ignore[no-untyped-def]
    return next((seat for seat in room.board().seats if seat.name == name and seat.stuck), None)


def test_opened_again_it_has_its_secret_and_its_reports(
    room: ClassRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_LAB_NAME", "teacher")
    again = ClassRoom.open()
    assert (again.secret, again.url) == (room.secret, room.url)
    assert again.board().reports == room.board().reports
    assert room.secret in repr(again.handout())


def test_what_is_not_signed_is_refused_and_what_is_no_report_is_not_shown(room: ClassRoom) -> None:
    before = room.board()
    assert post(room.url, Delivery("/class", b"{}")).status == 401
    assert post(room.url, Delivery("/", b"{}")).status == 401
    odd = event("standard-webhooks", 1, secret=room.secret, run="odd", path="/class")
    assert post(room.url, odd).status == 202
    retry_until(
        lambda: any("odd" in key for key in (all_of(room, set()) or [])) or None,
        seconds=30,
        reason="it to be stored",
    )
    assert room.board().reports == before.reports


def test_the_command_says_what_learners_set_and_who_reaches_it(
    room: ClassRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_LAB_NAME", "teacher")
    said = CliRunner().invoke(main, ["class"])
    assert said.exit_code == 0, said.output
    for line in (
        room.url,
        room.secret,
        "WEBHOOK_LAB_CLASS_NAME",
        "This machine alone reaches it",
        "--listen",
    ):
        assert line in said.stdout
    found = json.loads(CliRunner().invoke(main, ["class", "--json"]).stdout)
    assert found == {"url": room.url, "secret": room.secret, "name": "teacher-class"}
    refused = CliRunner().invoke(main, ["class", "--listen", "0.0.0.0"])
    assert (refused.exit_code, "Traceback" in refused.output) == (1, False)
    assert "no one address of this machine" in refused.output


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C otherwise")
def test_on_an_address_that_it_listens_on_learners_reach_the_board(
    room: ClassRoom, nothing_at_exit: None, tmp_path: Path
) -> None:
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "webhook_lab.cli", "class", "--listen", f"127.0.0.1:{port}"]
    environ = {**os.environ, "WEBHOOK_LAB_NAME": "teacher"}
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environ, stderr=output, stdout=subprocess.PIPE, text=True)
    try:
        retry_until(lambda: "Open on" in log.read_text() or None, seconds=60, reason="the command to listen")
        learner = classroom.Reporter(f"http://127.0.0.1:{port}", room.secret, "Far away")
        learner.tell("04", "", "opened")
        seat = retry_until(
            lambda: next((each for each in room.board().seats if each.name == "Far away"), None),
            seconds=60,
            reason="the report to be on the board",
        )
        assert seat.squares[4].opened
        assert learner.greeting() == "Class: the board shows you as Far away."
        assert learner._outbox
        learner._outbox.stop()
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    assert said == "Closed. Passed on: 1, refused: 0.\n"
    assert process.returncode == 0
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), timeout=10)
