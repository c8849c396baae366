"""The same webhooks by each design: what holds on any machine, however fast or loaded."""

import sys
import threading

import psycopg
import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.database import burst as burst_module
from webhook_lab.database import pgbouncer
from webhook_lab.database.burst import Burst
from webhook_lab.database.monitor import count
from webhook_lab.database.outcome import Design, Outcome
from webhook_lab.database.pgbouncer import NoPooler, PgBouncer
from webhook_lab.database.postgres import SUPERUSER, Postgres
from webhook_lab.keeper import free_port

pytestmark = pytest.mark.alone
NAIVE, QUEUE, POOLER = Design(), Design(consumers=10), Design(pool=10)


def burst(server: Postgres, design: Design, **settings: float | bool) -> Outcome:
    return Burst(server, design, **settings).start().wait()  # type: ignore[arg-type]


def needs_pgbouncer(server: Postgres) -> None:
    try:
        PgBouncer(server, 2).close()
    except NoPooler:
        pytest.skip("PgBouncer is not installed here")


def stored_once(server: Postgres, outcome: Outcome) -> int:
    rows, ids = count(server, outcome.run)
    assert rows == ids
    return ids


@pytest.mark.pgbouncer
@pytest.mark.parametrize("number", range(3))
def test_the_fixed_designs_lose_nothing_and_the_naive_one_does(server: Postgres, number: int) -> None:
    naive, queue = burst(server, NAIVE), burst(server, QUEUE)
    assert naive.lost > 0
    assert naive.peak() <= naive.limit == 16
    assert sum(naive.errors.values()) == naive.lost
    assert any(words.startswith("FATAL: ") for words in naive.errors)
    assert (queue.lost, queue.refused, queue.redelivered) == (0, 0, 0)
    assert queue.peak() <= 10
    assert stored_once(server, queue) == len(queue.sent) == 500
    needs_pgbouncer(server)
    pooler = burst(server, POOLER)
    assert (pooler.lost, pooler.refused) == (0, 0)
    assert pooler.peak() <= 10
    assert pooler.waited(0.5) > queue.waited(0.5)


def test_retries_try_again_and_are_seen_in_the_attempts(server: Postgres) -> None:
    outcome = burst(server, Design(retries=3), webhooks=100, senders=100)
    assert len(outcome.sent) == 100
    assert outcome.attempts == 100 - outcome.lost + outcome.refused
    assert outcome.attempts > 100
    assert {each.status for each in outcome.sent} <= {200, 500}


def test_a_crash_in_mid_drain_loses_nothing_behind_a_queue(server: Postgres) -> None:
    outcome = burst(server, QUEUE, webhooks=200, crash=True)
    assert outcome.lost == 0
    assert outcome.redelivered > 0
    assert [what for _, what in outcome.marks] == ["database crashes", "it is back"]
    assert stored_once(server, outcome) == 200


@pytest.mark.pgbouncer
def test_a_crash_loses_what_was_on_its_way_through_a_pooler(server: Postgres) -> None:
    needs_pgbouncer(server)
    assert burst(server, POOLER, webhooks=200, crash=True).lost > 0


def test_connections_add_up(server: Postgres) -> None:
    fits = burst(server, Design(consumers=8, connections_each=2), webhooks=40, senders=10)
    assert (fits.lost, fits.refused, fits.peak()) == (0, 0, 16)
    too_many = burst(server, Design(consumers=9, connections_each=2), webhooks=40, senders=10)
    assert too_many.refused > 0
    assert too_many.lost == 0


def test_a_burst_that_is_stopped_ends_and_counts_what_it_did(server: Postgres) -> None:
    running = Burst(server, Design(consumers=1), webhooks=10_000, senders=2).start()
    running.stop()
    outcome = running.wait()
    assert running.over
    assert outcome.lost > 0
    assert stored_once(server, outcome) == outcome.stored


def test_the_samples_tell_the_run(server: Postgres) -> None:
    outcome = burst(server, Design(consumers=2), webhooks=20, senders=5)
    assert {sample.metric for sample in outcome.samples} == {
        "connections", "limit", "stored", "refused", "waiting", "memory",
    }  # fmt: skip
    stored = [sample.value for sample in outcome.samples if sample.metric == "stored"]
    assert stored == sorted(stored)
    assert stored[-1] == outcome.stored == 20
    assert outcome.peak("memory") > 0
    assert outcome.seconds >= 20 * 0.05 / 2


@pytest.mark.parametrize(
    "wrong", [{"webhooks": 0}, {"senders": 0}, {"work": -1}, {"work": 60}, {"design": Design(retries=-1)}]
)
def test_numbers_that_make_no_sense_are_refused(server: Postgres, wrong: dict[str, float]) -> None:
    with pytest.raises(LabError, match="send a burst"):
        Burst(server, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("down", ["before", "when its monitor connects"])
def test_a_server_that_does_not_answer_is_one_plain_error_and_leaves_nothing_running(
    server: Postgres, monkeypatch: pytest.MonkeyPatch, down: str
) -> None:
    class Pooler:
        running, port = False, 1

        def __init__(self, server: Postgres, _size: int) -> None:
            server.crash()
            Pooler.running = True

        def close(self) -> None:
            Pooler.running = False

    monkeypatch.setattr(burst_module, "PgBouncer", Pooler)
    if down == "before":
        server.crash()
    try:
        with pytest.raises(LabError, match="send a burst") as error:
            Burst(server, POOLER).start()
    finally:
        server.start()
    # In the moment of the crash PostgreSQL may still accept, and then closes.
    assert error.value.said.startswith(("connection to server", "Connection refused", "server closed"))
    assert not Pooler.running
    assert not [each.name for each in threading.enumerate() if each.name.startswith(("monitor", "burst"))]


def test_without_pgbouncer_the_error_says_how_to_get_it(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pgbouncer, "_PATH", "")
    with pytest.raises(NoPooler, match="not installed") as error:
        Burst(server, POOLER).start()
    assert "apt install pgbouncer" in error.value.try_this


@pytest.mark.pgbouncer
def test_a_pooler_may_get_the_port_of_an_earlier_one(
    server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_pgbouncer(server)
    port = free_port()
    monkeypatch.setattr(pgbouncer, "free_port", lambda: port)
    for _ in range(2):
        PgBouncer(server, 2).close()


def test_a_pooler_that_does_not_start_says_why(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    if sys.platform == "win32":
        pytest.skip("a program of one line is a shell script")
    broken = server.folder.make("broken") / "pgbouncer"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    monkeypatch.setattr(pgbouncer, "_PATH", str(broken.parent))
    with pytest.raises(LabError, match="start PgBouncer"):
        PgBouncer(server, 2)


def test_the_application_is_no_superuser(server: Postgres) -> None:
    with (
        psycopg.connect(server.conninfo()) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("CREATE ROLE other")
    assert SUPERUSER not in server.conninfo().split()
