"""The rows that a run is made of: whoever watches writes them; charts, checks, benches and tests read."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Moment:
    """One thing that happened to one message.

    Args:
        at: epoch milliseconds on the clock of whoever saw it.
        where: who saw it: "sender", "API Gateway", "publish", "queue", "subscribe" or "table".
        what: what happened there, in a few words that do not vary between runs.
    """

    at: int
    where: str
    what: str


@dataclass(frozen=True)
class Answer:
    """What came back.

    Args:
        body: as sent, byte for byte.
        sent_at: epoch milliseconds on the sender's clock, taken before connecting.
        milliseconds: from then until the whole answer was read.
    """

    status: int
    body: bytes
    sent_at: int
    milliseconds: float

    @property
    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is not one."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def id(self) -> str | None:
        """The delivery's id, under which it will be stored, when it was accepted."""
        value = self.json.get("id")
        return str(value) if value else None

    @property
    def message_id(self) -> str | None:
        """The SQS message that the delivery became, when it was accepted."""
        value = self.json.get("message_id")
        return str(value) if value else None

    def __repr__(self) -> str:
        said = self.json.get("error") or (
            "queued" if self.status == 202 else self.body.decode("utf-8", "replace")[:80]
        )
        return f"{self.status} {said}"


@dataclass(frozen=True)
class Sample:
    """One value of one thing that is watched while a run goes on.

    Args:
        at: seconds since the run began, on the clock of whoever watches.
        metric: "visible", "in_flight", "delayed", "dlq", "stored", "duplicates", "failed" (attempts),
            "concurrency" or "limit"; of a database "connections" and
            their "limit" (or "room"), "stored", "refused", "waiting" and "memory" (MB).
    """

    at: float
    metric: str
    value: float


@dataclass(frozen=True)
class Invocation:
    """One invocation of a function, by its own log lines; both times in epoch milliseconds.

    Args:
        finished_at: None while no line says that it ended.
        records: how many records it has finished so far.
    """

    request_id: str
    function: str
    started_at: int
    finished_at: int | None
    records: int


@dataclass(frozen=True)
class Work:
    """What one invocation did about one record, from start to finish in epoch milliseconds.

    Args:
        id: the delivery's id; None when the message could not be read.
        outcome: "stored", "duplicate", "redelivered", "conflict", "unauthorized" (set aside) or "failed";
            "cut" where its invocation ended in mid-work.
    """

    id: str | None
    message_id: str
    request_id: str
    started_at: int
    finished_at: int
    outcome: str


@dataclass(frozen=True)
class Fate:
    """What became of one message, when nothing happens to it any more.

    Args:
        receives: how often SQS gave it out, by SQS's own count.
        invocations: how many of these came to a function, which began to work on it, by its log.
        place: where its delivery is now: "table", "dlq" or "queue".
    """

    message_id: str
    receives: int
    invocations: int
    place: str

    @property
    def never_ran(self) -> bool:
        """Whether it is dead without any function having seen it."""
        return self.place == "dlq" and not self.invocations


@dataclass(frozen=True)
class Sent:
    """One delivery as its sender saw it.

    Args:
        attempts: how often it was posted.
        status: of the last answer; None when there was none.
        error: why that is not an answer to go by: "refused", "timeout", "reset", "redirected" (its status is
            there all the same), "stopped" (by us, so that nobody knows); else empty.
        sent_at: epoch milliseconds of the first attempt.
        milliseconds: that the last attempt took.
    """

    id: str
    path: str
    attempts: int
    status: int | None
    error: str
    sent_at: int
    milliseconds: float
