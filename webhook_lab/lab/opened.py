"""A lab that has been opened: what stands, the settings that the next step is built with, the way out."""

import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self

from webhook_lab import sweep
from webhook_lab.aws.boto3_code import render
from webhook_lab.aws.errors import LabError, show_aws_errors_plainly
from webhook_lab.course.chapters import Chapter, chapter_numbered
from webhook_lab.lab.watched_run import WatchedRun
from webhook_lab.pipeline import STEPS, Pipeline, Settings, label, open_pipeline, steps_until
from webhook_lab.show import cards
from webhook_lab.show.cards import Card
from webhook_lab.watch.rows import Answer

if TYPE_CHECKING:
    from webhook_lab.show.database import Database


class Opened:
    """One learner's lab at one chapter. Counts cover what was sent through this object, and nothing older.

    Args:
        pipeline: what the lab builds; `open` makes it from the environment.
        chapter: the chapter that it was opened at.
    """

    def __init__(self, pipeline: Pipeline, chapter: Chapter) -> None:
        self.pipeline, self.chapter = pipeline, chapter
        self.names, self.aws = pipeline.names, pipeline.session
        self.run = secrets.token_hex(4)
        self.opened_at = time.time_ns() // 1_000_000
        self.answers: list[Answer] = []
        self.database: Database | None = None
        self.watched: WatchedRun | None = None
        self._bursts = 0
        self._step = self.aws.calls.mark()

    @classmethod
    def open(cls, chapter: str) -> Self:
        """Bring the pipeline to exactly the state in which `chapter` begins, and say what stands.

        Raises:
            LabError: no such chapter, or whatever keeps the target from being reached or built.
        """
        begins = chapter_numbered(chapter)
        show_aws_errors_plainly()
        pipeline = open_pipeline()
        pipeline.restore(begins.starts_with)
        standing = ", ".join(label(step) for step in steps_until(begins.starts_with)) or "nothing yet"
        print(f"Chapter {begins.number}: {begins.title}. Standing: {standing}.")
        return cls(pipeline, begins)

    def configure(self, **settings: Any) -> None:
        """Use other settings from the next create on, such as ``signed_prefix="/signed/"``.

        Raises:
            LabError: when there is no such setting.
        """
        try:
            self.pipeline.settings = replace(self.pipeline.settings, **settings)
        except TypeError as error:
            known = ", ".join(Settings.__dataclass_fields__)
            raise LabError("configure the pipeline", str(error), f"The settings are {known}.") from error

    def delete(self, key: str) -> None:
        """Delete one step's resource; the keys are those of `webhook_lab.pipeline.STEPS`."""
        self.pipeline.remove(key)

    def delivery_id(self, name: str) -> str:
        """An id for a delivery that no earlier run has used: `name` and this run's token."""
        return f"{name}-{self.run}"

    @property
    def url(self) -> str:
        """Where the REST API answers, with its stage and no slash at the end."""
        api = self.pipeline.get("api")
        return self.aws.target.invoke_url(api.id, api.stage)

    @property
    def queue_url(self) -> str:
        """The queue's URL, by which SQS knows it."""
        return str(self.pipeline.get("queue").url)

    @property
    def dlq_url(self) -> str:
        """The dead-letter queue's URL."""
        return str(self.pipeline.get("dlq").url)

    def show(self, key: str) -> Card:
        """The card of one step's resource, as AWS describes it now."""
        self.pipeline.forget(key)
        return self._card(key, self.pipeline.get(key))

    def preflight(self) -> Card:
        """What AWS would refuse, or let pass and make one regret, of the settings and of what stands now."""
        # Which Python runs the functions here differs by machine: `webhook-lab up` says it, a cell does not.
        findings = [each for each in self.pipeline.preflight() if each.rule != "runtime here"]
        rows = [(each.level, each.rule, each.said, each.try_this) for each in findings]
        title = "Preflight" if rows else "Preflight: nothing to say"
        return Card(title, "", tuple(rows), ("level", "rule", "said", "try") if rows else ())

    def calls(self) -> None:
        """Print the AWS calls of the latest step as boto3 code that runs."""
        print(self.code(since=self._step), end="")

    def code(self, since: int = 0) -> str:
        """The AWS calls made after the mark `since` as boto3 code that runs."""
        return render(
            self.aws.calls.since(since),
            zip_sources=self.pipeline.zip_sources,
            secrets={
                secret: "SIGNING_SECRET" for secret in (self.pipeline.settings.signing_secret,) if secret
            },
        )

    def created(self) -> Card:
        """What stands now because this lab made it, from its ledger, and what it costs idle on AWS."""
        return cards.ledger_card(self.pipeline.ledger.open_rows())

    def teardown(self) -> Card:
        """Remove everything that the lab made, last first, and prove that nothing is left."""
        removed = self.pipeline.teardown()
        left = sweep.remaining(self.aws, prefix=self.names.prefix)
        return cards.teardown_card(removed, left)

    def sweep(self, *, remove: bool = False) -> Card:
        """What AWS shows of this lab without its ledger: by tag, by role path and by name.

        Args:
            remove: delete what is found.
        """
        self._step = self.aws.calls.mark()
        found = sweep.find(self.aws, prefix=self.names.prefix)
        if remove:
            sweep.remove(self.aws, found)
        return cards.sweep_card(found, removed=remove)

    def _create(self, key: str, **instead: Any) -> Card:
        self._step = self.aws.calls.mark()
        return self._card(key, self.pipeline.ensure(key, **instead))

    def _card(self, key: str, resource: Any) -> Card:
        return cards.resource_card(
            resource, console_url=self.aws.target.console_url(key, STEPS[key].name(self.names))
        )
