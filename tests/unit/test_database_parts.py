"""The small parts of the database experiment: the queue's stand-in, PostgreSQL's words, open files."""

import sys
from types import SimpleNamespace

import psutil
import psycopg
import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.database import buffer as buffer_module
from webhook_lab.database.buffer import Buffer
from webhook_lab.database.files import SPARE, allow_open_files
from webhook_lab.database.monitor import own_words
from webhook_lab.database.outcome import Design, Outcome
from webhook_lab.watch.rows import Sample, Sent

TO = 'connection failed: connection to server at "127.0.0.1", port 5432 failed:'
posix = pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(buffer_module.time, "monotonic", lambda: clock.now)
    return clock


def test_a_received_message_is_in_flight_and_comes_back_unless_it_is_deleted(clock: SimpleNamespace) -> None:
    buffer = Buffer(visibility_timeout=1.0)
    for message in (7, 8):
        buffer.send(message)
    assert (buffer.receive(), buffer.receive(), buffer.receive()) == (7, 8, None)
    buffer.delete(7)
    assert (buffer.held(), buffer.redelivered()) == (1, 0)
    clock.now = 1.1
    assert buffer.receive() == 8
    assert (buffer.held(), buffer.redelivered()) == (1, 1)
    buffer.delete(8)
    clock.now = 9
    assert buffer.receive() is None
    assert buffer.held() == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{TO} FATAL:  sorry, too many clients already", "FATAL: sorry, too many clients already"),
        (f"{TO} Connection refused\n\tIs the server running on that host?", "Connection refused"),
        ("server closed the connection\n\tThis probably means", "server closed the connection"),
        ("connection timeout expired", "connection timeout expired"),
    ],
)
def test_errors_are_counted_by_postgresqls_own_words_without_addresses(text: str, words: str) -> None:
    assert own_words(psycopg.OperationalError(text)) == words


@pytest.fixture
def limits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Pretend to be a process with 10 open files and these limits; what was set is returned."""
    import resource

    changed: list[tuple[int, int]] = []
    monkeypatch.setattr(psutil.Process, "num_fds", lambda _: 10)
    monkeypatch.setattr(resource, "getrlimit", lambda _: request.param)
    monkeypatch.setattr(resource, "setrlimit", lambda _, pair: changed.append(pair))
    return changed


@posix
@pytest.mark.parametrize(
    ("limits", "set_to"),
    [((256, 4_096), [(210 + SPARE, 4_096)]), ((1_024, 4_096), []), ((-1, -1), [])],
    ids=["raised", "enough", "none"],
    indirect=["limits"],
)
def test_too_low_a_limit_of_open_files_is_raised(
    limits: list[tuple[int, int]], set_to: list[tuple[int, int]]
) -> None:
    allow_open_files(200)
    assert limits == set_to


@posix
@pytest.mark.parametrize("limits", [(128, 256)], indirect=True)
def test_a_limit_that_cannot_be_raised_far_enough_says_what_to_do(limits: list[tuple[int, int]]) -> None:
    with pytest.raises(LabError, match="may open 256 files") as error:
        allow_open_files(200)
    assert "ulimit -n 274" in error.value.try_this
    assert limits == []


@pytest.mark.parametrize(
    ("design", "name"),
    [
        (Design(), "connect per webhook"),
        (Design(retries=3), "connect per webhook, 3 retries"),
        (Design(consumers=10), "queue, 10 consumers"),
        (Design(consumers=8, connections_each=2), "queue, 8 consumers, 2 connections each"),
        (Design(pool=10), "pooler of 10"),
    ],
)
def test_a_design_has_a_name(design: Design, name: str) -> None:
    assert design.name == name


def test_an_outcome_adds_up() -> None:
    sent = tuple(Sent(f"order-{i}", "/orders", i + 1, 200, "", 0, float(i)) for i in range(10))
    samples = (Sample(0.1, "connections", 3), Sample(0.2, "connections", 5), Sample(0.2, "stored", 7))
    outcome = Outcome(Design(), "run", 16, sent, 7, {"no": 2, "none": 1}, samples, 0, 1.5, ())
    assert (outcome.lost, outcome.refused, outcome.attempts) == (3, 3, 55)
    assert (outcome.peak(), outcome.peak("stored"), outcome.peak("memory")) == (5, 7, 0)
    assert (outcome.waited(0.5), outcome.waited(0.95), outcome.waited(1)) == (5, 9, 9)
