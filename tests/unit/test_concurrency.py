"""Peak concurrency out of log lines."""

from typing import Any

import pytest

from webhook_lab.watch.concurrency import peak_concurrency


def lines(*spans: tuple[int, int | None]) -> list[dict[str, Any]]:
    """Start and finish lines of invocations; None: not finished yet."""
    found = []
    for number, (start, finish) in enumerate(spans):
        found.append({"event": "invocation_start", "request_id": str(number), "at": start})
        found.append({"event": "record_start", "request_id": str(number), "at": start})
        if finish is not None:
            found.append({"event": "invocation_finish", "request_id": str(number), "at": finish})
    return found


@pytest.mark.parametrize(
    ("spans", "peak"),
    {
        "none": ([], 0),
        "one": ([(1, 5)], 1),
        "one after the other": ([(1, 5), (6, 9)], 1),
        "one from the other's end": ([(1, 5), (5, 9)], 1),
        "two at once": ([(1, 5), (4, 9)], 2),
        "two that begin at once": ([(1, 5), (1, 9)], 2),
        "a short one inside a long one": ([(1, 9), (4, 4)], 2),
        "two pairs": ([(1, 4), (2, 5), (6, 9), (7, 8)], 2),
        "three, of which two at once": ([(1, 4), (3, 6), (5, 8)], 2),
        "one whose finish is not written yet": ([(1, None), (7, 8)], 1),
    }.values(),
)
def test_the_peak_is_the_most_that_ran_at_one_time(spans: list[tuple[int, int | None]], peak: int) -> None:
    assert peak_concurrency(lines(*spans)) == peak
    assert peak_concurrency(reversed(lines(*spans))) == peak
