"""Bursts, the watch and the throttle of a lab, on the local cloud."""

import contextlib
import io
from collections.abc import Iterator

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.lab import Lab
from webhook_lab.local_cloud import Cloud

ORDER = ("PutFunctionConcurrency", "UpdateEventSourceMapping")


@pytest.fixture(scope="module")
def lab(cloud: Cloud) -> Iterator[Lab]:
    with contextlib.redirect_stdout(io.StringIO()):
        opened = Lab.open(chapter="08")
        yield opened
        opened.teardown()


def changes(lab: Lab, mark: int) -> list[str]:
    return [call.operation for call in lab.aws.calls.since(mark) if call.operation in ORDER]


def test_the_reserved_value_is_raised_first_and_lowered_last(lab: Lab) -> None:
    mark = lab.aws.calls.mark()
    lab.set_throttle(4)
    assert changes(lab, mark) == [*ORDER]
    mark = lab.aws.calls.mark()
    lab.set_throttle(2)
    assert changes(lab, mark) == [*reversed(ORDER)]


@pytest.mark.parametrize("invocations", [1, 0, -2, 1001, 2.5, True, "3"])
def test_a_throttle_out_of_range_changes_nothing(lab: Lab, invocations: int) -> None:
    mark = lab.aws.calls.mark()
    with pytest.raises(LabError, match="whole number from 2 to 1,000"):
        lab.set_throttle(invocations)
    assert not changes(lab, mark)


def test_a_burst_is_counted_to_its_end(lab: Lab) -> None:
    run = lab.watch(show=False)
    lab.burst(10, redelivered=0.5, providers=["standard-webhooks", "github"])
    facts = run.wait().facts()
    assert facts.pop("peak concurrency") <= 2
    assert facts == {"sent": 15, "rejected": 0, "stored": 10, "duplicates": 5, "dead": 0, "lost": 0}


def test_a_burst_out_of_range_sends_nothing(lab: Lab) -> None:
    with pytest.raises(LabError, match="number of deliveries"):
        lab.burst(0)
    with pytest.raises(LabError, match="cap"):
        lab.burst(10, cap=5)
