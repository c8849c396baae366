"""When deliveries arrive: seconds from the start of a run, one for each delivery, earliest first."""

import math
import random

from webhook_lab.aws.errors import LabError
from webhook_lab.facts import quotas

MOST_DELIVERIES = 100_000
"""In one run; the local cloud takes an hour for as many."""
FASTEST = quotas.API_REQUESTS_PER_SECOND.value
"""Deliveries a second: what API Gateway lets an account have."""


def within(where: str, name: str, value: float, least: float, most: float) -> None:
    """Refuse a `value` outside `least` to `most`, both allowed.

    Raises:
        LabError: it is outside, or no number.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise LabError(where, f"{name} is {value!r}", f"Use a number from {least:,g} to {most:,g}.")


def burst(n: int) -> list[float]:
    """All at once."""
    count("plan a burst", n)
    return [0.0] * n


def constant(rate: float, n: int) -> list[float]:
    """One every 1/`rate` seconds."""
    count("plan a constant rate", n)
    within("plan a constant rate", "the rate (deliveries a second)", rate, 0.001, FASTEST)
    return [index / rate for index in range(n)]


def ramp(start: float, end: float, n: int) -> list[float]:
    """A rate that rises or falls evenly from `start` to `end` deliveries a second over the `n` deliveries."""
    where = "plan a ramp"
    count(where, n)
    for name, rate in (("start", start), ("end", end)):
        within(where, f"the rate at its {name} (deliveries a second)", rate, 0, FASTEST)
    within(where, "the mean of both rates (deliveries a second)", (start + end) / 2, 0.001, FASTEST)
    # After t seconds start·t + slope·t²/2 have arrived; solved for t in the form that survives slope = 0.
    slope = (end - start) * (start + end) / (2 * n)
    roots = [math.sqrt(max(0.0, start * start + 2 * slope * index)) for index in range(n)]
    return [2 * index / (start + root) if index else 0.0 for index, root in enumerate(roots)]


def poisson(rate: float, n: int, *, seed: int = 0) -> list[float]:
    """Independent senders, `rate` deliveries a second on average; the same again for the same seed."""
    count("plan Poisson arrivals", n)
    within("plan Poisson arrivals", "the rate (deliveries a second)", rate, 0.001, FASTEST)
    chance, now, times = random.Random(seed), 0.0, []
    for _ in range(n):
        now += chance.expovariate(rate)
        times.append(now)
    return times


def count(where: str, n: int) -> None:
    """Refuse what is no number of deliveries.

    Raises:
        LabError: it is no whole number, or too small or large.
    """
    within(where, "the number of deliveries", n, 1, MOST_DELIVERIES)
    if not isinstance(n, int):
        raise LabError(where, f"the number of deliveries is {n!r}", "Use a whole number.")
