"""Still charts of a run: pure functions from rows to a `Chart` whose title says what was found."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from webhook_lab.show.card import counted
from webhook_lab.show.chart import Chart, blank, draw_marks, style, write
from webhook_lab.show.live_svg import axis_top, spread
from webhook_lab.show.series import RUN, Line, Mark, Panel, Series, collect, details, findings, number
from webhook_lab.show.theme import BLUE, GREEN, INK, LIGHT, PURPLE, Theme
from webhook_lab.watch.rows import Sample, Sent, Work

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def run_chart(
    samples: Iterable[Sample],
    *,
    panels: Sequence[Panel] = RUN,
    marks: Sequence[Mark] = (),
    theme: Theme = LIGHT,
) -> Chart:
    """A run from outside: how deep the queue is, below that the concurrency, below that what was stored."""
    return panels_chart(panels, collect(samples, panels), marks=marks, theme=theme)


def panels_chart(
    panels: Sequence[Panel],
    series: Mapping[str, Series],
    *,
    marks: Sequence[Mark] = (),
    theme: Theme = LIGHT,
) -> Chart:
    """`run_chart` of samples that are collected already."""
    says = tuple(findings(panels, series))
    heights = (150.0, *[92.0] * (len(panels) - 1))
    figure, axes = blank(says, heights=heights, theme=theme)
    end = max((each.points[-1][0] for each in series.values() if each.points), default=1.0)
    for axis, panel, height in zip(axes, panels, heights, strict=True):
        top = axis_top(max(series[line.metric].peak for line in panel.lines))
        style(axis, panel.title, theme, end=end, top=top, below="seconds" if panel is panels[-1] else None)
        drawn = [line for line in panel.lines if series[line.metric].points]
        for line in drawn:
            _draw(axis, line, series[line.metric], end, theme)
        lasts = [series[line.metric].last for line in drawn]
        places = spread(lasts, apart=16 * top / height, low=0, high=top)
        for line, last, place in zip(drawn, lasts, places, strict=True):
            write(axis, (end, place), f"{line.label} {number(last)}", line.colour, theme, move=(7, 0))
    draw_marks(axes, marks, theme)
    return Chart(figure, says, details(panels, series, marks))


def prediction_chart(
    samples: Iterable[Sample],
    expected: Sequence[tuple[float, float]],
    *,
    took: float | None = None,
    marks: Sequence[Mark] = (),
    theme: Theme = LIGHT,
) -> Chart:
    """What was predicted of a drain, and what was measured.

    Args:
        expected: seconds, and how many messages the queue still holds then, with straight lines between,
            from the burst to the predicted end of the drain.
        took: seconds that the drain took, where they are known better than from when samples were taken.
    """
    held = _held(samples)
    began, ends = expected[0][0], expected[-1][0]
    predicted, drained = ends - began, held.zero_since()
    if took is None and drained is not None:
        took = drained - held.positive_from()
    if took is None:
        says = f"Predicted {predicted:.1f} s; {counted(int(held.last), 'message')} not drained yet"
    else:
        more = took / predicted - 1
        off = f"{abs(more):.1%} {'more' if more > 0 else 'less'}"
        says = f"Predicted {predicted:.1f} s, took {took:.1f} s: {off}"
    figure, (axis,) = blank([says], heights=(220,), theme=theme, right=30)
    end = max(ends, drained or max((at for at, _ in held.points), default=0)) * 1.05
    top = axis_top(max(held.peak, *(value for _, value in expected)))
    style(axis, "messages that the queue holds, waiting or in flight", theme, end=end, top=top)
    _draw(axis, Line("", "", BLUE, filled=True), held, end, theme)
    axis.plot(*zip(*expected, strict=True), color=theme.ink, lw=1.6, dashes=(4, 3))
    x = began + predicted * 0.4
    lines = [(_value_at(expected, x), "predicted", INK)]
    if held.points:
        lines.append((_value_at(held.points, x), "measured", BLUE))
    write(axis, (x, max(lines)[0]), *max(lines)[1:], theme, move=(6, 12))
    if len(lines) > 1:
        write(axis, (x, min(lines)[0]), *min(lines)[1:], theme, move=(-6, -12), align="right")
    draw_marks([axis], marks, theme)
    return Chart(figure, (says,), f"The queue held {counted(int(held.peak), 'message')} at most.")


def latency_chart(sent: Iterable[Sent], work: Iterable[Work], *, theme: Theme = LIGHT) -> Chart:
    """For each delivery, how long its sender waited for the answer, and how long until it was stored."""
    deliveries = sorted(sent, key=lambda each: each.sent_at)
    finished = {each.id: each.finished_at for each in work if each.outcome == "stored"}
    answered = [(n, each.milliseconds / 1000) for n, each in enumerate(deliveries, 1) if each.status]
    stored = [
        (n, (finished[each.id] - each.sent_at) / 1000)
        for n, each in enumerate(deliveries, 1)
        if each.id in finished
    ]
    if not answered or not stored:
        says = "Nothing answered yet" if not answered else "Nothing stored yet"
    else:
        waited, slowest = median(seconds for _, seconds in answered), max(seconds for _, seconds in stored)
        says = f"Answered in {waited * 1000:,.0f} ms (median); stored within {slowest:.1f} s"
    figure, (axis,) = blank([says], heights=(200,), theme=theme)
    top = axis_top(max((seconds for _, seconds in (*answered, *stored)), default=1))
    end, order = len(deliveries) + 0.5, "deliveries, in the order sent"
    style(axis, "seconds since a delivery was sent", theme, end=end, top=top, below=order)
    for points, words, colour in ((answered, "answered", PURPLE), (stored, "stored", GREEN)):
        if points:
            color = theme.mixed(colour)
            axis.plot(*zip(*points, strict=True), "o", ms=3.5, color=color, clip_on=False, zorder=3)
            write(axis, (end, points[-1][1]), words, colour, theme, move=(7, 0))
    summary = f"{len(answered):,} of {len(deliveries):,} deliveries answered, {len(stored):,} stored."
    return Chart(figure, (says,), summary)


def _held(samples: Iterable[Sample]) -> Series:
    """What the queue holds, waiting and in flight together, wherever both were sampled."""
    at: dict[float, dict[str, float]] = {}
    for sample in samples:
        if sample.metric in ("visible", "in_flight"):
            at.setdefault(sample.at, {})[sample.metric] = sample.value
    held = Series()
    for when, values in sorted(at.items()):
        if len(values) == 2:
            held.add(when, sum(values.values()))
    return held


def _value_at(points: Sequence[tuple[float, float]], x: float) -> float:
    """The height of a line at `x`, straight between its points."""
    for (left, low), (right, high) in pairwise(points):
        if left <= x <= right and right > left:
            return low + (high - low) * (x - left) / (right - left)
    return points[-1][1] if points else 0.0


def _draw(axis: "Axes", line: Line, series: Series, end: float, theme: Theme) -> None:
    points = [point for point in series.points if point[0] <= end]
    if line.limit and points:
        points.append((end, series.last))
    if not points:
        return
    at, values = zip(*points, strict=True)
    colour = theme.mixed(line.colour)
    if line.filled:
        axis.fill_between(at, values, step="post" if line.step else None, color=colour, alpha=0.16, lw=0)
    axis.plot(
        at, values, color=colour, clip_on=False, drawstyle="steps-post" if line.step else "default",
        lw=1.4 if line.colour == INK else 2, ls=(0, (4, 3)) if line.limit else "-",
    )  # fmt: skip
