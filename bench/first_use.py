"""From a fresh checkout to a JupyterLab that answers, as a newcomer sees it: nothing is cached."""

import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from bench import part
from tools.lab_process import running_lab

ROOT = Path(__file__).resolve().parent.parent
KEPT = re.compile(r"PATH|LANG|LC_.*|PIP_(?!.*CACHE).*|.*_(PROXY|proxy)|SSL_.*|REQUESTS_CA_BUNDLE")
"""What of the environment stays: where programs are, and how this machine reaches a package index."""


@part("fresh-lab", "make lab in a fresh checkout, until JupyterLab answers", at_most=120)
def fresh_lab() -> list[float]:
    make = shutil.which("make")
    if make is None:
        raise SystemExit("fresh-lab: make is not installed")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        checkout = folder / "webhook-lab"
        subprocess.run(["git", "clone", "--quiet", ROOT, checkout], check=True)
        environ = {key: value for key, value in os.environ.items() if KEPT.fullmatch(key)}
        environ |= {"HOME": name, "TMPDIR": name, "PIP_NO_CACHE_DIR": "1"}
        start = time.perf_counter()
        command = [make, "lab", "OPEN=--no-browser"]
        with running_lab(command, cwd=checkout, environ=environ, log=folder / "log", seconds=600):
            return [time.perf_counter() - start]
