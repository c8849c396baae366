"""Start JupyterLab as a learner does (`webhook-lab open`), learn its address, and end it politely."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

_END_WITH_US = """
import contextlib, os, signal, sys
sys.stdin.buffer.read()  # ends when whoever started this has ended, even by SIGKILL
with contextlib.suppress(ProcessLookupError):
    os.killpg(int(sys.argv[1]), signal.SIGTERM)
"""
ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+/\S*token=\w+")


@contextlib.contextmanager
def running_lab(
    command: Sequence[str | Path], *, cwd: Path, environ: Mapping[str, str], log: Path, seconds: float
) -> Iterator[str]:
    """Run `command`, which has to print an address with its token, and yield that address once it answers.

    At the end of the block its process group gets SIGTERM, which no shell makes it ignore (SIGINT it may);
    so it does when this process is killed.

    Args:
        log: the file that what it prints goes to.
        seconds: how long it may take until it answers.

    Raises:
        RuntimeError: it ended, or does not answer in time; what it printed is said.
    """
    deadline = time.monotonic() + seconds
    with log.open("wb") as output:
        lab = subprocess.Popen(
            command, cwd=cwd, env=environ, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    watching = [sys.executable, "-c", _END_WITH_US, str(lab.pid)]
    watcher = subprocess.Popen(watching, stdin=subprocess.PIPE, start_new_session=True)
    try:
        while (address := _answering(log)) is None:
            if lab.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise RuntimeError(f"{command} does not answer. It printed:\n{said}")
            time.sleep(0.1)
        yield address
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(lab.pid, signal.SIGTERM)
        try:
            lab.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(lab.pid, signal.SIGKILL)
            lab.wait()
            raise
        finally:
            watcher.kill()
            watcher.communicate()


def _answering(log: Path) -> str | None:
    """The address in the log, if a page is there."""
    found = ADDRESS.search(log.read_text(encoding="utf-8", errors="replace"))
    if found:
        with contextlib.suppress(OSError), urllib.request.urlopen(found.group(), timeout=5) as answer:
            return found.group() if answer.status == 200 else None
    return None
