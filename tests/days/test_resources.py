"""Each kind of resource where lists lag: what is gone and listed still is none, and can be made again."""

import uuid
from collections.abc import Iterator

import pytest

from tests.cloud.pipe import KINDS, Pipe
from tests.days.clocks import VirtualClock
from tests.days.normal import OldLists
from tests.days.scenarios import under
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.local_cloud import Cloud

LAG = 20.0


class Ticking(VirtualClock):
    """Its time goes on a little with each answer, so that what waits for a list comes to its end."""

    def now(self) -> float:
        self.advance(LAG / 20)
        return super().now()


@pytest.fixture
def clock() -> VirtualClock:
    return Ticking()


@pytest.fixture
def pipe(cloud: Cloud, clock: VirtualClock) -> Iterator[Pipe]:
    with under(OldLists(LAG), clock=clock):
        pipe = Pipe(Session(resolve()), f"lab-tests-{uuid.uuid4().hex[:8]}")
        yield pipe
        for kind in reversed(KINDS):
            pipe.delete(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_gone_and_listed_still_is_none_and_can_be_made_again(
    kind: str, pipe: Pipe, clock: VirtualClock
) -> None:
    first = pipe.make_whole(kind)
    clock.advance(LAG)  # until then it would stand in no list at all
    assert pipe.delete(kind)
    assert pipe.describe(kind) is None
    second = pipe.make(kind)
    assert second.name == first.name
    clock.advance(LAG)
    assert pipe.describe(kind)
