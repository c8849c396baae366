"""What we start ends with us: the local cloud, PostgreSQL and JupyterLab, all in the same way.

A run folder is a folder, a lock beside it, and the programs that are started in it. Its keeper, which is this
module run as a script, reads from a pipe that the folder's owner holds open: however the owner ends, killed
or not, the operating system closes it. Then the keeper ends the programs and removes the folder. If owner and
keeper were killed together, nobody holds the lock any more: the next run folder of that kind removes what
they left.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import filelock
import psutil

MARK = "WEBHOOK_LAB_RUN_FOLDER"
"""The variable that all that is started in a run folder inherits: by it a program is known even when its
parent is gone and its current folder is another. PostgreSQL overwrites its own: then the folder tells."""
ASK_SECONDS, KILL_SECONDS = 5.0, 10.0
"""How long programs may take to end when asked; how long is tried to kill them and to remove the folder."""


class RunFolder:
    """A new folder in `place`, and the programs in it: both end with this process, however that ends.

    Args:
        kind: what its name begins with. What is left of dead ones of this kind is removed first.
        ask: the signal that asks its programs to end before they are killed.
        mode: of the folder, whatever the umask.

    Raises:
        OSError: there cannot be a folder.
    """

    def __init__(self, place: Path, kind: str, *, ask: str = "SIGTERM", mode: int = 0o700) -> None:
        place = place.resolve()
        sweep(place, kind, ask)
        self.path = place / f"{kind}-{secrets.token_hex(8)}"
        # Before the lock's file, which nobody would remove if this process were killed in between.
        self._keeper: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-P", __file__, self.path, ask, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=place,
            env={name: value for name, value in os.environ.items() if name != MARK},  # nobody else's to end
            **apart(),
        )
        self._started: list[subprocess.Popen[bytes]] = []
        lock = filelock.FileLock(f"{self.path}.lock", thread_local=False)
        # Also called when this process exits.
        self._end = weakref.finalize(self, _end, self._keeper, lock, self.path, ask, self._started)
        try:
            # Before the folder, which a sweep would take for a dead one's; one may be looking just now.
            lock.acquire(timeout=ASK_SECONDS)
            self.path.mkdir(mode=mode)
            self.path.chmod(mode)
        except OSError:
            self.close()
            raise

    def start(
        self, command: Sequence[str | Path], output: IO[bytes] | int = subprocess.DEVNULL, **options: Any
    ) -> "subprocess.Popen[bytes]":
        """Start a program, in the folder unless `cwd` says otherwise; `options` are those of Popen."""
        environ = {**options.pop("env", os.environ), MARK: str(self.path)}
        apart_from_us = {"cwd": self.path, "stdin": subprocess.DEVNULL, **apart(), **options}
        process: subprocess.Popen[bytes] = subprocess.Popen(
            command, stdout=output, stderr=output, env=environ, **apart_from_us
        )
        self._started.append(process)
        return process

    def wait_for_keeper(self) -> None:
        """Return when its keeper has ended, or was killed."""
        self._keeper.wait()

    def close(self) -> None:
        """End every program in it and remove it. More than once is fine."""
        self._end()

    @property
    def closed(self) -> bool:
        return not self._end.alive


def apart() -> dict[str, Any]:
    """Popen's options for a program that Ctrl-C in the learner's terminal shall not reach."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def free_port(port: int = 0) -> int:
    """A port of 127.0.0.1 that nobody listens on at the moment: this one, if one is asked for.

    Raises:
        OSError: it is taken.
    """
    with socket.socket() as probe:
        if port and sys.platform != "win32":  # as servers do: one that was just in use can be taken again
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens on this port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def family(folder: Path, *, but: Sequence[int] = ()) -> list[psutil.Process]:
    """Every process that was started in the run folder and lives, without those of the numbers in `but`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid not in but and _belongs_to(folder, process):
                found.append(process)
    return found


def sweep(place: Path, kind: str, ask: str = "SIGTERM") -> None:
    """End and remove this user's run folders of a kind of which nobody holds the lock any more."""
    for path in place.glob(f"{kind}-*"):
        with contextlib.suppress(OSError):  # such as the Timeout of one that lives
            ours = os.name == "nt" or path.lstat().st_uid == os.geteuid()
            if ours and not path.is_symlink() and (path.is_dir() or path.suffix == ".lock"):
                with _claimed(path.with_suffix(""), 0):
                    _remove(path.with_suffix(""), ask, but=[os.getpid()])


def _belongs_to(folder: Path, process: psutil.Process) -> bool:
    where = Path(process.cwd())
    return folder in (where, *where.parents) or process.environ().get(MARK) == str(folder)


@contextlib.contextmanager
def _claimed(folder: Path, seconds: float) -> Iterator[None]:
    """Hold the lock of a folder whose owner is gone; it goes with the folder. Raises filelock.Timeout."""
    lock = filelock.FileLock(f"{folder}.lock")
    with lock.acquire(timeout=seconds):
        yield
    if not folder.exists():
        Path(lock.lock_file).unlink(missing_ok=True)


def _remove(folder: Path, ask: str, but: Sequence[int]) -> None:
    """Ask the programs to end, then kill those that are left, and delete the folder."""
    asked = family(folder, but=but)
    pids = {process.pid for process in asked}
    for process in asked:
        with contextlib.suppress(psutil.Error):
            if process.ppid() not in pids:  # the head of a family ends the rest
                process.send_signal(getattr(signal, ask, signal.SIGTERM))
    deadline = time.monotonic() + ASK_SECONDS
    while family(folder, but=but) and time.monotonic() < deadline:
        time.sleep(0.02)
    deadline = time.monotonic() + KILL_SECONDS
    while ((left := family(folder, but=but)) or folder.exists()) and time.monotonic() < deadline:
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02 if folder.exists() else 0)


def _end(
    keeper: "subprocess.Popen[bytes]",
    lock: filelock.BaseFileLock,
    folder: Path,
    ask: str,
    started: Sequence["subprocess.Popen[bytes]"],
) -> None:
    """Let the keeper do it; do it here should somebody have killed that."""
    lock.release()
    assert keeper.stdin
    with contextlib.suppress(OSError):  # said, too: a child that was forked may hold the pipe open
        keeper.stdin.write(b"end\n")
        keeper.stdin.close()
    keeper.wait()
    if folder.exists() or Path(lock.lock_file).exists():
        with contextlib.suppress(filelock.Timeout), _claimed(folder, KILL_SECONDS):
            _remove(folder, ask, but=[os.getpid()])
    for process in started:
        process.wait()


def _keep(folder: Path, ask: str, owner: int) -> None:
    """The keeper's life. Asked to end, it takes everything along."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit())
    try:
        os.read(0, 1)
    finally:
        _remove(folder, ask, but=[os.getpid(), owner])
        with contextlib.suppress(filelock.Timeout), _claimed(folder, 1):
            pass


if __name__ == "__main__":
    _keep(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
