"""How many invocations ran at once, by the functions' own log lines."""

from collections.abc import Iterable, Mapping
from typing import Any


def peak_concurrency(lines: Iterable[Mapping[str, Any]]) -> int:
    """The most invocations that were between their start and their finish at one time.

    One that begins in the millisecond in which another ends did not run beside it. One whose finish has not
    been written yet counts up to its last line.
    """
    spans: dict[str, list[int]] = {}
    for line in lines:
        at = int(line["at"])
        span = spans.setdefault(line["request_id"], [at, at])
        span[:] = min(span[0], at), max(span[1], at)
    return max((_running(start, spans) for start, _ in spans.values()), default=0)


def _running(at: int, spans: Mapping[str, list[int]]) -> int:
    """How many of `spans` cover `at`; an invocation that ends as it begins counts just then."""
    covering = sum(start <= at < finish for start, finish in spans.values())
    return covering + any(start == at == finish for start, finish in spans.values())
