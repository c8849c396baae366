"""The only two ways in which this library waits: until something is so, or until AWS stops refusing."""

import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError, code_of

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0
"""Seconds between attempts: doubled after each, up to the longest."""


def retry_until(
    attempt: Callable[[], T | None],
    *,
    seconds: float,
    reason: str,
    longest_pause: float = LONGEST_PAUSE,
) -> T:
    """Call `attempt` until it answers something other than None, and return that.

    Args:
        seconds: how long to go on for.
        longest_pause: seconds between two attempts at most.
        reason: what is awaited, as the error will say it ("the mapping to be deleted").

    Raises:
        LabError: when the time is up.
    """
    deadline, pause = time.monotonic() + seconds, FIRST_PAUSE
    while (answer := attempt()) is None:
        if time.monotonic() >= deadline:
            raise LabError(
                f"wait for {reason}", f"not so after {seconds:g} s", "Run the cell again to go on waiting."
            )
        time.sleep(pause)
        pause = min(pause * 2, longest_pause)
    return answer


def retry_on(
    action: Callable[[], T],
    *,
    codes: tuple[str, ...],
    seconds: float,
    reason: str,  # noqa: ARG001
    first_pause: float = 0.25,
    longest_pause: float = 5.0,
) -> T:
    """Repeat `action` while AWS refuses it with one of `codes`, and return its answer.

    Args:
        codes: AWS error codes that pass by themselves, such as a throttle.
        seconds: how long to go on for; then the last refusal is raised as AWS said it.
        reason: why the refusal passes; kept for whoever reads the call.

    Raises:
        ClientError: any other code at once, or one of `codes` when the time is up.
    """
    deadline, pause = time.monotonic() + seconds, first_pause
    while True:
        try:
            return action()
        except ClientError as error:
            if code_of(error) not in codes or time.monotonic() >= deadline:
                raise
        time.sleep(pause)
        pause = min(pause * 2, longest_pause)
