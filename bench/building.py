"""Building, opening and tearing down, on a local cloud of the bench's own."""

import contextlib
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from bench import part
from webhook_lab.local_cloud import private_cloud
from webhook_lab.pipeline import open_pipeline

TIMES = 5
ROOT = Path(__file__).resolve().parent.parent


@contextlib.contextmanager
def lab_of_its_own() -> Iterator[None]:
    """A fresh local cloud and ledger in the environment, and nothing printed."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home,
        private_cloud() as cloud,
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        for name, value in {**cloud.environment(), "WEBHOOK_LAB_HOME": home}.items():
            patch.setenv(name, value)
        patch.delenv("WEBHOOK_LAB_NAME", raising=False)
        yield


@cache
def build_and_teardown() -> tuple[list[float], list[float]]:
    """Seconds of each build and of each teardown; the first of both warms the cloud up and is left out."""
    builds, teardowns = [], []
    with lab_of_its_own():
        for _ in range(TIMES + 1):
            pipeline = open_pipeline()
            start = time.perf_counter()
            pipeline.build()
            built = time.perf_counter()
            pipeline.teardown()
            builds.append(built - start)
            teardowns.append(time.perf_counter() - built)
    return builds[1:], teardowns[1:]


@part("build", "build the whole pipeline, local cloud warm", at_most=2)
def build() -> list[float]:
    return build_and_teardown()[0]


@part("teardown", "tear the whole pipeline down", at_most=3)
def teardown() -> list[float]:
    return build_and_teardown()[1]


OPEN = """
import time
from webhook_lab.lab import Lab
start = time.perf_counter()
Lab.open(chapter="15")
print(time.perf_counter() - start)
"""


@part("open", "Lab.open in a new process, its chapter's state standing", at_most=0.5)
def open_lab() -> list[float]:
    with lab_of_its_own():
        open_pipeline().build()
        return [seconds_printed_by(OPEN) for _ in range(TIMES)]


def seconds_printed_by(program: str) -> float:
    """Run Python source in a new process; the last line it prints is the answer."""
    command = [sys.executable, "-c", program]
    answer = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(answer.stdout.split()[-1])


@part("notebooks", "every notebook once under nbval", at_most=75)
def notebooks() -> list[float]:
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/notebooks/rounds.py"],
        cwd=ROOT, check=True, stdout=sys.stderr,
    )  # fmt: skip
    return [time.perf_counter() - start]
