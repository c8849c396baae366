"""What a check may ask of the lab that it is given, and what a chapter's checks consist of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from webhook_lab.aws.session import Session
from webhook_lab.course.chapters import Chapter
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.naming import Names
from webhook_lab.resources.queue import Depth
from webhook_lab.watch.rows import Answer, Moment

if TYPE_CHECKING:
    from webhook_lab.show.database import Database


class Bench(Protocol):
    """The part of a Lab that checks use: the services, the names, and what was sent since it was opened."""

    chapter: Chapter
    pipeline: Pipeline
    names: Names
    aws: Session
    run: str
    answers: list[Answer]
    database: "Database | None"

    def depth(self, key: str = "queue") -> Depth: ...

    def item(self, answer_or_id: Answer | str) -> dict[str, Any] | None: ...

    def logs(self, handler: str, *, until: str | None = None) -> list[dict[str, Any]]: ...

    def follow(self, answer: Answer) -> list[Moment]: ...

    def delivery_id(self, name: str) -> str: ...


@dataclass(frozen=True)
class Checks:
    """One chapter's checks.

    Args:
        checkpoints: by claim, a sentence without its full stop: a function that fails an assertion, with what
            was found instead, where the claim does not hold. What it answers is why this machine cannot tell.
        exercise: answers None when nothing was tried yet and one stable sentence when it is solved; fails an
            assertion, with what is missing, in between.
    """

    checkpoints: Mapping[str, Callable[[Bench], str | None]]
    exercise: Callable[[Bench], str | None]
