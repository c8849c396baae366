"""What whoever is called at night can see: the queue, the logs and the metrics, and nothing of the cause."""

import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from webhook_lab.facts.runbook import STAGED_OLDEST_SECONDS
from webhook_lab.pipeline.alarms import REFUSED
from webhook_lab.show.bad_day import Change, day_chart, samples_of
from webhook_lab.show.chart import Chart
from webhook_lab.watch.dead_letters import delivery_in
from webhook_lab.watch.history import CUT, SETTLED, History
from webhook_lab.watch.log_lines import read_lines
from webhook_lab.watch.peek import messages_of
from webhook_lab.watch.rows import Sample

if TYPE_CHECKING:
    from webhook_lab.lab.lab import Lab


@dataclass(frozen=True)
class Signs:
    """What there is to see since a day began.

    Args:
        arrived: requests that the publish function has answered.
        refused: those of them that it answered with 401.
        raised: those at which it raised: the sender saw a 5xx.
        waiting: messages that were accepted, and are neither done with nor dead.
        oldest: seconds for which the oldest of them has waited.
        dead: deliveries of the day whose message lies in the dead-letter queue.
        dead_without_a_line: those of them that no invocation has begun to work on.
        failed: attempts that ended in "failed".
        cut: attempts that never ended.
        work_seconds: how long a record is worked on, the median of those that were stored; 0 where none was.
        samples: how it came to that, for the chart.
    """

    arrived: int
    refused: int
    raised: int
    waiting: int
    oldest: float
    dead: int
    dead_without_a_line: int
    failed: int
    cut: int
    work_seconds: float
    samples: Sequence[Sample] = field(default=(), repr=False, compare=False)

    def chart(self) -> Chart:
        """The day so far: what came, what waits, what ran."""
        return day_chart(self.samples)

    @property
    def alarms(self) -> tuple[str, ...]:
        """The keys of the alarms that ring, by the template's rules; the oldest may wait a second here."""
        rings = {
            "oldest_waits": self.oldest > STAGED_OLDEST_SECONDS,
            "dead_letters": self.dead > 0,
            "throttles": self.dead_without_a_line > 0,  # throttled until their last receive was used up
            "refusals": self.refused > REFUSED,
            "server_errors": self.raised > 0,
            "publish_errors": self.raised > 0,
            "subscribe_errors": self.cut > 0,
        }
        return tuple(key for key, ringing in rings.items() if ringing)


def signs(lab: "Lab", *, since: int) -> Signs:
    """What queue and logs show since `since`, epoch milliseconds by AWS's clock."""
    answered = _ended(_lines(lab, "publish", since))
    history = History().add(_lines(lab, "subscribe", since))
    # By delivery: a redrive sends copies, whose message ids are new.
    # Of the day's own: what an earlier chapter left may die today.
    own = {str(line["id"]) for line in answered}
    dead = [each for each in messages_of(lab.aws, queue_url=lab.dlq_url) if delivery_in(each) in own]
    done = history.settled.keys() | {delivery_in(each) for each in dead}
    waiting = [int(line["at"]) for line in answered if line["message_id"] and line["id"] not in done]
    works = history.attempts()
    now = lab.aws.now()
    took = [(each.finished_at - each.started_at) / 1000 for each in works if each.outcome in SETTLED]
    return Signs(
        arrived=len(answered),
        refused=sum(line["outcome"] == "unauthorized" for line in answered),
        raised=sum(line["outcome"] == "failed" for line in answered),
        waiting=len(waiting),
        oldest=(now - min(waiting)) / 1000 if waiting else 0.0,
        dead=len(dead),
        dead_without_a_line=sum(not history.begun[each["MessageId"]] for each in dead),
        failed=sum(each.outcome == "failed" for each in works),
        cut=sum(each.outcome == CUT for each in works),
        work_seconds=statistics.median(took) if took else 0.0,
        samples=samples_of(_changes(answered, history, done, len(dead), now), since=since, now=now),
    )


def _changes(
    answered: Iterable[dict[str, Any]], history: History, done: set[str], dead: int, now: int
) -> Iterator[Change]:
    """What has changed, and when. When a message died no line says: it counts as dead from now on."""
    settled = {
        str(each.id): each.finished_at for each in reversed(history.attempts()) if each.outcome in SETTLED
    }
    for line in answered:
        yield line["at"], "arrived", 1
        yield line["at"], "refused", int(line["outcome"] == "unauthorized")
        if line["message_id"]:
            yield line["at"], "waiting", 1
        if line["message_id"] and line["id"] in done:
            yield settled.get(line["id"], now), "waiting", -1
    for each in history.invocations():
        yield each.started_at, "concurrency", 1
        if each.finished_at is not None:
            yield each.finished_at, "concurrency", -1
    yield now, "dlq", dead


def _lines(lab: "Lab", handler: str, since: int) -> list[dict[str, Any]]:
    return read_lines(lab.aws.logs, log_group=lab.names.log_group(handler), since=since)


def _ended(lines: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == "record_finish"]
