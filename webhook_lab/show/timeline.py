"""A message's way as a waterfall: one row for each moment, a dot where it lies in time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from webhook_lab.show.card import counted
from webhook_lab.show.theme import BLUE, GREEN, INK, ORANGE, PURPLE
from webhook_lab.watch.rows import Moment

_ROW, _TOP, _BOTTOM = 26, 8, 34  # heights: of a row, above the first, below the last
_LEFT, _WIDE, _RIGHT = 340, 510, 60  # widths: of the words, of the time axis, and beside it
_COLOURS = {
    "API Gateway": PURPLE, "publish": ORANGE, "queue": BLUE, "subscribe": ORANGE, "table": GREEN,
}  # fmt: skip
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000)  # ms between two ticks


@dataclass(frozen=True, repr=False)
class Timeline:
    """Moments in milliseconds after the first: (ms, where, what), oldest first."""

    rows: tuple[tuple[int, str, str], ...]

    def __repr__(self) -> str:
        lines = [f"  {ms:>6,} ms  {where:<11}  {what}" for ms, where, what in self.rows]
        return "\n".join([f"{counted(len(self.rows), 'moment')} of one message", *lines])

    def _repr_html_(self) -> str:
        height, width = self._bottom + _BOTTOM, _LEFT + _WIDE + _RIGHT
        inside = "".join([*self._axis(), *self._moments()])
        svg = (
            f'<svg style="color: var(--jp-content-font-color1, currentColor); max-width: {width}px" '
            f'viewBox="0 0 {width} {height}" role="img" aria-label="{escape(repr(self))}" '
            f'font-family="var(--jp-content-font-family, sans-serif)" font-size="13" fill="currentColor">'
            f"{inside}</svg>"
        )
        # Who strips drawings strips this style too: the words remain.
        return f'<div>{svg}<pre style="display: none">{escape(repr(self))}</pre></div>'

    @property
    def _bottom(self) -> int:
        return _TOP + _ROW * len(self.rows)

    @property
    def _scale(self) -> tuple[int, int]:
        """Milliseconds between two ticks, about six of them, and how many ticks there are."""
        longest = max((ms for ms, _, _ in self.rows), default=0)
        step = next((step for step in _STEPS if longest / step <= 6), max(1, longest // 6))
        return step, -(-max(longest, 1) // step)

    def _axis(self) -> Iterator[str]:
        step, ticks = self._scale
        for tick in range(ticks + 1) if self.rows else ():
            x = _LEFT + _WIDE * tick / ticks
            yield (
                f'<path d="M{x:.1f} {_TOP}V{self._bottom}" stroke="currentColor" stroke-opacity="0.15"/>'
                f'<text x="{x:.1f}" y="{self._bottom + 18}" text-anchor="middle" fill-opacity="0.7" '
                f'font-size="12">{tick * step:,}{" ms" if tick == ticks else ""}</text>'
            )

    def _moments(self) -> Iterator[str]:
        step, ticks = self._scale
        places = [
            (_LEFT + _WIDE * ms / (step * ticks), _TOP + _ROW * (i + 0.5))
            for i, (ms, _, _) in enumerate(self.rows)
        ]
        way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{way}" fill="none" stroke="currentColor" stroke-opacity="0.35"/>'
        for (x, y), (ms, where, what) in zip(places, self.rows, strict=True):
            yield (
                f'<text x="0" y="{y + 4.5:g}" font-weight="600">{escape(where)}</text>'
                f'<text x="104" y="{y + 4.5:g}">{escape(what)}</text>'
                f'<text x="{_LEFT - 24}" y="{y + 4.5:g}" text-anchor="end" fill-opacity="0.7">{ms:,}</text>'
                f'<circle cx="{x:.1f}" cy="{y:g}" r="6" fill="{_COLOURS.get(where, INK)}"/>'
            )


def timeline_card(moments: Sequence[Moment]) -> Timeline:
    """The moments of one message on one axis, in milliseconds after the first."""
    first = min((moment.at for moment in moments), default=0)
    return Timeline(tuple((moment.at - first, moment.where, moment.what) for moment in moments))
