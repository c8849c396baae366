"""An AWS of a few operations, in memory, that does at once what it is asked: scenarios are tried over it."""

from collections.abc import Callable, Mapping
from typing import Any

import boto3

from tests.days.clocks import VirtualClock
from tests.days.scenarios import Answer, Scenario, refusal


class FakeAws:
    """Answers by ``"service Operation"``, and the calls that reached it.

    Attributes:
        answers: what each operation answers: a dict, or what makes one of the params.
        calls: (operation, params) of each, in order.
    """

    def __init__(self, **answers: Answer | Callable[..., Answer]) -> None:
        self.answers = answers
        self.calls: list[tuple[str, Mapping[str, Any]]] = []

    def __call__(self, service: str, operation: str, params: Mapping[str, Any]) -> Answer:
        self.calls.append((operation, params))
        if operation not in self.answers:
            raise refusal("InvalidAction", f"{service} {operation}")
        answer = self.answers[operation]
        return dict(answer(**params) if callable(answer) else answer)

    def asked(self, operation: str) -> list[Mapping[str, Any]]:
        """The params of each such call that reached it."""
        return [params for name, params in self.calls if name == operation]


def client_of(service: str, scenario: Scenario, aws: FakeAws | None, clock: VirtualClock, **more: Any) -> Any:
    """A boto3 client on which the scenario holds."""
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name="us-east-1")
    scenario.install(session.events, clock=clock, aws=aws)
    return session.client(service, **{"endpoint_url": "http://127.0.0.1:9", **more})  # type: ignore[call-overload]
