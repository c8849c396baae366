"""A throw-away PostgreSQL server: any setting, on loopback only, gone when this process is."""

import contextlib
import re
import secrets
import shutil
import socket
import time
from pathlib import Path
from typing import Self

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from webhook_lab.aws.errors import LabError
from webhook_lab.database.programs import EXE, find_programs, open_to_all
from webhook_lab.database.run_folder import Process, RunFolder

START_SECONDS = 20.0
PORTS_TRIED = 5
SUPERUSER, APPLICATION = "postgres", "app"
Setting = str | int

QUICK: dict[str, Setting] = {
    "fsync": "off",  # nothing here outlives the machine; a crash of the server alone loses nothing by it
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "16MB",
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "log_line_prefix": "",
    "log_min_messages": "fatal",
    "listen_addresses": "127.0.0.1",  # over a Unix socket a full backlog hides PostgreSQL's own words
    "unix_socket_directories": "",
}


class Postgres:
    """One server, running from the start, with a superuser and the role "app".

    Args:
        max_connections: of which PostgreSQL keeps `superuser_reserved_connections` (3) for superusers.
        port: on 127.0.0.1; a free one when left out.
        settings: any of PostgreSQL's, by name.

    Raises:
        LabError: there is no PostgreSQL, or it does not start: in its own words, with the fix.
    """

    def __init__(self, *, max_connections: int = 20, port: int | None = None, **settings: Setting) -> None:
        self._programs = find_programs()
        self.version = self._programs.version
        self.settings: dict[str, Setting] = {**QUICK, **settings, "max_connections": max_connections}
        self._asked_port, self.port, self.password = port, port or 0, secrets.token_urlsafe(18)
        self.folder = RunFolder()
        try:
            self._initialise()
            self.start()
            role, password = sql.Identifier(APPLICATION), sql.Literal(self.password)
            with psycopg.connect(self.conninfo(SUPERUSER)) as connection:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
                connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(role))
            if not self.folder.is_watched():
                raise LabError("start PostgreSQL", "its watchdog did not start", "Run: webhook-lab doctor")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the server and remove all that it had. More than once is fine."""
        self.folder.close()

    @property
    def max_connections(self) -> int:
        return int(self.settings["max_connections"])

    def conninfo(self, user: str = APPLICATION, *, port: int | None = None) -> str:
        """What psycopg connects with."""
        return make_conninfo(
            host="127.0.0.1", port=port or self.port, user=user, password=self.password, dbname="postgres",
            sslmode="disable", gssencmode="disable", connect_timeout=10, options="",
        )  # fmt: skip

    def room(self) -> int:
        """How many connections are left for the application: without the superusers', and one that watches.

        Waits until those of an earlier run are gone.

        Raises:
            LabError: not one is left.
        """
        with psycopg.connect(self.conninfo(SUPERUSER), autocommit=True) as connection:
            kept = connection.execute("SHOW superuser_reserved_connections").fetchone()
            room = self.max_connections - int(kept[0] if kept else 0) - 1
            if room < 1:
                said = f"max_connections = {self.max_connections} leaves none for the application"
                least = self.max_connections - room + 1
                raise LabError("count the connections", said, f"Restart it with {least} or more.")
            busy, deadline = "SELECT FROM pg_stat_activity WHERE usename = %s", time.monotonic() + 5
            while connection.execute(busy, (APPLICATION,)).rowcount and time.monotonic() < deadline:
                time.sleep(0.01)
        return room

    def start(self) -> None:
        """Start the server, and wait until it answers; after a crash, until it has recovered."""
        for _ in range(PORTS_TRIED):
            self.port = self.port or free_port()
            said = self._try_to_start()
            if not said:
                return
            if "could not create any TCP/IP sockets" not in said:
                raise LabError(f"start PostgreSQL {self.version}", said, _fix(said))
            taken = f"port {self.port} of 127.0.0.1 is taken"
            self.port = self._asked_port or 0  # if not asked for, it was free a moment ago
            if self._asked_port:
                break
        raise LabError(f"start PostgreSQL {self.version}", taken, "Leave the port out, or choose another.")

    def restart(self, **settings: Setting) -> None:
        """Stop it in good order and start it with these settings changed; what is stored stays.

        Raises:
            LabError: it does not start with them. It runs as it did before.
        """
        before = self.settings
        self._run("pg_ctl", "-D", self._data, "-m", "fast", "-w", "stop")
        self._process.wait()
        self.settings = {**before, **settings}
        try:
            self.start()
        except LabError:
            self.settings = before
            self.start()
            raise

    def crash(self) -> None:
        """Kill the server and every process of it, as a system does that runs out of memory."""
        family = self.processes()
        self._process.kill()
        for process in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        for process in family:  # dead is enough: whoever inherits them may be slow to bury them
            with contextlib.suppress(psutil.NoSuchProcess):
                while process.status() != psutil.STATUS_ZOMBIE:
                    time.sleep(0.005)

    def processes(self) -> list[psutil.Process]:
        """The server's own processes: one for each connection, and some helpers."""
        try:
            return psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    @property
    def _data(self) -> Path:
        return self.folder.path / "data"

    def _initialise(self) -> None:
        self.folder.make("data")
        if self._programs.wheel and not open_to_all(self._programs.folder):
            self._copy_programs(self._programs.wheel)
        secret = self.folder.write("password", self.password)
        quick = ["-c", "scram_iterations=1"] if self.version >= 16 else []  # the password is random: fine
        self._run(
            "initdb", "-D", self._data, "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={secret}",
            "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions", "--wal-segsize=1", *quick,
        )  # fmt: skip
        secret.unlink()

    def _copy_programs(self, wheel: Path) -> None:
        """Root's own environment is closed to nobody: give it programs that it can reach."""
        release, ours = self._programs.folder.parent, self.folder.make("programs")
        skip = shutil.ignore_patterns("*.a", "include")
        shutil.copytree(release, ours / wheel.name / release.name, symlinks=True, ignore=skip)
        if (libraries := wheel.with_name(f"{wheel.name}.libs")).exists():
            shutil.copytree(libraries, ours / libraries.name, symlinks=True)
        for path in ours.rglob("*"):
            self.folder.give(path)
        self._programs = type(self._programs)(ours / wheel.name / release.name / "bin", self.version, wheel)

    def _try_to_start(self) -> str:
        """Empty once it answers; what it said when it does not."""
        log = self.folder.path / "server.log"
        flags = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        postgres = self._programs.folder / f"postgres{EXE}"
        command: list[str | Path] = [postgres, "-D", self._data, "-p", str(self.port), *flags]
        with log.open("wb") as output:
            self._process: Process = self.folder.start(command, output)
        deadline = time.monotonic() + START_SECONDS
        while self._process.poll() is None and time.monotonic() < deadline:
            if self._is_ready():
                return ""
            time.sleep(0.01)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if self._process.poll() is None:
            self._process.kill()
            lines.append(f"it does not answer after {START_SECONDS:g} s")
        return "\n".join(line for line in lines if not line.startswith("HINT"))[-1000:] or "nothing"

    def _is_ready(self) -> bool:
        """By the file in which PostgreSQL itself says so: on its port somebody else may answer."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self._process.pid) and lines[7].strip() == "ready"

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = self.folder.run([self._programs.folder / f"{program}{EXE}", *arguments])
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-1000:]
            raise LabError(f"run PostgreSQL's {program}", said, _fix(said))


def _fix(said: str) -> str:
    if re.search(r"outside the valid range|must be less than|invalid value|unrecognized|requires a", said):
        return "Give the setting named above a value that PostgreSQL accepts, or leave it out."
    if re.search(r"No space left|shared memory|semaphores", said):
        return "Free what is short (disk, shared memory), or ask for fewer max_connections."
    return "Set WEBHOOK_LAB_POSTGRES to the folder of another PostgreSQL's programs, and try again."


def free_port() -> int:
    """A port on 127.0.0.1 that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
