"""Numbers that a sending is asked for have to be in range before anything is sent."""

from webhook_lab.aws.errors import LabError

MOST_DELIVERIES = 100_000
"""In one run; the local cloud takes an hour for as many."""


def within(where: str, name: str, value: float, least: float, most: float, *, whole: bool = False) -> None:
    """Refuse a `value` outside `least` to `most`, both allowed, and if asked for one that is not whole.

    Raises:
        LabError: it is outside, or no such number.
    """
    kinds = int if whole else int | float
    if isinstance(value, bool) or not isinstance(value, kinds) or not least <= value <= most:
        number = "whole number" if whole else "number"
        raise LabError(where, f"{name} is {value!r}", f"Use a {number} from {least:,g} to {most:,g}.")
