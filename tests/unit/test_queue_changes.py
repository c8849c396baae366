"""What was set of a queue is waited for until SQS acts on it."""

from types import SimpleNamespace
from typing import Any

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.resources import queue_changes
from webhook_lab.resources.queue_changes import being_set, settle

URL = "https://sqs/webhooks"


class Clock:
    """Each look at the time takes 40 seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def time(self) -> float:
        self.now += 40
        return self.now


class Aws:
    """A session that has set attributes, and an SQS that shows them some time later."""

    def __init__(self, clock: Clock, *, shown_after: float) -> None:
        self.target = SimpleNamespace(
            traits=SimpleNamespace(queue_lag=60.0, allow=lambda seconds: seconds / 30)
        )
        self.calls, self.sqs = SimpleNamespace(since=lambda: self.made), self
        self.made: list[Any] = []
        self._clock, self._shown_after = clock, shown_after

    def set(self, url: str = URL, *, at: float, error: str | None = None, **attributes: str) -> None:
        params = {"QueueUrl": url, "Attributes": attributes}
        self.made.append(SimpleNamespace(operation="SetQueueAttributes", params=params, at=at, error=error))

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        new = self._clock.now >= self._shown_after
        return {"Attributes": dict.fromkeys(AttributeNames, "4" if new else "180")}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(queue_changes, "time", clock)
    return clock


def test_what_was_set_of_this_queue_of_late_is_being_set(clock: Clock) -> None:
    aws = Aws(clock, shown_after=0)
    aws.set(at=900, VisibilityTimeout="1")
    aws.set(at=1_010, VisibilityTimeout="180", DelaySeconds="0")
    aws.set(at=1_015, VisibilityTimeout="4")
    aws.set(at=1_016, VisibilityTimeout="9", error="InvalidAttributeValue")
    aws.set(URL + "-dlq", at=1_017, VisibilityTimeout="8")
    assert being_set(aws, URL) == {"VisibilityTimeout": "4", "DelaySeconds": "0"}  # type: ignore[arg-type]


@pytest.mark.parametrize("shown_after", [0, 1_200])
def test_it_is_settled_when_sqs_shows_it_and_its_minute_is_over(clock: Clock, shown_after: float) -> None:
    aws = Aws(clock, shown_after=shown_after)
    aws.set(at=1_000, VisibilityTimeout="4")
    settle(aws, URL)  # type: ignore[arg-type]
    assert clock.now >= max(1_060, shown_after)


def test_where_nothing_was_set_nothing_is_asked(clock: Clock) -> None:
    aws = Aws(clock, shown_after=0)
    aws.sqs = None  # type: ignore[assignment]
    settle(aws, URL)  # type: ignore[arg-type]


def test_what_sqs_never_shows_ends_with_an_error(clock: Clock) -> None:
    aws = Aws(clock, shown_after=float("inf"))
    aws.set(at=1_000, VisibilityTimeout="4")
    with pytest.raises(LabError, match="SQS to act on what was set of the queue"):
        settle(aws, URL)  # type: ignore[arg-type]
