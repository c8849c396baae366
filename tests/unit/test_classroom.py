"""What a learner tells the class: what is sent and what is not, and that no cell waits or fails for it."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_client.manager import start_new_kernel

from handlers.shared.senders import delivery_id, signed_by
from tests.unit.odd_server import OddServer, Received, always, answer, serving
from tests.waiting import wait_until
from webhook_lab.aws.errors import LabError
from webhook_lab.course import checks, classroom
from webhook_lab.course.checks.claims import Checks
from webhook_lab.course.report import LONGEST_REASON, Report, checked_name, told_reason

SECRET = "whsec_" + "QUFB" * 8
TAKEN = always(answer(202, b"{}"))


@pytest.fixture
def learner(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Somebody in a class; her reporter ends with the test."""
    monkeypatch.setenv("WEBHOOK_LAB_CLASS_SECRET", SECRET)
    monkeypatch.setenv("WEBHOOK_LAB_CLASS_NAME", "ana")
    made: list[classroom.Reporter] = []

    class Kept(classroom.Reporter):
        def __init__(self, *about: str) -> None:
            super().__init__(*about)
            made.append(self)

    monkeypatch.setattr(classroom, "Reporter", Kept)
    monkeypatch.setattr(classroom.atexit, "register", lambda _: None)
    classroom._reporter.cache_clear()
    yield monkeypatch
    classroom._reporter.cache_clear()
    for each in made:
        if each._outbox:
            each._outbox.stop()


def lab(chapter: str = "08") -> Any:
    target = SimpleNamespace(traits=SimpleNamespace(patience=0))
    opened = SimpleNamespace(number=chapter, file="none.ipynb")
    return SimpleNamespace(chapter=opened, aws=SimpleNamespace(target=target))


def chapter_that(monkeypatch: pytest.MonkeyPatch, says: list[Any]) -> None:
    """A chapter whose claim and exercise answer, or raise, what is next in `says`."""
    made = Checks()

    def look(_: Any) -> Any:
        now = says.pop(0)
        if isinstance(now, Exception):
            raise now
        return now

    made.claim("it holds")(look)
    made.solved(look)
    monkeypatch.setattr(checks, "checks_of", lambda _: made)


def told(server: OddServer, number: int) -> list[dict[str, Any]]:
    wait_until(lambda: len(server.requests) >= number)
    return [json.loads(each.body)["data"] for each in server.requests]


def test_checkpoints_and_exercises_are_told_with_their_outcome(learner: pytest.MonkeyPatch) -> None:
    says = [None, AssertionError("3 of 5 are stored"), "no database here", "Well done.", AssertionError("no")]
    chapter_that(learner, [*says, LabError("a", "b", "c"), None])
    with serving(TAKEN) as server:
        learner.setenv("WEBHOOK_LAB_CLASS", server.url)
        checks.checkpoint(lab(), "it holds")
        with pytest.raises(LabError, match="3 of 5 are stored"):
            checks.checkpoint(lab(), "it holds")
        checks.checkpoint(lab(), "it holds")
        checks.exercise(lab())
        checks.exercise(lab())
        with pytest.raises(LabError):
            checks.checkpoint(lab(), "it holds")
        checks.exercise(lab())  # not tried yet: nothing is told
        found = [(each["claim"], each["outcome"], each["reason"]) for each in told(server, 6)]
    assert found == [
        ("it holds", "passed", ""),
        ("it holds", "failed", "3 of 5 are stored"),
        ("it holds", "left out", ""),
        ("exercise", "solved", ""),
        ("exercise", "not yet", "no"),
        ("it holds", "failed", "it could not be looked at"),
    ]
    assert {each["learner"] for each in told(server, 6)} == {"ana"}
    for each in server.requests:
        assert set(json.loads(each.body)) == {"type", "timestamp", "data"}
        assert set(json.loads(each.body)["data"]) == {"learner", "chapter", "claim", "outcome", "reason"}


def test_a_delivery_is_signed_and_the_same_outcome_is_the_same_delivery(learner: pytest.MonkeyPatch) -> None:
    with serving(TAKEN) as server:
        learner.setenv("WEBHOOK_LAB_CLASS", server.url)
        for outcome in ("failed", "failed", "passed", "passed", "failed"):
            classroom.tell("08", "it holds", outcome)
            here = classroom.reporter()
            assert here
            wait_until(lambda outbox=here._outbox: not outbox.pending)
    ids = []
    for each in server.requests:
        headers = {name.decode(): value.decode() for name, value in each.headers.items()}
        by = signed_by(headers, each.body, [SECRET], time.time())
        ids.append(delivery_id(headers, each.body, "/class", by))
        assert by
        assert each.line.startswith(b"POST /prod/class ")
    assert all(str(each).startswith("webhook:class-08-") for each in ids)
    first, again, passed, passed_again, failed = ids
    assert (first, passed) == (again, passed_again)
    assert len({first, passed, failed}) == 3
    bodies = [each.body for each in server.requests]
    assert bodies[0] == bodies[1]
    times = [Report.read(body.decode()).at for body in bodies]  # type: ignore[union-attr]
    assert times[0] == times[1] < times[2] == times[3] < times[4]


def test_it_is_tried_again_until_it_is_taken_and_in_order(learner: pytest.MonkeyPatch) -> None:
    answers = [500, 202, 202]

    async def reply(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(answers.pop(0), b"{}"))

    learner.setattr(classroom, "DELAYS", (0.01,) * 9)
    with serving(reply) as server:
        learner.setenv("WEBHOOK_LAB_CLASS", server.url)
        classroom.tell("08", "one", "failed")
        classroom.tell("08", "two", "passed")
        assert [each["claim"] for each in told(server, 3)] == ["one", "one", "two"]


def test_without_a_class_nothing_is_loaded_and_nothing_told() -> None:
    code = (
        "import sys; from webhook_lab.course import classroom as c; c.join('08')(); c.tell('08', 'a', 'b');"
    )
    code += "sys.exit(any(m.startswith('webhook_lab.send') for m in sys.modules))"
    environ = {name: value for name, value in os.environ.items() if name != "WEBHOOK_LAB_CLASS"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


BAD = {
    "no URL": ("WEBHOOK_LAB_CLASS", "teacher"),
    "another scheme": ("WEBHOOK_LAB_CLASS", "ftp://teacher/x"),
    "a port that is none": ("WEBHOOK_LAB_CLASS", "http://teacher:x/"),
    "no host": ("WEBHOOK_LAB_CLASS", "http://"),
    "a password": ("WEBHOOK_LAB_CLASS", "http://a:b@teacher/"),
    "a query": ("WEBHOOK_LAB_CLASS", "http://teacher/?a=1"),
    "no secret": ("WEBHOOK_LAB_CLASS_SECRET", ""),
    "a secret of another form": ("WEBHOOK_LAB_CLASS_SECRET", "hunter2"),
    "a secret that is no base64": ("WEBHOOK_LAB_CLASS_SECRET", "whsec_%%%"),
    "no name": ("WEBHOOK_LAB_CLASS_NAME", " "),
    "too long a name": ("WEBHOOK_LAB_CLASS_NAME", "a" * 25),
    "markup": ("WEBHOOK_LAB_CLASS_NAME", "<b>ana</b>"),
    "a line's end": ("WEBHOOK_LAB_CLASS_NAME", "an\na"),
    "turned round": ("WEBHOOK_LAB_CLASS_NAME", "an\u202ea"),
    "an emoji": ("WEBHOOK_LAB_CLASS_NAME", "ana \N{GRINNING FACE}"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_one_message_at_open_and_no_cell_fails(
    what: str, learner: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chapter_that(learner, [None])
    with serving(TAKEN) as server:
        learner.setenv("WEBHOOK_LAB_CLASS", server.url)
        variable, value = BAD[what]
        learner.setenv(variable, value)
        classroom.join("08")()
        said = capsys.readouterr().out
        assert said.startswith("join the class\n  said: ")
        assert variable in said
        assert value not in ("hunter2", "whsec_%%%") or value not in said
        checks.checkpoint(lab(), "it holds")
        assert capsys.readouterr().out == "Checkpoint: it holds.\n"
    assert not server.requests


@pytest.mark.parametrize("name", ["ana", "Zoë", "Łukasz K.", "渡辺", "हिन्दी", "O'Neil", "team-7", "a" * 24])
def test_names_of_many_scripts_can_be_chosen(name: str) -> None:
    assert checked_name(name) == name


def test_the_first_open_says_how_the_board_calls_her_and_later_ones_nothing(
    learner: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(TAKEN) as server:
        learner.setenv("WEBHOOK_LAB_CLASS", server.url + "/")
        classroom.join("08")()
        classroom.join("09")()
        found = [(each["chapter"], each["outcome"]) for each in told(server, 2)]
    assert capsys.readouterr().out == "Class: the board shows you as ana.\n"
    assert found == [("08", "opened"), ("09", "opened")]


@pytest.mark.parametrize(("status", "words"), [(401, "clock"), (403, "403"), (404, "404")])
def test_a_board_that_refuses_is_said_at_open(
    status: int, words: str, learner: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(always(answer(status, b"{}"))) as server:
        learner.setenv("WEBHOOK_LAB_CLASS", server.url)
        classroom.join("08")()
    said = capsys.readouterr().out
    assert said.count("said:") == 1
    assert words in said
    assert str(status) in said


def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_a_board_that_is_busy_is_waited_for_a_while(
    learner: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [500, 429, 202]

    async def reply(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(answers.pop(0), b"{}"))

    learner.setattr(classroom, "DELAYS", (0.01,) * 9)
    learner.setattr(classroom, "GREETING_SECONDS", 20)
    with serving(reply) as server:
        learner.setenv("WEBHOOK_LAB_CLASS", server.url)
        classroom.join("08")()
    assert capsys.readouterr().out == "Class: the board shows you as ana.\n"


def test_a_board_that_is_gone_is_said_at_open_and_costs_a_cell_nothing(
    learner: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    learner.setenv("WEBHOOK_LAB_CLASS", nobody())
    classroom.join("08")()
    assert "takes nothing yet (refused)" in capsys.readouterr().out
    chapter_that(learner, [None])
    checks.checkpoint(lab(), "it holds")
    assert capsys.readouterr().out == "Checkpoint: it holds.\n"


ENDS = """
import socket, time
from webhook_lab.course import classroom
looked_up = socket.getaddrinfo
def slow(host, *more, **named):
    time.sleep({seconds})
    return looked_up(host, *more, **named)
socket.getaddrinfo = slow
for n in range(3):
    classroom.tell("08", f"claim {{n}}", "passed")
"""


@pytest.mark.parametrize("seconds", [0, 3600], ids=["nobody answers", "nobody knows the name"])
def test_a_process_ends_at_once_and_says_in_one_line_what_was_dropped(seconds: int) -> None:
    named = {"WEBHOOK_LAB_CLASS": nobody().replace("127.0.0.1", "localhost")}
    named |= {"WEBHOOK_LAB_CLASS_SECRET": SECRET, "WEBHOOK_LAB_CLASS_NAME": "ana"}
    code = [sys.executable, "-c", ENDS.format(seconds=seconds)]
    done = subprocess.run(
        code, env={**os.environ, **named}, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.count("\n") == 1
    assert "3 of your checkpoints did not reach localhost" in done.stderr


def test_a_kernel_that_is_asked_to_end_ends_by_itself() -> None:
    """Nobody kills it: a class that does not answer must not hold it."""
    named = {"WEBHOOK_LAB_CLASS": nobody().replace("127.0.0.1", "localhost")}
    named |= {"WEBHOOK_LAB_CLASS_SECRET": SECRET, "WEBHOOK_LAB_CLASS_NAME": "ana"}
    manager, client = start_new_kernel(env={**os.environ, **named}, stderr=subprocess.PIPE)
    try:
        client.execute_interactive(ENDS.format(seconds=3600), timeout=60)
        client.shutdown()
        wait_until(lambda: not manager.is_alive())
        said = manager.provisioner.process.stderr.read().decode()
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert said.count("3 of your checkpoints did not reach localhost") == 1


def test_what_a_check_quotes_or_adds_is_not_told() -> None:
    """It may be a body, an error of a learner's own function, or a name in an account."""
    assert told_reason("the body is b'{\"zen\": 1}'") == "the body is …"
    assert told_reason("the function fails: KeyError: 'customer'") == "the function fails"
    assert told_reason("'ping-1' was not accepted") == "… was not accepted"
    assert told_reason("12 of 15 are stored\nand more") == "12 of 15 are stored"
    assert len(told_reason("a" * 500)) == LONGEST_REASON


@pytest.mark.parametrize(
    "body", ["", "[]", "{}", "null", '{"timestamp": 1}', "[" * 100_000, '{"data": {"x": 1}}']
)
def test_a_body_that_is_no_report_is_none(body: str) -> None:
    assert Report.read(body) is None


def test_a_report_comes_back_as_it_was() -> None:
    report = Report("Zoë", "08", "it holds", "failed", "3 of 5", 1_796_000_000_123)
    assert Report.read(report.body.decode()) == report
    assert Report.read(report.body.decode().replace("Zoë", "<b>")) is None
    assert Report.read(report.body.decode().replace('"08"', "8")) is None
