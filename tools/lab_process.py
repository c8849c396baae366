"""Start JupyterLab as a learner does (`webhook-lab open`), learn its address, and end it politely."""

import contextlib
import re
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from webhook_lab.keeper import RunFolder

ADDRESS = re.compile(r"http://(?:127\.0\.0\.1|localhost):\d+/\S*token=\w+")


@contextlib.contextmanager
def running_lab(
    command: Sequence[str | Path], *, cwd: Path, environ: Mapping[str, str], log: Path, seconds: float
) -> Iterator[str]:
    """Run `command`, which has to print an address with its token, and yield that address once it answers.

    At the end of the block it and all that it started get SIGTERM, which no shell makes them ignore (SIGINT
    it may); so they do when this process is killed.

    Args:
        log: the file that what it prints goes to.
        seconds: how long it may take until it answers.

    Raises:
        RuntimeError: it ended, or does not answer in time; what it printed is said.
    """
    deadline = time.monotonic() + seconds
    with contextlib.closing(RunFolder(Path(tempfile.gettempdir()), "webhook-lab-tool")) as folder:
        with log.open("wb") as output:
            lab = folder.start(command, output, cwd=cwd, env=environ)
        while (address := _answering(log)) is None:
            if lab.poll() is not None or time.monotonic() > deadline:
                said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise RuntimeError(f"{command} does not answer. It printed:\n{said}")
            time.sleep(0.1)
        yield address


def _answering(log: Path) -> str | None:
    """The address in the log, if a page is there."""
    found = ADDRESS.search(log.read_text(encoding="utf-8", errors="replace"))
    if found:
        with contextlib.suppress(OSError), urllib.request.urlopen(found.group(), timeout=5) as answer:
            return found.group() if answer.status == 200 else None
    return None
