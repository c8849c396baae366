"""`up` and `down` killed between a request and the note of it: the next process still leaves nothing."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from tests.cloud.account import of_lab
from tests.cloud.mortal import HERE, killed
from webhook_lab.cli import main
from webhook_lab.ledger import state_folder
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS

PREFIX = "lab-killed"


def here(*arguments: str) -> dict[str, Any]:
    """What a command says, run in this process; it has to succeed."""
    done = CliRunner().invoke(main, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def down() -> dict[str, Any]:
    """What `down` says in a process of its own; it has to succeed."""
    command = [sys.executable, "-m", "webhook_lab.cli", "down", "--json"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    facts: dict[str, Any] = json.loads(done.stdout)
    return facts


def standing() -> set[str]:
    """All that stands with the lab's name."""
    return of_lab(PREFIX)


@pytest.fixture(autouse=True)
def lab(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A lab of which nothing stands, on a cloud that outlives the killed."""
    monkeypatch.setenv("WEBHOOK_LAB_NAME", PREFIX)
    assert standing() == set()
    yield
    here("sweep", "--yes")


def nothing_is_left() -> None:
    assert standing() == set()
    assert not list(state_folder().glob(f"*--{PREFIX}.jsonl"))


@pytest.mark.parametrize(
    "operation", ["CreateTable", "CreateRole", "CreateFunction", "CreateEventSourceMapping", "CreateRestApi"]
)
def test_after_a_kill_in_up_the_next_down_leaves_nothing(operation: str) -> None:
    assert killed(operation, "after", "up")
    assert down()["remaining"] == 0
    nothing_is_left()


@pytest.mark.parametrize(
    ("operation", "moment"),
    [("DeleteEventSourceMapping", "after"), ("DeleteFunction", "before"), ("DeleteTable", "after")],
)
def test_after_a_kill_in_down_the_next_down_leaves_nothing(operation: str, moment: str) -> None:
    here("up")
    assert killed(operation, moment, "down")
    assert down()["remaining"] == 0
    nothing_is_left()


@pytest.mark.parametrize("operation", ["CreateRole", "CreateRestApi"])
def test_without_the_ledger_sweep_finds_what_a_killed_up_left(operation: str) -> None:
    assert killed(operation, "after", "up")
    for ledger in state_folder().glob(f"*--{PREFIX}.jsonl"):
        ledger.unlink()
    left = standing()
    assert here("sweep")["remaining"] >= len(left) > 0
    assert standing() == left
    assert here("sweep", "--yes")["remaining"] == 0
    nothing_is_left()


def test_after_a_kill_the_next_up_finishes_what_was_begun() -> None:
    assert killed("CreateEventSourceMapping", "after", "up")
    here("up")
    assert here("status")["missing"] == []
    assert len(down()["removed"]) == len(STEPS)
    nothing_is_left()
