"""The picture of the pipeline: an SVG for each chapter's first cell, as a file beside the notebooks.

Colour never speaks alone: what is lit is filled and thick, what stands is plain, what is to come is dashed.
Colours are of the theme's palette; all other strokes and letters are currentColor.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

from webhook_lab.course.chapters import CHAPTERS, Chapter
from webhook_lab.show.theme import BLUE, GREEN, INK, ORANGE, PURPLE

_WIDTH, _HEIGHT = 1116, 276
_W, _H, _GAP, _TOP = 126, 108, 62, 56  # of a box, between boxes, and above them
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_BADGE, _BADGE_OFF = "#B04A00", "#6B7280"  # dark enough for white letters

_PLANE = "M2 13 26 2 19 26 12.5 16.500ZM26 2 12.5 16.5"
_ARCH = "M5 26V12a9 9 0 0 1 18 0V26M1 26H27M11 26V14a3 3 0 0 1 6 0V26"
_LAMBDA = "M5 3H10L20 26H25M13.5 11.5 5 26"
_ROW = "M1 8H8.500V20H1ZM10.250 8H17.750V20H10.250ZM19.5 8H27V20H19.500Z"
_ASIDE = "M3 8H25V23H3ZM10 11.5 18 19.500M18 11.5 10 19.5"
_DRUM = "M4 7a10 4 0 0 0 20 0a10 4 0 0 0-20 0V22a10 4 0 0 0 20 0V7M4 14.500a10 4 0 0 0 20 0"


class _Box(NamedTuple):
    name: str
    kind: str
    colour: str
    icon: str
    x: int
    y: int = _TOP
    width: int = _W
    height: int = _H


def _column(number: int) -> int:
    return 25 + number * (_W + _GAP)


BOXES = {
    "sender": _Box("sender", "any webhook", INK, _PLANE, _column(0)),
    "api": _Box("API Gateway", "REST API, any URL", PURPLE, _ARCH, _column(1)),
    "publish": _Box("publish", "Lambda function", ORANGE, _LAMBDA, _column(2)),
    "queue": _Box("queue", "SQS", BLUE, _ROW, _column(3)),
    "dlq": _Box("dead-letter queue", "SQS", BLUE, _ASIDE, _column(3) - 44, _TOP + _H + 42, 214, 54),
    "subscribe": _Box("subscribe", "Lambda function", ORANGE, _LAMBDA, _column(4)),
    "table": _Box("table", "DynamoDB", GREEN, _DRUM, _column(5)),
}
"""What can be lit, by key, from the sender to the table."""

_ARROWS = (
    ("sender", "api", "POST"),
    ("api", "publish", "event"),
    ("publish", "queue", "message"),
    ("queue", "subscribe", "batch"),
    ("subscribe", "table", "item"),
)


@dataclass(frozen=True)
class Picture:
    """The pipeline with some boxes lit, some standing, and the rest still to come."""

    lit: frozenset[str]
    built: frozenset[str]

    @property
    def alt(self) -> str:
        """What the picture shows, in words, for who cannot see it."""
        lit = [box.name for key, box in BOXES.items() if key in self.lit]
        what = "nothing" if not lit else "everything" if len(lit) == len(BOXES) else ", ".join(lit)
        return (
            "The pipeline: a sender posts to API Gateway, which calls the publish function, which puts a "
            "message on an SQS queue with a dead-letter queue; the throttled subscribe function stores it in "
            "a DynamoDB table. "
            f"Lit here: {what}."
        )

    def svg_file(self) -> str:
        """The drawing, with its own paper and ink: light or dark as the reader's system is."""
        style = (
            "<style>svg{color:#1f2328}.paper{fill:#fff;stroke:#d1d9e0}"
            "@media(prefers-color-scheme:dark){svg{color:#e6edf3}.paper{fill:#0d1117;stroke:#3d444d}}</style>"
            f'<rect class="paper" x=".5" y=".5" width="{_WIDTH - 1}" height="{_HEIGHT - 1}" rx="10"/>'
        )
        size = f'xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}"'
        inside = "\n".join(
            [*self._arrows(), *self._frame(), *(self._box(key) for key in BOXES), self._badge()]
        )
        return (
            f'<svg {size} viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(self.alt)}" '
            f'font-family="{escape(_FONT)}" font-size="13" fill="none" stroke-linecap="round" '
            f'stroke-linejoin="round">{style}\n{inside}\n</svg>\n'
        )

    def _strength(self, *keys: str) -> float:
        """How strongly to draw what belongs to these boxes."""
        if all(key in self.lit for key in keys):
            return 1
        return 0.9 if all(key in self.lit | self.built for key in keys) else 0.65

    def _box(self, key: str) -> str:
        box, lit = BOXES[key], key in self.lit
        dashes = "" if lit or key in self.built else ' stroke-dasharray="5 5"'
        colour = box.colour if lit else INK
        outline = (
            f'<rect x="{box.x}" y="{box.y}" width="{box.width}" height="{box.height}" rx="10" '
            f'fill="{box.colour}" fill-opacity="{0.16 if lit else 0.03}" stroke="{colour}" '
            f'stroke-width="{2.5 if lit else 1.25}" stroke-opacity="{1 if lit else 0.45}"{dashes}/>'
        )
        beside = box.height < _H  # a low box has its icon at the left, a high one above its name
        icon_x, icon_y = (box.x + 14, box.y + 12) if beside else (box.x + box.width / 2 - 14, box.y + 19)
        icon = (
            f'<path d="{box.icon}" transform="translate({icon_x:g} {icon_y:g})" stroke="{colour}" '
            f'stroke-width="{2 if lit else 1.75}" stroke-opacity="{self._strength(key)}"/>'
        )
        x, y = (box.x + 54, box.y + 23) if beside else (box.x + box.width / 2, box.y + 71)
        anchor, weight, strength = "start" if beside else "middle", 700 if lit else 600, self._strength(key)
        return (
            outline
            + icon
            + (
                _text(x, y, box.name, strength, size=15, weight=weight, anchor=anchor)
                + _text(x, y + 19, box.kind, strength, size=12, anchor=anchor)
            )
        )

    def _arrows(self) -> Iterator[str]:
        middle = _TOP + _H / 2
        for start, end, what in _ARROWS:
            x, strength = BOXES[start].x + _W + 5, self._strength(start, end)
            yield _line(f"M{x} {middle:g}h{_GAP - 11}", strength) + _head(x + _GAP - 10, middle, 0, strength)
            yield _text(x + _GAP / 2 - 6, middle - 9, what, strength, size=12)
        down, strength = _centre("queue"), self._strength("queue", "dlq")
        yield _line(f"M{down:g} {_TOP + _H + 5}v31", strength) + _head(down, _TOP + _H + 37, 90, strength)
        yield _text(down + 11, _TOP + _H + 26, "keeps failing", strength, size=12, anchor="start")
        left, right, strength = _centre("sender"), _centre("publish"), self._strength("sender", "publish")
        back = f"M{right:g} {_TOP - 5}v-12a10 10 0 0 0-10-10H{left + 10:g}a10 10 0 0 0-10 10v11"
        yield _line(back, strength, dashes=True) + _head(left, _TOP - 5, 90, strength)
        yield _text((left + right) / 2, _TOP - 34, "202 Accepted, at once", strength, size=12)

    def _frame(self) -> Iterator[str]:
        for first, last, says in (
            ("sender", "publish", "takes any burst"),
            ("subscribe", "table", "works at the database's pace"),
        ):
            left, right, y = BOXES[first].x, BOXES[last].x + _W, _TOP + _H + 20
            yield _line(f"M{left} {y}v7h{right - left}v-7", 0.45)
            yield _text((left + right) / 2, y + 28, says, 0.85, size=14, weight=600)

    def _badge(self) -> str:
        x = _centre("subscribe")
        fill = _BADGE if "subscribe" in self.lit else _BADGE_OFF
        dial = f"M{x - 38:g} {_TOP + 4}a7 7 0 1 1 12 0M{x - 32:g} {_TOP + 1}l3-4"
        return (
            f'<rect x="{x - 48:g}" y="{_TOP - 12}" width="96" height="24" rx="12" fill="{fill}"/>'
            f'<path d="{dial}" stroke="#fff" stroke-width="1.75"/>'
            f'<text x="{x + 9:g}" y="{_TOP + 4.5}" text-anchor="middle" font-size="12.5" font-weight="600" '
            f'fill="#fff">throttle</text>'
        )


def picture_of(chapter: Chapter) -> Picture:
    """The pipeline with this chapter's boxes lit and those of earlier chapters standing.

    A chapter that lights nothing takes everything away.
    """
    earlier = [before for before in CHAPTERS if "01" < before.number < chapter.number]
    built = {box for before in earlier for box in before.lit} if chapter.lit else set()
    return pipeline_picture(chapter.lit, built=built)


def pipeline_picture(lit: Iterable[str], *, built: Iterable[str] = tuple(BOXES)) -> Picture:
    """The pipeline with the boxes in `lit` lit.

    Args:
        lit: keys of `BOXES`.
        built: those that stand already; the others are dashed. All of them, unless said otherwise.

    Raises:
        ValueError: there is no such box.
    """
    picture = Picture(frozenset(lit), frozenset(built) | {"sender"})
    if unknown := (picture.lit | picture.built) - set(BOXES):
        raise ValueError(f"no box {', '.join(sorted(unknown))} in the picture; there are {', '.join(BOXES)}")
    return picture


def chapter_card(chapter: Chapter) -> str:
    """The Markdown of a notebook's first cell."""
    deeds = "\n".join(f"- {deed}" for deed in chapter.you_will)
    return (
        f"# {chapter.number} {chapter.title}\n\n"
        f"**At the end:** {chapter.product}\n\n"
        f"![{picture_of(chapter).alt}](pictures/{_file_name(chapter)})\n\n"
        f"You will\n\n{deeds}\n\n"
        f"| needs | minutes | costs on AWS |\n|---|---|---|\n"
        f"| {chapter.needs} | {chapter.minutes} | {chapter.aws_cost} |"
    )


def write_pictures(notebooks: Path) -> list[Path]:
    """Write every chapter's picture into the pictures folder of `notebooks`, and return the files."""
    folder = notebooks / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for chapter in CHAPTERS:
        path = folder / _file_name(chapter)
        path.write_text(picture_of(chapter).svg_file(), encoding="utf-8", newline="\n")
        files.append(path)
    return files


def _file_name(chapter: Chapter) -> str:
    return f"pipeline-{chapter.number}.svg"


def _centre(key: str) -> float:
    return BOXES[key].x + BOXES[key].width / 2


def _text(
    x: float, y: float, words: str, strength: float, *, size: float, weight: int = 400, anchor: str = "middle"
) -> str:
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}" font-weight="{weight}" '
        f'fill="{INK}" fill-opacity="{strength:.2g}">{escape(words)}</text>'
    )


def _line(path: str, strength: float, *, dashes: bool = False) -> str:
    dashed = ' stroke-dasharray="2 5"' if dashes else ""
    return f'<path d="{path}" stroke="{INK}" stroke-width="1.5" stroke-opacity="{strength:.2g}"{dashed}/>'


def _head(x: float, y: float, turn: int, strength: float) -> str:
    """An arrow's head with its point at (x, y), turned clockwise by so many degrees from pointing right."""
    return (
        f'<path d="M0 0-8-4.500V4.500Z" transform="translate({x:g} {y:g}) rotate({turn})" '
        f'fill="{INK}" fill-opacity="{strength:.2g}"/>'
    )
