"""Chapter 01: what PostgreSQL holds of each burst, and what PostgreSQL and the senders said.

Every claim holds on any machine, however fast or loaded: how many are lost differs, that some are does not.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from webhook_lab.course.checks.claims import Checks, OpenLab

if TYPE_CHECKING:
    from webhook_lab.database.outcome import Outcome

CHECKS = Checks()
NO_POOLER = "nothing went through a pooler"
CONNECTIONS_EACH = 2
"""How many connections each of the exercise's consumers opens."""


def _bursts(lab: OpenLab, *, retries: bool = False, consumers: bool = False, pool: bool = False,
            crash: bool = False, each: int = 1) -> "Iterator[Outcome]":  # fmt: skip
    """The bursts through such a design, the newest first."""
    for outcome in reversed(lab.database.outcomes if lab.database else []):
        design = outcome.design
        asked = (retries, consumers, pool, crash, each)
        has = (design.retries > 0, design.consumers > 0, design.pool > 0, bool(outcome.marks))
        if (*has, design.connections_each) == asked:
            yield outcome


def _newest(lab: OpenLab, **design: bool) -> "Outcome":
    found = next(_bursts(lab, **design), None)
    assert found, "no such burst was sent to this database"
    return found


def _lost(lab: OpenLab, outcome: "Outcome") -> int:
    """How many of the burst's webhooks PostgreSQL does not hold."""
    assert lab.database
    rows, ids = lab.database.count(outcome)
    assert rows == ids, f"{rows - ids} are stored more than once"
    return len(outcome.sent) - ids


def _none_lost(lab: OpenLab, outcome: "Outcome") -> None:
    lost = _lost(lab, outcome)
    assert not lost, f"{lost} are lost"


@CHECKS.claim("webhooks are lost, and PostgreSQL said why")
def _refused(lab: OpenLab) -> None:
    naive = _newest(lab)
    assert _lost(lab, naive), "every webhook was stored"
    assert any(words.startswith("FATAL") for words in naive.errors), "PostgreSQL refused none"
    assert naive.peak() <= naive.limit, f"{naive.peak()} connections were open at once"


@CHECKS.claim("senders had to try again")
def _tried_again(lab: OpenLab) -> None:
    retried = _newest(lab, retries=True)
    assert retried.attempts > len(retried.sent), "no sender had to try again"


@CHECKS.claim("more connections were open than the first limit allowed")
def _more_room(lab: OpenLab) -> None:
    *_, first = _bursts(lab)
    raised = _newest(lab)
    assert raised.limit > first.limit, "max_connections is what it was"
    assert raised.peak() > first.limit, f"{raised.peak()} connections were open at once"


@CHECKS.claim("the queue lost none, on at most ten connections")
def _kept(lab: OpenLab) -> None:
    queue = _newest(lab, consumers=True)
    _none_lost(lab, queue)
    assert queue.peak() <= queue.design.consumers, f"{queue.peak()} connections were open at once"
    assert not queue.refused, f"PostgreSQL refused {queue.refused}"


@CHECKS.claim("the pooler lost none, and its senders waited longer than the queue's")
def _kept_waiting(lab: OpenLab) -> str | None:
    if not any(_bursts(lab, pool=True)):
        return NO_POOLER
    pooler, queue = _newest(lab, pool=True), _newest(lab, consumers=True)
    _none_lost(lab, pooler)
    waited = f"{pooler.waited(0.5):.0f} ms and {queue.waited(0.5):.0f} ms"
    assert pooler.waited(0.5) > queue.waited(0.5), f"half of the senders waited {waited}"
    return None


@CHECKS.claim("a crash loses what is on its way through the pooler")
def _lost_in_a_crash(lab: OpenLab) -> str | None:
    crashed = next(_bursts(lab, pool=True, crash=True), None)
    if crashed is None:
        return NO_POOLER
    assert _lost(lab, crashed), "every webhook was stored"
    return None


@CHECKS.claim("after a crash messages came again, and each webhook is stored once")
def _survived(lab: OpenLab) -> None:
    crashed = _newest(lab, consumers=True, crash=True)
    assert crashed.redelivered, "no message was delivered again"
    _none_lost(lab, crashed)


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    tried = next(_bursts(lab, consumers=True, each=CONNECTIONS_EACH), None)
    if tried is None:
        return None
    consumers, room = tried.design.consumers, tried.limit
    opened = f"{consumers} consumers open {consumers * CONNECTIONS_EACH} connections"
    assert not tried.refused, f"{opened}, and PostgreSQL has room for {room}: it refused some."
    assert (consumers + 1) * CONNECTIONS_EACH > room, f"{opened}, and PostgreSQL has room for {room}."
    _none_lost(lab, tried)
    return f"{opened}, all that PostgreSQL has room for; it refused none."
