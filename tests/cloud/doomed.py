"""Work that dies at a call of our choice, many a second: each in a fork of one process that is warm.

    python -m tests.cloud.doomed

reads one job a line (JSON) and answers each with a line: how the fork ended, what it called, what it raised.
The parent never sends a request, so that no fork shares a connection.
"""

import json
import os
import signal
import subprocess
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from botocore.client import BaseClient

HERE = Path(__file__).parents[2]
JOBS = ("build", "teardown", "sweep")


@dataclass(frozen=True)
class End:
    """How a fork ended: killed, or with its calls, as (step, operation), and what it raised."""

    killed: bool
    calls: tuple[tuple[str, str], ...]
    error: str


class Doomed:
    """The warm process, seen from a test."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.cloud.doomed"],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.communicate(timeout=60)

    def run(self, job: str, *, until: str = "", kill: tuple[str, int, str] | None = None) -> End:
        """Do one of `JOBS` in a fork.

        Args:
            until: the last step that is built.
            kill: the step, the number of its call (from 1), and "before" or "after" that call.
        """
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"job": job, "until": until, "kill": kill}) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        return End(said["killed"], tuple((each[0], each[1]) for each in said["calls"]), said["error"])


class _Reaper:
    """Counts the calls of each step, and kills this process at one of them."""

    def __init__(self, kill: list[Any] | None) -> None:
        self.kill, self.step, self.number = kill, "", 0
        self.calls: list[tuple[str, str]] = []

    def begin(self, step: str) -> None:
        self.step, self.number = step, 0

    def watch(self) -> None:
        request = BaseClient._make_api_call  # type: ignore[attr-defined]

        def call(client: Any, operation: str, params: Any) -> Any:
            self.number += 1
            self.calls.append((self.step, operation))
            self._at("before")
            try:
                return request(client, operation, params)
            finally:  # after a refusal too
                self._at("after")

        BaseClient._make_api_call = call  # type: ignore[attr-defined]

    def _at(self, moment: str) -> None:
        if self.kill == [self.step, self.number, moment]:
            os.kill(os.getpid(), signal.SIGKILL)


def _fork(job: dict[str, Any], warm: Any) -> dict[str, Any]:
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        os.close(reading)
        said: dict[str, Any] = {"calls": [], "error": ""}
        try:
            said["calls"] = _work(job, warm)
        except BaseException:
            said["error"] = traceback.format_exc()
        os.write(writing, json.dumps(said).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    _, status = os.waitpid(child, 0)
    killed = os.WIFSIGNALED(status)
    return {"killed": killed, **(json.loads(text) if text else {"calls": [], "error": ""})}


def _work(job: dict[str, Any], warm: Any) -> list[tuple[str, str]]:
    from webhook_lab import sweep
    from webhook_lab.pipeline import open as opening

    opening.Session = lambda _: warm  # type: ignore[assignment,misc]
    reaper = _Reaper(job["kill"])
    reaper.watch()
    pipeline = opening.open_pipeline()
    match job["job"]:
        case "build":
            pipeline.build(job["until"] or "api", reaper.begin)
        case "teardown":
            done = pipeline.teardown(reaper.begin)
            assert not done.refused, done.refused
        case _:
            pipeline.ledger.path.unlink(missing_ok=True)
            done = sweep.remove(warm, sweep.remaining(warm, pipeline.names.prefix))
            assert not done.refused, done.refused
    return reaper.calls


def main() -> None:
    from webhook_lab.aws.session import Session
    from webhook_lab.aws.target import resolve

    warm, out = Session(resolve()), os.fdopen(os.dup(1), "w")
    for name in Session.__annotations__:
        getattr(warm, name)
    os.dup2(2, 1)  # what the library prints is no answer
    for line in sys.stdin:
        print(json.dumps(_fork(json.loads(line), warm)), file=out, flush=True)


if __name__ == "__main__":
    main()
