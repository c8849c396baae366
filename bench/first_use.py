"""From a fresh checkout to a JupyterLab that answers, as a newcomer sees it: nothing is cached."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench import part

ROOT = Path(__file__).resolve().parent.parent
KEPT = re.compile(r"PATH|LANG|LC_.*|PIP_(?!.*CACHE).*|.*_(PROXY|proxy)|SSL_.*|REQUESTS_CA_BUNDLE")
"""What of the environment stays: where programs are, and how this machine reaches a package index."""


@part("fresh-lab", "make lab in a fresh checkout, until JupyterLab answers", at_most=120)
def fresh_lab() -> list[float]:
    make = shutil.which("make")
    if make is None:
        raise SystemExit("fresh-lab: make is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        checkout, home = Path(folder) / "webhook-lab", Path(folder) / "home"
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(checkout)], check=True)
        environ = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
        environ |= {"HOME": str(home), "PIP_NO_CACHE_DIR": "1", "TMPDIR": folder}
        start = time.perf_counter()
        lab = subprocess.Popen(
            [make, "lab", "OPEN=--no-browser"],
            cwd=checkout, env=environ, start_new_session=True, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            url = first_url(lab)
            until_it_answers(url, seconds=60)
            return [time.perf_counter() - start]
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(lab.pid, signal.SIGINT)
            lab.communicate(timeout=60)


def first_url(lab: "subprocess.Popen[str]") -> str:
    """The address with its token, as soon as it is printed."""
    assert lab.stdout is not None
    for line in lab.stdout:
        print(line, end="", file=sys.stderr)
        if found := re.search(r"http://(?:127\.0\.0\.1|localhost):\d+/\S*token=\w+", line):
            return found.group()
    raise SystemExit("fresh-lab: make lab ended without an address")


def until_it_answers(url: str, *, seconds: float) -> None:
    """Ask until the page is there.

    Raises:
        TimeoutError: when it is not in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=5) as answer:
            if answer.status == 200:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"{url} does not answer")
        time.sleep(0.1)
