"""The role's calls to IAM, one by one."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import Foreign
from webhook_lab.resources.policies import LAMBDA_TRUST
from webhook_lab.resources.role import Role, delete_role, describe_role, ensure_role

NAME, PATH = "lab-publish", "/webhook-lab/"
ARN = f"arn:aws:iam::123456789012:role{PATH}{NAME}"
TAGS = {"webhook-lab": "lab"}
PAIRS = [{"Key": "webhook-lab", "Value": "lab"}]
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:B", "Resource": "c"}]}
MADE = Role(NAME, ARN, PATH, POLICY)
WANTED: dict[str, Any] = {"name": NAME, "path": PATH, "policy": POLICY, "tags": TAGS}
THE_ROLE = {"RoleName": NAME}
INLINE = {**THE_ROLE, "PolicyName": "webhook-lab"}


def described(
    trust: Any = LAMBDA_TRUST, path: str = PATH, pairs: list[dict[str, str]] | None = None
) -> dict[str, Any]:
    return {
        "RoleName": NAME,
        "RoleId": "AROAEXAMPLEEXAMPLE",
        "CreateDate": "2026-11-01T00:00:00Z",
        "Arn": ARN,
        "Path": path,
        "AssumeRolePolicyDocument": quote(json.dumps(trust)),
        "Tags": PAIRS if pairs is None else pairs,
    }


def script_look(script: Any, policy: Any = POLICY, **found: Any) -> None:
    script.add_response("get_role", {"Role": described(**found)}, THE_ROLE)
    script_policy(script, policy)


def script_policy(script: Any, policy: Any) -> None:
    if policy is None:
        script.add_client_error("get_role_policy", "NoSuchEntity", expected_params=INLINE)
    else:
        document = quote(json.dumps(policy))  # as IAM sends it; boto3 decodes it
        script.add_response("get_role_policy", {**INLINE, "PolicyDocument": document}, INLINE)


def script_put(script: Any) -> None:
    script.add_response("put_role_policy", {}, {**INLINE, "PolicyDocument": json.dumps(POLICY)})


def script_create(script: Any) -> None:
    script.add_client_error("get_role", "NoSuchEntity", expected_params=THE_ROLE)
    script.add_response(
        "create_role",
        {"Role": described()},
        {**THE_ROLE, "Path": PATH, "AssumeRolePolicyDocument": json.dumps(LAMBDA_TRUST), "Tags": PAIRS},
    )


def test_an_absent_role_is_created_with_its_tags_and_policy(stub: Any) -> None:
    iam, script = stub("iam")
    script_create(script)
    script_put(script)
    assert ensure_role(iam, **WANTED) == MADE


def test_a_role_without_a_policy_is_created_without_one(stub: Any) -> None:
    iam, script = stub("iam")
    script_create(script)
    assert ensure_role(iam, **{**WANTED, "policy": None}).policy is None


def test_a_new_role_that_iam_does_not_know_everywhere_is_given_time(stub: Any, pauses: list[float]) -> None:
    iam, script = stub("iam")
    script_create(script)
    script.add_client_error("put_role_policy", "NoSuchEntity")
    script_put(script)
    assert ensure_role(iam, **WANTED) == MADE
    assert len(pauses) == 1


def test_a_role_as_wanted_is_left_alone(stub: Any) -> None:
    iam, script = stub("iam")
    script_look(script)
    assert ensure_role(iam, **WANTED) == MADE


@pytest.mark.parametrize("policy", [None, {**POLICY, "Statement": []}], ids=["missing", "changed"])
def test_the_policy_is_restored(stub: Any, policy: Any) -> None:
    iam, script = stub("iam")
    script_look(script, policy)
    script_put(script)
    assert ensure_role(iam, **WANTED) == MADE


def test_a_policy_that_nobody_wants_is_removed(stub: Any) -> None:
    iam, script = stub("iam")
    script_look(script)
    script.add_response("delete_role_policy", {}, INLINE)
    assert ensure_role(iam, **{**WANTED, "policy": None}).policy is None
    script_look(script, None)
    assert ensure_role(iam, **{**WANTED, "policy": None}).policy is None


def test_who_may_assume_the_role_is_restored(stub: Any) -> None:
    iam, script = stub("iam")
    script.add_response("get_role", {"Role": described(trust={"Statement": []})}, THE_ROLE)
    trust = {**THE_ROLE, "PolicyDocument": json.dumps(LAMBDA_TRUST)}
    script.add_response("update_assume_role_policy", {}, trust)
    script_policy(script, POLICY)
    assert ensure_role(iam, **WANTED) == MADE


@pytest.mark.parametrize(
    "found",
    [{"pairs": []}, {"pairs": [{"Key": "webhook-lab", "Value": "another"}]}, {"path": "/"}],
    ids=["untagged", "another's tag", "another path"],
)
def test_a_foreign_role_is_refused(stub: Any, found: dict[str, Any]) -> None:
    iam, script = stub("iam")
    script.add_response("get_role", {"Role": described(**found)}, THE_ROLE)
    with pytest.raises(Foreign):
        ensure_role(iam, **WANTED)


@pytest.mark.parametrize("code", ["EntityAlreadyExists", "LimitExceeded", "AccessDenied"])
def test_what_is_refused_comes_out_as_aws_said_it(stub: Any, code: str) -> None:
    iam, script = stub("iam")
    script.add_client_error("get_role", "NoSuchEntity")
    script.add_client_error("create_role", code)
    with pytest.raises(ClientError, match=code):
        ensure_role(iam, **WANTED)


def test_there_is_no_description_of_an_absent_or_foreign_role(stub: Any) -> None:
    iam, script = stub("iam")
    script.add_client_error("get_role", "NoSuchEntity")
    assert describe_role(iam, name=NAME) is None
    script.add_response("get_role", {"Role": described(pairs=[])}, THE_ROLE)
    assert describe_role(iam, name=NAME, tags=TAGS) is None
    script_look(script, None)
    assert describe_role(iam, name=NAME, tags=TAGS) == Role(NAME, ARN, PATH, None)


def test_a_role_is_deleted_with_every_policy_on_it(stub: Any) -> None:
    iam, script = stub("iam")
    managed = "arn:aws:iam::aws:policy/AdministratorAccess"
    script.add_response("list_role_policies", {"PolicyNames": ["webhook-lab", "mine"]}, THE_ROLE)
    script.add_response("delete_role_policy", {}, INLINE)
    script.add_response("delete_role_policy", {}, {**THE_ROLE, "PolicyName": "mine"})
    attached = {"AttachedPolicies": [{"PolicyName": "AdministratorAccess", "PolicyArn": managed}]}
    script.add_response("list_attached_role_policies", attached, THE_ROLE)
    script.add_response("detach_role_policy", {}, {**THE_ROLE, "PolicyArn": managed})
    script.add_response("delete_role", {}, THE_ROLE)
    assert delete_role(iam, name=NAME)


def test_deleting_an_absent_or_foreign_role_is_quiet(stub: Any) -> None:
    iam, script = stub("iam")
    script.add_client_error("list_role_policies", "NoSuchEntity")
    assert not delete_role(iam, name=NAME)
    script.add_response("get_role", {"Role": described(pairs=[])}, THE_ROLE)
    assert not delete_role(iam, name=NAME, tags=TAGS)
