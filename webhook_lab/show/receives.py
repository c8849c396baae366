"""Receives against invocations: what SQS gave out, and what came to a function, one column a message."""

from collections.abc import Iterable

from webhook_lab.show.card import counted
from webhook_lab.show.chart import Chart, blank, style, write
from webhook_lab.show.live_svg import axis_top
from webhook_lab.show.theme import BLUE, INK, LIGHT, ORANGE, Theme
from webhook_lab.watch.rows import Fate

_GAP = 0.012  # of the axis, between those that ran and those that did not


def receives_chart(fates: Iterable[Fate], *, theme: Theme = LIGHT) -> Chart:
    """Upwards the receives of each message, downwards its invocations; those that never ran to the right."""
    columns = sorted(fates, key=lambda each: (each.never_ran, each.place == "dlq", each.receives))
    never = sum(each.never_ran for each in columns)
    most = max((each.receives for each in columns), default=0)
    total, gap = counted(len(columns), "message"), _GAP * max(len(columns), 1) if never else 0.0
    if never:
        least = min(each.receives for each in columns if each.never_ran)
        times = f"{least} times" if least == most else f"{least} times or more"
        says = (
            f"{never} of {total} died without having run",
            f"Each of them was received {times}, and no function ever saw it",
        )
    else:
        says = (
            f"Every one of {total} ran" if columns else "No message",
            f"None was received more than {'once' if most <= 1 else f'{most} times'}",
        )
    left = len(columns) - never
    places = [i + (gap if i >= left else 0) for i in range(len(columns))]
    figure, (above, below) = blank(says, heights=(150.0, 84.0), theme=theme, left=46, right=24)
    end, deepest = max(len(columns), 1) + gap, max((each.invocations for each in columns), default=0)
    style(above, "receives of each message, by SQS's count", theme, end=end, top=axis_top(most), below=None)
    style(below, "invocations with it, by the log", theme, end=end, top=axis_top(deepest), below="messages")
    below.set_ylim(axis_top(deepest), 0)
    below.spines["bottom"].set_visible(False)
    for axis, heights, colour in (
        (above, [each.receives for each in columns], BLUE),
        (below, [each.invocations for each in columns], ORANGE),
    ):
        axis.bar(places, heights, width=1.0, align="edge", color=theme.mixed(colour), linewidth=0)
    if never:
        below.axvspan(left + gap, end, facecolor=theme.ink, alpha=0.08, linewidth=0)
        write(below, (left + gap + never / 2, 0.5), "never ran", INK, theme, align="center")
    died = sum(each.place == "dlq" for each in columns)
    summary = (
        f"{sum(each.receives for each in columns):,} receives, {sum(each.invocations for each in columns):,} "
        f"of them worked on; {sum(each.place == 'table' for each in columns):,} stored, {died or 'none'} in "
        f"the dead-letter queue, {never or 'none'} of these without having run."
    )
    return Chart(figure, says, summary)
