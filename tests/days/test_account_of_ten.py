"""An account of ten executions: what needs a reservation says so, and nothing else is refused."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.days.kernel import holds, named
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.traits import LOCAL_CLOUD
from webhook_lab.lab import Lab
from webhook_lab.lab.bad_days import possible
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS, Settings

WITHOUT_DELAYS = replace(LOCAL_CLOUD, limits_account_concurrency=True)


@pytest.fixture(scope="module")
def lab(cloud: Cloud) -> Iterator[Lab]:
    with (
        holds(named("account of 10"), WITHOUT_DELAYS),
        contextlib.redirect_stdout(io.StringIO()),
    ):
        opened = Lab.open(chapter="10")
        yield opened
        opened.teardown()


@pytest.mark.parametrize("key", [key for key in STEPS if key != "subscribe_function"])
def test_a_reservation_that_cannot_be_is_no_matter_of_another_step(lab: Lab, key: str) -> None:
    lab.configure(reserved_concurrency=2, maximum_concurrency=None)
    lab.pipeline.ensure(key)


def test_the_function_is_changed_all_the_same_and_its_card_says_what_was_not(lab: Lab) -> None:
    lab.configure(reserved_concurrency=2, function_timeout=7)
    card = lab.create_function("subscribe")
    assert card.title == "Nothing was reserved"
    assert "below its minimum value of [10]" in card.rows[0][1]
    assert lab.pipeline.look_up("subscribe_function").timeout == 7


def test_a_throttle_moves_by_the_mapping_alone(lab: Lab) -> None:
    lab.configure(reserved_concurrency=None, maximum_concurrency=2)
    lab.set_throttle(4)
    assert lab.pipeline.look_up("mapping").maximum_concurrency == 4
    run = lab.watch(show=False)
    run.stop()
    run.check(throttle=4)
    with pytest.raises(LabError, match="throttle 2, and the run had 4"):
        run.check(throttle=2)


def test_over_pull_is_no_bad_day_there() -> None:
    assert set(possible(Settings())) - set(possible(Settings(reserved_concurrency=None))) == {"over-pull"}
