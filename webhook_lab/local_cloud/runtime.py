"""Where local clouds keep what they need while they live: one run folder each, gone when they are.

<runtime folder>/           for its owner only
    shared.lock             held for a moment by whoever looks for, starts or ends the shared cloud
    <kind>-<nonce>/         the run folder (see keeper) of one cloud:
        state.json          how to reach it
        lease-<number>      locked by one program that uses the shared cloud, as long as that lives
        kept                there while the cloud is kept without leases
        server.log, tmp/    what it says, and the functions' code
"""

import contextlib
import json
import os
import sys
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

    def publish(self, folder: Path) -> None:
        """Write it: whole or not at all, and never readable by others."""
        draft = folder / "state.json.new"
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(json.dumps(asdict(self)), encoding="utf-8")
        draft.replace(folder / "state.json")


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


def finding(root: Path, seconds: float) -> filelock.BaseFileLock:
    """The lock under which the shared cloud is found, started or ended. Entering raises filelock.Timeout."""
    return filelock.FileLock(root / "shared.lock", timeout=seconds)


def count_leases(folder: Path) -> int:
    """How many programs lease the cloud of this run folder, removing ended leases. Only while `finding`."""
    count = 0
    for path in folder.glob("lease-*"):
        lock = filelock.FileLock(path, timeout=0)
        try:
            lock.acquire()
            lock.release()
            path.unlink(missing_ok=True)
        except OSError:
            count += 1
    return count


def states(root: Path, pattern: str = "shared-*") -> Iterator[State]:
    """What the clouds whose run folders have such a name tell; one may have died since."""
    for path in sorted(root.glob(f"{pattern}/state.json")):
        with contextlib.suppress(OSError, ValueError, TypeError):
            yield State(**json.loads(path.read_text(encoding="utf-8")))


def scrubbed_environment(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The learner's environment without what a function must not see, and with the way to this package."""
    kept = {name: value for name, value in environ.items() if name.upper() in _NEEDED_TO_RUN}
    return {**kept, "PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUTF8": "1"}
