"""How long the things take that a learner waits for: `make bench`, or `python -m bench NAME --json` for one.

A part is a function that does the thing some times and returns the seconds of each. Register one by
decorating it with `part`, in a module that `bench.__main__` imports. What is more than seconds goes into
tables of its own: `tables`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Measure = Callable[[], list[float]]
Rows = list[dict[str, Any]]
Tabulate = Callable[[], dict[str, Rows]]


@dataclass(frozen=True)
class Part:
    """One line of the table.

    Args:
        what: what is timed, in a few words.
        at_most: seconds that the median may take; the project's promise.
        measure: does it and returns the seconds of each time, after warming up where the promise is for warm.
    """

    name: str
    what: str
    at_most: float
    measure: Measure


PARTS: dict[str, Part] = {}
"""Every part by its name, in the order of registration."""


def part(name: str, what: str, *, at_most: float) -> Callable[[Measure], Measure]:
    """Register the decorated function as the part `name`."""

    def register(measure: Measure) -> Measure:
        PARTS[name] = Part(name, what, at_most, measure)
        return measure

    return register


@dataclass(frozen=True)
class Tables:
    """Something that takes more than one number to tell.

    Args:
        what: what is measured, in a few words.
        measure: does it and returns rows by the name that their table has in the JSON; a row that has a
            "kept" says with it whether a promise was kept.
        always: whether it belongs to the whole bench, or is measured only where it is named.
    """

    name: str
    what: str
    measure: Tabulate
    always: bool = True


TABLES: dict[str, Tables] = {}
"""What fills tables, by its name, in the order of registration."""


def tables(name: str, what: str, *, always: bool = True) -> Callable[[Tabulate], Tabulate]:
    """Register the decorated function as the one that fills the tables of `name`."""

    def register(measure: Tabulate) -> Tabulate:
        TABLES[name] = Tables(name, what, measure, always)
        return measure

    return register
