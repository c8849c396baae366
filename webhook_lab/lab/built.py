"""What a notebook builds and shows: one method for one AWS resource, in boto3 calls.

What one method alone needs is imported there: a notebook loads what it uses.
"""

from dataclasses import replace
from typing import Any

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.course.chapters import Chapter
from webhook_lab.pipeline import Pipeline, Settings, step_of
from webhook_lab.resources.alarm import Alarm
from webhook_lab.resources.bucket import Bucket
from webhook_lab.resources.direct_api import DirectApi
from webhook_lab.resources.function import Function, ReservationRefused, set_reserved_concurrency
from webhook_lab.resources.log_group import LogGroup
from webhook_lab.resources.mapping import Mapping
from webhook_lab.resources.queue import Queue
from webhook_lab.resources.resource import Resource
from webhook_lab.resources.rest_api import RestApi
from webhook_lab.resources.role import Role
from webhook_lab.resources.table import Table
from webhook_lab.show import cards
from webhook_lab.show.card import Card


class Built:
    """A pipeline under one's hands at one chapter: built, shown, printed as code, removed.

    Args:
        pipeline: what is built.
        chapter: the chapter that it was opened at.
    """

    def __init__(self, pipeline: Pipeline, chapter: Chapter) -> None:
        self.pipeline, self.chapter = pipeline, chapter
        self.names, self.aws = pipeline.names, pipeline.session
        self._step = self.aws.calls.mark()

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
        """Delete one step's resource; the keys are those of `webhook_lab.pipeline.STEPS`, such as "queue"."""
        self.pipeline.remove(key)

    @property
    def url(self) -> str:
        """Where the REST API answers, with its stage and no slash at the end."""
        return self.url_of("api")

    def url_of(self, door: str) -> str:
        """The same of either door: "api" is the one with publish behind it, "direct_api" has the queue."""
        api = self.pipeline.get(door)
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
        return self._card(step_of(key).kind, self.pipeline.get(key))

    def preflight(self, **instead: Any) -> Card:
        """What AWS would refuse, or let pass and make one regret, of the settings and of what stands now.

        Args:
            instead: what to judge in place of the settings, such as ``maximum_concurrency=None``.
        """
        settings = self.pipeline.settings
        self.configure(**instead)
        try:  # which Python runs the functions here differs by machine: `webhook-lab up` says it
            findings = [each for each in self.pipeline.preflight() if each.rule != "runtime here"]
        finally:
            self.pipeline.settings = settings
        return cards.preflight_card(findings)

    def calls(self) -> None:
        """Print the AWS calls of the latest step as boto3 code that runs."""
        print(self.code(since=self._step), end="")

    def code(self, since: int = 0) -> str:
        """The AWS calls made after the mark `since` as boto3 code that runs."""
        from webhook_lab.aws.boto3_code import render

        return render(
            self.aws.calls.since(since),
            zip_sources=self.pipeline.zip_sources,
            secrets=self.pipeline.settings.secrets,
            region=self.aws.target.region_to_name,
        )

    def created(self) -> Card:
        """What stands now because this lab made it, from its ledger, and what it costs idle on AWS."""
        return cards.ledger_card(self.pipeline.ledger.open_rows())

    def teardown(self) -> Card:
        """Remove everything that the lab made, last first, and prove that nothing is left."""
        from webhook_lab import sweep

        done = self.pipeline.teardown()
        left = sweep.still_there(self.aws, self.names.prefix, done)
        return cards.teardown_card(done.removed, left)

    def sweep(self, *, remove: bool = False) -> Card:
        """What AWS shows of this lab without its ledger: by tag, by role path and by name.

        Args:
            remove: delete what is found.
        """
        from webhook_lab import sweep

        self._step = self.aws.calls.mark()
        found, left = sweep.look(self.aws, prefix=self.names.prefix)
        if remove:
            left = sweep.still_there(self.aws, self.names.prefix, sweep.remove(self.aws, found))
        return cards.sweep_card(found, removed=remove, left=left)

    def _create(self, kind: type[Resource], key: str, **instead: Any) -> Card:
        """One step of the pipeline: what is asked of AWS for it stands in the kind's own `ensure`."""
        self._step = self.aws.calls.mark()
        return self._card(kind, self.pipeline.ensure(key, **instead))

    def _card(self, kind: type[Resource], resource: Resource) -> Card:
        page = kind.console_page(self.aws, resource.name)
        return cards.resource_card(resource, console_url=self.aws.target.console_page_url(page))

    # --- building, one method for one AWS resource

    def create_table(self) -> Card:
        """Create the DynamoDB table that stands in for the database."""
        return self._create(Table, "table")

    def create_dead_letter_queue(self) -> Card:
        """Create the queue that keeps messages which failed too often."""
        return self._create(Queue, "dlq")

    def create_queue(self, **instead: Any) -> Card:
        """Create the queue, with the dead-letter queue behind it.

        Args:
            instead: what to use in place of the pipeline's settings, such as ``visibility_timeout=2``.
        """
        return self._create(Queue, "queue", **instead)

    def create_log_group(self, handler: str) -> Card:
        """Create the log group of the function that runs `handler` ("publish" or "subscribe")."""
        return self._create(LogGroup, f"{handler}_logs")

    def create_role(self, handler: str, **instead: Any) -> Card:
        """Create the role that the function runs as. ``policy=None`` makes one that may do nothing.

        Of "direct" it is the one that API Gateway assumes to send to the queue itself.
        """
        return self._create(Role, f"{handler}_role", **instead)

    def create_function(self, handler: str, **instead: Any) -> Card:
        """Zip `handlers/<handler>` and create the function from it.

        An account that can reserve no executions gets it without, and the card says so.
        """
        try:
            return self._create(Function, f"{handler}_function", **instead)
        except ReservationRefused as refused:
            return _nothing_reserved(self.names.function(handler), refused)

    def create_mapping(self, **instead: Any) -> Card:
        """Let the queue feed the subscribe function."""
        return self._create(Mapping, "mapping", **instead)

    def create_bucket(self) -> Card:
        """Create the bucket for large bodies: ``configure(claim_check=True)`` has them put there."""
        return self._create(Bucket, "bucket")

    def create_rest_api(self) -> Card:
        """Create the REST API that takes any URL to the publish function."""
        return self._create(RestApi, "api")

    def create_direct_api(self, **instead: Any) -> Card:
        """Create the REST API that puts any request on the queue itself; ``create_role("direct")`` first.

        Args:
            instead: what to use in place of the settings, such as ``template=direct_api.COPIED``.
        """
        return self._create(DirectApi, "direct_api", **instead)

    def alarm(self) -> Card:
        """Create the alarm on the dead-letter queue, or find it, and show its state.

        Where the target has no metrics, its rule is judged by the queue's depth now, and the card says so.
        """
        from webhook_lab.pipeline.operations import dead_letter_alarm

        self._step = self.aws.calls.mark()
        return self._card(Alarm, dead_letter_alarm(self.pipeline))

    def set_reserved_concurrency(self, reserved: int | None) -> Card:
        """Keep that many executions for subscribe, and allow it no more. None gives them back."""
        self._step = self.aws.calls.mark()
        name = self.names.function("subscribe")
        try:
            with explain(f"reserve {reserved} executions for function {name!r}"):
                set_reserved_concurrency(self.aws, name=name, reserved=reserved)
        except ReservationRefused as refused:  # many a workshop's account: the mapping throttles alone there
            return _nothing_reserved(name, refused)
        return self.show("subscribe_function")


def _nothing_reserved(name: str, refused: ReservationRefused) -> Card:
    return Card("Nothing was reserved", name, (("AWS said", refused.said), ("Try", refused.try_this)))
