"""Build the pipeline up to a step, restore it to one, tear it down. The ledger knows before AWS does."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from webhook_lab.aws.boto3_values import ZipSource
from webhook_lab.aws.errors import LabError, explain
from webhook_lab.aws.session import Session
from webhook_lab.ledger import Ledger
from webhook_lab.pipeline.judge import judge, judge_step
from webhook_lab.pipeline.naming import FUNCTIONS, Names
from webhook_lab.pipeline.packaging import package
from webhook_lab.pipeline.plan import Finding
from webhook_lab.pipeline.settings import Settings
from webhook_lab.pipeline.steps import ALL, EXTRAS, LAST, STEPS, Step, steps_until
from webhook_lab.resources import queue

Progress = Callable[[str], None]
"""Told the key of each step before it is taken."""


@dataclass(frozen=True)
class Removed:
    """One resource that is gone: the step that it was, and its name."""

    kind: str
    name: str


class Pipeline:
    """One lab's pipeline on one target.

    Args:
        settings: what every step is built with; assign another to build with other settings from then on.
    """

    def __init__(
        self, session: Session, names: Names, ledger: Ledger, settings: Settings | None = None
    ) -> None:
        self.session, self.names, self.ledger = session, names, ledger
        self.settings = settings or Settings()
        self._built: dict[str, Any] = {}

    def build(self, until: str | None = LAST, progress: Progress | None = None) -> None:
        """Ensure every step up to and including `until` (None: no step), in order.

        Raises:
            LabError: what AWS refused, and at which step.
        """
        for step in steps_until(until):
            if progress:
                progress(step.key)
            self.ensure(step.key)

    def ensure(self, key: str, **instead: Any) -> Any:
        """Create one step's resource, or mend what differs from the settings, and return it.

        Args:
            instead: arguments of the resource's own ensure function to use in place of what the settings say.

        Raises:
            LabError: what AWS refused, or would; or there is no such argument.
        """
        step = ALL[key]
        name = step.name(self.names)
        arguments = {**step.arguments(self), **instead}
        judge_step(self, key, arguments)
        known = {(row.kind, row.name): row.id for row in self.ledger.open_rows()}
        if (key, name) not in known:
            self.ledger.intend(key, name)
        with explain(where := f"create {step.title} {name!r}"):
            try:
                resource = step.ensure(self, **arguments)
            except TypeError as error:
                if "unexpected keyword argument" not in str(error):
                    raise
                said = f"there is no {str(error).rpartition(' ')[2]} to set"
                raise LabError(where, said, f"There are {', '.join(step.arguments(self))}.") from error
        if known.get((key, name)) != (identity := _identity(resource)):
            self.ledger.done(key, name, identity)
        self._built[key] = resource
        return resource

    def get(self, key: str) -> Any:
        """The step's resource, looked up once.

        Raises:
            LabError: when it does not exist.
        """
        if key not in self._built:
            step = ALL[key]
            if (found := self.look_up(key)) is None:
                raise LabError(
                    f"use {step.title} {step.name(self.names)!r}",
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
        step = ALL[key]
        with explain(f"look up {step.title} {step.name(self.names)!r}"):
            return step.describe(self)

    @property
    def zip_sources(self) -> dict[str, ZipSource]:
        """Where the functions' zips come from, by their SHA-256: what printed code builds them from."""
        return {package(name).sha256: ZipSource(name, f"handlers/{name}") for name in FUNCTIONS}

    def preflight(self) -> list[Finding]:
        """What AWS would refuse, or let pass and make one regret, of the settings and of what stands now."""
        return judge(self)

    def restore(self, until: str | None, progress: Progress | None = None) -> None:
        """Bring about exactly the state after `until`: nothing beyond it, settings as set, queues empty."""
        keep = steps_until(until)
        self._remove_extras()
        for step in reversed(STEPS.values()):
            if step not in keep:
                if progress:
                    progress(step.key)
                if self._may_exist(step):
                    self.remove(step.key)
        queues = [key for key in ("queue", "dlq") if STEPS[key] in keep]
        for step in keep:
            if progress:
                progress(step.key)
            self.ensure(step.key)
            if queues and step.key == queues[0]:  # before anything reads from them again
                for key in queues:
                    self._empty(key)

    def _empty(self, key: str) -> None:
        with explain(f"empty {STEPS[key].title} {STEPS[key].name(self.names)!r}"):
            purge = self.session.target.traits.purges_at_once
            queue.empty_queue(self.session.sqs, url=self.get(key).url, purge=purge)

    def remove(self, key: str) -> Removed:
        """Delete one step's resource, wait until it is gone, and close its row. Quiet when there is none."""
        step = ALL[key]
        name = step.name(self.names)
        with explain(f"delete {step.title} {name!r}"):
            step.delete(self)
        self._built.pop(key, None)
        self.ledger.removed(key, name)
        return Removed(key, name)

    def teardown(self, progress: Progress | None = None) -> list[Removed]:
        """Remove every step in reverse; return what existed, or had been asked for, and is gone."""
        removed = self._remove_extras()
        for step in reversed(STEPS.values()):
            if progress:
                progress(step.key)
            if self._may_exist(step):
                removed.append(self.remove(step.key))
        self.ledger.retire()
        return removed

    def _remove_extras(self) -> list[Removed]:
        return [self.remove(step.key) for step in EXTRAS.values() if self._may_exist(step)]

    def _may_exist(self, step: Step) -> bool:
        asked_for = any(
            (row.kind, row.name) == (step.key, step.name(self.names)) for row in self.ledger.open_rows()
        )
        return asked_for or self.look_up(step.key) is not None


def _identity(resource: Any) -> str:
    """How AWS identifies it: an ARN where it has one, else its id."""
    for attribute in ("arn", "uuid", "id"):
        if value := getattr(resource, attribute, None):
            return str(value)
    raise TypeError(f"{type(resource).__name__} has no arn, uuid or id")
