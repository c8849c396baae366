"""One still picture with the words that say what it shows, as a notebook shows, saves and reads it aloud."""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, Any, Literal

from IPython.display import display

from webhook_lab.show.axes import LANE, flags, rows_above, tick, values_below
from webhook_lab.show.kernel import theme_here
from webhook_lab.show.series import Mark
from webhook_lab.show.size import SHOWN, WIDTH, in_lines
from webhook_lab.show.theme import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation

_ABOVE, _BELOW, _GAP = 98, 44, 36  # pixels above, below and between the axes
_TITLE = 21  # pixels from one line of a title to the next
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
        self.figure.savefig(
            file, format="png", dpi=2 * SHOWN / self.figure.get_figwidth(), metadata=described
        )
        return file.getvalue()

    def bundle(self) -> tuple[dict[str, str], dict[str, Any]]:
        """What a notebook saves of it, by MIME type, and how to show that."""
        height = round(SHOWN * self.figure.get_figheight() / self.figure.get_figwidth())
        shown = {"image/png": {"width": SHOWN, "height": height, "alt": repr(self)}}
        return {"image/png": base64.b64encode(self.png()).decode(), "text/plain": repr(self)}, shown

    def _ipython_display_(self) -> None:
        data, metadata = self.bundle()
        display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
        print_below(self.summary)  # JupyterLab shows a picture's alternative text to nobody


def print_below(summary: str) -> None:
    """Print the words below a picture in lines that JupyterLab need not break, which it does inside words."""
    print(fill(summary, _LINE))


class Drawing:
    """A figure with its title, and empty axes above each other to draw on in the colours of a theme.

    Args:
        says: as in `Chart`.
        heights: of the axes, in pixels; left and right are the room beside them.
        wide: how wide the sheet is; SHOWN for what has no room on the narrower one of a projector.
    """

    def __init__(
        self, *says: str, heights: Sequence[float], left: float = 46, right: float = 118, wide: int = WIDTH
    ) -> None:
        from matplotlib.figure import Figure  # half a second, which a cell without a chart need not wait for

        self.says, self.theme, self._wide = says, theme_here(), wide
        self._paper: Any = {"facecolor": self.theme.paper, "edgecolor": "none", "pad": 0.5}
        title = in_lines(says[0], wide)
        more_title = _TITLE * (len(title) - 1)
        above: float = more_title + (_ABOVE if len(says) > 1 else _ABOVE - 20)
        self._high = above + _BELOW + sum(heights) + _GAP * (len(heights) - 1)
        size = (self._wide / 100, self._high / 100)
        self.figure = Figure(figsize=size, dpi=100, facecolor=self.theme.paper)
        for line, words in enumerate(title):
            self.words(8, 14 + _TITLE * line, words, INK, size=12, weight="bold", va="top")
        for more in says[1:]:
            self.words(8, 37 + more_title, more, INK, size=9, va="top")
        self.axes: list[Axes] = []
        for height in heights:
            self.axes.append(self.place(left, above, self._wide - left - right, height))
            above += height + _GAP

    def place(self, left: float, top: float, width: float, height: float) -> "Axes":
        """More axes, so many pixels from the left and from the top of the figure."""
        box = (left / self._wide, 1 - (top + height) / self._high, width / self._wide, height / self._high)
        return self.figure.add_axes(box, facecolor="none")

    def words(self, left: float, top: float, words: str, colour: str, **how: Any) -> None:
        """Words so many pixels from the left and from the top of the figure."""
        at = (left / self._wide, 1 - top / self._high)
        self.figure.text(*at, words, color=self.theme.mixed(colour), **how)

    def chart(self, summary: str) -> Chart:
        """The figure as it is now, and the numbers behind it."""
        return Chart(self.figure, self.says, summary)

    def style(
        self, axis: "Axes", title: str, *, end: float, top: float, below: str | None = "seconds"
    ) -> None:
        """From 0 to `end` and from 0 to `top`, with few lines and small letters.

        Args:
            below: what is counted from left to right; None where the axis below this one says so.
        """
        ink = self.theme.ink
        axis.set(xlim=(0, end), ylim=(0, top), yticks=values_below(top))
        if below in ("seconds", None):
            axis.set_xticks([float(second) for second in range(0, int(end) + 1, tick(end))])
        else:
            axis.locator_params("x", integer=True)
        self.bare(axis)
        axis.spines["bottom"].set(visible=True, color=ink, alpha=0.5)
        axis.tick_params(labelsize=_SMALL, labelbottom=below is not None)
        axis.tick_params("x", pad=6)
        axis.yaxis.set_major_formatter("{x:,g}")
        axis.set_title(title, size=_SMALL, color=ink, alpha=0.8, loc="left", pad=7, bbox=self._paper)
        if below:
            axis.set_xlabel(below, size=_SMALL, color=ink, alpha=0.8, loc="left")

    def bare(self, axis: "Axes") -> None:
        """Without a frame, with a faint line at each value."""
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0, labelcolor=self.theme.ink)
        axis.grid(axis="y", color=self.theme.ink, alpha=0.12)
        axis.set_axisbelow(True)

    def write(
        self,
        axis: "Axes",
        at: tuple[float, float],
        words: str,
        colour: str = INK,
        *,
        move: tuple[float, float] = (0, 0),
        align: Literal["left", "center", "right"] = "left",
    ) -> "Annotation":
        """Words `move` points right of and above a point of the axes."""
        return axis.annotate(
            words, at, move, textcoords="offset points", annotation_clip=False, ha=align, va="center",
            size=_SMALL + 0.5, weight="bold", color=self.theme.mixed(colour),
        )  # fmt: skip

    def marks(self, marks: Sequence[Mark]) -> None:
        """A line through all axes wherever something was done, with its name above the first."""
        first, box = self.axes[0], self.axes[0].get_position()
        if not (marks := [mark for mark in marks if 0 <= mark[0] <= first.get_xlim()[1]]):
            return
        across, high = box.width * self._wide / first.get_xlim()[1], box.height * self._high
        places = flags([(box.x0 * self._wide + at * across, label) for at, label in marks], high=self._wide)
        self._grow(rows_above(places))
        for (at, label), (begins, row) in zip(marks, places, strict=True):
            top = 1 + (26 + LANE * (row or 0)) / high  # the lowest row is above the title of the axes
            for axis in self.axes:
                how: Any = {"ymax": top if axis is first else 1, "ls": (0, (2, 3)), "clip_on": False}
                axis.axvline(at, color=self.theme.ink, alpha=0.6, lw=1, **how)
            if row is not None:
                first.annotate(
                    label, ((begins - box.x0 * self._wide) / across, top), xycoords=("data", "axes fraction"),
                    annotation_clip=False, va="center", size=_SMALL, color=self.theme.ink, zorder=5,
                    bbox=self._paper,
                )  # fmt: skip

    def _grow(self, more: float) -> None:
        """Make room for so many pixels below the words at the top and above all axes."""
        high, self._high = self._high, self._high + more
        self.figure.set_figheight(self._high / 100)
        for words in self.figure.texts:
            words.set_y(1 - (1 - words.get_position()[1]) * high / self._high)
        for axis in self.figure.axes:
            box = axis.get_position()
            axis.set_position((box.x0, box.y0 * high / self._high, box.width, box.height * high / self._high))
