"""Time for bad days: it passes where somebody waits, and nowhere else."""

from types import SimpleNamespace

import botocore.endpoint
import botocore.waiter
import pytest

from tests.days.clocks import VirtualClock
from webhook_lab.aws import retry


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    """What the library, boto3's retries and its waiters wait by: nobody really sleeps."""
    made = VirtualClock()
    passing = SimpleNamespace(monotonic=made.now, sleep=made.advance)
    for module in (retry, botocore.endpoint, botocore.waiter):
        monkeypatch.setattr(module, "time", passing)
    return made
