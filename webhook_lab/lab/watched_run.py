"""One run from both ends: what its senders saw, and what was seen of the pipeline meanwhile."""

import asyncio
import contextlib
import time
from collections.abc import Callable

from webhook_lab.aws.errors import LabError
from webhook_lab.pipeline import Pipeline, fates_in, set_throttle, warm_subscriber, watch_pipeline
from webhook_lab.pipeline.throttle import LEAST, throttle_of
from webhook_lab.send.retries import is_accepted
from webhook_lab.send.run import Run
from webhook_lab.show.bars import timeline_chart
from webhook_lab.show.chart import Chart
from webhook_lab.show.charts import latency_chart, prediction_chart, receives_chart
from webhook_lab.show.kernel import nobody_looks, theme_here
from webhook_lab.show.live import Live, tail
from webhook_lab.show.panels import Controls
from webhook_lab.show.series import RUN, Mark
from webhook_lab.watch.rows import Answer, Fate, Invocation, Sample, Sent, Work
from webhook_lab.watch.watch import READ_SECONDS

SECONDS = 600.0
"""How long a run is watched at most."""
_SETTLED = ("stored", "duplicate", "redelivered", "conflict")


class WatchedRun:
    """A run while it goes on, and its rows afterwards. It is over when all that was sent has come out.

    Args:
        pipeline: watched from now on; its subscribe function is warmed up first, so that what is seen is the
            throttle and not the start of environments.
        show: draw live charts where the cell is.
        linger: seconds to go on watching once everything has come out, for more to be sent; 0 unattended.

    Attributes:
        bursts: what was sent meanwhile, by `Lab.burst`.
        redriven: how many messages were taken back from the dead-letter queue meanwhile, by `Lab.redrive`.
        marks: what was done meanwhile, and when.
    """

    def __init__(self, pipeline: Pipeline, *, show: bool = True, linger: float = 0) -> None:
        # A chart shows concurrency as late as log lines come: it goes on until that has reached the end.
        least = pipeline.session.target.traits.log_lag + READ_SECONDS + 0.2 if show else 0.0
        self._pipeline, self._linger = pipeline, least if nobody_looks() else max(linger, least)
        self.bursts: list[Run] = []
        self.redriven = 0
        self.marks: list[Mark] = []
        warm_subscriber(pipeline)
        self.watch = watch_pipeline(pipeline).start()
        self._over_since: float | None = None
        self._stopped = False
        self._controls: Controls | None = None
        self._live: Live | None = None
        if show:
            sample = tail(self.watch.samples)
            self._live = Live(RUN, sample, seconds=SECONDS, until=self.is_over, clock=self.clock).start()

    def clock(self) -> float:
        """Seconds since the run began."""
        return time.time() - self.watch.began_at / 1000

    def is_over(self) -> bool:
        """Whether what was sent, or taken back, has all come out of the queue, for `linger` seconds."""
        over = (
            bool(self.bursts or self.redriven)
            and all(burst.finished for burst in self.bursts)
            and self._all_came_out()
        )
        if not over:
            self._over_since = None
            return False
        self._over_since = self._over_since or time.monotonic()
        return time.monotonic() - self._over_since >= self._linger

    def _all_came_out(self) -> bool:
        settled = sum(self.watch.history.outcomes[each] for each in _SETTLED)
        dead = int(self.watch.now()["dlq"])
        messages = self.redriven + sum(is_accepted(row.status) for row in self.sent)
        return settled + dead >= messages and self.watch.is_over(self.accepted)

    def throttle(self, invocations: int) -> None:
        """`set_throttle`, drawn into the charts when it is in force."""
        raised = invocations > self.watch.limits[-1][1]
        if raised:
            self.watch.set_limit(invocations)
        set_throttle(self._pipeline, invocations)
        if not raised:
            self.watch.set_limit(invocations)
        self.mark(f"throttle {invocations}")

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
        deadline = time.monotonic() + seconds
        while self.watch.now()[metric] < value:
            if time.monotonic() > deadline:
                said = f"it is {self.watch.now()[metric]:g} after {seconds:g} s"
                raise LabError(f"wait until {metric} reaches {value:g}", said, "Send a larger burst.")
            await asyncio.sleep(0.05)

    async def finish(self) -> None:
        """Wait until it is over. An interrupt ends the sending and the watching, and goes on its way."""
        try:
            if self._live:
                await self._live.finish()
            while not self._live and not self.is_over():
                await asyncio.sleep(0.05)
        finally:
            self.stop()

    def wait(self, *, seconds: float = 60) -> "WatchedRun":
        """`finish` for a run without charts: nothing else goes on in the kernel meanwhile.

        Raises:
            LabError: it is not over in time.
        """
        deadline = time.monotonic() + seconds
        try:
            while not self.is_over():
                if time.monotonic() > deadline:
                    said = f"not over after {seconds:g} s"
                    raise LabError("wait for the run", said, "Look at lab.depth().")
                time.sleep(0.05)
        finally:
            self.stop()
        return self

    def stop(self) -> None:
        """End the sending, the watching and the controls; what was seen stays."""
        if self._stopped:
            return
        self._stopped = True
        for burst in self.bursts:
            burst.stop()
        if self._live:
            self._live.stop()
        if self._controls:
            self._controls.end()
        with contextlib.suppress(LabError):  # nothing to look at any more: what was seen is kept
            self.watch.stop()

    def controls(self, send: Callable[[int], Run], *, most: int) -> Controls:
        """Sliders and buttons for this run; they grey out when it is over.

        Args:
            send: begins a burst of so many deliveries.
            most: the largest burst.
        """

        def burst(n: int) -> str:
            self.mark(f"burst {n}")
            send(n).wait()
            return f"{n} sent"

        begins = throttle_of(self._pipeline)
        self._controls = Controls(
            send=burst, throttle=self.throttle, pause=self.pause, stop=self._stop_watching,
            burst=(min(60, most), most), limit=(LEAST, max(10, begins)), now=begins,
        )  # fmt: skip
        return self._controls

    def _stop_watching(self) -> None:
        if self._live:
            self._live.stop()

    # --- what was seen

    @property
    def accepted(self) -> set[str]:
        """The ids that were answered with a 2xx."""
        return set().union(*(burst.acknowledged for burst in self.bursts))

    @property
    def sent(self) -> list[Sent]:
        """A row for each delivery, in the order in which they were settled."""
        return [row for burst in self.bursts for row in burst.sent.copy()]

    @property
    def answers(self) -> list[Answer]:
        """The first acceptance of each delivery, in the order in which they came."""
        return [answer for burst in self.bursts for answer in list(burst.answers.values())]

    @property
    def samples(self) -> list[Sample]:
        """What was sampled: depths, counts, concurrency."""
        return list(self.watch.samples)

    @property
    def invocations(self) -> list[Invocation]:
        """The subscribe function's invocations."""
        return self.watch.invocations()

    @property
    def work(self) -> list[Work]:
        """What they did about each record."""
        return list(self.watch.history.work)

    @property
    def drained_in(self) -> float:
        """Seconds from the first record's start to the last one's finish."""
        work = self.work
        ends = max((each.finished_at for each in work), default=0)
        return (ends - min((each.started_at for each in work), default=0)) / 1000

    def facts(self) -> dict[str, int]:
        """What every run of the same experiment has in common: counts and the peak, no seconds."""
        refused = sum(not is_accepted(row.status) for row in self.sent)
        return {"sent": len(self.sent), "rejected": refused, **self.watch.facts(self.accepted)}

    def fates(self) -> list[Fate]:
        """What became of each message that was accepted; see `fates_in`."""
        messages = [answer.message_id or "" for answer in self.answers]
        return fates_in(self._pipeline, messages, self.watch.history.begun)

    # --- charts

    def receives(self) -> Chart:
        """How often each message was received, against how often a function worked on it."""
        return receives_chart(self.fates(), theme=theme_here())

    def prediction(self, seconds: float) -> Chart:
        """What the queue held, beside a drain at an even pace that takes `seconds`."""
        began = (min((each.started_at for each in self.work), default=0) - self.watch.began_at) / 1000
        expected = [(began, float(len(self.accepted))), (began + seconds, 0.0)]
        return prediction_chart(
            self.samples, expected, took=self.drained_in, marks=self.marks, theme=theme_here()
        )

    def latencies(self) -> Chart:
        """How long each sender waited for its answer, and how long until the delivery was stored."""
        return latency_chart(self.sent, self.work, theme=theme_here())

    def timeline(self) -> Chart:
        """Each invocation as a bar, with what it worked on."""
        began = min((each.started_at for each in self.invocations), default=self.watch.began_at)
        marks = [(at - (began - self.watch.began_at) / 1000, label) for at, label in self.marks]
        return timeline_chart(self.invocations, self.work, began=began, marks=marks, theme=theme_here())
