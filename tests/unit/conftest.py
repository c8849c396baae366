"""What the tests of single modules may ask for: no cloud, no waiting."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from webhook_lab.aws import retry


@pytest.fixture
def stub() -> Iterator[Callable[[str], tuple[Any, Stubber]]]:
    """Make a boto3 client that answers from a script: ``client, script = stub("sqs")``.

    A call that the script does not expect fails the test, and so does an answer that nobody asked for.
    """
    scripts: list[Stubber] = []

    def make(service: str) -> tuple[Any, Stubber]:
        client = boto3.client(
            service, region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none"
        )
        script = Stubber(client)
        script.activate()
        scripts.append(script)
        return client, script

    yield make
    for script in scripts:
        script.assert_no_pending_responses()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that retries would have made. Their clock goes forward by these, and by no more."""
    made: list[float] = []
    for retrying in (retry.retry_until, retry.retry_on):
        monkeypatch.setitem(retrying.__kwdefaults__, "sleep", made.append)
        monkeypatch.setitem(retrying.__kwdefaults__, "clock", lambda: sum(made))
    return made


class Waits(list[tuple[Any, ...]]):
    """Stands in for ``Session.wait``: remembers what was awaited, and comes back at once."""

    def __call__(self, service: str, waiter: str, **params: Any) -> None:
        self.append((service, waiter, params))


@pytest.fixture
def wait() -> Waits:
    return Waits()
