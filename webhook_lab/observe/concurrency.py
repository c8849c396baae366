"""How many invocations ran at once, by the functions' own log lines."""

import math
from collections.abc import Iterable, Mapping
from typing import Any


def peak_concurrency(lines: Iterable[Mapping[str, Any]]) -> int:
    """The most invocations that were between their start and their finish at one time.

    One that begins in the millisecond in which another ends did not run beside it. One without a finish is
    still running.
    """
    spans: dict[str, list[float]] = {}
    for line in lines:
        if line["event"] == "invocation_start":
            spans.setdefault(line["request_id"], [0, math.inf])[0] = line["at"]
        elif line["event"] == "invocation_finish":
            spans.setdefault(line["request_id"], [0, math.inf])[1] = line["at"]
    return max((_running(start, spans) for start, _ in spans.values()), default=0)


def _running(at: float, spans: Mapping[str, list[float]]) -> int:
    """How many of `spans` cover `at`; an invocation that ends as it begins counts just then."""
    covering = sum(start <= at < finish for start, finish in spans.values())
    return covering + any(start == at == finish for start, finish in spans.values())
