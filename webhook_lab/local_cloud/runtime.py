"""Where local clouds keep what they need while they live: one run folder each, gone when they are.

<runtime folder>/           for its owner only
    shared.lock             held for a moment by whoever looks for, or starts, the shared cloud
    <kind>-<nonce>.lock     held by that cloud's supervisor as long as it lives
    <kind>-<nonce>/         the run folder: state.json, server.log, tmp/ (the functions' code)
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

IDENTITY_PATH = "/_webhook_lab/identity"

# What a program needs to run at all. Everything else of the learner's environment, AWS_* above all, stays out
# of the server: each function that it runs inherits what it has.
_NEEDED_TO_RUN = {"COMSPEC", "LANG", "LD_LIBRARY_PATH", "PATH", "PATHEXT", "SYSTEMDRIVE", "SYSTEMROOT", "TZ"}
_NEEDED_TO_RUN |= {"WINDIR", "WEBHOOK_LAB_LEASE_SECONDS", "WEBHOOK_LAB_KEPT_SECONDS"}


class CloudError(Exception):
    """The local cloud could not do what was asked: `said` is what happened, `try_this` is the way out."""

    def __init__(self, said: str, try_this: str) -> None:
        super().__init__(f"{said}\n{try_this}")
        self.said = said
        self.try_this = try_this


@dataclass(frozen=True)
class State:
    """What a cloud tells those who may use it, in a file that only its owner can read."""

    nonce: str
    endpoint_url: str
    access_key_id: str
    secret_access_key: str
    control_port: int
    token: str


def runtime_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """The folder of all run folders: `$WEBHOOK_LAB_HOME/run`, or the user's runtime folder. Made if absent.

    Raises CloudError if it cannot be made, or if another user could change what is in it.
    """
    if home := environ.get("WEBHOOK_LAB_HOME"):
        folder = Path(home).expanduser().absolute() / "run"
    else:
        with warnings.catch_warnings(action="ignore"):  # its fallback without XDG_RUNTIME_DIR is good enough
            folder = platformdirs.user_runtime_path("webhook-lab")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if sys.platform != "win32":
            if any(path.stat().st_uid not in (0, os.getuid()) for path in (folder, folder.parent)):
                raise PermissionError(f"{folder} belongs to another user")
            folder.chmod(0o700)
    except OSError as error:
        said = f"the local cloud has no folder for its runtime files: {error}"
        raise CloudError(said, "Set WEBHOOK_LAB_HOME to a folder of yours.") from error
    return folder


class RunFolder:
    """One cloud's folder.

    Its lock is taken before the folder appears and held while the cloud lives: whoever can take the lock of
    an existing folder knows that its cloud is dead.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = path / "server.log"
        self._lock = filelock.FileLock(f"{path}.lock")

    def claim(self) -> None:
        """Take the lock. Raises filelock.Timeout if the cloud lives."""
        self._lock.acquire(timeout=0)

    def create(self) -> None:
        """Make the folder, once it is claimed."""
        self.path.mkdir(mode=0o700)
        (self.path / "tmp").mkdir()

    def publish(self, state: State) -> None:
        """Write the state file: whole or not at all, and never readable by others."""
        draft = self.path / "state.json.new"
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(json.dumps(asdict(state)), encoding="utf-8")
        draft.replace(self.path / "state.json")

    def log_tail(self) -> str:
        """The last lines that the server wrote."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-8:])

    def remove(self) -> None:
        """Delete the folder and its lock; for 2 s, should a dying process still hold a file open."""
        (self.path / "state.json").unlink(missing_ok=True)  # first: nobody shall find a cloud that is going
        deadline = time.monotonic() + 2
        while self.path.exists() and time.monotonic() < deadline:
            shutil.rmtree(self.path, ignore_errors=True)
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
    """What the clouds whose run folders have such a name tell; one may have died since."""
    for path in sorted(root.glob(f"{pattern}/state.json")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            yield State(**json.loads(path.read_text(encoding="utf-8")))


def scrubbed_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The learner's environment without what a function must not see, and with the way to this package."""
    kept = {name: value for name, value in environ.items() if name.upper() in _NEEDED_TO_RUN}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"}
