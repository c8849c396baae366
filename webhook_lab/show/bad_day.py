"""A day as the one who is called at night can draw it: from log lines and the dead-letter queue alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import accumulate

from webhook_lab.show.card import counted
from webhook_lab.show.chart import Chart
from webhook_lab.show.charts import panels_chart
from webhook_lab.show.series import CONCURRENCY, DEAD, Line, Panel, Series, collect, number
from webhook_lab.show.theme import BLUE, ORANGE, PURPLE
from webhook_lab.watch.rows import Sample

Change = tuple[int, str, int]
"""When, in epoch milliseconds; which metric of the panels; and by how much it changes then."""


def samples_of(changes: Iterable[Change], *, since: int, now: int) -> list[Sample]:
    """What each metric is after each of its changes, in seconds since `since`, from 0 on and up to `now`."""
    by_metric: dict[str, list[tuple[float, int]]] = {
        line.metric: [(0.0, 0)] for panel in DAY for line in panel.lines
    }
    for at, metric, change in sorted(changes):
        by_metric[metric].append((max(at - since, 0) / 1000, change))
    for each in by_metric.values():
        each.append(((now - since) / 1000, 0))
    return [
        Sample(at, metric, value)
        for metric, each in by_metric.items()
        for (at, _), value in zip(each, accumulate(change for _, change in each), strict=True)
    ]


def day_chart(samples: Sequence[Sample]) -> Chart:
    """What arrived and was refused, what waits and is dead, and how many invocations ran at once."""
    return panels_chart(DAY, collect(samples, DAY))


def _arrivals_say(series: Mapping[str, Series]) -> str:
    points, refused = series["arrived"].points, int(series["refused"].last)
    arrived = counted(int(points[-1][1]), "request")
    last = next(at for at, value in points if value == points[-1][1])
    return f"{arrived} within {number(last)} s, {refused or 'none'} refused"


def _waiting_say(series: Mapping[str, Series]) -> str:
    waiting, dead = series["waiting"], series["dlq"].last
    since = waiting.zero_since()
    now = f"{number(waiting.last)} wait now" if since is None else f"none waits after {number(since)} s"
    return f"{number(waiting.peak)} waited at most, {now}, {number(dead) if dead else 'none'} dead"


def _running_say(series: Mapping[str, Series]) -> str:
    return f"{counted(int(series['concurrency'].peak), 'invocation')} at once"


DAY = (
    Panel(
        "requests so far",
        (
            Line("arrived", "arrived", BLUE, step=True, filled=True),
            Line("refused", "refused", PURPLE, step=True),
        ),
        _arrivals_say,
    ),
    Panel(
        "messages neither stored nor dead",
        (Line("waiting", "waiting", ORANGE, step=True, filled=True), replace(DEAD, step=True)),
        _waiting_say,
    ),
    Panel(CONCURRENCY.title, CONCURRENCY.lines[:1], _running_say),
)
"""What came, what became of it, and what ran."""
