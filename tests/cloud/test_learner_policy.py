"""The learners' policy allows every call that the lab makes, and changes nothing of another name."""

import fnmatch

from tools.learner_policy import BATCHES, RENAMED, operations, policy
from webhook_lab.lab import Lab
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline.naming import Names


def allowed(action: str) -> bool:
    action = RENAMED.get(action, BATCHES.get(action, action))
    statements = policy("lab-")["Statement"]
    every = [[each["Action"]] if isinstance(each["Action"], str) else each["Action"] for each in statements]
    return any(fnmatch.fnmatch(action, pattern) for actions in every for pattern in actions)


def test_every_call_of_a_lab_from_its_building_to_its_teardown_is_allowed(cloud: Cloud) -> None:
    lab = Lab.open(chapter="15")
    lab.teardown()
    made = {
        f"{service}:{operation}"
        for call in lab.aws.calls.since(0)
        for service, operation in operations(call.service, call.method)  # a waiter's is what it asks
    }
    assert len(made) > 20
    assert {each for each in made if not allowed(each)} == set()


def test_what_changes_something_is_allowed_on_a_learners_own_names_alone() -> None:
    own = next(each for each in policy("lab-")["Statement"] if each["Sid"] == "OwnResources")
    names = Names("lab-ana")
    assert all("lab-*" in place for place in own["Resource"])
    for place in (names.table, names.queue, names.function("publish"), names.log_group("publish")):
        assert any(
            fnmatch.fnmatch(place, each.rpartition(":")[2].removeprefix("table/")) for each in own["Resource"]
        )
    looking = next(each for each in policy("lab-")["Statement"] if each["Sid"] == "Looking")
    changes = [
        each for each in looking["Action"] if not any(word in each for word in ("List", "Get", "Describe"))
    ]
    assert all("EventSourceMapping" in each for each in changes)
