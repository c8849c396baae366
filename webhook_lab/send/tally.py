"""What came of a sending so far, readable while it goes on."""

from collections import Counter

from webhook_lab.send.plan import Plan
from webhook_lab.send.retries import is_accepted
from webhook_lab.watch.rows import Answer, Sent


def kind_of(row: Sent) -> str:
    """What came of it in one word: the kind of failure, else the status."""
    return row.error or str(row.status)


class Tally:
    """What came of a run so far.

    Attributes:
        sent: a row for each delivery that is settled: accepted, or given up, or begun and then stopped. An
            attempt broken off has the error "stopped": nobody knows whether it arrived.
        attempts: every attempt, retries included, by its status or by the kind of failure in its place.
        answers: the first acceptance of each id: where a timeline of that delivery begins.
        capped: deliveries given up because the cap left no retry.
        lag: seconds by which the latest attempt left after it was due: large when the sender is the limit.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.sent: list[Sent] = []
        self.attempts: Counter[str] = Counter()
        self.answers: dict[str, Answer] = {}
        self.capped, self.lag = 0, 0.0

    @property
    def counts(self) -> Counter[str]:
        """The settled deliveries, in the same way as the attempts."""
        return Counter(kind_of(row) for row in self.sent.copy())

    @property
    def acknowledged(self) -> set[str]:
        """The ids of the deliveries that were accepted: what has to be stored."""
        return {row.id for row in self.sent.copy() if is_accepted(row.status)}

    def __repr__(self) -> str:
        done = f"{len(self.sent):,} of {len(self.plan.deliveries):,} deliveries settled"
        capped = f"; {self.capped:,} given up at the cap" if self.capped else ""
        return f"{done}: {_spoken(self.counts)}; attempts: {_spoken(self.attempts.copy())}{capped}"


def _spoken(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} × {kind}" for kind, number in sorted(counts.items())) or "none"
