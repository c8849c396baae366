"""What the tests of the resources share: one session, and a pipe of resources for each test."""

import uuid
from collections.abc import Iterator

import pytest

from tests.cloud.pipe import KINDS, Pipe
from webhook_lab import sweep
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.lab import Lab
from webhook_lab.local_cloud import Cloud


@pytest.fixture(scope="module")
def session(cloud: Cloud) -> Session:
    return Session(resolve())


@pytest.fixture
def name() -> str:
    return f"lab-tests-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def pipe(session: Session, name: str) -> Iterator[Pipe]:
    pipe = Pipe(session, name)
    yield pipe
    for kind in reversed(KINDS):
        pipe.delete(kind)


@pytest.fixture(scope="module")
def lab_with_bucket(cloud: Cloud) -> Iterator[Lab]:
    """A lab whose functions keep large bodies in the bucket; nothing of it is left."""
    lab = Lab.open(chapter="15")
    lab.configure(claim_check=True)
    lab.create_bucket()
    for handler in ("publish", "subscribe"):
        lab.create_role(handler)
        lab.create_function(handler)
    yield lab
    lab.teardown()
    assert sweep.remaining(lab.aws, lab.names.prefix) == []
