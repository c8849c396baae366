"""Environments are warmed up side by side: one after the other, they would all be the same one."""

import io
import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.traits import LOCAL_CLOUD
from webhook_lab.resources import invoking
from webhook_lab.resources.invoking import warm_up


class Lambda:
    """Answers an invocation only when so many are under way."""

    def __init__(self, at_once: int) -> None:
        self.barrier = threading.Barrier(at_once, timeout=10)
        self.invoked: list[dict[str, Any]] = []
        self.said, self.how = b"{}", {}

    def invoke(self, **parameters: Any) -> dict[str, Any]:
        self.invoked.append(parameters)
        self.barrier.wait()
        return {"Payload": io.BytesIO(self.said), **self.how}


def session(lambda_: Any) -> Any:
    return SimpleNamespace(lambda_=lambda_, target=SimpleNamespace(traits=LOCAL_CLOUD))


@pytest.mark.parametrize("executions", [1, 5])
def test_as_many_empty_batches_run_at_once_as_environments_are_wanted(executions: int) -> None:
    lambda_ = Lambda(executions)
    warm_up(session(lambda_), name="subscribe", executions=executions)
    assert lambda_.invoked == executions * [{"FunctionName": "subscribe", "Payload": b'{"Records": []}'}]


TIMED_OUT = b'{"errorMessage": "Task timed out after 1.00 seconds", "errorType": "Sandbox.Timedout"}'
RAISED = b'{"errorMessage": "SIGNING_SECRET is empty", "errorType": "RuntimeError"}'


@pytest.mark.parametrize(
    ("said", "told"),
    [(TIMED_OUT, "take an empty batch within its timeout"), (RAISED, "SIGNING_SECRET is empty")],
)
def test_a_function_that_fails_its_empty_batch_is_not_taken_for_warm(
    said: bytes, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoking, "_COLD_SECONDS", 0.0)
    lambda_ = Lambda(1)
    lambda_.said, lambda_.how = said, {"FunctionError": "Unhandled"}
    with pytest.raises(LabError, match=told):
        warm_up(session(lambda_), name="subscribe", executions=1)


def test_it_is_started_again_for_as_long_as_the_target_may_show_things_late(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(invoking, "_COLD_SECONDS", 0.0)
    lambda_, waiting = Lambda(1), session(None)
    waiting.lambda_, waiting.target = lambda_, SimpleNamespace(traits=replace(LOCAL_CLOUD, patience=1.0))
    lambda_.said, lambda_.how = TIMED_OUT, {"FunctionError": "Unhandled"}
    with pytest.raises(LabError, match="not so after 1 s"):
        warm_up(waiting, name="subscribe", executions=1)
    assert len(lambda_.invoked) > 1


def test_one_that_was_cut_off_while_it_started_is_started_again() -> None:
    lambda_ = Lambda(1)
    lambda_.said, lambda_.how = TIMED_OUT, {"FunctionError": "Unhandled"}
    answer = lambda_.invoke

    def second_is_well(**parameters: Any) -> dict[str, Any]:
        answered = answer(**parameters)
        lambda_.how = {}
        return answered

    lambda_.invoke = second_is_well  # type: ignore[method-assign]
    warm_up(session(lambda_), name="subscribe", executions=1)
    assert len(lambda_.invoked) == 2


@pytest.mark.parametrize(
    ("code", "goes_on"), [("TooManyRequestsException", True), ("ResourceNotFoundException", False)]
)
def test_one_that_runs_as_often_as_it_may_is_warm(code: str, goes_on: bool) -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": code, "Message": "Rate Exceeded"}}, "Invoke")

    refusing = session(SimpleNamespace(invoke=refuse))
    if goes_on:
        warm_up(refusing, name="subscribe", executions=2)
        return
    with pytest.raises(ClientError):
        warm_up(refusing, name="subscribe", executions=2)
