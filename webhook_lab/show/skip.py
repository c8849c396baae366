"""Cells that cannot run here: one line says why, and they do nothing else, without red."""

from collections.abc import Callable

from IPython.core.getipython import get_ipython

OPENS = "Lab.open("
NEEDS_A_RESERVATION = "# needs a reservation"
"""The first line of a cell that only makes sense where executions can be reserved for one function."""

_instead: list[Callable[[list[str]], list[str]]] = []


def skip_the_rest(why: str) -> None:
    """Say why, and leave out every further cell until one opens a lab again."""
    print(why)
    _replace(lambda lines: lines if OPENS in "".join(lines) else ["pass\n"])


def leave_out(first_line: str, why: str) -> None:
    """Have cells that begin with this line say why, and do nothing else, until one opens a lab again."""
    _replace(lambda lines: [f"print({why!r})\n"] if lines and lines[0].strip() == first_line else lines)


def go_on() -> None:
    """Run cells again."""
    if shell := get_ipython():
        kept = [each for each in shell.input_transformers_cleanup if each not in _instead]
        shell.input_transformers_cleanup[:] = kept
        _instead.clear()


def _replace(instead: Callable[[list[str]], list[str]]) -> None:
    go_on()
    if shell := get_ipython():
        shell.input_transformers_cleanup.append(instead)
        _instead.append(instead)
