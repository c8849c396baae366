"""Still charts of a run: pure functions from rows to a `Chart` whose title says what was found."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from webhook_lab.show.axes import axis_top, spread
from webhook_lab.show.beside import Curve, write_names
from webhook_lab.show.card import counted
from webhook_lab.show.chart import Chart, Drawing
from webhook_lab.show.series import Line, Mark, Panel, Series, details, findings, number
from webhook_lab.show.theme import BLUE, GREEN, INK, ORANGE, PURPLE
from webhook_lab.watch.history import TIMEOUT, told_faults
from webhook_lab.watch.rows import Fate, Sample, Sent, Work

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BETWEEN = 0.012  # of the axis of messages: between those that ran and those that did not


def panels_chart(
    panels: Sequence[Panel],
    series: Mapping[str, Series],
    marks: Sequence[Mark] = (),
) -> Chart:
    """A run from outside, one panel below another, as it was seen live; see `collect`."""
    heights = (150.0, *[92.0] * (len(panels) - 1))
    drawing = Drawing(*findings(panels, series), heights=heights)
    lasts = [each.points[-1][0] for each in series.values() if each.points]
    end = max([*lasts, *(at for at, _ in marks)], default=1.0)
    for axis, panel, height in zip(drawing.axes, panels, heights, strict=True):
        top = panel.top(series)
        drawing.style(axis, panel.title, end=end, top=top, below="seconds" if panel is panels[-1] else None)
        drawn = panel.seen(series)
        for line in drawn:
            _draw(drawing, axis, line, series[line.metric], end)
        lasts = [series[line.metric].last for line in drawn]
        places = spread(lasts, apart=16 * top / height, low=0, high=top)
        for line, last, place in zip(drawn, lasts, places, strict=True):
            drawing.write(axis, (end, place), f"{line.label} {number(last)}", line.colour, move=(7, 0))
    drawing.marks(marks)
    return drawing.chart(details(panels, series, marks))


def prediction_chart(
    samples: Iterable[Sample],
    expected: Sequence[tuple[float, float]],
    *,
    took: float,
    marks: Sequence[Mark] = (),
    left: int = 0,
) -> Chart:
    """What was predicted of a drain, and what was measured.

    Args:
        expected: seconds, and how many messages the queue still holds then, with straight lines between,
            from the burst to the predicted end of the drain.
        took: seconds that the drain took.
        left: messages that had not come out when the watching was stopped.
    """
    held = _held(samples)
    began, ends = expected[0][0], expected[-1][0]
    predicted, drained = ends - began, held.zero_since()
    more = took / predicted - 1
    off = f"{abs(more):.1%} {'more' if more > 0 else 'less'}"
    says = f"Predicted {predicted:.1f} s, took {took:.1f} s: {off}"
    if left:
        says = f"Predicted {predicted:.1f} s; stopped after {took:.1f} s, with {left:,} not out yet"
    drawing = Drawing(says, heights=(220,), right=30)
    (axis,) = drawing.axes
    end = max(ends, drained or max((at for at, _ in held.points), default=0)) * 1.05
    top = axis_top(max(held.peak, *(value for _, value in expected)))
    drawing.style(axis, "messages that the queue holds, waiting or in flight", end=end, top=top)
    _draw(drawing, axis, Line("", "", BLUE, filled=True), held, end)
    axis.plot(*zip(*expected, strict=True), color=drawing.theme.ink, lw=1.6, dashes=(4, 3))
    curves = [Curve(expected, began + predicted * 0.4, "predicted", INK)]
    if held.points:
        curves.append(Curve(held.points, _half_way_down(held), "measured", BLUE))
        curves.sort(key=lambda curve: curve.at / predicted + curve.height(curve.at) / top)
    write_names(drawing, axis, curves)
    drawing.marks(marks)
    return drawing.chart(f"The queue held {counted(int(held.peak), 'message')} at most.")


def latency_chart(sent: Iterable[Sent], work: Iterable[Work]) -> Chart:
    """For each delivery, how long its sender waited for the answer, and how long until it was stored."""
    deliveries = list(enumerate(sorted(sent, key=lambda each: each.sent_at), 1))
    finished = {each.id: each.finished_at for each in work if each.outcome == "stored"}
    answered = [(n, each.milliseconds / 1000) for n, each in deliveries if each.status]
    stored = [(n, (finished[each.id] - each.sent_at) / 1000) for n, each in deliveries if each.id in finished]
    if not answered or not stored:
        says = "Nothing answered yet" if not answered else "Nothing stored yet"
    else:
        waited, slowest = median(seconds for _, seconds in answered), max(seconds for _, seconds in stored)
        says = f"Answered in {waited * 1000:,.0f} ms (median); stored within {slowest:.1f} s"
    drawing = Drawing(says, heights=(200,))
    (axis,) = drawing.axes
    top = axis_top(max((seconds for _, seconds in (*answered, *stored)), default=1))
    end, order = len(deliveries) + 0.5, "deliveries, in the order sent"
    drawing.style(axis, "seconds since a delivery was sent", end=end, top=top, below=order)
    for points, words, colour in ((answered, "answered", PURPLE), (stored, "stored", GREEN)):
        if points:
            color = drawing.theme.mixed(colour)
            axis.plot(*zip(*points, strict=True), "o", ms=3.5, color=color, clip_on=False, zorder=3)
            drawing.write(axis, (end, points[-1][1]), words, colour, move=(7, 0))
    return drawing.chart(
        f"{len(answered):,} of {len(deliveries):,} deliveries answered, {len(stored):,} stored."
    )


def receives_chart(fates: Iterable[Fate], failed: Mapping[str, int] | None = None) -> Chart:
    """Upwards the receives of each message, downwards its invocations; those that never ran to the right.

    Args:
        failed: `History.failed`; a function that could not begin, or whose process died, is no over-pull.
    """
    broken = {error: times for error, times in (failed or {}).items() if error != TIMEOUT}
    columns = sorted(fates, key=lambda each: (each.never_ran, each.place == "dlq", each.receives))
    receives, runs = [each.receives for each in columns], [each.invocations for each in columns]
    left = sum(not each.never_ran for each in columns)
    never, most, deepest = len(columns) - left, max(receives, default=0), max(runs, default=0)
    total, gap = counted(len(columns), "message"), _BETWEEN * len(columns) if never else 0.0
    if never:
        least = min(receives[left:])
        times = f"{least} times" if least == most else f"{least} times or more"
        says = (
            f"{never} of {total} died without having run",
            f"Each of them was received {times}, "
            + (f"and invocations failed: {told_faults(broken)}" if broken else "and no function ever saw it"),
        )
    else:
        says = (
            f"Every one of {total} ran" if columns else "No message",
            f"None was received more than {'once' if most <= 1 else f'{most} times'}",
        )
    drawing = Drawing(*says, heights=(150, 84), right=24)
    above, below = drawing.axes
    end, places = max(len(columns), 1) + gap, [i + (gap if i >= left else 0) for i in range(len(columns))]
    drawing.style(above, "receives of each message, by SQS's count", end=end, top=axis_top(most), below=None)
    drawing.style(below, "invocations with it, by the log", end=end, top=axis_top(deepest), below="messages")
    below.set_ylim(axis_top(deepest), 0)
    below.spines["bottom"].set_visible(False)
    for axis, heights, colour in ((above, receives, BLUE), (below, runs, ORANGE)):
        axis.bar(places, heights, width=1, align="edge", color=drawing.theme.mixed(colour), linewidth=0)
    if never:
        below.axvspan(left + gap, end, facecolor=drawing.theme.ink, alpha=0.08, linewidth=0)
        drawing.write(below, (left + gap + never / 2, 0.5), "never ran", align="center")
    stored, died = (sum(each.place == place for each in columns) for place in ("table", "dlq"))
    return drawing.chart(
        f"{sum(receives):,} receives, {sum(runs):,} of them worked on; {stored:,} stored, "
        f"{died or 'none'} in the dead-letter queue, {never or 'none'} of these without having run."
    )


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


def _half_way_down(held: Series) -> float:
    """When a queue that drains holds half of its peak for the last time."""
    return next((at for at, value in reversed(held.points) if value >= held.peak / 2), held.points[0][0])


def _draw(drawing: Drawing, axis: "Axes", line: Line, series: Series, end: float) -> None:
    points = [point for point in series.points if point[0] <= end]
    if line.limit and points:
        points.append((end, series.last))
    if not points:
        return
    at, values = zip(*points, strict=True)
    colour = drawing.theme.mixed(line.colour)
    if line.filled:
        axis.fill_between(at, values, step="post" if line.step else None, color=colour, alpha=0.16, lw=0)
    axis.plot(
        at, values, color=colour, clip_on=False, drawstyle="steps-post" if line.step else "default",
        lw=1.4 if line.colour == INK else 2, ls=(0, (4, 3)) if line.limit else "-",
    )  # fmt: skip
