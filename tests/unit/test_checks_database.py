"""Chapter 01's checkpoints and exercise: each holds when it should, and says what is wrong otherwise."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.traits import LOCAL_CLOUD
from webhook_lab.course import checks
from webhook_lab.course.chapters import chapter_numbered
from webhook_lab.course.checks import database
from webhook_lab.database.outcome import Design, Outcome
from webhook_lab.watch.rows import Sample, Sent

FATAL = {"FATAL: sorry, too many clients already": 4}
CRASH = ((1.0, "database crashes"), (2.0, "it is back"))


def outcome(design: Design = Design(), *, stored: int = 10, **more: Any) -> Outcome:  # noqa: B008
    """Ten webhooks, all stored and answered after 5 ms, over at most 8 of 16 connections."""
    sent = tuple(Sent(f"order-{i}", "/orders", 1, 200, "", 0, 5.0) for i in range(10))
    samples = (Sample(0.1, "connections", 8),)
    whole = Outcome(design, "run", 16, sent, stored, {}, samples, 0, 1.0, ())
    return replace(whole, **more)


@dataclass
class Database:
    """What the checks ask of a database: its bursts, and how much it holds of each."""

    outcomes: list[Outcome]
    twice: int = 0

    def count(self, of: Outcome) -> tuple[int, int]:
        return of.stored + self.twice, of.stored


@dataclass
class LabAtOne:
    database: Database | None
    aws: Any = field(default_factory=lambda: SimpleNamespace(target=SimpleNamespace(traits=LOCAL_CLOUD)))
    chapter: Any = field(default_factory=lambda: chapter_numbered("01"))


LOST = outcome(stored=6, errors=FATAL)
RETRIED = outcome(Design(retries=3), sent=(Sent("order-1", "/orders", 2, 200, "", 0, 5.0),))
RAISED = outcome(limit=396, samples=(Sample(0.1, "connections", 60),))
QUEUE = outcome(Design(consumers=10))
POOLER = outcome(Design(pool=10), sent=tuple(replace(each, milliseconds=900.0) for each in LOST.sent))
CRASHED = outcome(Design(pool=10), stored=8, marks=CRASH)
SURVIVED = outcome(Design(consumers=10), redelivered=3, marks=CRASH)
EIGHT = outcome(Design(consumers=8, connections_each=2))

REFUSED, TRIED_AGAIN, MORE_ROOM, KEPT, WAITED, CRASH_LOSES, CAME_AGAIN = database.CHECKS.claims


def holds(claim: str, *outcomes: Outcome, twice: int = 0) -> None:
    checks.checkpoint(LabAtOne(Database(list(outcomes), twice)), claim)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("claim", "outcomes"),
    [
        (REFUSED, [LOST]), (TRIED_AGAIN, [RETRIED]), (MORE_ROOM, [LOST, RAISED]), (KEPT, [QUEUE]),
        (WAITED, [QUEUE, POOLER]), (CRASH_LOSES, [POOLER, CRASHED]), (CAME_AGAIN, [QUEUE, SURVIVED]),
    ],
)  # fmt: skip
def test_a_claim_holds(capsys: pytest.CaptureFixture[str], claim: str, outcomes: list[Outcome]) -> None:
    holds(claim, *outcomes)
    assert capsys.readouterr().out == f"Checkpoint: {claim}.\n"


@pytest.mark.parametrize("claim", [WAITED, CRASH_LOSES])
def test_what_needs_a_pooler_is_left_out_without_one(capsys: pytest.CaptureFixture[str], claim: str) -> None:
    holds(claim, QUEUE, SURVIVED)
    assert capsys.readouterr().out == "Checkpoint left out: nothing went through a pooler.\n"


@pytest.mark.parametrize(
    ("claim", "outcomes", "why"),
    [
        (REFUSED, [], "no such burst"),
        (REFUSED, [replace(LOST, stored=10)], "every webhook was stored"),
        (REFUSED, [replace(LOST, errors={})], "refused none"),
        (REFUSED, [replace(LOST, limit=7)], "8 connections"),
        (TRIED_AGAIN, [replace(RETRIED, sent=LOST.sent)], "no sender"),
        (MORE_ROOM, [LOST], "what it was"),
        (MORE_ROOM, [LOST, replace(RAISED, samples=())], "0 connections"),
        (KEPT, [replace(QUEUE, stored=9)], "1 are lost"),
        (KEPT, [outcome(Design(consumers=7))], "8 connections"),
        (KEPT, [replace(QUEUE, errors=FATAL)], "refused 4"),
        (WAITED, [QUEUE, replace(POOLER, stored=9)], "1 are lost"),
        (WAITED, [QUEUE, replace(POOLER, sent=LOST.sent)], "5 ms and 5 ms"),
        (CRASH_LOSES, [replace(CRASHED, stored=10)], "every webhook was stored"),
        (CAME_AGAIN, [QUEUE], "no such burst"),
        (CAME_AGAIN, [replace(SURVIVED, redelivered=0)], "no message was delivered again"),
        (CAME_AGAIN, [replace(SURVIVED, stored=9)], "1 are lost"),
    ],
)
def test_a_claim_that_does_not_hold_says_why(claim: str, outcomes: list[Outcome], why: str) -> None:
    with pytest.raises(LabError, match=why):
        holds(claim, *outcomes)


def test_what_is_stored_twice_is_found_and_before_there_is_a_database_nothing_holds() -> None:
    with pytest.raises(LabError, match="2 are stored more than once"):
        holds(CAME_AGAIN, SURVIVED, twice=2)
    with pytest.raises(LabError, match="no such burst"):
        checks.checkpoint(LabAtOne(None), KEPT)  # type: ignore[arg-type]


@pytest.fixture
def verdict(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    def judge(*outcomes: Outcome) -> str:
        checks.exercise(LabAtOne(Database(list(outcomes))))  # type: ignore[arg-type]
        return capsys.readouterr().out

    return judge


def test_the_exercise_finds_what_fits(verdict: Callable[..., str]) -> None:
    assert verdict(LOST, QUEUE) == "Exercise: not tried yet.\n"
    assert verdict(EIGHT).startswith("Exercise: solved. 8 consumers open 16 connections")
    few = verdict(outcome(Design(consumers=4, connections_each=2)))
    assert few == "Exercise: not yet. 4 consumers open 8 connections, and PostgreSQL has room for 16.\n"
    many = verdict(EIGHT, outcome(Design(consumers=9, connections_each=2), errors=FATAL))
    assert many.startswith("Exercise: not yet. 9 consumers open 18 connections")
    assert verdict(replace(EIGHT, stored=9)) == "Exercise: not yet. 1 are lost.\n"
