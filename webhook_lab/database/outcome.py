"""A webhook, a design, and what came of sending many through it: the same rows as of any other run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from webhook_lab.watch.rows import Sample, Sent


class Webhook(NamedTuple):
    """One delivery of a run.

    Args:
        work: seconds that its transaction takes.
    """

    run: str
    id: str
    body: str
    work: float


@dataclass(frozen=True)
class Design:
    """What stands between the senders and the database. As it is: nothing, and a connection for each webhook.

    Args:
        retries: how often a sender tries again.
        consumers: how many read the queue that answers the senders; 0: there is no queue.
        connections_each: what each consumer keeps open.
        pool: how many connections a pooler keeps to the database; 0: there is no pooler.
    """

    retries: int = 0
    consumers: int = 0
    connections_each: int = 1
    pool: int = 0

    @property
    def name(self) -> str:
        if self.consumers:
            each = f", {self.connections_each} connections each" if self.connections_each > 1 else ""
            return f"queue, {self.consumers} consumers{each}"
        if self.pool:
            return f"pooler of {self.pool}"
        return f"connect per webhook, {self.retries} retries" if self.retries else "connect per webhook"


@dataclass(frozen=True, repr=False)
class Outcome:
    """What came of a burst.

    Args:
        run: the token that marks its deliveries in the database.
        limit: connections that the database had for the application.
        sent: each webhook as its sender saw it: 202 queued, 200 stored, 500 the function failed.
        stored: how many the database holds.
        errors: how often PostgreSQL, or the way to it, said what, most often first.
        samples: "connections", their "limit", "stored", "refused", "waiting" (in the queue), "memory" (MB).
        redelivered: how many messages the queue delivered again.
        seconds: until every webhook was stored or lost.
        marks: when something was done to the database, and what.
    """

    design: Design
    run: str
    limit: int
    sent: tuple[Sent, ...]
    stored: int
    errors: Mapping[str, int]
    samples: tuple[Sample, ...]
    redelivered: int
    seconds: float
    marks: tuple[tuple[float, str], ...]

    def __repr__(self) -> str:
        return f"{self.design.name}: {len(self.sent)} sent, {self.stored} stored, {self.lost} lost"

    @property
    def lost(self) -> int:
        """Webhooks that the database does not hold and nobody will bring again."""
        return len(self.sent) - self.stored

    @property
    def refused(self) -> int:
        """How often the database could not be used, attempts and consumers counted."""
        return sum(self.errors.values())

    @property
    def attempts(self) -> int:
        return sum(each.attempts for each in self.sent)

    def peak(self, metric: str = "connections") -> int:
        return round(max((each.value for each in self.samples if each.metric == metric), default=0))

    def waited(self, part: float) -> float:
        """Milliseconds within which that part of the senders had their last answer: 0.5 gives the median."""
        ordered = sorted(each.milliseconds for each in self.sent)
        return ordered[min(int(part * len(ordered)), len(ordered) - 1)]
