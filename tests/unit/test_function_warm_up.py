"""Environments are warmed up side by side: one after the other, they would all be the same one."""

import io
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from webhook_lab.resources.function import warm_up


class Lambda:
    """Answers an invocation only when so many are under way."""

    def __init__(self, at_once: int) -> None:
        self.barrier = threading.Barrier(at_once, timeout=10)
        self.invoked: list[dict[str, Any]] = []

    def invoke(self, **parameters: Any) -> dict[str, Any]:
        self.invoked.append(parameters)
        self.barrier.wait()
        return {"Payload": io.BytesIO(b"{}")}


@pytest.mark.parametrize("executions", [1, 5])
def test_as_many_empty_batches_run_at_once_as_environments_are_wanted(executions: int) -> None:
    lambda_ = Lambda(executions)
    warm_up(SimpleNamespace(lambda_=lambda_), name="subscribe", executions=executions)  # type: ignore[arg-type]
    assert lambda_.invoked == executions * [{"FunctionName": "subscribe", "Payload": b'{"Records": []}'}]
