"""What a chapter claims and asks for, and what of a lab its checks may use."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from webhook_lab.aws.session import Session
from webhook_lab.course.chapters import Chapter
from webhook_lab.facts.runbook import BadDay
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.naming import Names
from webhook_lab.resources.queue import Depth
from webhook_lab.watch.rows import Answer, Moment

if TYPE_CHECKING:
    from webhook_lab.show.database import Database


class BadDayOnStage(Protocol):
    """A bad day that has been made to happen, and which it is."""

    day: BadDay


class OpenLab(Protocol):
    """The part of a Lab that checks use: the services, the names, and what was sent since it was opened."""

    chapter: Chapter
    pipeline: Pipeline
    names: Names
    aws: Session
    run: str
    answers: list[Answer]
    database: "Database | None"
    diagnosis: tuple[str, str] | None

    @property
    def stage(self) -> "BadDayOnStage | None": ...

    def depth(self, key: str = "queue") -> Depth: ...
    def item(self, answer_or_id: Answer | str) -> dict[str, Any] | None: ...
    def logs(self, handler: str, *, until: str | Sequence[str] | None = None) -> list[dict[str, Any]]: ...
    def follow(self, answer: Answer) -> list[Moment]: ...
    def delivery_id(self, name: str) -> str: ...


Look = Callable[[OpenLab], str | None]


class Checks:
    """One chapter's checks, each a function of the lab, written below what it checks."""

    def __init__(self) -> None:
        self.claims: dict[str, Look] = {}
        self.exercise: Look

    def claim(self, *sentences: str) -> Callable[[Look], Look]:
        """Mark what checks these claims, sentences without their full stop.

        It fails an assertion, with what was found instead, where a claim does not hold. What it answers is
        why this machine cannot tell.
        """

        def keep(look: Look) -> Look:
            self.claims.update(dict.fromkeys(sentences, look))
            return look

        return keep

    def solved(self, look: Look) -> Look:
        """Mark what checks the exercise.

        It answers None when nothing was tried yet and one stable sentence when it is solved; it fails an
        assertion, with what is missing, in between.
        """
        self.exercise = look
        return look
