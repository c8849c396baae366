"""What functions print: in their log group while they run, and whole when the invocation is answered."""

import contextvars
import queue
import time
import uuid
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

END = "\x04 webhook-lab: end of this invocation's log"
LONGEST_SECONDS = 2.0
"""For a process that died before it could print that line."""

_CALL = "result = handler_fn(event, context)"
_TOLD = "result = _until_end(handler_fn, event, context)"
_UNTIL_END = f"""
def _until_end(handler, event, context):
    import sys
    try:
        return handler(event, context)
    finally:
        print({END!r}, file=sys.__stderr__, flush=True)
"""
_served: dict[str, tuple[str, str]] = {}
"""Of each invocation that is about to end: the stream that it wrote to, and what is written already."""


def install() -> None:
    """Change the emulator so, before the first function is invoked.

    Raises:
        RuntimeError: it is not the emulator that this was written for.
    """
    logs_are_whole()
    lines_are_live()


def logs_are_whole() -> None:
    """The process of a function prints a last line of ours, and its output is read until that comes.

    AWS: an invocation's lines are all in its log.
    Emulator: reads until nothing came for 5 ms, which is too soon on a busy machine: the rest turns up with
        the function's next invocation, and with none, never.
    Shown by: test_the_emulator_by_itself_stops_reading_too_soon
    Upstream: a fix retires this.
    """
    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_CALL) != 1:
        raise RuntimeError("the emulator calls handlers in another way than it did")
    lambda_runtime._PYTHON_WORKER_SCRIPT = _UNTIL_END + script.replace(_CALL, _TOLD)
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
            stream, written = served
            report = (
                f"REPORT RequestId: {request_id}\tDuration: {duration_ms} ms"
                f"\tBilled Duration: {duration_ms} ms\tMemory Size: {config.get('MemorySize', 128)} MB"
                f"\tMax Memory Used: {lambda_svc._probe_peak_memory_mb(function)} MB"
            )
            traceback = text.removeprefix(written).strip("\n").splitlines()
            _append(config, stream, *traceback, f"END RequestId: {request_id}", report)
        elif config.get("FunctionName") in lambda_svc._functions:
            emit(function, request_id, text, error, duration_ms, **more)

    lambda_svc._emit_lambda_logs = emit_the_rest


class Environment(lambda_runtime.Worker):  # type: ignore[misc]  # the emulator has no types
    """An execution environment, the emulator's Worker: a process that serves one invocation at a time."""

    _stream = ""
    _here: contextvars.Context | None = None  # whose account and region the current invocation is of

    def invoke(self, event: Any, request_id: str, **more: Any) -> dict[str, Any]:
        version = self.config.get("Version", "$LATEST")
        self._stream = self._stream or time.strftime(f"%Y/%m/%d/[{version}]{uuid.uuid4().hex}", time.gmtime())
        live = _append(self.config, self._stream, f"START RequestId: {request_id} Version: {version}")
        self._here = contextvars.copy_context() if live else None
        result: dict[str, Any] = super().invoke(event, request_id, **more)
        if live:
            _served[request_id] = self._stream, result.get("log", "")
        return result

    def _read_stderr(self) -> None:  # in a thread of its own, as long as the process lives
        for line in self._proc.stderr:
            printed = line.rstrip("\n")
            text = printed.removesuffix(END)
            if self._here and (text or text == printed):
                self._here.copy().run(_append, self.config, self._stream, text)
            self._stderr_queue.put(printed)

    def _drain_stderr_bounded(self, *args: Any, **kwargs: Any) -> str:
        if self.config.get("Runtime", "").startswith("python"):
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
    now = time.time_ns() // 1_000_000
    events = [{"timestamp": now, "message": message, "ingestionTime": now} for message in messages]
    cloudwatch_logs._append_log_events(kept, events)
    cloudwatch_logs._fanout_to_subscription_filters(name, stream, events)
    return True
