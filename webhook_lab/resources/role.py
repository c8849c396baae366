"""The IAM role that one function runs under, with one inline policy: its own actions on its own resources.

Calls: GetRole, GetRolePolicy; CreateRole, UpdateAssumeRolePolicy, PutRolePolicy, DeleteRolePolicy;
ListRolePolicies, ListAttachedRolePolicies, DetachRolePolicy, DeleteRole.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.retry import retry_on
from webhook_lab.resources.ownership import (
    Tags,
    absent_is_none,
    existed,
    from_pairs,
    is_ours,
    refuse_foreign,
    to_pairs,
)
from webhook_lab.resources.policies import LAMBDA_TRUST

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

POLICY_NAME = "webhook-lab"
_GONE = "NoSuchEntity"


@dataclass(frozen=True)
class Role:
    """A role and its inline policy; without one (`policy` is None) the function may do nothing."""

    name: str
    arn: str
    path: str
    policy: dict[str, Any] | None


def ensure_role(iam: "IAMClient", *, name: str, path: str, policy: dict[str, Any] | None, tags: Tags) -> Role:
    """Create the role, or restore who may assume it and what it may do.

    Args:
        path: IAM path with a slash at both ends, such as ``"/webhook-lab/"``.
        policy: the inline policy; None removes it.

    Raises:
        Foreign: a role of that name is not ours. Names are unique in an account, whatever the path.
    """
    found = _look(iam, name)
    trust = json.dumps(LAMBDA_TRUST)
    if found is None:
        found = iam.create_role(
            RoleName=name, Path=path, AssumeRolePolicyDocument=trust, Tags=to_pairs(tags)
        )["Role"]
        current = None
    else:
        # A role made under another path was not made by us, whatever its tags say.
        refuse_foreign(f"role {name!r}", _tags(found) if found["Path"] == path else {}, tags)
        if found.get("AssumeRolePolicyDocument") != LAMBDA_TRUST:
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
        current = _policy(iam, name)
    if policy is None and current is not None:
        iam.delete_role_policy(RoleName=name, PolicyName=POLICY_NAME)
    elif policy is not None and policy != current:
        document = json.dumps(policy)
        retry_on(
            lambda: iam.put_role_policy(RoleName=name, PolicyName=POLICY_NAME, PolicyDocument=document),
            codes=(_GONE,),
            seconds=30,
            reason="IAM does not know a new role everywhere at once",
        )
    return Role(name, found["Arn"], path, policy)


def describe_role(iam: "IAMClient", *, name: str, tags: Tags | None = None) -> Role | None:
    """The role as it is now, or None."""
    found = _look(iam, name)
    if found is None or not is_ours(_tags(found), tags):
        return None
    return Role(name, found["Arn"], found["Path"], _policy(iam, name))


def delete_role(iam: "IAMClient", *, name: str, tags: Tags | None = None) -> bool:
    """Delete the role with its policies, also those that were added by hand. False when there was none."""
    if tags is not None and describe_role(iam, name=name, tags=tags) is None:
        return False
    inline = absent_is_none(lambda: iam.list_role_policies(RoleName=name)["PolicyNames"], _GONE)
    if inline is None:
        return False
    for policy_name in inline:
        iam.delete_role_policy(RoleName=name, PolicyName=policy_name)
    for attached in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
        iam.detach_role_policy(RoleName=name, PolicyArn=attached["PolicyArn"])
    return existed(lambda: iam.delete_role(RoleName=name), _GONE)


def _look(iam: "IAMClient", name: str) -> Any:
    return absent_is_none(lambda: iam.get_role(RoleName=name)["Role"], _GONE)


def _tags(found: Any) -> dict[str, str]:
    return from_pairs(found.get("Tags", []))


def _policy(iam: "IAMClient", name: str) -> Any:
    # boto3 decodes the document, and so gives a dict.
    found = absent_is_none(lambda: iam.get_role_policy(RoleName=name, PolicyName=POLICY_NAME), _GONE)
    return None if found is None else found["PolicyDocument"]
