"""What ran when, as bars on one axis of time: each invocation, or each attempt at a message."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from webhook_lab.show.card import counted
from webhook_lab.show.chart import Chart, Drawing
from webhook_lab.show.series import Mark
from webhook_lab.show.size import WIDTH
from webhook_lab.show.theme import BLUE, GREEN, INK, ORANGE, PURPLE
from webhook_lab.watch.concurrency import peak
from webhook_lab.watch.history import CUT
from webhook_lab.watch.rows import Invocation, Work

_COLOURS = {
    "stored": GREEN, "duplicate": PURPLE, "redelivered": PURPLE, "conflict": BLUE, "failed": INK, CUT: ORANGE,
}  # fmt: skip
_ROW, _LANE = 34, 24  # pixels: for an invocation, for an attempt
_LEFT, _RIGHT = 104, 276  # pixels, beside attempts
_NARROWEST = 5 / (WIDTH - _LEFT - _RIGHT)  # of the axis: an attempt of some milliseconds is seen too


def timeline_chart(
    invocations: Iterable[Invocation],
    work: Iterable[Work] = (),
    *,
    began: int,
    marks: Sequence[Mark] = (),
) -> Chart:
    """Each invocation as a bar from start to finish, its records inside. An open end: it has not finished.

    Args:
        began: epoch milliseconds at which the axis of time starts.
    """
    bars = sorted(invocations, key=lambda each: (each.started_at, each.request_id))
    blocks = sorted(work, key=lambda each: each.started_at)
    ran: list[Invocation | Work] = [*bars, *blocks]
    last = max((each.finished_at or each.started_at for each in ran), default=began)
    row = rows_of(bars)
    rows = 1 + max(row.values(), default=-1)
    says = counted(len(bars), "invocation").capitalize()
    says += f", never more than {rows} at once" if bars else ""
    drawing = Drawing(says, heights=(_ROW * max(rows, 2),), left=14, right=126)
    (axis,), theme = drawing.axes, drawing.theme
    seconds = max((last - began) / 1000, 0.1)
    drawing.style(axis, "a row never holds two at once; in each invocation, its records", end=seconds, top=1)
    axis.set(ylim=(max(rows, 2), 0), yticks=[])

    def span(each: Invocation | Work) -> tuple[float, float]:
        return (each.started_at - began) / 1000, ((each.finished_at or last) - each.started_at) / 1000

    orange = theme.mixed(ORANGE)
    for each in bars:
        axis.broken_barh(
            [span(each)], (row[each.request_id] + 0.08, 0.84), facecolor=(orange, 0.25), edgecolor=orange,
            lw=0.8, ls="-" if each.finished_at else ":",
        )  # fmt: skip
    labels = [(f"invocations {len(bars):,}", ORANGE)]
    edge = 0.8 if len(blocks) <= 300 else 0  # among many, edges hide all
    for outcome, count in Counter(each.outcome for each in blocks).most_common():
        colour = _COLOURS.get(outcome, INK)
        labels.append((f"{outcome} {count:,}", colour))
        for place in range(rows):
            spans = [
                span(each) for each in blocks
                if each.outcome == outcome and row.get(each.request_id) == place
            ]  # fmt: skip
            axis.broken_barh(
                spans, (place + 0.22, 0.56), facecolor=theme.mixed(colour), edgecolor=theme.paper, lw=edge
            )
    for i, (words, colour) in enumerate(labels):
        drawing.write(axis, (seconds, 0), words, colour, move=(7, -7 - 12 * i))
    drawing.marks(marks)
    records = ", ".join(words for words, _ in labels[1:]) or "no record finished"
    return drawing.chart(f"{seconds:.1f} s from the first to the last; {records}.")


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


def attempts_chart(
    attempts: Iterable[Work],
    labels: Mapping[str, str],
    *,
    visibility_timeout: float,
    dead: Mapping[str, int],
    marks: Sequence[Mark] = (),
) -> Chart:
    """The attempts at each message, with the time for which SQS hid it after each one that did not end it.

    A message that is worked on twice at once gets two lanes.

    Args:
        labels: what each message is called, by its id, in the order of the rows; others are left out.
        visibility_timeout: seconds, counted from about the start of an attempt.
        dead: when each message was first seen in the dead-letter queue, in epoch milliseconds.
        marks: what was done meanwhile, in seconds after the first attempt.
    """
    tried = sorted(attempts, key=lambda each: each.started_at)
    rows = [
        _Row(label, tuple(each for each in tried if each.message_id == id_), dead.get(id_))
        for id_, label in labels.items()
    ]
    known = sorted((each for row in rows for each in row.works), key=lambda each: each.started_at)
    zero, hidden = known[0].started_at if known else 0, round(visibility_timeout * 1000)
    received = {
        each.request_id: each.started_at for each in reversed(known)
    }  # about when: as its first began
    end = max(
        (max((row.ends(hidden) for row in rows), default=zero) - zero) / 1000, *(at for at, _ in marks), 0.1
    )
    high = max(2, sum(row.lanes for row in rows))
    drawing = Drawing(*_findings(rows), heights=(_LANE * high,), left=_LEFT, right=_RIGHT)
    (axis,) = drawing.axes
    drawing.style(axis, "attempts, and by a line how long SQS hid the message", end=end, top=1)
    axis.set(ylim=(high, 0), yticks=[])
    top, tell = 0, f"{visibility_timeout:g} s"
    for row in rows:
        middle, lane = top + row.lanes / 2, rows_of(row.works)
        drawing.write(axis, (0, middle), row.label, move=(-8, 0), align="right")
        for each, next_at in zip(row.works, row.nexts, strict=True):
            y = top + lane[each.request_id] + 0.5
            _draw_attempt(drawing, each, (each.started_at - zero) / 1000, y, end)
            if each is row.works[-1] and not _comes_back(each):
                continue
            start = received[each.request_id]
            back, outlasts = start + hidden, each.finished_at - each.started_at > hidden
            if next_at is not None and not outlasts:
                back = min(back, next_at)  # a cold start delays what a log tells: it was received before that
            span = (start - zero) / 1000, (back - zero) / 1000
            _draw_hidden(drawing, span, y, tell, inside=outlasts)
            tell = ""
        if row.dead_at is not None:
            at, color = (row.dead_at - zero) / 1000, drawing.theme.mixed(BLUE)
            axis.plot([at], [middle], "D", ms=7, color=color, clip_on=False, zorder=4)
        top += row.lanes
    told = _tell_ends(drawing, rows, end)
    drawing.marks(marks)
    return drawing.chart(f"{end:.1f} s; {told or 'no message'}.")


@dataclass(frozen=True)
class _Row:
    """One message, what was tried on it, and when it was first seen dead, if it was."""

    label: str
    works: tuple[Work, ...]
    dead_at: int | None

    @property
    def lanes(self) -> int:
        return 1 + max(rows_of(self.works).values(), default=0)

    @property
    def nexts(self) -> list[int | None]:
        """When it was seen again after each attempt."""
        return [*(each.started_at for each in self.works[1:]), self.dead_at][: len(self.works)]

    @property
    def ending(self) -> str:
        counts = Counter(each.outcome for each in self.works)
        words = ", ".join(f"{outcome} {count}" for outcome, count in counts.items()) or "not tried"
        return words if self.dead_at is None else f"{words}, in the DLQ"

    def ends(self, hidden: int) -> int:
        """When nothing more is known of it, in epoch milliseconds."""
        ends = [each.finished_at for each in self.works] + [self.dead_at or 0]
        return max(
            *ends, self.works[-1].started_at + hidden if self.works and _comes_back(self.works[-1]) else 0
        )


def _comes_back(each: Work) -> bool:
    return each.outcome in ("failed", CUT)


def _draw_attempt(drawing: Drawing, each: Work, start: float, y: float, end: float) -> None:
    colour, cut = drawing.theme.mixed(_COLOURS.get(each.outcome, INK)), each.outcome == CUT
    wide = max((each.finished_at - each.started_at) / 1000, _NARROWEST * end)
    drawing.axes[0].broken_barh(
        [(start, wide)], (y - 0.32, 0.64), facecolor=(colour, 0.25) if cut else colour, edgecolor=colour,
        lw=0.8, ls=":" if cut else "-", zorder=3, clip_on=False,
    )  # fmt: skip


def _draw_hidden(drawing: Drawing, span: tuple[float, float], y: float, words: str, *, inside: bool) -> None:
    """For how long SQS hid the message, over the attempt itself where that took longer."""
    (axis,), theme = drawing.axes, drawing.theme
    ink, alpha, order = (theme.paper, 1.0, 4.0) if inside else (theme.ink, 0.45, 2.0)
    axis.plot(span, (y, y), color=ink, alpha=alpha, lw=1.2, zorder=order, marker="|", markevery=[1], ms=7)
    if words and inside:
        axis.annotate(words, (span[1], y), (6, 0), textcoords="offset points", va="center", size=8, color=ink,
                      zorder=order)  # fmt: skip
    elif words:
        box = {"facecolor": theme.paper, "edgecolor": "none", "pad": 1.5}
        axis.text(sum(span) / 2, y, words, ha="center", va="center", size=8, color=ink, bbox=box, zorder=3)


def _tell_ends(drawing: Drawing, rows: Sequence[_Row], end: float) -> str:
    """What became of each message, beside its row; once for rows in a row of which the same is true."""
    top, told = 0, []
    for words, group in groupby(rows, key=lambda row: row.ending):
        first, *more = group
        tall = sum(row.lanes for row in (first, *more))
        last = first.works[-1].outcome if first.works else ""
        colour = _COLOURS.get(last, INK) if first.dead_at is None else BLUE
        at = (end, top + tall / 2)
        drawing.write(drawing.axes[0], at, f"each {words}" if more else words, colour, move=(10, 0))
        told.append(f"{first.label} to {more[-1].label}: {words}" if more else f"{first.label}: {words}")
        top += tall
    return "; ".join(told)


def _findings(rows: Sequence[_Row]) -> list[str]:
    if not any(row.works for row in rows):
        return ["Nothing was tried yet"]
    says = []
    worst = max(rows, key=lambda row: sum(map(_comes_back, row.works)))
    if failed := [each.outcome for each in worst.works if _comes_back(each)]:
        cut = set(failed) == {CUT}
        times = "once" if len(failed) == 1 else f"{len(failed)} times"
        then = ", then lay in the dead-letter queue" if worst.dead_at is not None else ""
        says.append(f"{worst.label.capitalize()} {'was cut off' if cut else 'failed'} {times}{then}")
    at_once = [row for row in rows if peak(row.works) > 1]
    for row in at_once[:1]:
        stored = sum(each.outcome == "stored" for each in row.works)
        once = "stored once" if stored == 1 else f"stored {stored} times"
        says.append(f"{row.label.capitalize()} was worked on by {peak(row.works)} at once, {once}")
    others = [{each.outcome for each in row.works} for row in rows if row not in at_once]
    again = [outcomes for outcomes in others if outcomes & {"redelivered", "duplicate"}]
    if again:
        were = "was stored and run" if len(again) == 1 else "were stored and run"
        says.append(f"{counted(len(again), 'message')} {were} again all the same")
    return says[:2] or [f"{counted(len(rows), 'message')}, and none failed"]
