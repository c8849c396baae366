"""What a chart of a run shows: lines in panels, the points of each line, and what they say in words.

A series never holds more than `MOST` points, so that a frame costs the same after an hour as after a minute.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from webhook_lab.show.axes import axis_top
from webhook_lab.show.card import counted
from webhook_lab.show.theme import BLUE, GREEN, INK, ORANGE, PURPLE
from webhook_lab.watch.rows import Sample

MOST = 600
PATH_SECOND = 100
"""How many units of a path one second is wide."""

Mark = tuple[float, str]
"""Seconds since the run began, and what was done then."""


class Series:
    """One metric over time. When it grows too long, the least and the greatest of each stretch of time stay.

    Args:
        step: the value holds until the next one, rather than moving there in a straight line.
    """

    def __init__(self, *, step: bool = False) -> None:
        self.step = step
        self.points: list[tuple[float, float]] = []
        self.peak = 0.0
        self._path: list[str] = []

    @property
    def last(self) -> float:
        """The newest value; 0 before there is one."""
        return self.points[-1][1] if self.points else 0.0

    @property
    def path(self) -> str:
        """The line as an SVG path: a hundredth of a second is one unit to the right, one is one unit up.

        Nothing is computed here: each point's piece was written when it came, whatever scale it is shown at.
        """
        return "".join(self._path)

    def add(self, at: float, value: float) -> None:
        """Take one more point; it may be older than the newest."""
        self.peak = max(self.peak, value)
        late = bool(self.points) and at < self.points[-1][0]
        if late:
            insort(self.points, (at, value))
        else:
            self.points.append((at, value))
            self._path.append(self._piece(at, value))
        if len(self.points) > MOST:
            self.points = _thinned(self.points, MOST // 2)
        if late or len(self._path) > len(self.points):
            self._path = [self._piece(*point) for point in self.points]
        self._path[0] = self._path[0].replace("H", "M").replace("V", ",").replace("L", "M")

    def positive_from(self) -> float:
        """When it was more than 0 for the first time; 0 if it never was."""
        return next((at for at, value in self.points if value > 0), 0.0)

    def zero_since(self) -> float | None:
        """Since when it has been 0 without a break, having been more; else None."""
        since = None
        for at, value in reversed(self.points):
            if value:
                return since
            since = at
        return None

    def _piece(self, at: float, value: float) -> str:
        x = round(at * PATH_SECOND)
        return f"H{x}V{value:g}" if self.step else f"L{x},{value:g}"


def _thinned(points: Sequence[tuple[float, float]], most: int) -> list[tuple[float, float]]:
    """At most so many of the points: the first, the last, and what stands out in each stretch of time."""
    first, last = points[0], points[-1]
    stretches = most // 2 - 1
    width = max(last[0] - first[0], 1e-9) / stretches
    kept = [first]
    for _, stretch in groupby(
        points[1:-1], key=lambda point: min(int((point[0] - first[0]) / width), stretches - 1)
    ):
        inside = list(stretch)
        kept += sorted({min(inside, key=itemgetter(1)), max(inside, key=itemgetter(1))})
    return [*kept, last]


@dataclass(frozen=True)
class Line:
    """One metric in a panel.

    Args:
        metric: as in `Sample`.
        label: written at the line's end.
        limit: it is what others must not exceed: dashed, and in force until it changes.
        filled: the space below it is tinted.
    """

    metric: str
    label: str
    colour: str
    step: bool = False
    limit: bool = False
    filled: bool = False


@dataclass(frozen=True)
class Panel:
    """Lines on one scale.

    Args:
        title: what is measured.
        says: the finding in one clause, from the series by metric.
    """

    title: str
    lines: tuple[Line, ...]
    says: Callable[[Mapping[str, Series]], str]

    def seen(self, series: Mapping[str, Series]) -> list[Line]:
        """The lines of which something is known."""
        return [line for line in self.lines if series[line.metric].points]

    def top(self, series: Mapping[str, Series]) -> float:
        """Where its axis of values ends."""
        return axis_top(max(series[line.metric].peak for line in self.lines))


def collect(
    samples: Iterable[Sample], panels: Sequence[Panel], into: dict[str, Series] | None = None
) -> dict[str, Series]:
    """The samples as one series for each line of the panels; what no line asks for is left out."""
    series = into or {line.metric: Series(step=line.step) for panel in panels for line in panel.lines}
    for sample in samples:
        if sample.metric in series:
            series[sample.metric].add(sample.at, sample.value)
    return series


def findings(panels: Sequence[Panel], series: Mapping[str, Series]) -> list[str]:
    """What the panels say: first the title, then what stands below it in smaller letters, if anything."""
    if not any(each.points for each in series.values()):
        return ["Nothing observed yet"]
    first, *rest = (panel.says(series) for panel in panels)
    return [first, "; ".join(rest)] if rest else [first]


def details(panels: Sequence[Panel], series: Mapping[str, Series], marks: Sequence[Mark] = ()) -> str:
    """Every line's last value, its peak, and every mark, in words: for who cannot see the picture."""
    end = max((each.points[-1][0] for each in series.values() if each.points), default=0.0)
    words = [", ".join(_told(line, series[line.metric]) for line in panel.seen(series)) for panel in panels]
    words += [f"{label} at {at:.0f} s" for at, label in marks]
    return f"After {end:.0f} s: {'; '.join(each for each in words if each) or 'nothing'}."


def _told(line: Line, series: Series) -> str:
    peak = f" (peak {number(series.peak)})" if series.peak > series.last and not line.limit else ""
    return f"{line.label} {number(series.last)}{peak}"


def number(value: float) -> str:
    """``1,234``; a value that is not whole keeps one decimal."""
    return f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.1f}"


def _queue_says(series: Mapping[str, Series]) -> str:
    waiting, in_flight = series["visible"], series["in_flight"]
    if not waiting.peak:
        return "Nothing had to wait in the queue"
    since = waiting.zero_since()
    if since is None or in_flight.last:
        return f"{number(waiting.last)} waiting in the queue, {number(in_flight.last)} in flight"
    absorbed = f"The queue absorbed {number(waiting.peak)}; "
    seconds = f"{max(since, in_flight.zero_since() or 0) - waiting.positive_from():.0f} s"
    running, limit = (series[metric].peak if metric in series else 0 for metric in ("concurrency", "limit"))
    if not running:
        return f"{absorbed}it was empty after {seconds}"
    changed = running != limit or len({value for _, value in series["limit"].points}) > 1
    at_a_time = f"{'up to ' if changed else ''}{counted(int(running), 'invocation')} at a time"
    return f"{absorbed}{at_a_time} drained it in {seconds}"


def _concurrency_says(series: Mapping[str, Series]) -> str:
    running, limits = series["concurrency"], [value for _, value in series["limit"].points]
    peak = counted(int(running.peak), "invocation")
    changes = ", then ".join(number(value) for value, _ in groupby(limits))
    if limits and running.peak > max(limits):
        return f"{peak} at once, above the limit of {changes}"
    return f"Never more than {peak} at once" + (f" (limit {changes})" if limits else "")


def _counts_say(series: Mapping[str, Series]) -> str:
    stored, twice, dead = (int(series[metric].last) for metric in ("stored", "duplicates", "dlq"))
    said = [f"{stored:,} stored", f"{dead or 'none'} dead"]
    if twice:
        said.insert(1, counted(twice, "duplicate"))
    return ", ".join(said)


DEPTH = Panel(
    "messages in the queue",
    (
        Line("visible", "waiting", BLUE, filled=True),
        Line("in_flight", "in flight", ORANGE),
    ),
    _queue_says,
)
CONCURRENCY = Panel(
    "invocations at once",
    (
        Line("concurrency", "running", ORANGE, step=True, filled=True),
        Line("limit", "limit", INK, step=True, limit=True),
    ),
    _concurrency_says,
)
STORED, DEAD = Line("stored", "stored", GREEN, filled=True), Line("dlq", "dead", INK)
COUNTS = Panel(
    "deliveries so far",
    (
        STORED,
        Line("duplicates", "duplicates", PURPLE),
        DEAD,
    ),
    _counts_say,
)
RUN = (DEPTH, CONCURRENCY, COUNTS)
"""What a run looks like from outside: the queue, the throttle, and what became of the deliveries."""
