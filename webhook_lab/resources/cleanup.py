"""Removing many things: what one of them meets never keeps the others, and each that stays says why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError, code_of, explain
from webhook_lab.aws.retry import retry_on

THROTTLED = (
    "Throttling",
    "ThrottlingException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "TooManyRequestsException",
)
"""How the services of the pipeline say "not so many at once"."""

PATIENCE = 960.0
"""Seconds for which what is throttled is asked for again: API Gateway allows an account one DeleteRestApi in
30 s (facts.quotas), and a class of thirty may share it."""


@dataclass(frozen=True)
class Removed:
    """One resource that is gone: its kind and its name."""

    kind: str
    name: str


@dataclass(frozen=True)
class Left:
    """One resource that is still there: its kind and name, what was said to its removal, and the way out.

    Where a whole kind could not be looked at, it has no name.
    """

    kind: str
    name: str
    said: str
    try_this: str

    @property
    def error(self) -> LabError:
        """The same, to be raised."""
        return LabError(_where(self), self.said, self.try_this)


@dataclass(frozen=True)
class Cleanup:
    """What a cleanup removed, in the order in which it went, and what it was refused."""

    removed: tuple[Removed, ...] = ()
    refused: tuple[Left, ...] = ()

    def __add__(self, other: "Cleanup") -> "Cleanup":
        return Cleanup(self.removed + other.removed, self.refused + other.refused)


Task = tuple[Removed, Callable[[], object]]
"""What is gone once the call has returned something true; it answers nothing where there was none."""


def clean_up(tasks: Iterable[Task]) -> Cleanup:
    """Do all of `tasks` in order, whatever becomes of one; what AWS throttles is asked again at the end."""
    removed, refused, later = list[Removed](), list[Left](), list[Task]()

    def take(task: Task, seconds: float) -> None:
        what, remove = task
        try:
            if patiently(remove, _where(what), seconds):
                removed.append(what)
        except LabError as error:
            if _throttled(error) and not seconds:
                later.append(task)
            else:
                refused.append(Left(what.kind, what.name, error.said, error.try_this))

    for task in tasks:
        take(task, 0)
    for task in later:
        print(
            f"AWS takes few such requests: {task[0].name} is asked to go for up to {PATIENCE / 60:.0f} min."
        )
        take(task, PATIENCE)
    return Cleanup(tuple(removed), tuple(refused))


def patiently(remove: Callable[[], object], where: str, seconds: float = PATIENCE) -> object:
    """Do one removal, again and again while AWS throttles it.

    Raises:
        LabError: what AWS refused, or throttled for so many seconds.
    """
    with explain(where):
        return retry_on(
            remove,
            codes=THROTTLED,
            seconds=seconds,
            reason="an account's turns are shared",
            first_pause=2.0,
            longest_pause=15.0,
        )


def _where(what: Removed | Left) -> str:
    return f"delete {what.kind.replace('_', ' ')} {what.name!r}"


def _throttled(error: LabError) -> bool:
    return isinstance(error.__cause__, ClientError) and code_of(error.__cause__) in THROTTLED
