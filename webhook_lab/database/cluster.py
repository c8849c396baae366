"""A database cluster, as PostgreSQL calls it: one folder of data, and the programs that work on it."""

import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil

from webhook_lab.aws.errors import LabError
from webhook_lab.database.folder import DatabaseFolder
from webhook_lab.database.programs import EXE, Programs, find_programs, open_to_all

START_SECONDS = 20.0
Setting = str | int


class Cluster:
    """The cluster, from before it exists until it is gone. `create`, then `start` and `stop` at will.

    Raises:
        LabError: there is no PostgreSQL here, or no place for its files.
    """

    def __init__(self) -> None:
        self._programs = find_programs()
        self.version = self._programs.version
        self.folder = DatabaseFolder()
        self._data = self.folder.path / "data"

    def create(self, superuser: str, password: str) -> None:
        """Make the files.

        Raises:
            LabError: in initdb's own words.
        """
        self.folder.make(self._data.name)
        self._programs = self._within_reach(self._programs)
        secret = self.folder.write("password", password)
        quick = ["-c", "scram_iterations=1"] if self.version >= 16 else []  # the password is random: fine
        self._run(
            "initdb", "-U", superuser, "-A", "scram-sha-256", f"--pwfile={secret}",
            "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions", "--wal-segsize=1", *quick,
        )  # fmt: skip
        secret.unlink()

    def start(self, port: int, settings: Mapping[str, Setting]) -> str:
        """Start the server on this port; what it said when it does not answer, else nothing."""
        log = self.folder.path / "server.log"
        flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with log.open("wb") as output:
            self._server = self.folder.start(
                [self._program("postgres"), "-D", self._data, "-p", str(port), *flags], output
            )
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

    def stop(self, mode: str) -> None:
        """Stop the server: "fast", or "immediate": every process ends at once, as in a crash.

        https://www.postgresql.org/docs/current/app-pg-ctl.html
        """
        self._run("pg_ctl", "-m", mode, "-w", "stop")
        self._server.wait()

    def processes(self) -> list[psutil.Process]:
        """The server's own processes: one for each connection, and some helpers."""
        try:
            return psutil.Process(self._server.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def _is_ready(self) -> bool:
        """By the file in which PostgreSQL itself says so: on its port somebody else may answer."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[0] == str(self._server.pid) and lines[7].strip() == "ready"

    def _within_reach(self, programs: Programs) -> Programs:
        """Root's own environment is closed to nobody: copies of a wheel's programs, where that is so."""
        if not (wheel := programs.wheel) or open_to_all(programs.folder):
            return programs
        release, ours = programs.folder.parent, self.folder.make("programs")
        skip = shutil.ignore_patterns("*.a", "include")
        shutil.copytree(release, ours / wheel.name / release.name, symlinks=True, ignore=skip)
        if (libraries := wheel.with_name(f"{wheel.name}.libs")).exists():
            shutil.copytree(libraries, ours / libraries.name, symlinks=True)
        for path in ours.rglob("*"):
            self.folder.give(path)
        return replace(programs, folder=ours / wheel.name / release.name / "bin")

    def _program(self, name: str) -> Path:
        return self._programs.folder / f"{name}{EXE}"

    def _run(self, program: str, *arguments: str) -> None:
        if said := self.folder.run([self._program(program), "-D", self._data, *arguments]):
            raise LabError(f"run PostgreSQL's {program}", said, what_to_try(said))


def what_to_try(said: str) -> str:
    """The fix for what a program of PostgreSQL's said before it ended."""
    if re.search(r"outside the valid range|must be less than|invalid value|unrecognized|requires a", said):
        return "Give the setting named above a value that PostgreSQL accepts, or leave it out."
    if re.search(r"No space left|shared memory|semaphores", said):
        return "Free what is short (disk, shared memory), or ask for fewer max_connections."
    return "Set WEBHOOK_LAB_POSTGRES to the folder of another PostgreSQL's programs, and try again."
