"""Waiting for what has to happen, by looking again, with a deadline."""

from collections.abc import Callable

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_until


def wait_until(
    met: Callable[[], object], seconds: float = 20, reason: str = "it to happen", look: float = 0.02
) -> None:
    """Look every `look` seconds until it is so; fail an assertion when the time is up."""
    try:
        retry_until(lambda: met() or None, seconds=seconds, reason=reason, longest_pause=look)
    except LabError as late:
        raise AssertionError(str(late)) from late
