"""The class at a glance: a grid of learners and chapters, as a table that reads with and without its style.

GitHub keeps tables and strips style, so every square says in a character what its colour shows.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from webhook_lab.show.size import LARGER
from webhook_lab.show.theme import BLUE, GREEN, INK, ORANGE

_FAINT = f"color-mix(in srgb,{INK} 7%,transparent)"
_MUTED = f"color-mix(in srgb,{INK} 70%,transparent)"
_PART = f"color-mix(in srgb,{BLUE} 42%,transparent)"
_WHOLE = f"max-width:100%;overflow-x:auto;color:var(--jp-content-font-color1,{INK})" + (
    f";zoom:{LARGER:g}" if LARGER > 1 else ""
)
_TABLE = (
    "border-collapse:separate;border-spacing:3px;border:none;margin:8px 0 0;font-size:13px;line-height:18px"
)
_PLAIN = "background:transparent;border:none"
_CELL = f"{_PLAIN};padding:0 4px;white-space:nowrap"
_SQUARE = (
    "width:30px;min-width:30px;padding:1px 0;border:none;border-radius:4px;text-align:center;font-size:12px"
)
_HERE = f";box-shadow:0 0 0 2px {INK}"
_BAR = 36  # pixels, the highest


@dataclass(frozen=True)
class Square:
    """One learner in one chapter.

    Args:
        opened: whether she has been there.
        done: how many of its checkpoints hold, of so many.
        solved: its exercise is solved.
        failing: something of it was tried, and is not so.
    """

    opened: bool = False
    done: int = 0
    of: int = 0
    solved: bool = False
    failing: bool = False

    @property
    def complete(self) -> bool:
        """Whether every checkpoint holds."""
        return self.opened and self.done >= self.of and not self.failing

    @property
    def sign(self) -> str:
        """The square in a few characters."""
        if not self.opened:
            return ""
        if self.failing:
            return "!"
        if self.complete:
            return "★" if self.solved else "✓"
        return f"{self.done}/{self.of}" if self.done else "·"


@dataclass(frozen=True)
class Seat:
    """One learner's row.

    Args:
        squares: one for each chapter, in order.
        at: index of the chapter that she is in.
        seconds: since her latest news.
        stuck: her latest news is of something that failed.
        quiet: it is older than the chapter takes, and the chapter is not complete.
        says: what failed last in the chapter that she is in, and why; empty where all that was tried holds.
    """

    name: str
    squares: tuple[Square, ...]
    at: int
    seconds: float
    stuck: bool = False
    quiet: bool = False
    says: str = ""


@dataclass(frozen=True, repr=False)
class Board:
    """The picture of one moment.

    Args:
        chapters: number and title of each.
        seats: a row for each learner, in the order in which to show them.
        reports: how many deliveries it is made of.
    """

    chapters: tuple[tuple[str, str], ...]
    seats: tuple[Seat, ...]
    reports: int = 0

    @property
    def headline(self) -> str:
        """How many there are, where most of them are, and how many need somebody."""
        if not self.seats:
            return "Nobody has reported yet"
        where, number = Counter(seat.at for seat in self.seats).most_common(1)[0]
        here = self.chapters[where][0]
        most = f"{number} in {here}" if number < len(self.seats) else f"all in {here}"
        stuck = sum(seat.stuck for seat in self.seats)
        quiet = sum(seat.quiet and not seat.stuck for seat in self.seats)
        count = f"{len(self.seats)} learner{'s' if len(self.seats) > 1 else ''}"
        more = [f"{stuck} stuck"] * bool(stuck) + [f"{quiet} quiet"] * bool(quiet)
        return ", ".join([f"{count}: {most}", *more])

    def __repr__(self) -> str:
        wide = max((len(seat.name) for seat in self.seats), default=0)
        lines = [self.headline, " ".join([" " * wide, *(f"{number:>4}" for number, _ in self.chapters)])]
        for seat in self.seats:
            signs = (f"{square.sign or '-':>4}" for square in seat.squares)
            lines.append(" ".join([seat.name.ljust(wide), *signs, ago(seat.seconds), seat.says]).rstrip())
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        return "".join(self._html())

    def _html(self) -> Iterator[str]:
        yield (
            f'<div style="{_WHOLE}">'
            f'<div style="font-size:16px;font-weight:600">{escape(self.headline)}</div>'
            f'<div style="font-size:13px;color:{_MUTED}">{escape(_legend(self.reports))}</div>'
        )
        if self.seats:
            yield f'<table style="{_TABLE}"><tbody>'
            yield self._where_they_are()
            yield self._numbers()
            yield from (_row(seat) for seat in self.seats)
            yield self._through()
            yield "</tbody></table>"
        yield "</div>"

    def _where_they_are(self) -> str:
        """How many are in each chapter at present, as bars."""
        here = Counter(seat.at for seat in self.seats)
        most = max(here.values())
        cells = []
        for i in range(len(self.chapters)):
            bar = f"height:{round(_BAR * here[i] / most)}px;background:{BLUE};border-radius:3px 3px 0 0"
            bar = f'{here[i]}<div style="{bar}"></div>' if here[i] else ""
            style = f"{_PLAIN};padding:0;vertical-align:bottom;text-align:center;font-weight:600;height:56px"
            cells.append(f'<td style="{style}">{bar}</td>')
        return _tr(_named("here now", muted=True), *cells, _blank(2))

    def _numbers(self) -> str:
        style = f"{_PLAIN};padding:0;text-align:center;font-weight:600"
        cells = (
            f'<th scope="col" title="{escape(title)}" style="{style}">{number}</th>'
            for number, title in self.chapters
        )
        news = f'<th scope="col" style="{_CELL};text-align:right;font-weight:normal;color:{_MUTED}">news</th>'
        return _tr(_named(""), *cells, news, _blank(1))

    def _through(self) -> str:
        """How many have every checkpoint of each chapter."""
        style = f"{_PLAIN};padding:0;text-align:center;color:{_MUTED}"
        columns = zip(*(seat.squares for seat in self.seats), strict=True)
        counts = [sum(square.complete for square in column) for column in columns]
        cells = (f'<td style="{style}">{count or ""}</td>' for count in counts)
        return _tr(_named("through", muted=True), *cells, _blank(2))


def ago(seconds: float) -> str:
    """How long ago, in one unit."""
    if seconds < 60:
        return f"{max(0, seconds):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _legend(reports: int) -> str:
    signs = "✓ all checkpoints hold, ★ the exercise too, 2/5 on the way, · opened, ! failed; framed: is there"
    return f"{reports:,} reports. {signs}" if reports else signs


def _row(seat: Seat) -> str:
    squares = (_square(square, here=i == seat.at) for i, square in enumerate(seat.squares))
    attention = f"color:{ORANGE};font-weight:600" if seat.stuck or seat.quiet else f"color:{_MUTED}"
    news = f'<td style="{_CELL};text-align:right;{attention}">{ago(seat.seconds)}</td>'
    whole = f"{_CELL};text-align:left;min-width:16em;white-space:normal;line-height:1.2"  # all the width left
    says = f'<td style="{whole}">{escape(seat.says)}</td>'
    return _tr(_named(seat.name), *squares, news, says)


def _square(square: Square, *, here: bool) -> str:
    part = round(100 * square.done / square.of) if square.of else 0
    look = f"background:{_FAINT}"
    if square.failing:
        look = f"background:{ORANGE}"
    elif square.complete:
        look = f"background:{GREEN}"
    elif square.opened:
        look = f"background:linear-gradient(90deg,{_PART} {part}%,{_FAINT} {part}%)"
    sign = square.sign
    if square.failing or square.complete:  # the sign alone is white: the frame has the ink of the page
        sign = f'<span style="color:#fff;font-weight:700">{sign}</span>'
    return f'<td style="{_SQUARE};{look}{_HERE if here else ""}">{sign}</td>'


def _named(name: str, *, muted: bool = False) -> str:
    colour = f";color:{_MUTED}" if muted else ""
    return f'<th scope="row" style="{_CELL};text-align:left;font-weight:normal{colour}">{escape(name)}</th>'


def _blank(columns: int) -> str:
    return f'<td colspan="{columns}" style="{_PLAIN}"></td>'


def _tr(*cells: str) -> str:
    return f'<tr style="{_PLAIN}">{"".join(cells)}</tr>'
