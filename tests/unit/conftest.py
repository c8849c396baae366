"""What the tests of single modules may ask for: no cloud, no waiting."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber


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
