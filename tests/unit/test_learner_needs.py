"""What notebooks and commands needed of a learner's policy: all of it is there, and no action is for nothing.

`tests/policy/needs.jsonl` has what they needed when they ran under the policy (`tests/policy/record.py`).
"""

from copy import deepcopy
from typing import Any

import pytest

from tests.policy.authorization import Need
from tests.policy.enforcing import Policy, read_needs
from tests.policy.record import KEPT
from webhook_lab.pipeline.learner import learner_policy

STATEMENTS = learner_policy("lab")["Statement"]
PAIRS = [(each["Sid"], action) for each in STATEMENTS for action in each["Action"]]
LOOKING = next(each["Action"] for each in STATEMENTS if each["Sid"] == "Looking")
NOT_EXECUTED: dict[tuple[str, str], str] = {
    (
        "OwnFunctions",
        "lambda:ListTags",
    ): "a sweep asks a function whether it is the lab's where the tag index does "
    "not tell; on AWS the index lags behind (API_GetResources is eventually consistent), here it never does",
    ("OwnLogGroups", "logs:PutLogGroupDeletionProtection"): "a protected log group refuses to be deleted "
    "(API_PutLogGroupDeletionProtection); the local cloud has no such protection",
}
"""What no run here can need: statement and action, and when AWS asks for it."""
NEEDS = [(who, call, need) for who, call, need in read_needs(KEPT.read_text("utf-8").splitlines())]


@pytest.mark.parametrize(("who", "call", "need"), NEEDS, ids=lambda each: str(each)[:60])
def test_what_was_needed_is_allowed_to_its_owner_and_to_nobody_else(who: str, call: str, need: Need) -> None:
    own, other = Policy(learner_policy(_prefix(need))), Policy(learner_policy("other"))
    assert own.allows(need), f"{who}: {call}"
    shared = ("restapis", "/tags/", "event-source-mapping", "transform")  # nothing in them says whose it is
    if need.action not in LOOKING and not any(word in need.resource for word in shared):
        assert not other.allows(need)
    if need.context:
        assert not other.allows(need)


def _prefix(need: Need) -> str:
    return "lab" if "lab-learner" in str(need) else "webhook-lab"


def without(document: Any, sid: str, action: str | None) -> Any:
    """The policy without one action of one statement, or without the statement."""
    document = deepcopy(document)
    statement = next(each for each in document["Statement"] if each["Sid"] == sid)
    statement["Action"] = [each for each in statement["Action"] if action and each != action]
    document["Statement"] = [each for each in document["Statement"] if each["Action"]]
    return document


def failing(sid: str, action: str | None) -> list[str]:
    """Who fails, and at which call, where the policy lacks that much."""
    cut = {name: Policy(without(learner_policy(name), sid, action)) for name in ("lab", "webhook-lab")}
    return [f"{call} of {who}" for who, call, need in NEEDS if not cut[_prefix(need)].allows(need)]


@pytest.mark.parametrize(("sid", "action"), PAIRS)
def test_without_one_action_a_named_notebook_or_command_fails(sid: str, action: str) -> None:
    assert bool(failing(sid, action)) is ((sid, action) not in NOT_EXECUTED)


@pytest.mark.parametrize("sid", [each["Sid"] for each in STATEMENTS])
def test_without_one_statement_a_named_notebook_or_command_fails(sid: str) -> None:
    assert failing(sid, None)
