"""The database as a notebook holds it: its card, a burst with what it shows, and the end of it."""

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from webhook_lab.database import pgbouncer
from webhook_lab.show.database import Database

HERE = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def shared() -> Iterator[Database]:
    database = Database(max_connections=20)
    yield database
    database.close()


@pytest.fixture
def database(shared: Database) -> Database:
    shared.outcomes.clear()
    return shared


def test_its_card_adds_up_and_says_when_it_is_gone() -> None:
    database = Database(max_connections=20)
    text = repr(database)
    for words in ("max_connections", "20", "left for the application", "16"):
        assert words in text
    assert "396" in repr(database.restart(max_connections=400))
    assert "stopped" in repr(database.close())
    assert "stopped" in database._repr_html_()


def test_a_burst_shows_a_picture_and_a_card_and_is_kept(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = asyncio.run(database.burst(webhooks=20, senders=5, consumers=2))
    assert outcome
    assert database.outcomes == [outcome]
    assert database.count(outcome) == (20, 20)
    assert "0 of 20 webhooks lost: queue, 2 consumers" in capsys.readouterr().out
    assert "0 of 20 lost" in database.compare().summary


def test_without_pgbouncer_a_burst_says_so_and_the_notebook_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pgbouncer, "_PATH", "")
    assert asyncio.run(database.burst(pool=10)) is None
    assert "PgBouncer is not installed here, so this is left out." in capsys.readouterr().out
    assert database.outcomes == []


def test_an_interrupted_burst_ends_and_the_next_one_works(database: Database) -> None:
    async def interrupted() -> None:
        sending = asyncio.ensure_future(database.burst(webhooks=5_000, senders=5))
        await asyncio.sleep(0)
        sending.cancel()
        await sending

    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(interrupted())
    outcome = asyncio.run(database.burst(webhooks=10, senders=2))
    assert outcome
    assert (outcome.lost, database.outcomes) == (0, [outcome])


def run(program: str) -> "subprocess.CompletedProcess[str]":
    """Run a program of which psycopg is not installed."""
    environ = {**os.environ, "PYTHONPATH": str(HERE)}
    source = f"import sys; sys.modules['psycopg'] = None\n{program}"
    return subprocess.run(
        [sys.executable, "-c", source], env=environ, capture_output=True, text=True, check=False
    )


def test_without_the_driver_the_error_says_what_to_install() -> None:
    answer = run("import webhook_lab.database.connection_limits")
    assert "pip install 'webhook-lab[database]'" in answer.stderr


def test_everything_else_does_without_the_driver() -> None:
    answer = run("import webhook_lab.lab, webhook_lab.cli, webhook_lab.doctor, webhook_lab.course.checks")
    assert (answer.returncode, answer.stderr) == (0, "")
