"""How long a cloud lives: a private one as long as its owner, the shared one as long as somebody needs it.

A program that uses the shared cloud holds a lease: a lock on a file in the run folder, of which the operating
system lets go however the program ends. Without one the cloud ends after WEBHOOK_LAB_LEASE_SECONDS (30), kept
WEBHOOK_LAB_KEPT_SECONDS (7200) after the last request.
"""

import asyncio
import os
import threading
import time
from pathlib import Path

import filelock

from webhook_lab.keeper import MARK, RunFolder
from webhook_lab.local_cloud.runtime import Kind, State, count_leases, finding

LEASE_SECONDS = float(os.environ.get("WEBHOOK_LAB_LEASE_SECONDS", "30"))
KEPT_SECONDS = float(os.environ.get("WEBHOOK_LAB_KEPT_SECONDS", "7200"))
LOOK_SECONDS = 0.25
"""How often the cloud looks whether it is needed."""


class Life:
    """The life of the cloud that this process serves, from its run folder's making to its removal."""

    def __init__(self, root: Path, kind: Kind) -> None:
        self._root, self._kind = root, kind
        self._run_folder = RunFolder(root, kind)
        self.folder = self._run_folder.path
        self.nonce = self.folder.name.removeprefix(f"{kind}-")
        self._kept, self._ending = False, threading.Lock()
        self._last_lease = self._last_request = time.monotonic()
        threading.Thread(target=self._end_with_the_keeper, daemon=True).start()
        if kind == "private":
            threading.Thread(target=self._end_with_the_owner, daemon=True).start()
        (self.folder / "tmp").mkdir()
        os.chdir(self.folder)
        os.environ[MARK] = str(self.folder)  # for the functions that it runs

    def begin(self, state: State) -> None:
        """Let the cloud be found, and tell who started it; what is printed from now on goes to the log."""
        state.publish(self.folder)
        self._last_lease = time.monotonic()
        print(f"started {self.nonce}", flush=True)
        _print_to(self.folder / "server.log")

    def used(self) -> None:
        """A request has come."""
        self._last_request = time.monotonic()

    async def last(self) -> None:
        """Return never: end the process, and all that it started, when nobody needs the cloud."""
        try:
            while self._kind == "private" or self._is_needed():
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            self.end()

    def end(self) -> None:
        """End this process, and before it all that it started and the run folder."""
        with self._ending:
            (self.folder / "state.json").unlink(missing_ok=True)  # nobody shall find a cloud that is going
            os.chdir(self._root)  # Windows deletes no folder that is in use
            _print_to(Path(os.devnull))
            self._run_folder.close()
            os._exit(0)

    def _is_needed(self) -> bool:
        """Whether the shared cloud is; where it is not, nobody finds it any more."""
        now, kept = time.monotonic(), (self.folder / "kept").exists()
        if kept and not self._kept:
            self._last_request = now
        self._kept = kept
        try:
            with finding(self._root, 0):
                if any(self.folder.glob("lease-*")):  # or was a moment ago
                    self._last_lease = now
                count_leases(self.folder)
                kept_until = self._last_request + KEPT_SECONDS if kept else 0
                if now < max(self._last_lease + LEASE_SECONDS, kept_until):
                    return True
                (self.folder / "state.json").unlink(missing_ok=True)
                return False
        except filelock.Timeout:
            return True  # somebody is just looking for it

    def _end_with_the_keeper(self) -> None:
        """Without one nobody would clear up after a kill; at once, so that nobody leases what is going."""
        self._run_folder.wait_for_keeper()
        self.end()

    def _end_with_the_owner(self) -> None:
        while os.read(0, 4096):
            pass
        self.end()


def _print_to(path: Path) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)
