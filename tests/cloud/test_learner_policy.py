"""Every command works for who has the rights that `webhook-lab policy` prints, and no others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.policy.authorization import Need
from tests.policy.enforcing import enforced
from tests.policy.record import KEPT, read_needs
from webhook_lab.cli import main
from webhook_lab.lab import Lab
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline.learner import learner_policy

NAME = "lab-learner"


@pytest.fixture(scope="module")
def needed(cloud: Cloud) -> Iterator[list[tuple[str, Need]]]:
    """What the calls of this process need: they are all a learner's."""
    found: list[tuple[str, Need]] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBHOOK_LAB_NAME", NAME)
        with enforced(learner_policy("lab"), lambda call, need: found.append((call, need))):
            yield found


def run(*command: str) -> Any:
    result = CliRunner().invoke(main, [*command, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_each_command_needs_no_more_than_the_policy(needed: list[tuple[str, Need]], tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(b"hello")
    lines = list[str]()
    for name, command in (
        ("doctor", ("doctor",)),
        ("up", ("up", "--secret")),
        ("status", ("status",)),
        ("send", ("up",)),
        ("send", ("send", str(body))),
        ("show", ("show", "table")),
        ("show", ("show", "logs")),
        ("redrive", ("redrive",)),
        ("catch-up", ("catch-up", "06")),
        ("sweep", ("sweep",)),
        ("down", ("down",)),
        ("sweep", ("sweep", "--yes")),
    ):
        needed.clear()
        run(*command)
        lines += [json.dumps([name, call, *need]) for call, need in needed]
    kept = {(call, need.action) for _, call, need in read_needs(KEPT.read_text("utf-8").splitlines())}
    (tmp_path / "needs.jsonl").write_text("\n".join(lines), encoding="utf-8")
    new = {(call, need.action) for _, call, need in read_needs(lines)} - kept
    assert new == set(), f"python -m tests.policy.record {tmp_path / 'needs.jsonl'} tests/policy/needs.jsonl"


def test_another_learners_lab_is_out_of_reach(needed: list[tuple[str, Need]]) -> None:
    with enforced(learner_policy("lab-ben"), lambda call, need: None):
        result = CliRunner().invoke(main, ["up", "--json"])
    said = json.loads(result.stdout)["error"]["said"]
    assert result.exit_code == 1
    assert "not authorized to perform: dynamodb:DescribeTable on " in said
    assert NAME in said
    Lab.open(chapter="02").teardown()
