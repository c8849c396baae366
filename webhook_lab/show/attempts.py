"""What was tried on each message and when: one row a message, a bar an attempt, a line while it is hidden."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from webhook_lab.show.card import counted
from webhook_lab.show.chart import WIDTH, Chart, blank, draw_marks, style, write
from webhook_lab.show.gantt import OUTCOMES, rows_of
from webhook_lab.show.series import Mark
from webhook_lab.show.theme import BLUE, INK, LIGHT, ORANGE, Theme
from webhook_lab.watch.concurrency import peak
from webhook_lab.watch.history import CUT
from webhook_lab.watch.rows import Work

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_LANE = 24.0  # pixels
_LEFT, _RIGHT = 86, 230
_NARROWEST = 5 / (WIDTH - _LEFT - _RIGHT)  # of the axis: an attempt of some milliseconds is seen too
_COLOURS = {**OUTCOMES, CUT: ORANGE}
_AGAIN = ("redelivered", "duplicate")


def attempts_chart(
    attempts: Iterable[Work],
    labels: Mapping[str, str],
    *,
    visibility_timeout: float,
    dead: Mapping[str, int] | None = None,
    marks: Sequence[Mark] = (),
    theme: Theme = LIGHT,
) -> Chart:
    """The attempts at each message, with the time for which SQS hid it after each one that did not end it.

    A message that is worked on twice at once gets two lanes.

    Args:
        labels: what each message is called, by its id, in the order of the rows; others are left out.
        visibility_timeout: seconds, counted from about the start of an attempt.
        dead: when each message was first seen in the dead-letter queue, in epoch milliseconds.
        marks: what was done meanwhile, in seconds after the first attempt.
    """
    dead = dead or {}
    rows: dict[str, list[Work]] = {message_id: [] for message_id in labels}
    for each in sorted(attempts, key=lambda each: each.started_at):
        if each.message_id in rows:
            rows[each.message_id].append(each)
    known = [each for works in rows.values() for each in works]
    zero = min((each.started_at for each in known), default=0)
    hidden = round(visibility_timeout * 1000)
    received: dict[str, int] = {}  # about when: as the first of its batch was begun
    for each in known:
        received[each.request_id] = min(each.started_at, received.get(each.request_id, each.started_at))
    ends = [each.finished_at for each in known] + [dead[id_] for id_ in rows if id_ in dead]
    ends += [works[-1].started_at + hidden for works in rows.values() if works and _comes_back(works[-1])]
    end = max((max(ends, default=zero) - zero) / 1000, *(at for at, _ in marks), 0.1)
    says = _findings(rows, labels, dead)
    lanes = {id_: max(1, 1 + max(rows_of(works).values(), default=0)) for id_, works in rows.items()}
    heights = (_LANE * max(2, sum(lanes.values())),)
    figure, (axis,) = blank(says, heights=heights, theme=theme, left=_LEFT, right=_RIGHT)
    style(axis, "attempts, and by a line how long SQS hid the message", theme, end=end, top=1)
    axis.set(ylim=(max(2, sum(lanes.values())), 0), yticks=[])
    top, tell = 0, f"{visibility_timeout:g} s"
    for id_, works in rows.items():
        middle = top + lanes[id_] / 2
        write(axis, (0, middle), labels[id_], INK, theme, move=(-8, 0), align="right")
        lane = rows_of(works)
        nexts = [*(each.started_at for each in works[1:]), dead.get(id_)] if works else []
        for each, next_at in zip(works, nexts, strict=True):
            y = top + lane[each.request_id] + 0.5
            _draw(axis, each, (each.started_at - zero) / 1000, y, end, theme)
            if each is works[-1] and not _comes_back(each):
                continue
            start = received[each.request_id]
            back, outlasts = start + hidden, each.finished_at - each.started_at > hidden
            if next_at is not None and not outlasts:
                back = min(back, next_at)  # a cold start delays what a log tells: it was received before that
            span = (start - zero) / 1000, (back - zero) / 1000
            _draw_hidden(axis, span, y, tell, theme, inside=outlasts)
            tell = ""
        if id_ in dead:
            at, color = (dead[id_] - zero) / 1000, theme.mixed(BLUE)
            axis.plot([at], [middle], "D", ms=7, color=color, clip_on=False, zorder=4)
        top += lanes[id_]
    _tell_ends(axis, rows, lanes, dead, end, theme)
    draw_marks([axis], marks, theme)
    return Chart(figure, says, _summary(rows, labels, dead, end))


def _comes_back(each: Work) -> bool:
    return each.outcome in ("failed", CUT)


def _draw(axis: "Axes", each: Work, start: float, y: float, end: float, theme: Theme) -> None:
    colour = theme.mixed(_COLOURS.get(each.outcome, INK))
    wide = max((each.finished_at - each.started_at) / 1000, _NARROWEST * end)
    cut = each.outcome == CUT
    axis.broken_barh(
        [(start, wide)], (y - 0.32, 0.64), facecolor=(colour, 0.25) if cut else colour, edgecolor=colour,
        lw=0.8, ls=":" if cut else "-", zorder=3, clip_on=False,
    )  # fmt: skip


def _draw_hidden(
    axis: "Axes", span: tuple[float, float], y: float, words: str, theme: Theme, *, inside: bool
) -> None:
    """For how long SQS hid the message, over the attempt itself where that took longer."""
    ink, alpha, order = (theme.paper, 1.0, 4.0) if inside else (theme.ink, 0.45, 2.0)
    axis.plot(span, (y, y), color=ink, alpha=alpha, lw=1.2, zorder=order, marker="|", markevery=[1], ms=7)
    if words and inside:
        axis.annotate(words, (span[1], y), (6, 0), textcoords="offset points", va="center", size=8, color=ink,
                      zorder=order)  # fmt: skip
    elif words:
        box = {"facecolor": theme.paper, "edgecolor": "none", "pad": 1.5}
        axis.text(sum(span) / 2, y, words, ha="center", va="center", size=8, color=ink, bbox=box, zorder=3)


def _ending(works: Sequence[Work], dead: bool) -> str:
    counts = Counter(each.outcome for each in works)
    words = ", ".join(f"{outcome} {count}" for outcome, count in counts.items())
    return (words or "not tried") + (", in the DLQ" if dead else "")


def _tell_ends(
    axis: "Axes",
    rows: Mapping[str, Sequence[Work]],
    lanes: Mapping[str, int],
    dead: Mapping[str, int],
    end: float,
    theme: Theme,
) -> None:
    """What became of each message, beside its row; once for rows in a row of which the same is true."""
    top = 0
    for words, group in groupby(rows, key=lambda id_: _ending(rows[id_], id_ in dead)):
        ids = list(group)
        tall = sum(lanes[id_] for id_ in ids)
        last = rows[ids[0]][-1].outcome if rows[ids[0]] else ""
        colour = BLUE if ids[0] in dead else _COLOURS.get(last, INK)
        each = f"each {words}" if len(ids) > 1 else words
        write(axis, (end, top + tall / 2), each, colour, theme, move=(10, 0))
        top += tall


def _findings(
    rows: Mapping[str, Sequence[Work]], labels: Mapping[str, str], dead: Mapping[str, int]
) -> tuple[str, ...]:
    says = []
    failed = {id_: sum(map(_comes_back, works)) for id_, works in rows.items()}
    worst = max(failed, key=lambda id_: failed[id_], default="")
    twice = [id_ for id_, works in rows.items() if peak(works) > 1]
    if worst and failed[worst]:
        cut = all(each.outcome == CUT for each in rows[worst] if _comes_back(each))
        times = "once" if failed[worst] == 1 else f"{failed[worst]} times"
        then = ", then lay in the dead-letter queue" if worst in dead else ""
        says.append(f"{labels[worst].capitalize()} {'was cut off' if cut else 'failed'} {times}{then}")
    if twice:
        stored = sum(each.outcome == "stored" for each in rows[twice[0]])
        once = "stored once" if stored == 1 else f"stored {stored} times"
        says.append(
            f"{labels[twice[0]].capitalize()} was worked on by {peak(rows[twice[0]])} at once, {once}"
        )
    again = [
        id_ for id_, works in rows.items() if id_ not in twice and any(w.outcome in _AGAIN for w in works)
    ]
    if again:
        were = "was stored and run" if len(again) == 1 else "were stored and run"
        says.append(f"{counted(len(again), 'message')} {were} again all the same")
    if not any(rows.values()):
        says = ["Nothing was tried yet"]
    return tuple(says[:2]) or (f"{counted(len(rows), 'message')}, and none failed",)


def _summary(
    rows: Mapping[str, Sequence[Work]], labels: Mapping[str, str], dead: Mapping[str, int], end: float
) -> str:
    told = []
    for words, group in groupby(rows, key=lambda id_: _ending(rows[id_], id_ in dead)):
        ids = list(group)
        names = labels[ids[0]] if len(ids) == 1 else f"{labels[ids[0]]} to {labels[ids[-1]]}"
        told.append(f"{names}: {words}")
    return f"{end:.1f} s; {'; '.join(told) or 'no message'}."
