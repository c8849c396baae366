"""Names beside curves that cross their picture: where no curve runs through them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from webhook_lab.show.chart import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RIGHT, _UP = 6, 12  # points from a curve to the middle of its name
_LETTER, _HIGH, _POINT = 9.0, 18.0, 100 / 72  # pixels: a bold letter, a line of them, a point
_ELSEWHERE = (0.5, 0.3, 0.7, 0.15, 0.85, 1.0)  # where else along a curve its name may stand


@dataclass(frozen=True)
class Curve:
    """Points with straight lines between, and the name that is written beside them.

    Args:
        at: where from left to right the name stands if there is room.
    """

    points: Sequence[tuple[float, float]]
    at: float
    name: str
    colour: str

    def height(self, x: float) -> float:
        """How high it is there."""
        from numpy import interp  # as late as matplotlib

        at, values = zip(*self.points, strict=True)
        return float(interp(x, at, values))

    def crosses(self, left: float, right: float, low: float, high: float) -> bool:
        """Whether it runs through this box, its last point seen as an edge that falls to 0."""
        from numpy import interp, linspace, maximum, minimum

        at, values = zip(*self.points, strict=True)
        y = interp(linspace(left, right, 60), at, values, left=0, right=0)
        return bool(((minimum(y[1:], y[:-1]) < high) & (maximum(y[1:], y[:-1]) > low)).any())


def write_names(drawing: Drawing, axis: "Axes", curves: Sequence[Curve]) -> None:
    """Name each curve right above a point of it or left below, the lower one of several below."""
    from matplotlib.patheffects import withStroke

    for curve in curves:
        x, below = _place(axis, curve, curves, below=len(curves) > 1 and curve is curves[0])
        move, align = _moved(below)
        text = drawing.write(axis, (x, curve.height(x)), curve.name, curve.colour, move=move, align=align)
        # The lines of marks end before the letters.
        text.set_path_effects([withStroke(linewidth=3, foreground=drawing.theme.paper)])


def _moved(below: bool) -> tuple[tuple[float, float], Literal["left", "right"]]:
    return ((-_RIGHT, -_UP), "right") if below else ((_RIGHT, _UP), "left")


def _place(axis: "Axes", curve: Curve, curves: Sequence[Curve], *, below: bool) -> tuple[float, bool]:
    """Where along the curve, and whether below it: the first place that is free, else the first."""
    first, last = curve.points[0][0], curve.points[-1][0]
    along = (curve.at, *(first + (last - first) * part for part in _ELSEWHERE))
    places = [(x, side) for x in along for side in (below, not below)]
    return next((place for place in places if _is_free(axis, curve, place, curves)), places[0])


def _is_free(axis: "Axes", curve: Curve, place: tuple[float, bool], curves: Sequence[Curve]) -> bool:
    """Whether the name has room there within the axes, and nothing runs through it."""
    x, below = place
    box, end, top = axis.get_window_extent(), axis.get_xlim()[1], axis.get_ylim()[1]
    across, up = end / box.width, top / box.height  # what a pixel is worth
    wide, move = _LETTER * len(curve.name) * across, _RIGHT * _POINT * across
    left = x - move - wide if below else x + move
    middle = curve.height(x) + (-1 if below else 1) * _UP * _POINT * up
    low, high = middle - _HIGH / 2 * up, middle + _HIGH / 2 * up
    inside = left >= 0 and left + wide <= end and low > 0 and high <= top
    return inside and not any(each.crosses(left, left + wide, low, high) for each in curves)
