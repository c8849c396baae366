"""Which cells of its chapter a kernel has run: what is missing can be named by the cell that was skipped.

A cell counts as run when one much like it has, since the first cell opened the lab: learners change numbers.
"""

import ast
import json
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from pathlib import Path

from IPython.core.getipython import get_ipython

from webhook_lab.show.skip import OPENS

RESUME = "Run → Run All Above Selected Cell"
"""JupyterLab's menu for it; VS Code has *Execute Above Cells* on the cell itself."""
_ALIKE = 0.75
_ONLY_LOOKS = re.compile(
    r"(lab\.(calls|checkpoint|created|depth|exercise|peek|preflight)|\w+\.facts)\(.*\)", re.DOTALL
)


def skipped(file: str) -> str:
    """The cells above this one that were not run, as a sentence's beginning; empty when none was.

    Args:
        file: the chapter's notebook. Where it is not found, and outside a kernel, nobody can tell: empty.
    """
    ran = _ran()
    names = [_named(cell) for cell in _above(file, ran) if not _only_looks(cell) and not _among(cell, ran)]
    if not names:
        return ""
    more = f" and {len(names) - 2} more" if len(names) > 2 else ""
    return (
        f"{'These cells were' if len(names) > 1 else 'This cell was'} not run: {', '.join(names[:2])}{more}."
    )


def maker_of(name: str, file: str) -> str:
    """The cell of the chapter that gives `name` its value, by its beginning; empty when none does."""
    return next((_named(cell) for cell in _cells(file) if name in _bound_in(cell)), "")


def _ran() -> list[str]:
    """The cells that ran since the lab was opened, oldest first; the last is the one that runs now."""
    shell = get_ipython()
    history = shell.history_manager if shell else None
    inputs = list(history.input_hist_raw) if history else []
    opened = max((number for number, cell in enumerate(inputs) if OPENS in cell), default=0)
    return [cell.strip() for cell in inputs[opened:] if cell.strip()]


def _cells(file: str) -> list[str]:
    checkout = Path(__file__).resolve().parents[2] / "notebooks"
    path = next((each for each in (Path(file), checkout / file) if each.is_file()), None)
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"] if path else []
    return ["".join(cell["source"]).strip() for cell in cells if cell["cell_type"] == "code"]


def _above(file: str, ran: Sequence[str]) -> list[str]:
    cells = _cells(file) if ran else []
    now = max(range(len(cells)), key=lambda number: _likeness(cells[number], ran[-1]), default=0)
    return cells[:now]


def _among(cell: str, ran: Sequence[str]) -> bool:
    return cell in ran or any(_likeness(cell, each) > _ALIKE for each in ran)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _only_looks(cell: str) -> bool:
    """Whether nothing below it needs what it does."""
    return all(_ONLY_LOOKS.fullmatch(line) for line in cell.split("\n") if not line.startswith("#"))


def _named(cell: str) -> str:
    return f"`{cell.splitlines()[0]}`"


def _bound_in(cell: str) -> Iterator[str]:
    for node in ast.walk(compile(cell, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.alias(name=name, asname=own):
                yield own or name
