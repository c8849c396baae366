"""Lab: the one object that a notebook opens. `Built` builds, `Looking` looks; this one opens and uses.

What one method alone needs is imported there: a notebook loads what it uses.
"""

import secrets
import time
from collections.abc import Mapping as MappingOf
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.aws.retry import Wait, say_what_is_awaited
from webhook_lab.course import classroom
from webhook_lab.course.chapters import Chapter, chapter_numbered
from webhook_lab.lab.looking import Looking
from webhook_lab.lab.needs import no_database_for
from webhook_lab.lab.plainly import show_errors_plainly
from webhook_lab.pipeline import Pipeline, open_pipeline, steps_until
from webhook_lab.show import cards
from webhook_lab.show.card import Card
from webhook_lab.show.skip import NEEDS_A_RESERVATION, go_on, leave_out, skip_the_rest
from webhook_lab.watch.rows import Answer

if TYPE_CHECKING:
    from webhook_lab.lab.bad_days import Stage
    from webhook_lab.lab.run import WatchedRun
    from webhook_lab.lab.signs import Signs
    from webhook_lab.scale.scenario import Flow, Scenario
    from webhook_lab.send.run import Run
    from webhook_lab.show.chart import Chart
    from webhook_lab.show.database import Database
    from webhook_lab.show.panels import Controls

SENDERS = 4
"""Attempts of a burst under way at once, unless told otherwise: each needs a publish environment."""
BURST_SETTINGS = {"cap", "compress", "concurrency"}
"""What else a burst can be told; see `Run`."""
NO_RESERVATION = "Left out: this account can reserve no executions for one function."


class Lab(Looking):
    """One learner's lab at one chapter, opened by ``Lab.open(chapter="NN")``.

    Counts cover what was sent through this object, and nothing older.

    Args:
        pipeline: what the lab builds; `open` makes it from the environment.
        chapter: the chapter that it was opened at.
    """

    def __init__(self, pipeline: Pipeline, chapter: Chapter) -> None:
        super().__init__(pipeline, chapter)
        self.run = secrets.token_hex(4)
        self.answers: list[Answer] = []
        self.database: Database | None = None
        self.watched: WatchedRun | None = None
        self.stage: Stage | None = None
        self.diagnosis: tuple[str, str] | None = None
        self._bursts = 0

    @classmethod
    def open(cls, chapter: str) -> Self:
        """Bring the pipeline to exactly the state in which `chapter` begins, and say what stands.

        Where a chapter needs a database that its functions can reach, and there is none, it is left out: one
        line says so, nothing is built or changed, and its further cells do nothing.

        Raises:
            LabError: no such chapter, or whatever keeps the target from being reached or built.
        """
        begins = chapter_numbered(chapter)
        show_errors_plainly()
        say_what_is_awaited(print)
        go_on()
        pipeline = open_pipeline()
        if begins.needs_database and (why := no_database_for(pipeline.session.target.traits)):
            skip_the_rest(f"Chapter {begins.number} is left out: {why}")
            return cls(pipeline, begins)
        greet = classroom.join(begins.number)  # answered while this builds
        pipeline.restore(begins.starts_with)
        if pipeline.settings.reserved_concurrency is None:  # the account spares none
            leave_out(NEEDS_A_RESERVATION, NO_RESERVATION)
        standing = ", ".join(step.label for step in steps_until(begins.starts_with)) or "nothing yet"
        print(f"Chapter {begins.number}: {begins.title}. Standing: {standing}.")
        greet()
        return cls(pipeline, begins)

    def delivery_id(self, name: str) -> str:
        """An id for a delivery that no earlier run has used: `name` and this run's token."""
        return f"{name}-{self.run}"

    # --- the runbook

    def bad_day(self, cause: str | None = None) -> Card:
        """Have one of the runbook's bad days happen and show its line; None draws one and tells nobody.

        Whatever a chapter has added (an alarm, a stack) is removed first, and every setting put back.

        Raises:
            LabError: there is no such day.
        """
        from webhook_lab.facts.runbook import BAD_DAYS, CAUSES
        from webhook_lab.lab.bad_days import Stage, possible
        from webhook_lab.show.night_cards import bad_day_card, drawn_day_card

        if cause is not None and cause not in BAD_DAYS:
            raise LabError(f"stage {cause!r}", "there is no such day", f"There are {', '.join(CAUSES)}.")
        day = BAD_DAYS[cause or secrets.choice(possible(self.pipeline.settings))]
        if self.stage:
            self.stage.leave()
        self._step, self.diagnosis, self.stage = self.aws.calls.mark(), None, Stage(self, day)
        seen = self.stage.begin()
        return bad_day_card(day, seen.alarms) if cause else drawn_day_card()

    @property
    def signs(self) -> "Signs":
        """What queue and logs show since the bad day began.

        Raises:
            LabError: there was none.
        """
        from webhook_lab.lab.signs import signs

        return signs(self, since=self._staged().began_at)

    def cure(self) -> Card:
        """Do what the runbook says about the bad day that was asked for, and prove that it is over.

        Raises:
            LabError: there was none, or it is not over in time.
        """
        from webhook_lab.show.night_cards import cured_card

        self._step = self.aws.calls.mark()
        stage = self._staged()
        return cured_card(stage.day, stage.end().alarms, stored=len(stage.stored))

    def diagnose(self, cause: str, cure: str) -> None:
        """Say what it was and what ends it; `exercise` judges. The words are those of the runbook."""
        self._staged()
        self.diagnosis = (cause, cure)

    def _staged(self) -> "Stage":
        if self.stage is None:
            raise LabError("look at the bad day", "none has happened", "Call lab.bad_day() first.")
        return self.stage

    # --- using what stands

    def invoke(self, handler: str, event: MappingOf[str, Any], *, patience: float = 0) -> dict[str, Any]:
        """Invoke a function with `event` and wait for what it returns.

        Args:
            patience: seconds to go on while the function is denied what its role has only just been allowed.

        Raises:
            LabError: the function raised; what it raised is said.
        """
        from webhook_lab.resources.invoking import invoke

        self._step, where = (
            self.aws.calls.mark(),
            f"invoke function {(name := self.names.function(handler))!r}",
        )
        wait = Wait(patience, "its role to be allowed what it has only just been")
        while True:
            with explain(where):
                returned, raised = invoke(self.aws, name=name, event=event)
            if not raised:
                return returned if isinstance(returned, dict) else {"returned": returned}
            if "AccessDenied" not in raised or wait.is_over():
                raise LabError(where, raised, f"Read its lines with lab.logs({handler!r}).")
            time.sleep(0.5)

    def send(
        self,
        path: str = "/hello",
        body: bytes | str = b"",
        *,
        headers: MappingOf[str, str | Sequence[str]] | None = None,
        method: str = "POST",
        door: str = "api",
    ) -> Answer:
        """Post one delivery to the API and return its answer, whatever its status.

        Args:
            headers: a list as a value is a header that is sent so many times. Those that belong to the
                connection, such as Host, are left out, and that is said.
            door: see `url_of`.
        """
        from webhook_lab.send.sender import Delivery, left_out, post, told_left_out

        data = body.encode() if isinstance(body, str) else body
        if dropped := left_out(headers or ()):
            print(told_left_out(dropped))
        settles = self.aws.target.traits.patience
        answer = post(self.url_of(door), Delivery(path, data, headers or {}, method), settles=settles)
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
        door: str = "api",
        **settings: Any,
    ) -> "Run":
        """Begin to send `n` signed deliveries at once, each with an id of its own, and return meanwhile.

        Args:
            providers, redelivered, path: see `webhook_lab.send.events.events`.
            secret: by default the one that the publish function checks, or a new one where it checks none.
            door: see `url_of`.
            settings: as for `Run`; `cap`, the most requests, is asked for where they cost money.

        Raises:
            LabError: what cannot be sent as asked; then nothing was.
        """
        from webhook_lab.send.events import events
        from webhook_lab.send.run import Run
        from webhook_lab.send.signing import new_secret

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
        traits = self.aws.target.traits
        settings = {"concurrency": SENDERS, "settles": traits.patience, **settings}
        run = Run(self.url_of(door), deliveries, charges=traits.charges, **settings)
        if self.watched:
            self.watched.bursts.append(run)
        return run.start()

    def watch(self, *, show: bool = True, linger: float = 0) -> "WatchedRun":
        """Watch the pipeline from now on, with live charts unless `show` is False; see `WatchedRun`.

        The database is watched along where it is what subscribe stores in.
        """
        from webhook_lab.lab.run import WatchedRun

        if self.watched:
            self.watched.stop()
        beside = None
        if self.database and self.pipeline.settings.database:
            beside = self.database.watch(self.aws.now())
        chapter = self.chapter.file
        self.watched = WatchedRun(self.pipeline, show=show, linger=linger, beside=beside, chapter=chapter)
        return self.watched

    def settle(self) -> None:
        """Wait until SQS acts on what was set of the queue: up to a minute on AWS, and no time here.

        Raises:
            LabError: SQS does not show what was set.
        """
        from webhook_lab.pipeline.operations import settle_queue

        settle_queue(self.pipeline)

    def warm_up(self) -> None:
        """Have as many environments of the subscribe function ready as the throttle lets run at once."""
        from webhook_lab.pipeline.operations import warm_subscriber

        warm_subscriber(self.pipeline)

    def scenario(self, *flows: "Flow", **instead: Any) -> "Scenario":
        """The pipeline's settings on paper, with this load; see `Scenario` for what else can be told.

        Raises:
            LabError: what AWS would refuse, with its reason, or what is no number.
        """
        from webhook_lab.facts.quotas import api_quotas
        from webhook_lab.scale.scenario import Scenario

        rate, burst = api_quotas(self.aws.target.region)
        instead = {"api_rate": rate, "api_burst": burst, **instead}
        return Scenario.of(self.pipeline.settings, *flows, **instead)

    def controls(self, *, most: int) -> "Controls":
        """Controls of the run that is watched; a burst of theirs makes `most` requests at most.

        Raises:
            LabError: none is watched.
        """
        if not self.watched:
            raise LabError("show the controls", "no run is watched", "Call lab.watch() first.")
        return self.watched.controls(lambda n: self.burst(n, cap=most), most=most)

    def compare_doors(self, publish: "Run", direct: "Run") -> "Chart":
        """A burst through each door: what senders waited, and what a million deliveries cost until queued."""
        from webhook_lab.lab.doors import compare

        memory = self.pipeline.get("publish_function").memory
        return compare(publish, direct, self.logs("publish", until="queued"), memory=memory)

    def set_throttle(self, invocations: int) -> Card:
        """Let so many invocations run at once, also in mid-run; return when that is in force.

        Raises:
            LabError: fewer than 2 or more than 1,000, or AWS refused.
        """
        from webhook_lab.pipeline.operations import set_throttle

        self._step = self.aws.calls.mark()
        (self.watched.throttle if self.watched else partial(set_throttle, self.pipeline))(invocations)
        return self.show("mapping")

    def redrive(self) -> Card:
        """Have SQS move the dead-letter queue's messages back; it goes on when this is stopped.

        Raises:
            LabError: SQS refused or failed to move them.
        """
        from webhook_lab.pipeline.operations import redrive

        self._step = self.aws.calls.mark()
        return cards.redrive_card(self.watched.redrive() if self.watched else redrive(self.pipeline))

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

    # --- what the course asks of it

    def checkpoint(self, claim: str) -> None:
        """Ask the services whether `claim` holds, and say so in one line.

        Raises:
            LabError: when it does not hold, or when this chapter has no such checkpoint.
        """
        from webhook_lab.course.checks import checkpoint

        checkpoint(self, claim)

    def exercise(self) -> None:
        """Look at the services and say how far this chapter's exercise is solved."""
        from webhook_lab.course.checks import exercise

        exercise(self)
