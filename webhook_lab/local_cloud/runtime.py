"""Where local clouds keep what they need while they live: one run folder each, gone when they are.

    <runtime folder>/                   owner only (0700)
        shared.lock                     held for a moment by whoever looks for, or starts, the shared cloud
        <kind>-<nonce>.lock             held by the supervisor of that cloud as long as it lives
        <kind>-<nonce>/                 the run folder: state.json, server.log, tmp/ (the functions' code)
"""

import contextlib
import json
import os
import shutil
import sys
import time
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import filelock
import platformdirs

Kind = Literal["private", "shared"]

# What a program needs to run at all. Everything else of the learner's environment (AWS_* above all) stays out
# of the server, because every function that it runs would inherit it.
_NEEDED_TO_RUN = {
    "COMSPEC", "LANG", "LD_LIBRARY_PATH", "NUMBER_OF_PROCESSORS", "PATH", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT",
    "TZ", "WINDIR", "WEBHOOK_LAB_LEASE_SECONDS", "WEBHOOK_LAB_KEPT_SECONDS",
}  # fmt: skip


class CloudError(Exception):
    """The local cloud could not do what was asked: `said` is what happened, `try_this` is the way out."""

    def __init__(self, said: str, try_this: str) -> None:
        super().__init__(f"{said}\n{try_this}")
        self.said = said
        self.try_this = try_this


@dataclass(frozen=True)
class State:
    """What a cloud tells those who may use it, in a file that only its owner can read."""

    kind: Kind
    nonce: str
    port: int
    control_port: int
    token: str
    access_key_id: str
    secret_access_key: str
    pid: int


def runtime_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of all run folders: `$WEBHOOK_LAB_HOME/run`, else the user's runtime folder. Created if absent.

    Raises CloudError if it cannot be created, or if somebody else could change what is in it.
    """
    if home := environ.get("WEBHOOK_LAB_HOME"):
        folder = Path(home).expanduser().absolute() / "run"
    else:
        with warnings.catch_warnings():  # without XDG_RUNTIME_DIR it warns and falls back; that is good enough
            warnings.simplefilter("ignore")
            folder = platformdirs.user_runtime_path("webhook-lab")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":
            if any(path.stat().st_uid not in (0, os.getuid()) for path in (folder, folder.parent)):
                raise PermissionError(f"{folder} belongs to another user")
            folder.chmod(0o700)
    except OSError as error:
        raise CloudError(
            f"the local cloud has no folder for its runtime files: {error}",
            "Set WEBHOOK_LAB_HOME to a folder of yours.",
        ) from error
    return folder


class RunFolder:
    """One cloud's folder. Its lock says that the cloud lives, and is taken before the folder appears: whoever can
    take the lock of an existing folder knows that its cloud is dead."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = self.path / "server.log"
        self.temporary = self.path / "tmp"
        self._lock = filelock.FileLock(f"{self.path}.lock")

    def claim(self) -> None:
        """Take the lock. Raises filelock.Timeout if the cloud lives."""
        self._lock.acquire(timeout=0)

    def create(self) -> None:
        """Make the folder; claim it first."""
        self.temporary.mkdir(mode=0o700, parents=True)
        self.path.chmod(0o700)

    def publish(self, state: State) -> None:
        """Write the state file: whole or not at all, and never readable by others."""
        draft = self.path / "state.json.new"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
        draft.replace(self.path / "state.json")

    def log_tail(self, lines: int = 8) -> str:
        """The last lines that the server wrote."""
        try:
            return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])
        except OSError:
            return ""

    def remove(self) -> None:
        """Delete the folder and its lock. A file that a dying process still holds open is tried for 2 s."""
        (self.path / "state.json").unlink(missing_ok=True)  # first: nobody shall find a cloud that is going
        deadline = time.monotonic() + 2
        while self.path.exists():
            shutil.rmtree(self.path, ignore_errors=True)
            if self.path.exists():
                if time.monotonic() > deadline:
                    break
                time.sleep(0.05)
        self._lock.release()
        if not self.path.exists():
            with contextlib.suppress(OSError):
                Path(self._lock.lock_file).unlink()


def sweep(root: Path) -> None:
    """Remove the run folders of clouds that died without doing so."""
    for path in (*root.glob("private-*"), *root.glob("shared-*")):
        if path.is_dir():
            left = RunFolder(path)
            with contextlib.suppress(filelock.Timeout):
                left.claim()
                left.remove()


def states(root: Path, pattern: str = "shared-*") -> Iterator[State]:
    """The state files found in the run folders whose name matches, readable ones only."""
    for path in sorted(root.glob(f"{pattern}/state.json")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            yield State(**json.loads(path.read_text(encoding="utf-8")))


def scrubbed_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The learner's environment without anything that a function must not see, and with the way to this package."""
    kept = {name: value for name, value in environ.items() if name.upper() in _NEEDED_TO_RUN}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"}
