"""When an invocation is answered, all that it printed is in its log, however late the emulator reads it."""

import io
import time
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.core import lambda_runtime

from webhook_lab.local_cloud.whole_logs import keep_logs_whole

LINES = [f"line {number}" for number in range(5)]
PRINTS = f"""
def handler(event, context):
    for line in {LINES!r}:
        print(line, flush=True)
"""


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function's process, whose output is read at 20 ms a line: as late as on a very busy machine."""
    read = lambda_runtime.Worker._read_stderr

    def read_slowly(worker: Any) -> None:
        at_once = worker._stderr_queue.put
        worker._stderr_queue.put = lambda line: (time.sleep(0.02), at_once(line))
        read(worker)

    monkeypatch.setattr(lambda_runtime.Worker, "_read_stderr", read_slowly)
    # Put back afterwards what keep_logs_whole changes.
    monkeypatch.setattr(
        lambda_runtime.Worker, "_drain_stderr_bounded", lambda_runtime.Worker._drain_stderr_bounded
    )
    monkeypatch.setattr(lambda_runtime, "_PYTHON_WORKER_SCRIPT", lambda_runtime._PYTHON_WORKER_SCRIPT)
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("app.py", PRINTS)
    settings: dict[str, Any] = {"Runtime": "python3.13", "Handler": "app.handler", "Timeout": 30}
    settings["FunctionArn"] = "arn:aws:lambda:us-east-1:000000000000:function:prints"
    worker = lambda_runtime.Worker("prints", settings, code.getvalue())
    yield worker
    process = worker._proc
    worker.kill()
    for pipe in (process.stdin, process.stdout, process.stderr):  # which the emulator leaves open
        pipe.close()


def test_every_line_is_there_when_the_invocation_is_answered(function: Any) -> None:
    keep_logs_whole()
    for request in ("first", "second"):
        assert function.invoke({}, request)["log"].splitlines() == LINES


def test_the_emulator_by_itself_stops_reading_too_soon(function: Any) -> None:
    assert function.invoke({}, "first")["log"].splitlines() != LINES, "then the change is needed no more"


def test_another_emulator_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_runtime, "_PYTHON_WORKER_SCRIPT", "run()")
    with pytest.raises(RuntimeError, match="in another way"):
        keep_logs_whole()
