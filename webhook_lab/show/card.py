"""A card: a small table that reads well as text, in JupyterLab light and dark, and with no style at all.

GitHub strips style and keeps tables, so the table carries the meaning and the style only makes it pleasant.
"""

from dataclasses import dataclass
from html import escape
from itertools import zip_longest

from webhook_lab.show.size import LARGER

Cell = str | int
"""Text, in which a newline starts a new line of the cell, or a number, which is set to the right."""


class Link(str):
    """A page's address. In HTML its site and last part are shown, and lead there."""


_INK = "var(--jp-content-font-color1, currentColor)"
_MUTED = "color: var(--jp-content-font-color2, inherit)"
_RULE = "1px solid var(--jp-border-color2, rgba(128, 128, 128, 0.35))"
_BOX = (
    "display: inline-block; max-width: 100%; box-sizing: border-box; margin: 4px 0; padding: 10px 16px 12px; "
    f"border: {_RULE}; border-left: 4px solid #0072B2; border-radius: 4px; color: {_INK}"
) + (f"; font-size: {LARGER:.0%}" if LARGER > 1 else "")
_TABLE = "border-collapse: collapse; border: none; margin: 6px 0 0; font-size: inherit"
_ROW = "background: transparent; border: none"
_CELL = f"text-align: left; vertical-align: top; padding: 3px 24px 3px 0; border: none; border-top: {_RULE}"
_NUMBER = f"{_CELL}; text-align: right; font-variant-numeric: tabular-nums"
_LABEL = f"{_CELL}; font-weight: normal; white-space: nowrap; {_MUTED}"
_HEAD = "text-align: left; padding: 3px 24px 3px 0; border: none; font-weight: 600"
_HEAD_OF_NUMBERS = _HEAD.replace("left", "right", 1)


@dataclass(frozen=True, repr=False)
class Card:
    """What a cell shows of one resource, or of a few rows.

    Args:
        title: what it is, such as ``"SQS queue"``.
        subtitle: which one, by name.
        rows: cells; without a header the first of each row is its label.
        header: names of the columns.
        note: one more sentence.
        link: a page of the AWS console. In the HTML only, and on AWS only.
    """

    title: str
    subtitle: str = ""
    rows: tuple[tuple[Cell, ...], ...] = ()
    header: tuple[str, ...] = ()
    note: str = ""
    link: str | None = None

    def __repr__(self) -> str:
        heading = f"{self.title}: {self.subtitle}" if self.subtitle else self.title
        note = [f"  {self.note}"] if self.note else []
        return "\n".join(
            [heading, *_text_lines([*([self.header] if self.header else []), *self.rows]), *note]
        )

    def _repr_html_(self) -> str:
        subtitle = f" <code>{escape(self.subtitle)}</code>" if self.subtitle else ""
        parts = [f'<div style="{_BOX}"><div><strong>{escape(self.title)}</strong>{subtitle}</div>']
        if self.rows:
            body = "".join(self._html_row(row) for row in self.rows)
            parts.append(f'<table style="{_TABLE}">{self._html_header()}<tbody>{body}</tbody></table>')
        if self.note:
            parts.append(f'<div style="margin-top: 6px; {_MUTED}">{escape(self.note)}</div>')
        if self.link:
            parts.append(f'<div style="margin-top: 6px"><a href="{escape(self.link)}">AWS console</a></div>')
        return "".join([*parts, "</div>"])

    def _html_header(self) -> str:
        if not self.header:
            return ""
        right = {i for row in self.rows for i, cell in enumerate(row) if isinstance(cell, int)}
        cells = "".join(
            f'<th scope="col" style="{_HEAD_OF_NUMBERS if i in right else _HEAD}">{escape(name)}</th>'
            for i, name in enumerate(self.header)
        )
        return f'<thead><tr style="{_ROW}">{cells}</tr></thead>'

    def _html_row(self, row: tuple[Cell, ...]) -> str:
        cells = []
        for i, cell in enumerate(row):
            if i == 0 and not self.header:
                cells.append(f'<th scope="row" style="{_LABEL}">{_html(cell)}</th>')
            else:
                cells.append(f'<td style="{_NUMBER if isinstance(cell, int) else _CELL}">{_html(cell)}</td>')
        return f'<tr style="{_ROW}">{"".join(cells)}</tr>'


def counted(number: int, noun: str) -> str:
    """``counted(2, "item")`` is "2 items", of none it is "no items"."""
    return f"{number or 'no'} {noun}{'' if number == 1 else 's'}"


def _html(cell: Cell) -> str:
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, Link):
        parts = [part for part in cell.split("/")[2:] if part]
        return f'<a href="{escape(cell)}">{escape(" / ".join((parts[0], *parts[1:][-1:])))}</a>'
    # Notebooks take what stands between two dollar signs for mathematics, but not across elements.
    return escape(cell).replace("$", "<span>$</span>").replace("\n", "<br>")


def _text_lines(rows: list[tuple[Cell, ...]]) -> list[str]:
    """The rows as columns that line up, two spaces in and two between."""
    right = {i for row in rows for i, cell in enumerate(row) if isinstance(cell, int)}
    split = [[(f"{c:,}" if isinstance(c, int) else c).split("\n") for c in row] for row in rows]
    widths = [
        max(len(line) for cell in column for line in cell) for column in zip_longest(*split, fillvalue=[""])
    ]
    lines = []
    for row in split:
        for line in zip_longest(*row, fillvalue=""):
            cells = (
                cell.rjust(width) if i in right else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(line, widths, strict=False))
            )
            lines.append("  " + "  ".join(cells).rstrip())
    return lines
