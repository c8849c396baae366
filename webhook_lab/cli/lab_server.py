"""The JupyterLab process of `webhook-lab open`, which runs this as a script. Nobody else does.

Its standard input says what to do, in one JSON line, and then stays open: when it closes, `open` has ended or
was killed. Then the server ends, and all that it started, and its folder goes.
"""

import contextlib
import json
import os
import shutil
import sys
import threading
import time
from pathlib import Path

import psutil

MARK = "JUPYTER_RUNTIME_DIR"
"""Its value is the server's own folder, and all that the server starts inherits it: by it a process is known
for one of the family even when its parent is gone."""
STOP_SECONDS = 8.0
"""How long the server may take to end its kernels by itself."""


def end_family(folder: Path) -> None:
    """End the server of `folder` and every process that it started, but for the one that calls this."""
    while family := [process for process in psutil.process_iter() if _is_family(process, folder)]:
        for end in (psutil.Process.terminate, psutil.Process.kill):
            for process in family:
                with contextlib.suppress(psutil.Error):
                    end(process)
            _, family = psutil.wait_procs(family, timeout=2)


def _is_family(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return process.pid != os.getpid() and process.environ().get(MARK) == str(folder)
    return False


def main() -> None:
    """Serve JupyterLab until it is shut down, or until standard input closes."""
    arguments = json.loads(sys.stdin.buffer.readline())
    folder, owner, alone = Path(os.environ[MARK]), os.dup(0), threading.Event()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # what the server starts shall not read from `open`
    threading.Thread(target=_end_with, args=(owner, folder, alone), daemon=True).start()
    from jupyterlab.labapp import LabApp

    try:
        LabApp.launch_instance(arguments)
    finally:
        if alone.is_set():
            _leave_nothing(folder)


def _end_with(owner: int, folder: Path, alone: threading.Event) -> None:
    """Wait until `open` is gone, then stop the server. One that does not stop is ended all the same."""
    while os.read(owner, 4096):
        pass
    alone.set()
    from jupyter_server.serverapp import ServerApp

    deadline = time.monotonic() + STOP_SECONDS
    while not ServerApp.initialized() and time.monotonic() < deadline:
        time.sleep(0.05)
    if ServerApp.initialized():
        ServerApp.instance().stop(from_signal=True)
    time.sleep(max(0.0, deadline - time.monotonic()))  # by then, the main thread has ended the process
    _leave_nothing(folder)
    os._exit(1)


def _leave_nothing(folder: Path) -> None:
    end_family(folder)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for log in (1, 2):  # Windows does not delete a file that is open
        os.dup2(nowhere, log)
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
