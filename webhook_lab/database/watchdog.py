"""The process that takes a run folder away: `python watchdog.py FOLDER`. A script, so that it starts at once.

It waits for its standard input to end, which the operating system sees to when whoever holds the other end
is gone, killed or not. Then it ends every process that works in the folder, removes the folder, and does the
same with folders whose own watchdogs were killed.
"""

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import psutil

PREFIX = "webhook-lab-postgres-"
ASK_SECONDS, KILL_SECONDS = 3.0, 10.0
OLD_SECONDS = 60.0
"""Younger folders are left alone: their watchdog may not have its lock yet."""


def processes_in(folder: Path) -> list[psutil.Process]:
    """Every process whose current folder is `folder` or lies in it: all that was started there."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            where = Path(process.cwd())
            if folder in (where, *where.parents):
                found.append(process)
    return found


def remove(folder: Path) -> None:
    """End the processes and delete the folder. Servers are asked first: killed, they leave shared memory."""
    family = processes_in(folder)
    pids = {process.pid for process in family}
    for process in family:
        with contextlib.suppress(psutil.Error):
            if process.name().startswith("initdb"):
                process.kill()  # the server that it feeds ends with what it is fed
            elif process.ppid() not in pids:  # the head of a family ends the rest
                process.send_signal(getattr(signal, "SIGQUIT", signal.SIGTERM))
    deadline = time.monotonic() + ASK_SECONDS
    while processes_in(folder) and time.monotonic() < deadline:
        time.sleep(0.02)
    deadline = time.monotonic() + KILL_SECONDS
    while ((family := processes_in(folder)) or folder.exists()) and time.monotonic() < deadline:
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        shutil.rmtree(folder, ignore_errors=True)


def sweep(place: Path) -> None:
    """Remove this user's folders of which nobody holds the lock any more."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, filelock.Timeout):
            about = folder.lstat()
            ours = os.name == "nt" or about.st_uid == os.geteuid()
            if ours and folder.is_dir() and time.time() - about.st_mtime > OLD_SECONDS:
                with guard(folder):
                    remove(folder)


@contextlib.contextmanager
def guard(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which lies beside it."""
    lock = filelock.FileLock(f"{folder}.lock")
    lock.acquire(timeout=0)
    try:
        yield
    finally:
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def main() -> None:
    folder = Path(sys.argv[1])
    for name in ("SIGTERM", "SIGINT", "SIGHUP"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda *_: sys.exit())
    with guard(folder):
        try:
            print("ready", flush=True)
            sys.stdin.buffer.read()
        finally:
            remove(folder)
    sweep(folder.parent)


if __name__ == "__main__":
    main()
