"""How axes are scaled and where words beside them stand, in the live view as in a still picture."""

from collections.abc import Sequence
from math import floor, log10

LANE = 15
"""Pixels from one row of marks' names to the next."""
_LANES, _LETTER, _AFTER, _BETWEEN = (
    6,
    7.0,
    4,
    8,
)  # rows; pixels: a letter, from a mark to its name, between names

_ENDS = (3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 450, 600, 900, 1200, 1800, 2700, 3600)
_TICKS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600)


def axis_end(seconds: float) -> int:
    """Where an axis of time ends, so that it does not move with every frame."""
    return next((end for end in _ENDS if seconds <= end), 3600 * -(-int(seconds) // 3600))


def tick(end: float) -> int:
    """How many seconds apart the numbers below an axis of time are."""
    return next((step for step in _TICKS if end / step <= 7), 3600 * max(1, round(end / 3600 / 6)))


def axis_top(peak: float) -> float:
    """Where an axis of values ends: a round number above the peak."""
    if peak < 6:
        return max(2, floor(peak) + 1)
    unit = 10.0 ** floor(log10(peak))
    return next(step * unit for step in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10, 12) if step * unit >= peak * 1.05)


def values_below(top: float) -> list[float]:
    """The values that are written beside an axis, whole numbers from 0 up."""
    step = top / 2 if top > 6 else 1 if top <= 3 else 2
    return [step * i for i in range(int(top / step) + 1)]


def flags(marks: Sequence[tuple[float, str]], *, high: float) -> list[tuple[float, int | None]]:
    """Where the names of marks stand: right of their own lines, in as few rows as keep them apart.

    Args:
        marks: pixels from the left, and the name.
        high: where the picture ends, in pixels.

    Returns:
        For each where it begins, and its row from the lowest up; None in place of a row where all are taken.
    """
    taken: list[float] = []  # where the leftmost name of each row begins
    found: dict[int, tuple[float, int | None]] = {}
    for i in sorted(range(len(marks)), key=lambda i: (marks[i][0], i), reverse=True):
        at, name = marks[i]
        begins, width = min(at + _AFTER, high - _LETTER * len(name)), _LETTER * len(name) + _BETWEEN
        row = next((row for row, left in enumerate(taken) if begins + width <= left), len(taken))
        if row < _LANES:
            taken[row : row + 1] = [begins]
        found[i] = (begins, row if row < _LANES else None)
    return [found[i] for i in range(len(marks))]


def rows_above(places: Sequence[tuple[float, int | None]]) -> int:
    """How many pixels the names of marks need beyond a first row of them."""
    return LANE * max((row for _, row in places if row), default=0)


def spread(wanted: Sequence[float], *, apart: float, low: float, high: float) -> list[float]:
    """The positions next to those wanted that are `apart` and, while there is room, within low and high."""
    found = [0.0] * len(wanted)
    free = low
    for i in sorted(range(len(wanted)), key=lambda i: wanted[i]):
        found[i] = free = max(wanted[i], free)
        free += apart
    limit = high
    for i in sorted(range(len(wanted)), key=lambda i: -found[i]):
        found[i] = min(found[i], limit)
        limit = found[i] - apart
    return found
