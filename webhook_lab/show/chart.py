"""One still picture with the words that say what it shows, as a notebook shows, saves and reads it aloud."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

from IPython.display import display

from webhook_lab.show.live_svg import MARK_APART, spread, tick, values_below
from webhook_lab.show.series import Mark
from webhook_lab.show.theme import INK, Theme

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 960
"""Pixels on a page. Twice as many are drawn, for screens and projectors that show them."""

_ABOVE, _BELOW, _GAP = 98, 44, 36  # pixels above, below and between the axes
_SMALL = 8.5  # points
_LINE = 100  # characters


@dataclass(frozen=True, repr=False)
class Chart:
    """A figure and its words.

    Args:
        says: the finding, which is the picture's title, and more of it in smaller letters, if there is more.
        summary: the numbers behind it. All together are the alternative text.
    """

    figure: "Figure"
    says: tuple[str, ...]
    summary: str

    def __repr__(self) -> str:
        return ". ".join([*self.says, self.summary])

    def png(self) -> bytes:
        """The picture; the same bytes for the same rows."""
        file = io.BytesIO()
        described = {"Software": None, "Description": repr(self)}
        self.figure.savefig(file, format="png", dpi=200, metadata=described)
        return file.getvalue()

    def bundle(self) -> tuple[dict[str, str], dict[str, Any]]:
        """What a notebook saves of it, by MIME type, and how to show that."""
        height = round(WIDTH * self.figure.get_figheight() / self.figure.get_figwidth())
        shown = {"image/png": {"width": WIDTH, "height": height, "alt": repr(self)}}
        return {"image/png": base64.b64encode(self.png()).decode(), "text/plain": repr(self)}, shown

    def _ipython_display_(self) -> None:
        data, metadata = self.bundle()
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
        print_below(self.summary)  # JupyterLab shows a picture's alternative text to nobody


def print_below(summary: str) -> None:
    """Print the words below a picture in lines that JupyterLab need not break, which it does inside words."""
    print(fill(summary, _LINE))


def blank(
    says: Sequence[str], *, heights: Sequence[float], theme: Theme, left: float = 46, right: float = 118
) -> tuple["Figure", list["Axes"]]:
    """A figure with its title, and empty axes above each other.

    Args:
        heights: of the axes, in pixels; left and right are the room beside them.
    """
    from matplotlib.figure import Figure  # half a second, which a cell without a chart need not wait for

    above = _ABOVE if len(says) > 1 else _ABOVE - 20
    high = above + _BELOW + sum(heights) + _GAP * (len(heights) - 1)
    figure = Figure(figsize=(WIDTH / 100, high / 100), dpi=100, facecolor=theme.paper)
    for line, (words, size) in enumerate(zip(says, (12, 9), strict=False)):
        weight = "normal" if line else "bold"
        y = 1 - (14 + 23 * line) / high
        figure.text(8 / WIDTH, y, words, size=size, weight=weight, color=theme.ink, va="top")
    axes = []
    top = high - above
    for height in heights:
        place = (left / WIDTH, (top - height) / high, (WIDTH - left - right) / WIDTH, height / high)
        axes.append(figure.add_axes(place, facecolor="none"))
        top -= height + _GAP
    return figure, axes


def style(
    axis: "Axes", title: str, theme: Theme, *, end: float, top: float, below: str | None = "seconds"
) -> None:
    """From 0 to `end` and from 0 to `top`, with few lines and small letters.

    Args:
        below: what is counted from left to right; None where the axis below this one says so.
    """
    axis.set(xlim=(0, end), ylim=(0, top), yticks=values_below(top))
    if below in ("seconds", None):
        axis.set_xticks([float(second) for second in range(0, int(end) + 1, tick(end))])
    else:
        axis.locator_params("x", integer=True)
    axis.spines[:].set_visible(False)
    axis.spines["bottom"].set(visible=True, color=theme.ink, alpha=0.5)
    axis.tick_params(length=0, labelsize=_SMALL, labelcolor=theme.ink, labelbottom=below is not None)
    axis.tick_params("x", pad=6)
    axis.grid(axis="y", color=theme.ink, alpha=0.12)
    axis.set_axisbelow(True)
    axis.yaxis.set_major_formatter("{x:,g}")
    axis.set_title(title, size=_SMALL, color=theme.ink, alpha=0.8, loc="left", pad=7)
    if below:
        axis.set_xlabel(below, size=_SMALL, color=theme.ink, alpha=0.8, loc="left")


def write(
    axis: "Axes",
    at: tuple[float, float],
    words: str,
    colour: str,
    theme: Theme,
    *,
    move: tuple[float, float] = (0, 0),
    align: Literal["left", "center", "right"] = "left",
) -> None:
    """Words `move` points right of and above a point of the axes."""
    axis.annotate(
        words, at, move, textcoords="offset points", annotation_clip=False, ha=align, va="center",
        size=_SMALL + 0.5, weight="bold", color=theme.mixed(colour),
    )  # fmt: skip


def draw_marks(axes: Sequence["Axes"], marks: Sequence[Mark], theme: Theme) -> None:
    """A line through all axes wherever something was done, with its name above the first."""
    if not marks:
        return
    end, pixels = axes[0].get_xlim()[1], axes[0].get_position().width * WIDTH
    apart = MARK_APART * end / pixels
    top = 1 + 22 / axes[0].get_window_extent().height  # above the title of the axes
    places = spread([at for at, _ in marks], apart=apart, low=0, high=end)
    for (at, label), place in zip(marks, places, strict=True):
        for axis in axes:
            high = 1 if axis is not axes[0] else top
            dotted = (0, (2, 3))
            axis.axvline(at, ymax=high, clip_on=False, color=theme.ink, alpha=0.6, lw=1, ls=dotted)
        axes[0].annotate(
            label, (place, top), (0, 3), xycoords=("data", "axes fraction"), textcoords="offset points",
            annotation_clip=False, ha="center", size=_SMALL, color=theme.mixed(INK),
        )  # fmt: skip
