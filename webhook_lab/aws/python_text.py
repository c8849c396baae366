"""Python as text: literals, and expressions in brackets that are laid out as a formatter would."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH = 100
"""Columns of the printed code."""


@dataclass(frozen=True)
class Group:
    """An expression in brackets, which may take several lines: each item is a prefix and what follows it."""

    opening: str
    items: Sequence[tuple[str, "Node"]]
    closing: str

    def __str__(self) -> str:
        return self.opening + ", ".join(f"{prefix}{item}" for prefix, item in self.items) + self.closing

    def laid_out(self, indent: int = 0, around: int = 0) -> str:
        """On one line where it fits beside `around` other columns, else one item a line."""
        if around + len(flat := str(self)) <= WIDTH or not self.items:
            return flat
        pad = " " * (indent + 4)
        comma = "" if self.opening.endswith("(") and not self.items[0][0] else ","
        lines = [self.opening]
        for prefix, item in self.items:
            around = len(pad + prefix + comma)
            shown = item.laid_out(indent + 4, around) if isinstance(item, Group) else item
            lines.append(pad + prefix + shown + comma)
        return "\n".join([*lines, " " * indent + self.closing])


Node = str | Group


def quoted(text: str) -> str:
    """A string literal in double quotes, or in single ones where that takes fewer escapes."""
    quote = "'" if text.count('"') > text.count("'") else '"'
    return quote + escaped(text, quote) + quote


def escaped(text: str, quote: str, doubled: str = "") -> str:
    """`text` as it stands between two of `quote`, with each of `doubled` twice, as f-strings want braces."""

    def one(c: str) -> str:
        return c * 2 if c in doubled else f"\\{c}" if c == quote else c if c in "'\"" else repr(c)[1:-1]

    return "".join(map(one, text))
