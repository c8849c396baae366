"""Lab: the one object that a notebook opens. Each method is a step of the pattern, in boto3 calls."""

import json
import secrets
import time
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Self

from webhook_lab import sweep
from webhook_lab.aws.boto3_code import render
from webhook_lab.aws.errors import LabError, explain, show_aws_errors_plainly
from webhook_lab.aws.retry import retry_until
from webhook_lab.course import checks
from webhook_lab.course.chapters import Chapter, chapter_numbered
from webhook_lab.lab.attempts import Attempts
from webhook_lab.lab.needs import no_database_for
from webhook_lab.lab.run import WatchedRun
from webhook_lab.pipeline import (
    Pipeline,
    Settings,
    dead_letter_alarm,
    open_pipeline,
    redrive,
    set_throttle,
    step_of,
    steps_until,
    warm_subscriber,
)
from webhook_lab.resources.alarm import Alarm
from webhook_lab.resources.function import Function, ReservationRefused, set_reserved_concurrency
from webhook_lab.resources.log_group import LogGroup
from webhook_lab.resources.mapping import Mapping
from webhook_lab.resources.queue import Depth, Queue, depth
from webhook_lab.resources.resource import Resource
from webhook_lab.resources.rest_api import RestApi
from webhook_lab.resources.role import Role
from webhook_lab.resources.table import Table
from webhook_lab.send.events import events
from webhook_lab.send.run import Run
from webhook_lab.send.sender import Delivery, post
from webhook_lab.send.signing import new_secret
from webhook_lab.show import cards
from webhook_lab.show.card import Card
from webhook_lab.show.panels import Controls
from webhook_lab.show.skip import go_on, skip_the_rest
from webhook_lab.watch.items import plain_item, read_items
from webhook_lab.watch.log_lines import read_lines
from webhook_lab.watch.peek import messages_of, peek
from webhook_lab.watch.rows import Answer, Moment
from webhook_lab.watch.timeline import follow

if TYPE_CHECKING:
    from webhook_lab.show.database import Database

SENDERS = 4
"""Attempts of a burst under way at once, unless told otherwise: each needs a publish environment."""
BURST_SETTINGS = {"cap", "compress", "concurrency"}
"""What else a burst can be told; see `Run`."""
DRAIN_SECONDS = 60.0
"""How long a cell waits for what was sent to be stored before it says that it is not."""


class Lab:
    """One learner's lab at one chapter, opened by ``Lab.open(chapter="NN")``.

    Counts cover what was sent through this object, and nothing older.

    Args:
        pipeline: what the lab builds; `open` makes it from the environment.
        chapter: the chapter that it was opened at.
    """

    def __init__(self, pipeline: Pipeline, chapter: Chapter) -> None:
        self.pipeline, self.chapter = pipeline, chapter
        self.names, self.aws = pipeline.names, pipeline.session
        self.run = secrets.token_hex(4)
        self.opened_at = self.aws.now()
        self.answers: list[Answer] = []
        self.database: Database | None = None
        self.watched: WatchedRun | None = None
        self._bursts = 0
        self._step = self.aws.calls.mark()

    @classmethod
    def open(cls, chapter: str) -> Self:
        """Bring the pipeline to exactly the state in which `chapter` begins, and say what stands.

        Where a chapter needs a database that its functions can reach, and there is none, it is left out: one
        line says so, nothing is built or changed, and its further cells do nothing.

        Raises:
            LabError: no such chapter, or whatever keeps the target from being reached or built.
        """
        begins = chapter_numbered(chapter)
        show_aws_errors_plainly()
        go_on()
        pipeline = open_pipeline()
        if begins.needs_database and (why := no_database_for(pipeline.session.target.traits)):
            skip_the_rest(f"Chapter {begins.number} is left out: {why}")
            return cls(pipeline, begins)
        pipeline.restore(begins.starts_with)
        standing = ", ".join(step.label for step in steps_until(begins.starts_with)) or "nothing yet"
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
        """Delete one step's resource; the keys are those of `webhook_lab.pipeline.STEPS`, such as "queue"."""
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
        return self._card(step_of(key).kind, self.pipeline.get(key))

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
                value: name
                for name, value in self.pipeline.settings.publish_environment.items()
                if value and "SECRET" in name
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
        """Create the role that the function runs as. ``policy=None`` makes one that may do nothing."""
        return self._create(Role, f"{handler}_role", **instead)

    def create_function(self, handler: str, **instead: Any) -> Card:
        """Zip `handlers/<handler>` and create the function from it."""
        return self._create(Function, f"{handler}_function", **instead)

    def create_mapping(self, **instead: Any) -> Card:
        """Let the queue feed the subscribe function."""
        return self._create(Mapping, "mapping", **instead)

    def create_rest_api(self) -> Card:
        """Create the REST API that takes any URL to the publish function."""
        return self._create(RestApi, "api")

    def alarm(self) -> Card:
        """Create the alarm on the dead-letter queue, or find it, and show its state.

        Where the target has no metrics, its rule is judged by the queue's depth now, and the card says so.
        """
        self._step = self.aws.calls.mark()
        return self._card(Alarm, dead_letter_alarm(self.pipeline))

    def set_reserved_concurrency(self, reserved: int | None, *, handler: str = "subscribe") -> Card:
        """Keep that many executions for the function, and allow it no more. None gives them back."""
        self._step = self.aws.calls.mark()
        name = self.names.function(handler)
        try:
            with explain(f"reserve {reserved} executions for function {name!r}"):
                set_reserved_concurrency(self.aws, name=name, reserved=reserved)
        except ReservationRefused as refused:  # many a workshop's account: the mapping throttles alone there
            return Card("Nothing was reserved", name, (("AWS said", refused.said), ("Try", refused.try_this)))
        return self.show(f"{handler}_function")

    # --- using what stands

    def invoke(self, handler: str, event: MappingOf[str, Any], *, patience: float = 0) -> dict[str, Any]:
        """Invoke a function with `event` and wait for what it returns.

        Args:
            patience: seconds to go on while the function is denied what its role has only just been allowed.

        Raises:
            LabError: the function raised; what it raised is said.
        """
        self._step = self.aws.calls.mark()
        deadline = time.monotonic() + patience
        while True:
            try:
                return self._invoke(handler, event)
            except LabError as error:
                if "AccessDenied" not in error.said or time.monotonic() >= deadline:
                    raise
                time.sleep(0.5)

    def _invoke(self, handler: str, event: MappingOf[str, Any]) -> dict[str, Any]:
        name = self.names.function(handler)
        with explain(f"invoke function {name!r}"):
            response = self.aws.lambda_.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload = json.loads(response["Payload"].read() or b"null")
        if response.get("FunctionError"):
            said = payload.get("errorMessage", "it raised") if isinstance(payload, dict) else str(payload)
            raise LabError(f"invoke function {name!r}", said, f"Read its lines with lab.logs({handler!r}).")
        return payload if isinstance(payload, dict) else {"returned": payload}

    def send(
        self,
        path: str = "/hello",
        body: bytes | str = b"",
        *,
        headers: MappingOf[str, str] | None = None,
        method: str = "POST",
    ) -> Answer:
        """Post one delivery to the API and return its answer, whatever its status."""
        data = body.encode() if isinstance(body, str) else body
        answer = post(self.url, Delivery(path, data, headers or {}, method))
        self.answers.append(answer)
        return answer

    def burst(
        self,
        n: int,
        *,
        providers: Sequence[str] = ("standard-webhooks",),
        redelivered: float = 0.0,
        path: str = "",
        secret: str = "",
        **settings: Any,
    ) -> Run:
        """Begin to send `n` signed deliveries at once, each with an id of its own, and return meanwhile.

        Args:
            providers, redelivered, path: see `webhook_lab.send.events.events`.
            secret: by default the one that the publish function checks, or a new one where it checks none.
            settings: as for `Run`; `cap`, the most requests, is asked for where they cost money.

        Raises:
            LabError: what cannot be sent as asked; then nothing was.
        """
        if unknown := ", ".join(sorted(settings.keys() - BURST_SETTINGS)):
            known = ", ".join(sorted(BURST_SETTINGS))
            raise LabError("send a burst", f"there is no {unknown}", f"There are {known}.")
        self._bursts += 1
        deliveries = events(
            n,
            secret=secret or self.pipeline.settings.signing_secret or new_secret(),
            run=f"{self.run}{self._bursts:02}",
            providers=providers,
            redelivered=redelivered,
            path=path,
        )
        charges = self.aws.target.traits.charges
        run = Run(self.url, deliveries, charges=charges, **{"concurrency": SENDERS, **settings})
        if self.watched:
            self.watched.bursts.append(run)
        return run.start()

    def watch(self, *, show: bool = True, linger: float = 0) -> WatchedRun:
        """Watch the pipeline from now on, with live charts unless `show` is False; see `WatchedRun`.

        The database is watched along where it is what subscribe stores in.
        """
        if self.watched:
            self.watched.stop()
        beside = None
        if self.database and self.pipeline.settings.database:
            beside = self.database.watch(self.aws.now())
        self.watched = WatchedRun(self.pipeline, show=show, linger=linger, beside=beside)
        return self.watched

    def warm_up(self) -> None:
        """Have as many environments of the subscribe function ready as the throttle lets run at once."""
        warm_subscriber(self.pipeline)

    def controls(self, *, most: int) -> Controls:
        """Controls of the run that is watched; a burst of theirs makes `most` requests at most.

        Raises:
            LabError: none is watched.
        """
        if not self.watched:
            raise LabError("show the controls", "no run is watched", "Call lab.watch() first.")
        return self.watched.controls(lambda n: self.burst(n, cap=most), most=most)

    def set_throttle(self, invocations: int) -> Card:
        """Let so many invocations run at once, also in mid-run; return when that is in force.

        Raises:
            LabError: fewer than 2 or more than 1,000, or AWS refused.
        """
        self._step = self.aws.calls.mark()
        (self.watched.throttle if self.watched else partial(set_throttle, self.pipeline))(invocations)
        return self.show("mapping")

    def redrive(self) -> Card:
        """Move the dead-letter queue's messages back to the queue; none is lost, whenever it is stopped.

        Raises:
            LabError: SQS refused or failed to move them.
        """
        self._step = self.aws.calls.mark()
        done = redrive(self.pipeline)
        if self.watched:
            self.watched.redriven += done.moved
        return cards.redrive_card(done)

    def start_database(self, *, max_connections: int = 20, **settings: Any) -> "Database":
        """Start a PostgreSQL on this machine that is thrown away with the kernel, in place of an earlier one.

        Args:
            settings: any other of PostgreSQL's.

        Raises:
            LabError: there is no PostgreSQL here, or it does not start with these settings.
        """
        from webhook_lab.show.database import Database  # its packages are an extra: few chapters need it

        if self.database:
            self.database.close()
        self.database = Database(max_connections=max_connections, **settings)
        return self.database

    # --- looking at what became of it

    @cached_property
    def attempts(self) -> Attempts:
        """What subscribe has tried on each message since the lab was opened; see `Attempts`."""
        return Attempts(self.pipeline, since=self.opened_at)

    def depth(self, key: str = "queue") -> Depth:
        """How many messages of the queue (or "dlq") are visible, in flight, delayed: SQS approximates."""
        with explain(f"read the depth of {step_of(key).name(self.names)!r}"):
            return depth(self.aws.sqs, url=self.pipeline.get(key).url)

    def peek(self, key: str = "queue") -> Card:
        """The messages of the queue (or "dlq"), none of which is consumed.

        Where only a receive shows them, those of the dead-letter queue are received and given back, and of
        the queue the depth is shown: there each receive counts.
        """
        url, name = self.pipeline.get(key).url, step_of(key).name(self.names)
        with explain(f"peek at {name!r}"):
            see = messages_of if key == "dlq" else peek
            if (messages := see(self.aws, queue_url=url)) is not None:
                return cards.peek_card(messages)
        held = self.depth(key)
        rows = (("visible", held.visible), ("in flight", held.in_flight), ("delayed", held.delayed))
        return Card(
            "Depth of the queue", name, rows, note="Here a look at the messages is a receive of each."
        )

    def item(self, answer_or_id: Answer | str) -> dict[str, Any] | None:
        """What the table holds for a delivery, as plain Python values; None while it holds nothing."""
        key = answer_or_id if isinstance(answer_or_id, str) else answer_or_id.id
        with explain(f"read table {self.names.table!r}"):
            found = self.aws.dynamodb.get_item(
                TableName=self.names.table, Key={"id": {"S": key or "-"}}, ConsistentRead=True
            )
        return plain_item(found["Item"]) if "Item" in found else None

    def wait_for(self, answer_or_id: Answer | str, *, seconds: float = DRAIN_SECONDS) -> dict[str, Any]:
        """Wait until the delivery is stored, and return its item.

        Given an answer, wait until the message that it names has come through, as a duplicate too; of the
        same id with another body, the item is the conflict that was kept.

        Raises:
            LabError: nothing was queued, or it is not stored in time.
        """
        if isinstance(answer_or_id, str):
            once = partial(self.item, answer_or_id)
        else:
            if answer_or_id.message_id is None:
                said = f"it was answered {answer_or_id.status}, so nothing was queued"
                raise LabError("wait for the delivery", said, "Read the answer's body, mend it, send again.")
            once = partial(self._item_of, answer_or_id)
        return retry_until(once, seconds=seconds, reason="the delivery to be stored")

    def _item_of(self, answer: Answer) -> dict[str, Any] | None:
        """The item that the answer's own message has led to, if it has come through."""
        item = self.item(answer)
        if item is None or answer.message_id in item.get("delivered_by", ()):
            return item
        with explain(f"read table {self.names.table!r}"):
            items = read_items(self.aws.dynamodb, table=self.names.table)
        kept = (each for each in items if each.get("conflict_of") == answer.id)
        return next((each for each in kept if answer.message_id in each["delivered_by"]), None)

    def logs(self, handler: str, *, until: str | None = None) -> list[dict[str, Any]]:
        """The JSON lines that the function has written since the lab was opened, oldest first.

        Args:
            until: wait for a record with this outcome, such as "queued": CloudWatch shows lines late.

        Raises:
            LabError: no such line came in time.
        """
        group = self.names.log_group(handler)

        def once_there() -> list[dict[str, Any]] | None:
            lines = list(read_lines(self.aws.logs, log_group=group, since=self.opened_at))
            return lines if until is None or until in {line.get("outcome") for line in lines} else None

        with explain(f"read log group {group!r}"):
            lines = retry_until(once_there, seconds=DRAIN_SECONDS, reason=f"a line with outcome {until!r}")
        return sorted(lines, key=lambda line: int(line["at"]))

    def follow(self, answer: Answer) -> list[Moment]:
        """The delivery's way from its sender to the table, by what each of them wrote down."""
        item = self.wait_for(answer)

        def once_all_have_written() -> list[Moment] | None:
            moments = follow(
                answer, publish_lines=self.logs("publish"), subscribe_lines=self.logs("subscribe"), item=item
            )
            told = {(moment.where) for moment in moments}
            return moments if {"publish", "subscribe"} <= told else None

        return retry_until(once_all_have_written, seconds=DRAIN_SECONDS, reason="the functions' log lines")

    # --- what the course asks of it

    def checkpoint(self, claim: str) -> None:
        """Ask the services whether `claim` holds, and say so in one line.

        Raises:
            LabError: when it does not hold, or when this chapter has no such checkpoint.
        """
        checks.checkpoint(self, claim)

    def exercise(self) -> None:
        """Look at the services and say how far this chapter's exercise is solved."""
        checks.exercise(self)
