"""How this library waits: until something is so, until a look holds, or until AWS stops refusing."""

import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError, code_of

T = TypeVar("T")

FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0
"""Seconds between attempts: doubled after each, up to the longest."""
SILENT_SECONDS, LONGEST_SILENCE = 30.0, 120.0
"""What is still awaited after so long is said, then after each doubling, and so often at least: see
`say_what_is_awaited`."""

_say: Callable[[str], object] = str


def say_what_is_awaited(say: Callable[[str], object]) -> None:
    """Have long waits say what they wait for, as a notebook has them printed. Until then they say nothing."""
    global _say
    _say = say


class Wait:
    """One wait with its deadline, for a loop of the caller's own."""

    def __init__(self, seconds: float, reason: str) -> None:
        self._began, self._seconds, self._reason = time.monotonic(), seconds, reason
        self._next_said = SILENT_SECONDS

    def is_over(self) -> bool:
        """Whether the time is up; what is awaited is said when it is due."""
        waited = time.monotonic() - self._began
        if waited >= self._seconds:
            return True
        if waited >= self._next_said:
            _say(f"Waiting for {self._reason}: for {waited:.0f} s, and {self._seconds:.0f} s at most.")
            self._next_said += min(self._next_said, LONGEST_SILENCE)
        return False


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
    wait, pause = Wait(seconds, reason), FIRST_PAUSE
    while (answer := attempt()) is None:
        if wait.is_over():
            raise LabError(
                f"wait for {reason}", f"not so after {seconds:g} s", "Run the cell again to go on waiting."
            )
        time.sleep(pause)
        pause = min(pause * 2, longest_pause)
    return answer


def retry_look(look: Callable[[], T], *, seconds: float, reason: str) -> T:
    """What `look` answers once it no longer fails an assertion.

    Args:
        seconds: how long to look again, `Traits.patience` where the services show things late.
        reason: what is awaited, as a long wait says it.

    Raises:
        AssertionError: its last failure, when the time is up.
    """
    wait = Wait(seconds, reason)
    while True:
        try:
            return look()
        except AssertionError:
            if wait.is_over():
                raise
        time.sleep(LONGEST_PAUSE)


def retry_on(
    action: Callable[[], T],
    *,
    codes: tuple[str, ...],
    seconds: float,
    reason: str,
    first_pause: float = 0.25,
    longest_pause: float = 5.0,
) -> T:
    """Repeat `action` while AWS refuses it with one of `codes`, and return its answer.

    Args:
        codes: AWS error codes that pass by themselves, such as a throttle.
        seconds: how long to go on for; then the last refusal is raised as AWS said it.
        reason: why the refusal passes, as a long wait says it.

    Raises:
        ClientError: any other code at once, or one of `codes` when the time is up.
    """
    wait, pause = Wait(seconds, f"AWS to take it ({reason})"), first_pause
    while True:
        try:
            return action()
        except ClientError as error:
            if code_of(error) not in codes or wait.is_over():
                raise
        time.sleep(pause)
        pause = min(pause * 2, longest_pause)
