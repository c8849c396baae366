"""Build the pipeline up to a step, restore it to one, tear it down. The ledger knows before AWS does."""

import time
from collections.abc import Callable, Iterable
from dataclasses import fields, replace
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from botocore.exceptions import ClientError, ParamValidationError

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.aws.session import Session
from webhook_lab.ledger import Ledger
from webhook_lab.pipeline.naming import FUNCTIONS, Names
from webhook_lab.pipeline.packaging import SHARED, package
from webhook_lab.pipeline.settings import Settings
from webhook_lab.pipeline.steps import EXTRAS, LAST, STEPS, Step, step_of, steps_until
from webhook_lab.resources.cleanup import Cleanup, Removed, Task, clean_up, patiently
from webhook_lab.resources.queue import empty_queue
from webhook_lab.resources.resource import Resource
from webhook_lab.resources.role import Role

if TYPE_CHECKING:
    from webhook_lab.pipeline.plan import Finding

Progress = Callable[[str], None]
"""Told the key of each step before it is taken."""
P = ParamSpec("P")
T = TypeVar("T")


def alone(change: Callable[P, T]) -> Callable[P, T]:
    """A method of the pipeline during which no other program changes it; see `Ledger.alone`."""

    @wraps(change)
    def changed(*args: P.args, **named: P.kwargs) -> T:
        pipeline: Any = args[0]
        with pipeline.ledger.alone():
            return change(*args, **named)

    return changed


class Pipeline:
    """One lab's pipeline on one target.

    Args:
        settings: what every step is built with, or what says so when somebody first asks.
    """

    def __init__(
        self,
        session: Session,
        names: Names,
        ledger: Ledger,
        settings: Settings | Callable[[], Settings] | None = None,
    ) -> None:
        self.session, self.names, self.ledger = session, names, ledger
        self._settings = settings or Settings()
        self._built: dict[str, Any] = {}
        self._built_at: dict[str, float] = {}

    @property
    def settings(self) -> Settings:
        """What every step is built with; assign another to build with other settings from then on."""
        if not isinstance(self._settings, Settings):
            self._settings = self._settings()  # what needs none, such as a teardown, asks AWS for none
        return self._settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self._settings = settings

    @alone
    def build(self, until: str | None = LAST, progress: Progress | None = None) -> None:
        """Ensure every step up to and including `until` (None: no step), in order.

        Raises:
            LabError: what AWS refused, and at which step.
        """
        for step in _told(steps_until(until), progress):
            self.ensure(step.key)

    @alone
    def ensure(self, key: str, **instead: Any) -> Any:
        """Create one step's resource, or mend what differs from the settings, and return it as it is.

        Args:
            instead: fields of the resource's class to use in place of what the settings say.

        Raises:
            LabError: what AWS refused, or would; or there is no such field.
        """
        from webhook_lab.pipeline.judge import findings_of_step  # only who builds needs the rules
        from webhook_lab.pipeline.preflight import refuse

        step, where = step_of(key), self._where("create", key)
        with explain(where):
            wanted = _altered(step.wanted(self), instead, where)
            refuse(findings_of_step(self, key, wanted))
        known = self.ledger.row(wanted.kind, wanted.name)
        if known is None:
            self.ledger.intend(wanted.kind, wanted.name)
        try:
            with explain(where):
                resource = wanted.ensure(self.session, self.names.tags)
        except LabError as error:
            if known is None and self._was_refused(key, error):
                self.ledger.refused(wanted.kind, wanted.name)
            raise
        if known is None or known.id != resource.id:
            self.ledger.done(wanted.kind, wanted.name, resource.id)
        self._built[key], self._built_at[key] = resource, time.monotonic()
        return resource

    def _was_refused(self, key: str, error: LabError) -> bool:
        """Whether AWS answered that it does not create the step's resource, and there is none."""
        try:
            return (
                isinstance(error.__cause__, ClientError | ParamValidationError) and self.look_up(key) is None
            )
        except LabError:
            return False

    def get(self, key: str) -> Any:
        """The step's resource, looked up once.

        Raises:
            LabError: when it does not exist.
        """
        if key not in self._built:
            if (found := self.look_up(key)) is None:
                raise LabError(
                    self._where("use", key),
                    "it does not exist",
                    "Run the cell that creates it, or the first cell again: Lab.open restores what stood.",
                )
            self._built[key] = found
        return self._built[key]

    def forget(self, key: str) -> None:
        """Look the step's resource up again when it is next asked for."""
        self._built.pop(key, None)

    def look_up(self, key: str) -> Any | None:
        """The step's resource as AWS describes it now, or None when there is none."""
        step = step_of(key)
        with explain(self._where("look up", key)):
            return step.kind.describe(self.session, step.name(self.names), self.names.tags)

    @property
    def zip_sources(self) -> dict[str, tuple[str, str]]:
        """The folders that the functions' zips come from, by their SHA-256: printed code builds them so."""
        return {package(name).sha256: (f"handlers/{SHARED}", f"handlers/{name}") for name in FUNCTIONS}

    def preflight(self) -> "list[Finding]":
        """What AWS would refuse, or let pass and make one regret, of the settings and of what stands now."""
        from webhook_lab.pipeline.judge import findings_of_all

        return findings_of_all(self, {key: self.look_up(key) for key in STEPS} | self._just_built())

    def _just_built(self) -> dict[str, Any]:
        """The roles whose policies may show as they were before: IAM takes its time to say what was put."""
        oldest = time.monotonic() - self.session.target.traits.patience
        roles = ((key, self._built.get(key)) for key, at in self._built_at.items() if at > oldest)
        return {key: role for key, role in roles if isinstance(role, Role)}

    @alone
    def restore(self, until: str | None, progress: Progress | None = None) -> None:
        """Bring about exactly the state after `until`: nothing beyond it, settings as set, queues empty."""
        keep = steps_until(until)
        beyond = [step for step in reversed(STEPS.values()) if step not in keep]
        done = clean_up(self._task(step) for step in (*reversed(EXTRAS.values()), *_told(beyond, progress)))
        if done.refused:
            raise done.refused[0].error
        for step in _told(keep, progress):
            self.ensure(step.key)
            if step.key == "queue":  # before anything reads from them again
                for key in ("dlq", "queue"):
                    self._empty(key)

    def _empty(self, key: str) -> None:
        with explain(self._where("empty", key)):
            purge = self.session.target.traits.purges_at_once
            empty_queue(self.session.sqs, url=self.get(key).url, purge=purge)

    @alone
    def remove(self, key: str) -> Removed | None:
        """Delete one step's resource, wait until it is gone, and close its row; None when there was none.

        Raises:
            LabError: what AWS refused.
        """
        gone, remove = self._task(step_of(key))
        return gone if patiently(remove, self._where("delete", key)) else None

    def _task(self, step: Step) -> Task:
        kind, name = step.kind, step.name(self.names)

        def remove() -> bool:
            found = kind.all_named(self.session, name, self.names.tags)
            for each in found:
                kind.delete(self.session, each.id)
            self._built.pop(step.key, None)
            if asked_for := self.ledger.row(kind.kind, name) is not None:
                self.ledger.removed(kind.kind, name)
            return bool(found) or asked_for

        return Removed(kind.kind, name), remove

    @alone
    def teardown(self, progress: Progress | None = None) -> Cleanup:
        """Remove every step in reverse: what existed, or had been asked for, and is gone; and what is not.

        One that AWS refuses keeps none of the others; the ledger is retired when nothing was refused.
        """
        steps = [*reversed(EXTRAS.values()), *reversed(STEPS.values())]
        done = clean_up(self._task(step) for step in _told(steps, progress))
        if not done.refused:
            self.ledger.retire()
        return done

    def _where(self, doing: str, key: str) -> str:
        """What is being done to which resource, for messages."""
        step = step_of(key)
        return f"{doing} {step.label} {step.name(self.names)!r}"


R = TypeVar("R", bound=Resource)


def _altered(wanted: R, instead: dict[str, Any], where: str) -> R:
    """The resource with some fields set otherwise than by the settings."""
    known = [field.name for field in fields(wanted)]
    if unknown := [repr(name) for name in instead if name not in known]:
        raise LabError(where, f"there is no {', '.join(unknown)} to set", f"There are {', '.join(known)}.")
    return replace(wanted, **instead)


def _told(steps: Iterable[Step], progress: Progress | None) -> Iterable[Step]:
    for step in steps:
        if progress:
            progress(step.key)
        yield step
