"""How long the things take that a learner waits for: `make bench`, or `python -m bench NAME --json` for one.

A part is a function that does the thing some times and returns the seconds of each. Register one by
decorating it with `part`, in a module that `bench.__main__` imports.
"""

from collections.abc import Callable
from dataclasses import dataclass

Measure = Callable[[], list[float]]


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
