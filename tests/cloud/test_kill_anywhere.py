"""A kill before and after every single call of a build and of a teardown: recorded, then one by one.

What a fork leaves is looked at by AWS's own lists. The next teardown leaves nothing, by its ledger alone; and
so does a sweep, which sees no ledger.
"""

import os
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.cloud.account import of_lab
from tests.cloud.doomed import Doomed
from webhook_lab.ledger import state_folder
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

PREFIX = "lab-doomed"
READS = ("Get", "List", "Describe", "Head")
MOMENTS = ("before", "after")


@pytest.fixture(scope="module")
def doomed(cloud: Cloud) -> Iterator[Doomed]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBHOOK_LAB_NAME", PREFIX)
        with Doomed() as warm:
            yield warm


def recorded(doomed: Doomed) -> tuple[list[tuple[str, int, str]], list[tuple[str, int, str]]]:
    """Every call of one whole build, and of one whole teardown: its step, its number there, its operation."""
    return numbered(well(doomed, "build")), numbered(well(doomed, "teardown"))


def well(doomed: Doomed, job: str, until: str = "") -> tuple[tuple[str, str], ...]:
    end = doomed.run(job, until=until)
    assert (end.killed, end.error) == (False, "")
    return end.calls


def numbered(calls: tuple[tuple[str, str], ...]) -> list[tuple[str, int, str]]:
    seen: Counter[str] = Counter()
    found = []
    for step, operation in calls:
        seen[step] += 1
        found.append((step, seen[step], operation))
    return [each for each in found if each[0]]


def changes(calls: list[tuple[str, int, str]]) -> list[tuple[str, int, str]]:
    return [each for each in calls if not each[2].startswith(READS)]


def nothing_is_left(what: object) -> None:
    assert of_lab(PREFIX) == set(), what
    assert not list(state_folder().glob(f"*--{PREFIX}.jsonl")), what


def until_of(step: str) -> str:
    """The last step that still stands when that one is torn down."""
    return step if step in STEPS else "dlq"


@pytest.mark.long
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("job", ["build", "teardown"])
def test_after_a_kill_at_any_call_the_next_teardown_leaves_nothing(
    doomed: Doomed, job: str, moment: str
) -> None:
    """Behind a call that only reads, all is as it was before it, here and there: that is one case."""
    calls = recorded(doomed)[job == "teardown"]
    assert len(calls) > 40
    tried = calls if moment == "before" else changes(calls)
    for (step, number, operation), before in zip(tried, [("", 0, ""), *tried], strict=False):
        case = f"{moment} {operation}, call {number} of {step}"
        if job == "teardown":
            well(doomed, "build", until_of(step))
        polls = (step, operation) == (before[0], before[2])  # asked until something is so: it may be sooner
        assert doomed.run(job, kill=(step, number, moment)).killed or polls, case
        well(doomed, "teardown")
        nothing_is_left(case)


@pytest.mark.long
@pytest.mark.parametrize("job", ["build", "teardown"])
def test_after_a_kill_behind_any_change_a_sweep_without_the_ledger_leaves_nothing(
    doomed: Doomed, job: str
) -> None:
    """What stands differs behind a change alone: no other call needs to be tried."""
    calls = changes(recorded(doomed)[job == "teardown"])
    assert len(calls) > 10
    for step, number, operation in calls:
        case = f"after {operation}, call {number} of {step}"
        if job == "teardown":
            well(doomed, "build", until_of(step))
        assert doomed.run(job, kill=(step, number, "after")).killed, case
        well(doomed, "sweep")
        nothing_is_left(case)
