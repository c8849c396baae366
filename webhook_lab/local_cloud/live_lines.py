"""What functions print reaches their log group while they run, stamped with its time, as on AWS.

The emulator by itself writes an invocation's lines in one go when it has ended, all with that time, each
invocation into a stream of its own. Then nobody sees that a long one runs, and to read a group costs more
with every invocation. Here, as on AWS, an execution environment has one stream for its life.
"""

import contextvars
import time
import uuid
from typing import Any

from ministack.core import lambda_runtime
from ministack.services import cloudwatch_logs, lambda_svc

from webhook_lab.local_cloud.whole_logs import END

_served: dict[str, tuple[str, str]] = {}
"""Of each invocation that is about to end: the stream that it wrote to, and what is written already."""


def install() -> None:
    """Take the place of what writes the lines, before the first function is invoked."""
    emit = lambda_svc._emit_lambda_logs

    def emit_the_rest(
        function: dict[str, Any], request_id: str, text: str, error: bool, duration_ms: int, **more: Any
    ) -> None:
        if (served := _served.pop(request_id, None)) is None:
            emit(function, request_id, text, error, duration_ms, **more)
            return
        stream, written = served
        config = function.get("config") or function
        report = [f"REPORT RequestId: {request_id}", f"Duration: {duration_ms} ms"]
        report += [f"Billed Duration: {duration_ms} ms", f"Memory Size: {config.get('MemorySize', 128)} MB"]
        report += [f"Max Memory Used: {lambda_svc._probe_peak_memory_mb(function)} MB"]
        traceback = text.removeprefix(written).strip("\n").splitlines()
        _append(config, stream, *traceback, f"END RequestId: {request_id}", "\t".join(report))

    lambda_svc._emit_lambda_logs = emit_the_rest
    lambda_runtime.Worker = _Environment


class _Environment(lambda_runtime.Worker):  # type: ignore[misc]  # the emulator has no types
    """An execution environment, the emulator's Worker: a process that serves one invocation at a time."""

    _stream = ""
    _here: contextvars.Context | None = None  # whose account and region the current invocation is of

    def invoke(self, event: Any, request_id: str, **more: Any) -> dict[str, Any]:
        version = self.config.get("Version", "$LATEST")
        self._stream = self._stream or time.strftime(f"%Y/%m/%d/[{version}]{uuid.uuid4().hex}", time.gmtime())
        self._here = None
        live = _append(self.config, self._stream, f"START RequestId: {request_id} Version: {version}")
        if live:
            self._here = contextvars.copy_context()
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


def _append(config: dict[str, Any], stream: str, *messages: str) -> bool:
    """Write lines to the function's log group. False, and nothing done, when there is no such group."""
    name = (config.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"
    if (group := cloudwatch_logs._log_groups.get(name)) is None:
        return False
    now = time.time_ns() // 1_000_000
    kept = group["streams"].setdefault(
        stream,
        {
            "events": [],
            "uploadSequenceToken": "1",
            "creationTime": now,
            "firstEventTimestamp": None,
            "lastEventTimestamp": None,
            "lastIngestionTime": None,
        },
    )
    events = [{"timestamp": now, "message": message, "ingestionTime": now} for message in messages]
    cloudwatch_logs._append_log_events(kept, events)
    cloudwatch_logs._fanout_to_subscription_filters(name, stream, events)
    return True
