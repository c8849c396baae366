"""What Lambda says of an invocation that failed: in the function's log, and to whoever invoked it."""

import json
import signal
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ministack.services import lambda_svc

EXIT, TIMEOUT = "Runtime.ExitError", "Sandbox.Timedout"


@dataclass(frozen=True)
class Fault:
    """One failed invocation.

    Args:
        payload: what Invoke returns.
        lines: one event in the log, of several lines.
        ending: the end of the line that begins with REPORT.
    """

    payload: dict[str, Any]
    lines: str
    ending: str = ""


_of: dict[str, tuple[Fault, str]] = {}
"""Of each invocation that is about to fail: how, and what its function printed."""


def errors_are_lambdas() -> None:
    """A function that fails says so in Lambda's own words, and first of all why it cannot begin.

    AWS: `[ERROR]`, type, message and traceback of what was raised, while the code is imported too; or that it
        timed out, or how its process exited. What Invoke returns was compared in
        https://github.com/floci-io/floci/issues/3314.
    Emulator: no line at all for code that cannot be imported, which looks like over-pull;
        "Runtime.HandlerError" for whatever was raised; an import that does not end is waited for.
    Shown by: test_a_function_that_cannot_begin_says_why, test_what_a_handler_raises_is_told_as_lambda_does,
        test_a_process_that_ends_is_told_as_lambda_does, test_an_import_that_does_not_end_is_ended
    Upstream: a fix retires this.
    """
    execute = lambda_svc._execute_function_warm

    def executed(function: dict[str, Any], event: Any, request_id: str) -> dict[str, Any]:
        result: dict[str, Any] = execute(function, event, request_id)
        if failed := _of.pop(request_id, None):
            fault, printed = failed
            log = "\n".join(filter(None, (printed, fault.lines)))
            return {**result, "body": fault.payload, "log": log}
        return result

    lambda_svc._execute_function_warm = executed


def remember(request_id: str, fault: Fault, printed: str) -> None:
    """This invocation is about to fail."""
    _of[request_id] = fault, printed


def why(error: str, request_id: str, *, code: int | None, timeout: float) -> Fault:
    """The fault in what the emulator says of one.

    Args:
        error: JSON of the function's process, or the emulator's own words about that process.
        code: the process's exit status, negative for a signal.
        timeout: seconds that were allowed.
    """
    if told := _json(error):
        return (
            _ended(told["errorMessage"], request_id)
            if told["errorType"] == EXIT
            else _raised(told, request_id)
        )
    if "timed out" in error:
        said = f"Task timed out after {timeout:.2f} seconds"
        at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        payload = {"errorType": TIMEOUT, "errorMessage": f"RequestId: {request_id} Error: {said}"}
        return Fault(payload, f"{at}Z {request_id} {said}", "\tStatus: timeout")
    return _ended(_last_words(code), request_id)


def _json(error: str) -> dict[str, Any] | None:
    _, brace, told = error.partition("{")
    try:
        found = json.loads(brace + told)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "errorType" in found else None


def _raised(told: dict[str, Any], request_id: str) -> Fault:
    first = f"[ERROR] {told['errorType']}: {told['errorMessage']}".removesuffix(": ")
    trace = [line for each in told["stackTrace"] for line in each.splitlines()]
    lines = "\n".join([first, "Traceback (most recent call last):", *trace])
    of_lambda = told["errorType"].startswith("Runtime.")
    ending = f"\tStatus: error\tError Type: {told['errorType']}" if of_lambda else ""
    order = {name: told[name] for name in ("errorMessage", "errorType")}
    return Fault({**order, "requestId": request_id, "stackTrace": told["stackTrace"]}, lines, ending)


def _ended(how: str, request_id: str) -> Fault:
    said = f"RequestId: {request_id} Error: {how}"
    payload = {"errorType": EXIT, "errorMessage": said}
    return Fault(payload, f"{said}\n{EXIT}", f"\tStatus: error\tError Type: {EXIT}")


def _last_words(code: int | None) -> str:
    if not code:
        return "Runtime exited without providing a reason"
    how = f"signal: {(signal.strsignal(-code) or str(-code)).lower()}" if code < 0 else f"exit status {code}"
    return f"Runtime exited with error: {how}"
