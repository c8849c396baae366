"""Every AWS call of a lab, kept as a record: what was asked, what came back, when, and how long it took."""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from botocore import xform_name

LIMIT = 5_000
"""Calls kept; the oldest go first. Building the whole pipeline takes about 60."""


@dataclass(frozen=True)
class Call:
    """One request to AWS, or one use of a waiter.

    Args:
        service: boto3's name of the service, such as ``"sqs"``.
        operation: AWS's name, such as ``"CreateQueue"``; for a wait the waiter's name.
        method: boto3's name, such as ``"create_queue"``; for a wait the waiter's name.
        params: what was asked, as given: secrets and bodies included, and so never in the record's repr.
        response: what came back, without its ``ResponseMetadata``; None when the call failed or was a wait.
        error: the AWS error code, or the exception's name when nothing came back; None when all went well.
        at: when it began, seconds since the epoch.
        seconds: how long it took.
    """

    service: str
    operation: str
    method: str
    params: Mapping[str, Any] = field(repr=False)
    response: Mapping[str, Any] | None = field(repr=False)
    error: str | None
    at: float
    seconds: float
    kind: Literal["call", "wait"] = "call"


class _Waits(threading.local):
    """How many waiters this thread is in."""

    depth = 0


class CallLog:
    """The calls of all the clients attached to it, in the order in which they were answered. Thread-safe."""

    def __init__(self) -> None:
        self._kept: deque[Call] = deque(maxlen=LIMIT)
        self._seen = 0
        self._lock = threading.Lock()
        self._waits = _Waits()

    def attach(self, client: Any) -> None:
        """Record every call that this boto3 client makes from now on."""
        service = client.meta.service_model.service_name

        def begin(params: Mapping[str, Any], context: dict[str, Any], **_: Any) -> None:
            context["webhook_lab"] = (_snapshot(params), time.time(), time.perf_counter())

        def end(event_name: str, context: dict[str, Any], **answer: Any) -> None:
            if "webhook_lab" not in context or self._waits.depth:  # a waiter's own polling is not shown
                return
            params, at, started = context.pop("webhook_lab")
            response: Any = None
            error: str | None = None
            if "exception" in answer:
                error = type(answer["exception"]).__name__
            elif answer["http_response"].status_code < 300:
                response = _snapshot(answer["parsed"])
            else:
                code = answer["parsed"].get("Error", {}).get("Code")
                error = str(context.get("error_code_override") or code)
            operation = event_name.rsplit(".", 1)[-1]
            seconds = time.perf_counter() - started
            self._keep(Call(service, operation, xform_name(operation), params, response, error, at, seconds))

        client.meta.events.register("provide-client-params.*.*", begin)
        client.meta.events.register("after-call.*.*", end)
        client.meta.events.register("after-call-error.*.*", end)

    @contextmanager
    def waiting(self, service: str, waiter: str, params: Mapping[str, Any]) -> Iterator[None]:
        """Record the block as one use of a boto3 waiter, in place of the calls that the waiter makes."""
        at, started, kept, error = time.time(), time.perf_counter(), _snapshot(params), None
        self._waits.depth += 1
        try:
            yield
        except BaseException as exception:
            error = type(exception).__name__
            raise
        finally:
            self._waits.depth -= 1
            seconds = time.perf_counter() - started
            self._keep(Call(service, waiter, waiter, kept, None, error, at, seconds, "wait"))

    def mark(self) -> int:
        """A place in the log: the number of calls seen so far."""
        with self._lock:
            return self._seen

    def since(self, mark: int = 0) -> list[Call]:
        """The calls answered after `mark`, oldest first; those that are no longer kept are left out."""
        with self._lock:
            return list(self._kept)[max(0, len(self._kept) - max(0, self._seen - mark)) :]

    def _keep(self, call: Call) -> None:
        with self._lock:
            self._kept.append(call)
            self._seen += 1


def _snapshot(value: Any) -> Any:
    """A copy that later changes cannot reach. A stream is kept by its kind: to read it is its receiver's."""
    if isinstance(value, Mapping):
        return {key: _snapshot(item) for key, item in value.items() if key != "ResponseMetadata"}
    if isinstance(value, list | tuple | set):
        return [_snapshot(item) for item in value]
    return f"<{type(value).__name__}>" if hasattr(value, "read") else value
