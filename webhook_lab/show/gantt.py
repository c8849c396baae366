"""What each invocation did and when, as bars on one axis of time: as many rows as ever ran at once."""

from collections import Counter
from collections.abc import Iterable, Sequence

from webhook_lab.show.card import counted
from webhook_lab.show.chart import Chart, blank, draw_marks, style, write
from webhook_lab.show.series import Mark
from webhook_lab.show.theme import BLUE, GREEN, INK, LIGHT, ORANGE, PURPLE, Theme
from webhook_lab.watch.rows import Invocation, Work

OUTCOMES = {"stored": GREEN, "duplicate": PURPLE, "redelivered": PURPLE, "conflict": BLUE, "failed": INK}
"""The colour of each outcome of a record."""
_ROW = 34.0  # pixels


def timeline_chart(
    invocations: Iterable[Invocation],
    work: Iterable[Work] = (),
    *,
    began: int | None = None,
    marks: Sequence[Mark] = (),
    theme: Theme = LIGHT,
) -> Chart:
    """Each invocation as a bar from start to finish, its records inside. An open end: it has not finished.

    Args:
        began: epoch milliseconds at which the axis of time starts; by default when the first invocation does.
    """
    bars = sorted(invocations, key=lambda each: (each.started_at, each.request_id))
    zero = began if began is not None else min((each.started_at for each in bars), default=0)
    last = max((each.finished_at or each.started_at for each in bars), default=zero)
    blocks = sorted(work, key=lambda each: each.started_at)
    last = max((last, *(each.finished_at for each in blocks)))
    row = rows_of(bars)
    rows = 1 + max(row.values(), default=-1)
    outcomes = Counter(each.outcome for each in blocks)
    says = counted(len(bars), "invocation").capitalize() + (
        f", never more than {rows} at once" if bars else ""
    )
    figure, (axis,) = blank([says], heights=(_ROW * max(rows, 2),), theme=theme, left=14, right=126)
    seconds = max((last - zero) / 1000, 0.1)
    style(axis, "a row never holds two at once; in each invocation, its records", theme, end=seconds, top=1)
    axis.set(ylim=(max(rows, 2), 0), yticks=[])

    def span(start: int, finish: int | None) -> tuple[float, float]:
        return (start - zero) / 1000, ((finish or last) - start) / 1000

    orange = theme.mixed(ORANGE)
    for each in bars:
        axis.broken_barh(
            [span(each.started_at, each.finished_at)], (row[each.request_id] + 0.08, 0.84),
            facecolor=(orange, 0.25), edgecolor=orange, lw=0.8, ls="-" if each.finished_at else ":",
        )  # fmt: skip
    labels = [(f"invocations {len(bars):,}", ORANGE)]
    for outcome, count in outcomes.most_common():
        colour = OUTCOMES.get(outcome, INK)
        labels.append((f"{outcome} {count:,}", colour))
        for place in range(rows):
            spans = [
                span(each.started_at, each.finished_at)
                for each in blocks
                if each.outcome == outcome and row.get(each.request_id) == place
            ]
            fill, edge = theme.mixed(colour), 0.8 if len(blocks) <= 300 else 0  # among many, edges hide all
            axis.broken_barh(spans, (place + 0.22, 0.56), facecolor=fill, edgecolor=theme.paper, lw=edge)
    for i, (words, colour) in enumerate(labels):
        write(axis, (seconds, 0), words, colour, theme, move=(7, -7 - 12 * i))
    draw_marks([axis], marks, theme)
    records = ", ".join(words for words, _ in labels[1:]) or "no record finished"
    return Chart(figure, (says,), f"{seconds:.1f} s from the first to the last; {records}.")


def rows_of(bars: Sequence[Invocation | Work]) -> dict[str, int]:
    """The first free row for each, by request id; they come in the order in which they start."""
    free_at: list[float] = []
    row: dict[str, int] = {}
    for each in bars:
        finish = float("inf") if each.finished_at is None else each.finished_at
        place = next((i for i, at in enumerate(free_at) if at <= each.started_at), len(free_at))
        free_at[place : place + 1] = [finish]
        row[each.request_id] = place
    return row
