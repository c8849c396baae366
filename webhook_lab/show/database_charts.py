"""Two pictures about connections: what each design makes of the same webhooks, and what databases allow."""

from collections.abc import Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

from webhook_lab.database.connection_limits import CLASSES, ENGINES, default_max_connections
from webhook_lab.database.outcome import Outcome
from webhook_lab.facts import connections, quotas
from webhook_lab.show.axes import tick
from webhook_lab.show.chart import Chart, Drawing
from webhook_lab.show.size import LARGER, SHOWN, WIDTH
from webhook_lab.show.theme import BLUE, GREEN, INK, ORANGE, PURPLE, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEAD, _SMALL, _HUGE = 9.5, 8.5, 24.0  # points
_LEFT, _GAP, _TALL = 40, 22, 326  # pixels: left of the columns, between them, of one of them
_ABOVE = 98  # pixels, above the columns
_ROWS = 20  # of squares, one for each webhook
_MARKERS = tuple(zip(ENGINES, "so^D", (BLUE, GREEN, INK, PURPLE), strict=True))


def designs_chart(outcomes: Sequence[Outcome]) -> Chart:
    """What each design made of the same webhooks: each of them as a square, and the connections over time.

    Args:
        outcomes: the newest of each design counts, and only those with the first one's limit.
    """
    newest = {
        (bool(each.marks), each.design): each
        for each in outcomes
        if each.limit == outcomes[0].limit and each.design.connections_each == 1
    }
    order = sorted(newest, key=lambda key: (key[0], key[1].consumers, key[1].pool, key[1].retries))
    shown = [newest[key] for key in order]
    drawing = Drawing(*_finding(shown), heights=(_TALL,), wide=SHOWN)
    drawing.axes.pop().remove()
    width = min((SHOWN - _LEFT - 8 + _GAP) / len(shown) - _GAP, 200)
    end = max(each.seconds for each in shown)
    for number, outcome in enumerate(shown):
        left = _LEFT + number * (width + _GAP)
        _draw_design(drawing, outcome, left, width, first=number == 0, end=end)
    numbers = [f"{' '.join(_name(each))}: {each.lost} of {len(each.sent)} lost" for each in shown]
    return drawing.chart(f"{'; '.join(numbers)}.")


def _finding(shown: Sequence[Outcome]) -> tuple[str, str]:
    first, queues = shown[0], [each for each in shown if each.design.consumers]
    number = f"{len(first.sent)} webhooks"
    says = f"{first.lost} of {number} lost"
    if queues and not any(each.lost for each in queues):
        says = f"A queue loses none of {number}"
        says += ", not even when the database crashes" if any(each.marks for each in queues) else ""
    return (
        says,
        f"A square is one of {number} that come at once; the database has room for {first.limit} connections",
    )


def _name(outcome: Outcome) -> tuple[str, str]:
    """In two lines."""
    design = outcome.design
    if outcome.marks:
        return "a queue," if design.consumers else "a pooler,", "database crashes"
    if design.consumers:
        return "a queue,", f"{design.consumers} consumers"
    if design.pool:
        return "a pooler of", f"{design.pool} connections"
    return ("the same,", f"{design.retries} retries") if design.retries else ("a connection", "per webhook")


def _price(outcome: Outcome) -> str:
    """What else the design's burst is remembered for."""
    if outcome.redelivered:
        return f"{outcome.redelivered} delivered again"
    if outcome.design.consumers or outcome.design.pool:
        waited = outcome.waited(0.5)
        return f"senders wait {waited / 1000:.1f} s" if waited >= 100 else f"senders wait {waited:.0f} ms"
    return f"refused {outcome.refused:,} times"


def _draw_design(
    drawing: Drawing, outcome: Outcome, left: float, width: float, *, first: bool, end: float
) -> None:
    theme = drawing.theme

    def text(right: float, down: float, words: str, size: float, colour: str = INK, **more: Any) -> None:
        drawing.words(left + right, _ABOVE + down, words, colour, size=size, va="baseline", **more)

    for line, words in enumerate(_name(outcome)):
        text(0, -4 + 18 * line, words, _HEAD, weight="bold")
    verdict = ORANGE if outcome.lost else GREEN
    text(-2, 56, str(outcome.lost), _HUGE, verdict, weight="bold")
    text(5 + 23.2 * len(str(outcome.lost)), 56, "lost", _HEAD, verdict)
    _draw_squares(drawing.place(left, _ABOVE + 74, width, 112), outcome, theme)
    below = drawing.place(left, _ABOVE + 216, width, 84)
    drawing.style(below, "", end=end, top=outcome.limit * 1.25, below=None)
    below.set_yticks([0, outcome.limit / 2, outcome.limit])
    below.set_xticks(range(tick(end), ceil(end * 0.95), tick(end)))  # none at an edge: the next is near
    below.xaxis.set_major_formatter("{x:g} s")
    below.tick_params(labelleft=first, labelbottom=True)
    if first:
        text(0, 214, "connections", _SMALL, alpha=0.8)
    at, values = zip(
        *((each.at, each.value) for each in outcome.samples if each.metric == "connections"), strict=True
    )
    below.fill_between(at, values, step="post", color=theme.mixed(GREEN), alpha=0.25, lw=0)
    below.plot(at, values, drawstyle="steps-post", color=theme.mixed(GREEN), lw=1.2)
    below.axhline(outcome.limit, color=theme.ink, lw=1.2, ls=(0, (4, 3)))
    text(0, 340, _price(outcome), _SMALL)


def _draw_squares(axis: "Axes", outcome: Outcome, theme: Theme) -> None:
    """One square for each webhook, in the order sent; those that failed for their sender stand out."""
    axis.set_axis_off()
    failed = [number for number, each in enumerate(outcome.sent) if each.status not in (200, 202)]
    went_well = sorted(set(range(len(outcome.sent))).difference(failed))
    for numbers, colour, strength in ((went_well, GREEN, 0.45), (failed, ORANGE, 1.0)):
        x, y = [number // _ROWS for number in numbers], [number % _ROWS for number in numbers]
        axis.scatter(x, y, s=9, marker="s", lw=0, color=theme.mixed(colour), alpha=strength)
    axis.set(xlim=(-0.5, ceil(len(outcome.sent) / _ROWS) - 0.5), ylim=(_ROWS - 0.5, -0.5))


def limits_chart(*, per_invocation: int = 1) -> Chart:
    """How many connections each engine takes by instance class, beside what an account's functions can open.

    Args:
        per_invocation: connections that one invocation opens.
    """
    functions = quotas.LAMBDA_ACCOUNT_CONCURRENCY.value
    asked, memory = functions * per_invocation, dict(connections.MEMORY.value)
    allowed = {
        (engine, name): most
        for name in CLASSES
        for engine in ENGINES
        if (most := default_max_connections(engine, name))
    }
    enough = [name for name in CLASSES if any(allowed.get((engine, name), 0) > asked for engine in ENGINES)]
    size = f"Below {memory[enough[0]]} GiB no" if enough else "No"
    says = (
        f"{size} database has room for the functions of one account",
        "max_connections by instance class: nominal defaults, of which others need some too",
    )
    drawing = Drawing(*says, heights=(32 * len(CLASSES),), left=160, right=40)
    (axis,), theme = drawing.axes, drawing.theme
    ticks = (50, 100, 200, 500, 1_000, 2_000, 5_000)
    axis.set(xscale="log", xlim=(40, max(7_000, asked * 1.2)), ylim=(len(CLASSES) - 0.5, -0.7))
    axis.set_xticks(ticks, labels=[f"{tick:,}" for tick in ticks])
    axis.set_yticks(range(len(CLASSES)), [f"{name}  {memory[name]:\u2007>2} GiB" for name in CLASSES])
    axis.minorticks_off()
    drawing.bare(axis)
    axis.tick_params(labelsize=9)
    axis.axvspan(40, asked, color=theme.mixed(ORANGE), alpha=0.1, lw=0)
    axis.axvline(asked, color=theme.mixed(ORANGE), lw=2)
    drawing.write(axis, (asked, -0.4), f"{functions:,} functions at once", ORANGE, move=(8, 0))
    at = (asked, len(CLASSES) - 1.5)
    drawing.write(axis, at, "some are refused", ORANGE, move=(-8, 0), align="right")
    for engine, marker, colour in _MARKERS:
        points = [(most, CLASSES.index(name)) for (of, name), most in allowed.items() if of == engine]
        axis.plot(*zip(*points, strict=True), marker, ms=8, color=theme.mixed(colour), label=engine)
    begins = -0.02 if LARGER == 1 else -156 / (WIDTH - 200)  # on the narrower sheet at its left edge
    axis.legend(
        loc="lower left", bbox_to_anchor=(begins, 1.01), ncols=len(ENGINES), frameon=False, fontsize=9,
        labelcolor=theme.ink, handletextpad=0.2, columnspacing=1.4,
    )  # fmt: skip
    ranges = [(engine, [most for (of, _), most in allowed.items() if of == engine]) for engine in ENGINES]
    summary = "; ".join(f"{engine}: {min(numbers):,} to {max(numbers):,}" for engine, numbers in ranges)
    return drawing.chart(f"{summary}.")
