"""One run from both ends: what its senders saw, and what was seen of the pipeline meanwhile."""

import asyncio
import contextlib
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import Wait
from webhook_lab.lab.standing import IN_FORCE, refuse_others, settings_of, told
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.operations import (
    LEAST,
    check_throttle,
    redrive,
    set_throttle,
    throttle_of,
    warm_subscriber,
)
from webhook_lab.resources.redrive import Redriven
from webhook_lab.scale.forecast import Forecast, forecast
from webhook_lab.scale.scenario import Flow, Scenario
from webhook_lab.send.retries import is_accepted
from webhook_lab.send.run import Run
from webhook_lab.show import behind
from webhook_lab.show.bars import timeline_chart
from webhook_lab.show.chart import Chart
from webhook_lab.show.charts import latency_chart, prediction_chart, receives_chart
from webhook_lab.show.kernel import nobody_looks
from webhook_lab.show.live import Live, tail
from webhook_lab.show.panels import Controls
from webhook_lab.show.series import RUN, Mark
from webhook_lab.watch.concurrency import Span
from webhook_lab.watch.fates import fates_in
from webhook_lab.watch.history import CUT, told_faults
from webhook_lab.watch.rows import Answer, Fate, Invocation, Sent, Work
from webhook_lab.watch.watch import NOT_OUT, READ_SECONDS, Watch

SECONDS = 600.0
"""How long a run is watched at most."""


def watch_pipeline(pipeline: Pipeline) -> Watch:
    """A watch on the pipeline's queues and its subscribe function, not started; its limit by the settings."""
    return Watch(
        pipeline.session,
        queue_url=pipeline.get("queue").url,
        dlq_url=pipeline.get("dlq").url,
        log_group=pipeline.names.log_group("subscribe"),
        limit=throttle_of(pipeline),
    )


class WatchedRun:
    """A run while it goes on, and its rows afterwards. It is over when all that was sent has come out.

    Args:
        pipeline: watched from now on; its subscribe function is warmed up first, so that what is seen is the
            throttle and not the start of environments.
        show: draw live charts where the cell is.
        linger: seconds to go on watching once everything has come out, for more to be sent; 0 unattended.
        beside: the database that the pipeline stores in, watched along.
        chapter: the notebook that it is a part of; its skipped cells can be named.

    Attributes:
        stood: the settings that stood when it began; see `IN_FORCE`.
        bursts: what was sent meanwhile, by `Lab.burst`.
        redriven: the ids of the deliveries that `redrive` took back from the dead-letter queue meanwhile.
        marks: what was done meanwhile, and when.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        *,
        show: bool = True,
        linger: float = 0,
        beside: behind.Beside | None = None,
        chapter: str = "",
    ) -> None:
        # A chart shows things as late as log lines and depths come: it goes on until both are at the end.
        traits = pipeline.session.target.traits
        least = max(traits.log_lag, traits.depth_lag) + READ_SECONDS + 0.2 if show else 0.0
        self._pipeline, self._linger = pipeline, least if nobody_looks() else max(linger, least)
        self.bursts: list[Run] = []
        self.redriven: list[str] = []
        self.marks: list[Mark] = []
        self.stood, self._chapter = settings_of(pipeline), chapter
        warm_subscriber(pipeline)
        self.watch = watch_pipeline(pipeline).start()
        self.clock = self.watch.seconds
        self._over_since = math.inf
        self._stopped, self._beside = False, beside
        self._controls: Controls | None = None
        self._live: Live | None = None
        if show:
            panels, sample = RUN, tail(self.watch.samples)
            if beside:
                panels, ours, theirs = behind.PANELS, sample, beside.sampler(self.clock)
                sample = lambda: [*ours(), *theirs()]  # noqa: E731
            self._live = Live(panels, sample, seconds=SECONDS, until=self.is_over, clock=self.clock).start()

    def is_over(self) -> bool:
        """Whether what was sent, or taken back, has all come out of the queue, for `linger` seconds."""
        over = (
            bool(self.bursts or self.redriven)
            and all(burst.finished for burst in self.bursts)
            and self.watch.is_over(self.own)
        )
        self._over_since = min(self._over_since, time.monotonic()) if over else math.inf
        return time.monotonic() - self._over_since >= self._linger

    def throttle(self, invocations: int) -> None:
        """`set_throttle`, drawn into the charts when it is in force."""
        check_throttle(invocations)  # before the limit is drawn
        self.watch.set_limit(max(invocations, self.watch.limit))
        set_throttle(self._pipeline, invocations)
        self.watch.set_limit(invocations)
        self.mark(f"throttle {invocations}")

    def redrive(self) -> Redriven:
        """Take the dead letters back, and watch them come out while this run is watched."""
        if self._stopped:
            return redrive(self._pipeline)
        with self.watch.taking_back() as ids:
            done = redrive(self._pipeline)
        self.redriven += ids
        return done

    def pause(self, paused: bool) -> None:
        """Stop the mapping, or let it go on; return when that is in force."""
        self._pipeline.ensure("mapping", enabled=not paused)
        self.mark("paused" if paused else "goes on")

    def mark(self, label: str) -> None:
        """Remember that something was done now, and draw it."""
        self.marks.append((self.clock(), label))
        if self._live:
            self._live.mark(label)

    async def reach(self, metric: str, value: float, *, seconds: float = 60) -> None:
        """Wait until a metric (see `Sample`) has reached a value, with the kernel free to draw.

        Raises:
            LabError: it has not in time.
        """
        seconds, latest = self._allow(seconds), self.watch.latest
        wait = Wait(seconds, f"{metric} to reach {value:g}")
        while latest[metric] < value and not wait.is_over():
            await asyncio.sleep(0.05)
        if latest[metric] < value:
            said = f"it is {latest[metric]:g} after {seconds:g} s"
            raise LabError(f"wait until {metric} reaches {value:g}", said, "Send a larger burst.")

    async def finish(self) -> None:
        """Wait until it is over. An interrupt ends the sending and the watching, and goes on its way.

        Raises:
            LabError: a run without charts is not over in ten minutes; charts just end then.
        """
        try:
            if self._live:
                await self._live.finish()
            else:
                for _ in self._waiting(SECONDS):
                    await asyncio.sleep(0.05)
        finally:
            self.stop()

    def wait(self, *, seconds: float = 60) -> "WatchedRun":
        """`finish` for a run without charts: nothing else goes on in the kernel meanwhile.

        Raises:
            LabError: it is not over in time; it says where the deliveries are.
        """
        try:
            for _ in self._waiting(seconds):
                time.sleep(0.05)
        finally:
            self.stop()
        return self

    def _waiting(self, seconds: float) -> Iterator[None]:
        seconds = self._allow(seconds)
        wait = Wait(seconds, "all that was sent to come out of the queue")
        while not self.is_over():
            if wait.is_over():
                places = self.watch.places(self.own).items()
                said = f"not over after {seconds:g} s: {', '.join(f'{n} {place}' for place, n in places)}"
                if failed := self.watch.history.failed:
                    said += f"; invocations failed: {told_faults(failed)}"
                raise LabError("wait for the run", said, "Look at lab.depth() and lab.logs('subscribe').")
            yield

    def _allow(self, seconds: float) -> float:
        return self._pipeline.session.target.traits.allow(seconds)

    def stop(self) -> None:
        """End the sending, the watching and the controls; what was seen stays."""
        if self._stopped:
            return
        self._stopped = True
        for each in (*self.bursts, self._live, self._beside):
            if each:
                each.stop()
        if self._controls:
            self._controls.end()
        with contextlib.suppress(LabError):  # nothing to look at any more: what was seen is kept
            self.watch.stop()
            if self.watch.places(self.own)["lost"]:
                self.watch.look_late()

    def controls(self, send: Callable[[int], Run], *, most: int) -> Controls:
        """Sliders and buttons for this run, in place of earlier ones; they grey out when it is over.

        Args:
            send: begins a burst of so many deliveries.
            most: the largest burst.
        """

        def burst(n: int) -> str:
            self.mark(f"burst {n}")
            send(n).wait()
            return f"{n} sent"

        begins = throttle_of(self._pipeline)
        if self._controls:
            self._controls.end()
        self._controls = Controls(
            send=burst, throttle=self.throttle, pause=self.pause,
            stop=self._live.stop if self._live else lambda: None,
            burst=(min(60, most), most), limit=(LEAST, max(10, begins)), now=begins,
        )  # fmt: skip
        if self._stopped:
            self._controls.end()
        return self._controls

    # --- what was seen

    @property
    def accepted(self) -> list[str]:
        """The id of each delivery that was answered with a 2xx, as often as it was."""
        return [row.id for row in self.sent if is_accepted(row.status)]

    @property
    def own(self) -> list[str]:
        """What the run is judged by: what was accepted, and what was taken back."""
        return list((Counter(self.accepted) | Counter(self.redriven)).elements())

    @property
    def sent(self) -> list[Sent]:
        """A row for each delivery, in the order in which they were settled."""
        return [row for burst in self.bursts for row in burst.sent.copy()]

    @property
    def answers(self) -> list[Answer]:
        """The first acceptance of each delivery, in the order in which they came."""
        return [answer for burst in self.bursts for answer in list(burst.answers.values())]

    @property
    def invocations(self) -> list[Invocation]:
        """The subscribe function's invocations."""
        return self.watch.history.invocations()

    @property
    def work(self) -> list[Work]:
        """What they did about each record that they finished."""
        return [each for each in self.watch.history.attempts() if each.outcome != CUT]

    @property
    def drained_in(self) -> float:
        """Seconds from the first record's start to the last one's finish."""
        ends = max((each.finished_at for each in self.work), default=0)
        return (ends - _first(self.work)) / 1000

    def facts(self) -> dict[str, int]:
        """What every run of the same experiment has in common: counts and the peak, no seconds."""
        self._say_what_is_left()
        sent = len(self.sent)
        return {"sent": sent, "rejected": sent - len(self.accepted), **self.watch.facts(self.own)}

    def fates(self) -> list[Fate]:
        """What became of each message that was accepted; see `fates_in`."""
        self._say_what_is_left()
        return fates_in(
            self._pipeline.session,
            [answer.message_id or "" for answer in self.answers],
            begun=self.watch.history.begun,
            table=self._pipeline.names.table,
            dlq_url=self._pipeline.get("dlq").url,
        )

    # --- charts

    def receives(self) -> Chart:
        """How often each message was received, against how often a function worked on it."""
        return receives_chart(self.fates(), self.watch.history.failed)

    def prediction(self, seconds: float, **predicted_for: float) -> Chart:
        """What the queue held, beside a drain at an even pace that takes `seconds`.

        Args:
            predicted_for: settings that the prediction is for, such as ``work_seconds=0.25``.

        Raises:
            LabError: the run had others; it says which cell was skipped.
        """
        self.check(**predicted_for)
        self._say_what_is_left()
        began = (_first(self.work) - self.watch.began_at) / 1000
        expected = [(began, float(len(set(self.accepted)))), (began + seconds, 0.0)]
        took, marks, left = self.drained_in, self.marks, self._left()
        return prediction_chart(self.watch.samples, expected, took=took, marks=marks, left=left)

    def check(self, **predicted_for: float) -> None:
        """Nothing, where these settings stood when the run began; see `IN_FORCE`.

        Raises:
            LabError: others did; it says which cell was skipped.
        """
        refuse_others(self.stood, predicted_for, self._chapter)

    def on_paper(self, scenario: Scenario) -> Forecast:
        """What the exact model says of what was sent in this run, from when the first delivery was answered.

        Args:
            scenario: the settings; in place of its flows stand the deliveries that were accepted.

        Raises:
            LabError: the run had others; it says which cell was skipped.
        """
        self.check(**{name: getattr(scenario, name) for name in IN_FORCE})
        at = sorted((row.sent_at + row.milliseconds) / 1000 for row in self.sent if is_accepted(row.status))
        flows = tuple(Flow(1, each - at[0]) for each in at)
        return forecast(scenario.but(flows=flows, publish_seconds=0.0))

    def overlay(self, paper: Forecast) -> Chart:
        """What the queue held, beside what the model says of the same run; see `on_paper`."""
        self._say_what_is_left()
        first = min(row.sent_at + row.milliseconds for row in self.sent if is_accepted(row.status))
        began = (first - self.watch.began_at) / 1000
        expected = [(began + at, held) for at, held in paper.held if at <= paper.ended]
        took = (max(each.finished_at for each in self.work) - first) / 1000
        expected.append((began + paper.ended, 0.0))
        left = self._left()
        return prediction_chart(self.watch.samples, expected, took=took, marks=self.marks, left=left)

    def latencies(self) -> Chart:
        """How long each sender waited for its answer, and how long until the delivery was stored."""
        self._say_what_is_left()
        return latency_chart(self.sent, self.work)

    def timeline(self) -> Chart:
        """Each invocation as a bar, with what it worked on."""
        self._say_what_is_left()
        began = _first(self.invocations, self.watch.began_at)
        marks = [(at - (began - self.watch.began_at) / 1000, label) for at, label in self.marks]
        return timeline_chart(self.invocations, self.work, began=began, marks=marks)

    def _left(self) -> int:
        """How many of the accepted deliveries had not come out when the watching ended."""
        places = self.watch.places(self.own)
        return sum(places[place] for place in NOT_OUT)

    def _say_what_is_left(self) -> None:
        if self._stopped and (known := told(self.watch.places(self.own))):
            print(known)


def _first(spans: Sequence[Span], default: int = 0) -> int:
    return min((each.started_at for each in spans), default=default)
