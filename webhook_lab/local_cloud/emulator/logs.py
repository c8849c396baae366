"""What functions print: in their log group while they run, and whole when the invocation is answered."""

import contextlib
import contextvars
import inspect
import json
import queue
import subprocess
import threading
import time
import uuid
from dataclasses import replace
from typing import Any, NamedTuple

from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

from webhook_lab.facts import quotas
from webhook_lab.local_cloud.emulator import faults, in_function
from webhook_lab.local_cloud.emulator.in_function import END

LONGEST_SECONDS = 2.0
"""For a process that died before it could print that line."""
INIT_SECONDS = quotas.LAMBDA_INIT_LONGEST.value
"""For the import of the function's code, unless its timeout is longer: then Lambda tries it again."""

_OURS = (
    ("mod = importlib.import_module(module_name)", ""),
    ("handler_fn = getattr(mod, handler_name)", "handler_fn = find_handler(module_name, handler_name)"),
    ("result = handler_fn(event, context)", "result = until_end(handler_fn, event, context)"),
)


class _Served(NamedTuple):
    """An invocation that is about to end."""

    stream: str
    fault: faults.Fault | None


_served: dict[str, _Served] = {}


def logs_are_whole() -> None:
    """The process of a function prints a last line of ours, and its output is read until that comes.

    AWS: an invocation's lines are all in its log.
    Emulator: reads until nothing came for 5 ms, which is too soon on a busy machine: the rest turns up with
        the function's next invocation, and with none, never.
    Shown by: test_the_emulator_by_itself_stops_reading_too_soon
    Upstream: a fix retires this.

    Raises:
        RuntimeError: it is not the emulator that this was written for.
    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    for theirs, ours in _OURS:
        if script.count(theirs) != 1:
            raise RuntimeError("the emulator calls handlers in another way than it did")
        script = script.replace(theirs, ours)
    lambda_runtime._PYTHON_WORKER_SCRIPT = inspect.getsource(in_function) + script
    lambda_runtime.Worker = Environment


def lines_are_live() -> None:
    """Lines reach the log group while the function runs, with their own times, in its environment's stream.

    AWS: so, and a function's role decides whether a line may create a group.
    Emulator: writes an invocation's lines in one go when it has ended, all with that time, each invocation
        into a stream of its own. Nobody sees that a long one runs, and to read a group costs more with every
        one. A late line of a deleted function creates its group again.
    Shown by: test_a_line_shows_while_its_invocation_still_runs,
        test_a_function_removed_while_it_runs_brings_no_log_group_back
    Upstream: a fix retires this.
    """
    emit = lambda_svc._emit_lambda_logs

    def emit_the_rest(
        function: dict[str, Any], request_id: str, text: str, error: bool, duration_ms: int, **more: Any
    ) -> None:
        config = function.get("config") or function
        if served := _served.pop(request_id, None):
            stream, fault = served
            report = (
                f"REPORT RequestId: {request_id}\tDuration: {duration_ms} ms"
                f"\tBilled Duration: {duration_ms} ms\tMemory Size: {config.get('MemorySize', 128)} MB"
                f"\tMax Memory Used: {lambda_svc._probe_peak_memory_mb(function)} MB"
            )
            report += fault.ending if fault else ""
            why = [fault.lines] if fault and fault.lines else []
            _append(config, stream, *why, f"END RequestId: {request_id}", report)
        elif config.get("FunctionName") in lambda_svc._functions:
            emit(function, request_id, text, error, duration_ms, **more)

    lambda_svc._emit_lambda_logs = emit_the_rest


class Environment(lambda_runtime.Worker):  # type: ignore[misc]  # the emulator has no types
    """An execution environment, the emulator's Worker: a process that serves one invocation at a time."""

    _stream = ""
    _here: contextvars.Context | None = None  # whose account and region the current invocation is of
    _late = False

    def invoke(self, event: Any, request_id: str, **more: Any) -> dict[str, Any]:
        version = self.config.get("Version", "$LATEST")
        self._stream = self._stream or time.strftime(f"%Y/%m/%d/[{version}]{uuid.uuid4().hex}", time.gmtime())
        live = _append(self.config, self._stream)
        self._here = contextvars.copy_context() if live else None
        fault, start = self._init(request_id), f"START RequestId: {request_id} Version: {version}"
        _append(self.config, self._stream, start) if live else None
        process = self._proc
        result: dict[str, Any] = {"status": "error"} if fault else super().invoke(event, request_id, **more)
        if not fault and result["status"] == "error":
            fault = self._why(result["error"], request_id, process)
        if fault:
            faults.remember(request_id, fault, result.get("log", ""))
        if live:
            _served[request_id] = _Served(self._stream, fault)
        return result

    def _init(self, request_id: str) -> faults.Fault | None:
        """Import the function's code, where no process has it yet."""
        began, self._late = time.monotonic(), False
        try:
            lambda_runtime.ensure_spawned(self)
            return None
        except (RuntimeError, ValueError) as error:
            fault = self._why(self._init_error(error), request_id, self._proc)
        ending = fault.ending or f"\tStatus: error\tError Type: {fault.payload['errorType']}"
        took = f"INIT_REPORT Init Duration: {(time.monotonic() - began) * 1000:.2f} ms\tPhase: invoke"
        early = fault.lines if fault.lines.startswith("[ERROR]") else ""  # the rest comes after START
        if self._here:
            _append(self.config, self._stream, *filter(None, [early]), took + ending)
        return replace(fault, lines="" if early else fault.lines, ending=ending)

    def _init_error(self, error: Exception) -> str:
        if "." not in (handler := str(self.config.get("Handler"))):
            told = {"errorMessage": f"Bad handler '{handler}': {error}", "stackTrace": []}
            return json.dumps({**told, "errorType": "Runtime.MalformedHandlerName"})
        if not str(error).startswith("Worker "):
            raise error
        return "timed out" if self._late else str(error)

    def _why(self, error: str, request_id: str, process: Any) -> faults.Fault:
        """Ask once the process has ended, and all that it printed has been read."""
        code = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = process.wait(LONGEST_SECONDS) if process else None
        if self._stderr_thread:
            self._stderr_thread.join(LONGEST_SECONDS)
        timeout = float(self.config.get("Timeout", 3))
        return faults.why(error, request_id, code=code, timeout=timeout)

    def _spawn(self) -> None:
        allowed = max(INIT_SECONDS, float(self.config.get("Timeout", 3)))
        timer = threading.Timer(allowed, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            super()._spawn()
        finally:
            timer.cancel()

    def _give_up(self) -> None:
        self._late = True
        if self._proc:
            self._proc.kill()

    def _read_stderr(self) -> None:  # in a thread of its own, as long as the process lives
        printed = self._stderr_queue
        for line in self._proc.stderr:
            text = line.rstrip("\n")
            if self._here and (text.removesuffix(END) or text != END):
                self._here.copy().run(_append, self.config, self._stream, text.removesuffix(END))
            printed.put(text)
        if self._is_python:
            printed.put(END)

    @property
    def _is_python(self) -> bool:
        return str(self.config.get("Runtime", "")).startswith("python")

    def _drain_stderr_bounded(self, *args: Any, **kwargs: Any) -> str:
        if self._is_python:
            return lines_until_end(self._stderr_queue)
        return str(super()._drain_stderr_bounded(*args, **kwargs))


def lines_until_end(printed: "queue.Queue[str]", longest: float = LONGEST_SECONDS) -> str:
    """What one invocation printed: all lines until `END`, or until none came for so many seconds in all."""
    lines, deadline = [], time.monotonic() + longest
    while True:
        try:
            line = printed.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            break
        if line.endswith(END):
            lines += [text] if (text := line.removesuffix(END)) else []
            break
        lines.append(line)
    return "\n".join(lines)


def _append(config: dict[str, Any], stream: str, *messages: str) -> bool:
    """Write lines to the function's log group. False, and nothing done, when there is no such group."""
    name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    if (group := cloudwatch_logs._log_groups.get(name)) is None:
        return False
    if stream not in group["streams"]:
        cloudwatch_logs._create_log_stream({"logGroupName": name, "logStreamName": stream})
    if (kept := group["streams"].get(stream)) is None:  # the group went meanwhile
        return False
    if not messages:
        return True
    now = time.time_ns() // 1_000_000
    events = [{"timestamp": now, "message": message, "ingestionTime": now} for message in messages]
    cloudwatch_logs._append_log_events(kept, events)
    cloudwatch_logs._fanout_to_subscription_filters(name, stream, events)
    return True
