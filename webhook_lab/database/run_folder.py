"""A temporary folder and the programs that run in it. A watchdog ends both, however this process ends.

A PostgreSQL server must not run as root: where this process does, the programs run as nobody.
"""

import os
import secrets
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from webhook_lab.aws.errors import LabError
from webhook_lab.database.programs import open_to_all
from webhook_lab.database.watchdog import PREFIX, remove

Process = subprocess.Popen[bytes]


class RunFolder:
    """The folder, from before it exists until it is gone.

    Raises:
        LabError: there is no place for it.
    """

    def __init__(self) -> None:
        self._account = _account()
        self.path = _temporary_place() / f"{PREFIX}{secrets.token_hex(6)}"
        script, pipe = Path(__file__).with_name("watchdog.py"), subprocess.PIPE
        command: list[str | Path] = [sys.executable, "-P", script, self.path]
        self._watchdog: Process = subprocess.Popen(command, stdin=pipe, stdout=pipe, **_apart())
        self._started: list[Process] = []
        # Also called when this process exits.
        self._end = weakref.finalize(self, _end, self._watchdog, self.path, self._started)
        try:
            self.path.mkdir(mode=0o711)
            self.path.chmod(0o711)  # whatever the umask: the programs' account has to get through
        except OSError as error:
            self.close()
            raise _no_place(error) from error

    def close(self) -> None:
        """End every program in it and remove it. More than once is fine."""
        self._end()

    @property
    def closed(self) -> bool:
        return not self._end.alive

    def is_watched(self) -> bool:
        """Wait until the watchdog is on guard; False when it could not start."""
        assert self._watchdog.stdout
        return bool(self._watchdog.stdout.readline())

    def make(self, name: str) -> Path:
        """A new folder in it, for the programs' account alone."""
        path = self.path / name
        path.mkdir(mode=0o700)
        return self.give(path)

    def write(self, name: str, text: str) -> Path:
        """A new file in it, for the programs' account alone."""
        path = self.path / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")
        return self.give(path)

    def give(self, path: Path) -> Path:
        """Make a path the programs' account's own, where that is not this process's."""
        if self._account:
            os.chown(path, self._account["user"], self._account["group"])
        return path

    def start(self, command: Sequence[str | Path], output: IO[bytes] | int = subprocess.DEVNULL) -> Process:
        """Start a program that goes on."""
        process: Process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, **self._surroundings()
        )
        self._started.append(process)
        return process

    def run(self, command: Sequence[str | Path]) -> "subprocess.CompletedProcess[str]":
        """Run a program to its end."""
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            check=False, **self._surroundings(),
        )  # fmt: skip

    def _surroundings(self) -> dict[str, Any]:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environ |= {"LC_ALL": "C", "HOME": str(self.path)}
        return {"cwd": self.path, "env": environ, **_apart(), **self._account}


def _end(watchdog: Process, folder: Path, started: Sequence[Process]) -> None:
    """Let go of the watchdog, which does the rest; do it here should somebody have killed it."""
    assert watchdog.stdin
    assert watchdog.stdout
    watchdog.stdin.close()
    watchdog.wait()
    watchdog.stdout.close()
    if folder.exists():
        remove(folder)
    for process in started:
        process.wait()


def _apart() -> dict[str, Any]:
    """Out of the learner's session (on Windows: process group), where Ctrl-C would reach it."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _account() -> dict[str, Any]:
    """Whose the programs are where this process is root's; empty where it is not."""
    if sys.platform == "win32" or os.geteuid() != 0:
        return {}
    import pwd

    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        said = "PostgreSQL refuses to run as root, and there is no account named nobody here"
        raise LabError("start PostgreSQL", said, "Work in another account than root's.") from None
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _temporary_place() -> Path:
    """The user's temporary folder; root's may be closed to nobody, then the system's."""
    try:
        place = Path(tempfile.gettempdir()).resolve()
    except OSError as error:
        raise _no_place(error) from error
    return place if open_to_all(place) else Path("/tmp").resolve()  # noqa: S108


def _no_place(error: OSError) -> LabError:
    fix = "Set TMPDIR (Windows: TEMP) to a folder that you may write to, with 100 MB free."
    return LabError("make a folder for the database's files", str(error), fix)
