"""When an invocation is answered, all that it printed is in its log, however late the emulator reads it."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ministack.core import lambda_runtime

from tests.cloud.pipe import zip_of
from webhook_lab.local_cloud.emulator import faults, logs

LINES = [f"line {number}" for number in range(5)]
PRINTS = f"""
def handler(event, context):
    for line in {LINES!r}:
        print(line, flush=True)
    if event:
        raise ValueError(event)
"""


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Any]]:
    """Start a function's process, whose output is read at 20 ms a line: as late as on a very busy machine."""
    for name in ("Worker", "_PYTHON_WORKER_SCRIPT"):  # put back afterwards what is changed
        monkeypatch.setattr(lambda_runtime, name, getattr(lambda_runtime, name))
    settings: dict[str, Any] = {"Runtime": "python3.13", "Handler": "app.handler", "Timeout": 30}
    settings |= {
        "FunctionName": "prints",
        "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:prints",
    }
    workers: list[Any] = []
    pipes: list[Any] = []

    def started(source: str = PRINTS, **more: Any) -> Any:
        read = lambda_runtime.Worker._read_stderr

        def read_slowly(worker: Any) -> None:
            pipes.extend((worker._proc.stdin, worker._proc.stdout, worker._proc.stderr))
            at_once = worker._stderr_queue.put
            worker._stderr_queue.put = lambda line: (time.sleep(0.02), at_once(line))
            read(worker)

        monkeypatch.setattr(lambda_runtime.Worker, "_read_stderr", read_slowly)
        workers.append(lambda_runtime.Worker("prints", settings | more, zip_of(source)))
        return workers[-1]

    yield started
    for worker in workers:
        worker.kill()
    for pipe in pipes:  # which the emulator leaves open
        pipe.close()


@pytest.mark.parametrize("fails", [False, True])
def test_every_line_is_there_when_the_invocation_is_answered(start: Callable[[], Any], fails: bool) -> None:
    logs.logs_are_whole()
    function = start()
    for request in ("first", "second"):
        answer = function.invoke("no" if fails else {}, request)
        assert (answer["status"], answer["log"].splitlines()[:5]) == ("error" if fails else "ok", LINES)


def test_the_emulator_by_itself_stops_reading_too_soon(start: Callable[[], Any]) -> None:
    assert start().invoke({}, "first")["log"].splitlines() != LINES, "then the change is needed no more"


def test_another_emulator_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lambda_runtime, "_PYTHON_WORKER_SCRIPT", "run()")
    with pytest.raises(RuntimeError, match="in another way"):
        logs.logs_are_whole()


def test_an_import_that_does_not_end_is_ended(
    start: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "INIT_SECONDS", 0.5)
    monkeypatch.setattr(faults, "_of", {})
    logs.logs_are_whole()
    function = start("import time\nprint('importing', flush=True)\ntime.sleep(60)", Timeout=0.4)
    assert function.invoke({}, "first")["status"] == "error"
    fault, _ = faults._of["first"]
    assert fault.payload["errorType"] == "Sandbox.Timedout"
    assert fault.ending == "\tStatus: timeout"
