"""The run folder of a database's programs. Where this process is root's, they must be another account's."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from webhook_lab.aws.errors import LabError
from webhook_lab.database.programs import Programs, open_to_all
from webhook_lab.keeper import RunFolder

KIND = "webhook-lab-postgres"


class DatabaseFolder(RunFolder):
    """The folder and its programs, all gone when this process is.

    Raises:
        LabError: there is no place for it.
    """

    def __init__(self) -> None:
        self._account = _account()
        try:
            place = Path(tempfile.gettempdir())
            if not open_to_all(place.resolve()):  # root's may be closed to nobody: then the system's
                place = Path("/tmp")  # noqa: S108
            # An immediate shutdown: killed, PostgreSQL leaves shared memory. Nobody has to get through.
            super().__init__(place, KIND, ask="SIGQUIT", mode=0o711)
        except OSError as error:
            fix = "Set TMPDIR (Windows: TEMP) to a folder that you may write to, with 100 MB free."
            raise LabError("make a folder for the database's files", str(error), fix) from error

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

    def within_reach(self, programs: Programs) -> Programs:
        """Root's own environment is closed to nobody: copies of a wheel's programs, where that is so."""
        if not (wheel := programs.wheel) or open_to_all(programs.folder):
            return programs
        release, ours = programs.folder.parent, self.make("programs")
        skip = shutil.ignore_patterns("*.a", "include")
        shutil.copytree(release, ours / wheel.name / release.name, symlinks=True, ignore=skip)
        if (libraries := wheel.with_name(f"{wheel.name}.libs")).exists():
            shutil.copytree(libraries, ours / libraries.name, symlinks=True)
        for path in ours.rglob("*"):
            self.give(path)
        return replace(programs, folder=ours / wheel.name / release.name / "bin")

    def start(
        self, command: Sequence[str | Path], output: IO[bytes] | int = subprocess.DEVNULL, **options: Any
    ) -> "subprocess.Popen[bytes]":
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        environ |= {"LC_ALL": "C", "HOME": str(self.path)}
        return super().start(command, output, env=environ, **self._account, **options)

    def run(self, command: Sequence[str | Path]) -> str:
        """Run a program to its end: what it complained of when it failed, else nothing."""
        process = self.start(command, subprocess.PIPE)
        said, complained = (text.decode("utf-8", "replace").strip() for text in process.communicate())
        return (complained or said)[-1000:] or "nothing" if process.returncode else ""


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
