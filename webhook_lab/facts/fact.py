"""What a fact is: a value, its unit, who says so, and when that was checked."""

from dataclasses import dataclass
from typing import Generic, TypeVar

CHECKED = "2026-11"
"""The month in which the facts below were last read at their sources."""

Value = TypeVar("Value", bound=object)

# Seconds in a unit, its name, and from how many on one says it rather than seconds.
_SECONDS = ((86_400, "day", 1), (3_600, "hour", 1), (60, "minute", 5))
_BYTES = ((1024**2, "MiB"), (1024, "KiB"))


@dataclass(frozen=True, repr=False)
class Fact(Generic[Value]):
    """One number (or one list of them) that AWS or a sender decides.

    ``f"{fact}"`` speaks it with its unit; ``f"{fact:,}"`` formats the bare value.

    Args:
        value: the number itself, for arithmetic.
        unit: ``"bytes"``, ``"seconds"``, ``"USD per …"``, or any noun that the value counts.
        source: the address of the page that says so.
        checked: year and month of the last look.
    """

    value: Value
    unit: str
    source: str
    checked: str = CHECKED

    def __str__(self) -> str:
        return spoken(self.value, self.unit)

    def __repr__(self) -> str:
        return f"{self} ({self.source}, checked {self.checked})"

    def __format__(self, spec: str) -> str:
        return format(self.value, spec) if spec else str(self)


def spoken(value: object, unit: str) -> str:
    """A value with its unit, as one would say it.

    >>> spoken(345_600, "seconds"), spoken(180, "seconds"), spoken(1_048_576, "bytes")
    ('4 days', '180 seconds', '1 MiB (1,048,576 bytes)')
    >>> spoken(0.4, "USD per million requests"), spoken(10, "messages")
    ('USD 0.40 per million requests', '10 messages')
    """
    if isinstance(value, tuple):
        return ", ".join(spoken(one, unit) for one in value)
    if not isinstance(value, int | float):
        return f"{value} {unit}".strip()
    if unit.startswith("USD"):
        return f"{dollars(value)}{unit.removeprefix('USD')}"
    if unit == "seconds":
        for size, name, smallest in _SECONDS:
            if value >= size * smallest and value % size == 0:
                return f"{value // size:,} {name}{'' if value == size else 's'}"
    if unit == "bytes":
        for size, name in _BYTES:
            if value >= size and value % size == 0:
                return f"{value // size:,} {name} ({value:,} bytes)"
    return f"{value:,} {unit.removesuffix('s') if value == 1 else unit}".strip()


def dollars(value: float) -> str:
    """US dollars with at least two decimals and as many as the price has.

    No dollar sign: notebooks take what stands between two of them for mathematics.
    """
    whole, _, decimals = f"{value:.10f}".partition(".")
    return f"USD {whole}.{decimals.rstrip('0'):0<2}"
