"""An invocation's log is whole when the invocation is answered.

The emulator reads what a function prints until nothing came for 5 ms. On a busy machine that is too soon: the
rest of the lines turn up with the function's next invocation, and with none, never. Here the process of the
function prints a last line of ours, and the emulator reads until it comes, which is sooner than waiting too.
"""

import queue
import time
from typing import Any

END = "\x04 webhook-lab: end of this invocation's log"
LONGEST_SECONDS = 2.0
"""For a process that died before it could print the line."""

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


def keep_logs_whole() -> None:
    """Change the emulator so, in this process.

    Raises:
        RuntimeError: it is not the emulator that this was written for.
    """
    from ministack.core import lambda_runtime

    script = lambda_runtime._PYTHON_WORKER_SCRIPT
    if script.count(_CALL) != 1:
        raise RuntimeError("the emulator calls handlers in another way than it did")
    lambda_runtime._PYTHON_WORKER_SCRIPT = _UNTIL_END + script.replace(_CALL, _TOLD)
    before = lambda_runtime.Worker._drain_stderr_bounded

    def drain(worker: Any, *args: Any, **kwargs: Any) -> str:
        if type(worker) is lambda_runtime.Worker and worker.config.get("Runtime", "").startswith("python"):
            return lines_until_end(worker._stderr_queue)
        return str(before(worker, *args, **kwargs))

    lambda_runtime.Worker._drain_stderr_bounded = drain


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
