"""Chapter 01: what PostgreSQL holds of each burst, and what PostgreSQL and the senders said.

Every claim holds on any machine, however fast or loaded: how many are lost differs, that some are does not.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from webhook_lab.course.checks.bench import Bench, Checks

if TYPE_CHECKING:
    from webhook_lab.database.outcome import Outcome

NO_POOLER = "nothing went through a pooler"
CONNECTIONS_EACH = 2
"""How many connections each of the exercise's consumers opens."""


def _bursts(bench: Bench, *, retries: bool = False, consumers: bool = False, pool: bool = False,
            crash: bool = False, each: int = 1) -> "Iterator[Outcome]":  # fmt: skip
    """The bursts through such a design, the newest first."""
    for outcome in reversed(bench.database.outcomes if bench.database else []):
        design = outcome.design
        asked = (retries, consumers, pool, crash, each)
        has = (design.retries > 0, design.consumers > 0, design.pool > 0, bool(outcome.marks))
        if (*has, design.connections_each) == asked:
            yield outcome


def _newest(bench: Bench, **design: bool) -> "Outcome":
    found = next(_bursts(bench, **design), None)
    assert found, "no such burst was sent to this database"
    return found


def _lost(bench: Bench, outcome: "Outcome") -> int:
    """How many of the burst's webhooks PostgreSQL does not hold."""
    assert bench.database
    rows, ids = bench.database.count(outcome)
    assert rows == ids, f"{rows - ids} are stored more than once"
    return len(outcome.sent) - ids


def _refused(bench: Bench) -> None:
    naive = _newest(bench)
    assert _lost(bench, naive), "every webhook was stored"
    assert any(words.startswith("FATAL") for words in naive.errors), "PostgreSQL refused none"
    assert naive.peak() <= naive.limit, f"{naive.peak()} connections were open at once"


def _tried_again(bench: Bench) -> None:
    retried = _newest(bench, retries=True)
    assert retried.attempts > len(retried.sent), "no sender had to try again"


def _more_room(bench: Bench) -> None:
    *_, first = _bursts(bench)
    raised = _newest(bench)
    assert raised.limit > first.limit, "max_connections is what it was"
    assert raised.peak() > first.limit, f"{raised.peak()} connections were open at once"


def _kept(bench: Bench) -> None:
    queue = _newest(bench, consumers=True)
    assert not (lost := _lost(bench, queue)), f"{lost} are lost"
    assert queue.peak() <= queue.design.consumers, f"{queue.peak()} connections were open at once"
    assert not queue.refused, f"PostgreSQL refused {queue.refused}"


def _kept_waiting(bench: Bench) -> str | None:
    if not any(_bursts(bench, pool=True)):
        return NO_POOLER
    pooler, queue = _newest(bench, pool=True), _newest(bench, consumers=True)
    assert not (lost := _lost(bench, pooler)), f"{lost} are lost"
    waited = f"{pooler.waited(0.5):.0f} ms and {queue.waited(0.5):.0f} ms"
    assert pooler.waited(0.5) > queue.waited(0.5), f"half of the senders waited {waited}"
    return None


def _lost_in_a_crash(bench: Bench) -> str | None:
    crashed = next(_bursts(bench, pool=True, crash=True), None)
    if crashed is None:
        return NO_POOLER
    assert _lost(bench, crashed), "every webhook was stored"
    return None


def _survived(bench: Bench) -> None:
    crashed = _newest(bench, consumers=True, crash=True)
    assert crashed.redelivered, "no message was delivered again"
    assert not (lost := _lost(bench, crashed)), f"{lost} are lost"


def _exercise(bench: Bench) -> str | None:
    tried = next(_bursts(bench, consumers=True, each=CONNECTIONS_EACH), None)
    if tried is None:
        return None
    consumers, room = tried.design.consumers, tried.limit
    opened = f"{consumers} consumers open {consumers * CONNECTIONS_EACH} connections"
    assert not tried.refused, f"{opened}, and PostgreSQL has room for {room}: it refused some."
    assert (consumers + 1) * CONNECTIONS_EACH > room, f"{opened}, and PostgreSQL has room for {room}."
    assert not (lost := _lost(bench, tried)), f"{lost} are lost."
    return f"{opened}, all that PostgreSQL has room for; it refused none."


CHECKS = Checks(
    checkpoints={
        "webhooks are lost, and PostgreSQL said why": _refused,
        "senders had to try again": _tried_again,
        "more connections were open than the first limit allowed": _more_room,
        "the queue lost none, on at most ten connections": _kept,
        "the pooler lost none, and its senders waited longer than the queue's": _kept_waiting,
        "a crash loses what is on its way through the pooler": _lost_in_a_crash,
        "after a crash messages came again, and each webhook is stored once": _survived,
    },
    exercise=_exercise,
)
