"""The live view: charts that move while a run goes on, and leave a still picture in the notebook.

One display handle. While the run goes on each update is the text of an SVG, which costs the kernel two
milliseconds; the last one is a PNG, which is all that GitHub and nbconvert will show.

>>> live = Live(RUN, tail(watch.samples), seconds=120, until=run_is_over).start()  # doctest: +SKIP
... send_a_burst()
... await live.finish()
"""

import asyncio
import contextvars
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Self

from IPython.display import DisplayHandle, display

from webhook_lab.show.chart import Chart, print_below
from webhook_lab.show.charts import panels_chart
from webhook_lab.show.kernel import nobody_looks, running_kernel, widgets_answered
from webhook_lab.show.live_svg import frame
from webhook_lab.show.series import Mark, Panel, collect, details, findings
from webhook_lab.watch.rows import Sample

FRAMES_A_SECOND = 5.0


def tail(samples: Sequence[Sample]) -> Callable[[], Sequence[Sample]]:
    """What was added to the end of `samples` since it was last called, as `Live` asks for it."""
    taken = 0

    def added() -> Sequence[Sample]:
        nonlocal taken
        new = samples[taken:]
        taken += len(new)
        return new

    return added


class Stopped(asyncio.CancelledError):
    """The kernel's interrupt, passed on once the picture is drawn: the cell ends red, without a stack."""

    def _render_traceback_(self) -> list[str]:
        return ["Stopped early; the picture shows the run so far."]


class Live:
    """Watches a run until it is over, was stopped, or took too long.

    Args:
        panels: what to show, from top to bottom.
        sample: the samples that are new since it was last called; called in a thread of the live view's.
        seconds: how long to watch at most.
        until: whether the run is over.
        clock: seconds since the run began, as in the samples.

    Starting another one stops this one. When nobody looks, only the last picture is drawn: outside a kernel,
    under pytest, or when WEBHOOK_LAB_HEADLESS is set.
    """

    _newest: ClassVar["Live | None"] = None

    def __init__(
        self,
        panels: Sequence[Panel],
        sample: Callable[[], Iterable[Sample]],
        *,
        seconds: float,
        clock: Callable[[], float],
        until: Callable[[], bool] | None = None,
    ) -> None:
        self.panels, self.sample, self.seconds, self.clock, self.until = panels, sample, seconds, clock, until
        self.error: Exception | None = None
        self.chart: Chart | None = None
        self._series = collect((), panels)
        self._marks: list[Mark] = []
        self._lock = threading.Lock()
        self._stop, self._done = threading.Event(), threading.Event()
        self._handle: DisplayHandle | None = None

    @property
    def frames_a_second(self) -> float:
        """How often it looks and draws."""
        return FRAMES_A_SECOND

    def start(self) -> Self:
        """Begin to watch. Returns at once; what follows in the cell runs meanwhile."""
        if Live._newest:
            Live._newest.stop()
        Live._newest = self
        if not nobody_looks():
            self._handle = display(self._frame(), raw=True, display_id=True)  # type: ignore[no-untyped-call]
        context = contextvars.copy_context()  # by which the kernel knows which cell the picture belongs to
        threading.Thread(target=context.run, args=(self._watch,), name="live", daemon=True).start()
        return self

    def mark(self, label: str) -> None:
        """Draw a line through the charts at this moment, and write `label` above it."""
        at = self.clock()
        with self._lock:
            self._marks.append((at, label))

    def stop(self) -> None:
        """End it soon, from any thread; the picture stays."""
        self._stop.set()

    async def finish(self) -> None:
        """Wait for the end, with the kernel free to serve buttons and sliders.

        Raises:
            Stopped: the kernel was interrupted; the picture is there all the same.
            Exception: whatever `sample` or `until` raised.
        """
        try:
            with widgets_answered():
                while not self._done.is_set():
                    await asyncio.sleep(0.05)
        except (asyncio.CancelledError, KeyboardInterrupt):
            self.stop()
            self._done.wait(10)
            raise Stopped from None
        if self.error:
            raise self.error
        print_below(self.summary())

    def summary(self) -> str:
        """What the charts show now, in words."""
        with self._lock:
            return details(self.panels, self._series, self._marks)

    def _watch(self) -> None:
        due = began = time.monotonic()
        try:
            while not self._stop.wait(due - time.monotonic()):
                self._take()
                if (self.until and self.until()) or time.monotonic() - began > self.seconds:
                    break
                due = max(due + 1 / self.frames_a_second, time.monotonic())
        except Exception as error:
            self.error = error
        finally:
            try:
                self._leave_picture()
            except Exception as error:
                self.error = self.error or error
            finally:
                self._done.set()

    def _take(self) -> None:
        new = list(self.sample())
        with self._lock:
            collect(new, self.panels, self._series)
        if self._handle:
            self._handle.update(self._frame(), raw=True)  # type: ignore[no-untyped-call]

    def _frame(self) -> dict[str, str]:
        with self._lock:
            svg = frame(self.panels, self._series, self._marks, now=self.clock())
            return {"text/html": svg, "text/plain": ". ".join(findings(self.panels, self._series))}

    def _leave_picture(self) -> None:
        with self._lock:
            self.chart = panels_chart(self.panels, self._series, self._marks)
        data, metadata = self.chart.bundle()
        if self._handle:
            self._handle.update(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
        elif running_kernel():
            display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
