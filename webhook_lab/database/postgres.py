"""A throw-away PostgreSQL server: any setting, on loopback only, gone when this process is."""

import re
import secrets
import subprocess
import time
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from webhook_lab.aws.errors import LabError
from webhook_lab.database.folder import DatabaseFolder
from webhook_lab.database.programs import EXE, find_programs
from webhook_lab.keeper import free_port

Setting = str | int

PORTS_TRIED, START_SECONDS = 5, 20.0
SUPERUSER, APPLICATION = "postgres", "app"
SUPERUSERS_OWN = 3
"""Connections that PostgreSQL keeps for superusers, unless told otherwise."""

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
        self.settings: dict[str, Setting] = {**QUICK, **settings, "max_connections": max_connections}
        self.port, self.password = port or 0, secrets.token_urlsafe(18)
        self._programs = find_programs()
        self.version = self._programs.version
        self.folder = DatabaseFolder()
        self._data = self.folder.path / "data"
        try:
            self._create()
            self.start()
            role, password = sql.Identifier(APPLICATION), sql.Literal(self.password)
            with psycopg.connect(self.conninfo(SUPERUSER)) as connection:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
                connection.execute(sql.SQL("GRANT CREATE ON SCHEMA public TO {}").format(role))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop the server and remove all that it had. More than once is fine."""
        self.folder.close()

    @property
    def max_connections(self) -> int:
        return int(self.settings["max_connections"])

    @property
    def allows(self) -> int:
        """How many connections it has for the application, by its settings; see `room`."""
        kept = int(self.settings.get("superuser_reserved_connections", SUPERUSERS_OWN))
        return self.max_connections - kept - 1

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
            room = self.allows
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
        start = f"start PostgreSQL {self.version}"
        for port in [self.port] if self.port else [free_port() for _ in range(PORTS_TRIED)]:
            said = self._serve(port)
            if not said:
                self.port = port
                return
            if "could not create any TCP/IP sockets" not in said:
                raise LabError(start, said, _what_to_try(said))
        raise LabError(start, f"port {port} of 127.0.0.1 is taken", "Leave the port out, or choose another.")

    def restart(self, **settings: Setting) -> None:
        """Stop it in good order and start it with these settings changed; what is stored stays.

        Raises:
            LabError: it does not start with them. It runs as it did before.
        """
        before = self.settings
        self._stop("fast")
        self.settings = {**before, **settings}
        try:
            self.start()
        except LabError:
            self.settings = before
            self.start()
            raise

    def processes(self) -> list[psutil.Process]:
        """The server's own processes: one for each connection, and some helpers."""
        try:
            return psutil.Process(self._server.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def crash(self) -> None:
        """End every process of it at once, in the middle of whatever it does."""
        self._stop("immediate")

    def _create(self) -> None:
        """Make its files. Raises LabError in initdb's own words."""
        self.folder.make(self._data.name)
        self._programs = self.folder.within_reach(self._programs)
        secret = self.folder.write("password", self.password)
        quick = ["-c", "scram_iterations=1"] if self.version >= 16 else []  # the password is random: fine
        self._run(
            "initdb", "-U", SUPERUSER, "-A", "scram-sha-256", f"--pwfile={secret}",
            "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions", "--wal-segsize=1", *quick,
        )  # fmt: skip
        secret.unlink()

    def _serve(self, port: int) -> str:
        """Start the server on this port; what it said when it does not answer, else nothing."""
        log = self.folder.path / "server.log"
        flags = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            command: list[str | Path] = [self._program("postgres"), "-D", self._data, "-p", str(port), *flags]
            self._server: subprocess.Popen[bytes] = self.folder.start(command, output)
        deadline = time.monotonic() + START_SECONDS
        while self._server.poll() is None and time.monotonic() < deadline:
            if self._is_ready():
                return ""
            time.sleep(0.01)
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
        if self._server.poll() is None:
            self._server.kill()
            lines.append(f"it does not answer after {START_SECONDS:g} s")
        return "\n".join(line for line in lines if not line.startswith("HINT"))[-1000:] or "nothing"

    def _is_ready(self) -> bool:
        """By the file in which PostgreSQL itself says so: on its port somebody else may answer."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self._server.pid) and lines[7].strip() == "ready"

    def _stop(self, mode: str) -> None:
        """Stop the server: "fast", or "immediate": every process ends at once, as in a crash.

        https://www.postgresql.org/docs/current/app-pg-ctl.html
        """
        self._run("pg_ctl", "-m", mode, "-w", "stop")
        self._server.wait()

    def _run(self, program: str, *arguments: str) -> None:
        if said := self.folder.run([self._program(program), "-D", self._data, *arguments]):
            raise LabError(f"run PostgreSQL's {program}", said, _what_to_try(said))

    def _program(self, name: str) -> Path:
        return self._programs.folder / f"{name}{EXE}"


def _what_to_try(said: str) -> str:
    """The fix for what a program of PostgreSQL's said before it ended."""
    if re.search(r"outside the valid range|must be less than|invalid value|unrecognized|requires a", said):
        return "Give the setting named above a value that PostgreSQL accepts, or leave it out."
    if re.search(r"No space left|shared memory|semaphores", said):
        return "Free what is short (disk, shared memory), or ask for fewer max_connections."
    return "Set WEBHOOK_LAB_POSTGRES to the folder of another PostgreSQL's programs, and try again."
