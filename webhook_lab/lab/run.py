"""One run from both ends: what its senders saw, and what was seen of the pipeline meanwhile."""

import asyncio
import contextlib
import math
import time
from collections.abc import Callable, Iterator

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import Wait
from webhook_lab.lab.seen import Seen
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
from webhook_lab.send.run import Run
from webhook_lab.show import behind
from webhook_lab.show.kernel import nobody_looks
from webhook_lab.show.live import Live, tail
from webhook_lab.show.panels import Controls
from webhook_lab.show.series import RUN
from webhook_lab.watch.history import told_faults
from webhook_lab.watch.watch import READ_SECONDS, Watch

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


class WatchedRun(Seen):
    """A run while it goes on, and what was `Seen` of it. It is over when all that was sent has come out.

    Args:
        pipeline: watched from now on; its subscribe function is warmed up first, so that what is seen is the
            throttle and not the start of environments.
        show: draw live charts where the cell is.
        linger: seconds to go on watching once everything has come out, for more to be sent; 0 unattended.
        beside: the database that the pipeline stores in, watched along.
        chapter: the notebook that it is a part of; its skipped cells can be named.
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
        self._linger = least if nobody_looks() else max(linger, least)
        super().__init__(pipeline, chapter)
        warm_subscriber(pipeline)
        self.watch = watch_pipeline(pipeline).start()
        self.clock = self.watch.seconds
        self._over_since = math.inf
        self._beside = beside
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
        with self.watch.dead.taking_back() as ids:
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
