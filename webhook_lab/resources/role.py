"""An IAM role for one service, with one inline policy: its own actions on its own resources.

Calls: GetRole, GetRolePolicy; CreateRole, UpdateAssumeRolePolicy, PutRolePolicy, DeleteRolePolicy;
ListRolePolicies, ListAttachedRolePolicies, DetachRolePolicy, DeleteRole; ListRoles, ListRoleTags.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

from webhook_lab.aws.retry import retry_on
from webhook_lab.aws.session import Session
from webhook_lab.resources.ownership import (
    Tags,
    absent_is_none,
    existed,
    from_pairs,
    is_ours,
    looks_again,
    pages,
    refuse_foreign,
    to_pairs,
)
from webhook_lab.resources.policies import LAMBDA, trust_policy
from webhook_lab.resources.resource import FREE, Listed, Resource, Rows, tail

ROLE_PATH = "/webhook-lab/"
"""Roles live under this IAM path, where nothing else does."""

REGION_KEY = "webhook-lab-region"
"""A role carries this tag too: roles are an account's, and a lab is one region's."""

POLICY_NAME = "webhook-lab"
_GONE = "NoSuchEntity"


@dataclass(frozen=True)
class Role(Resource):
    """A role and its inline policy; without one (`policy` is None) it may do nothing.

    Args:
        service: who may assume it, such as ``"lambda.amazonaws.com"``.
    """

    kind: ClassVar[str] = "role"
    title: ClassVar[str] = "IAM role"
    idle: ClassVar[str] = f"{FREE}; roles are free"

    policy: dict[str, Any] | None
    path: str = ROLE_PATH
    arn: str = ""
    service: str = LAMBDA

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create the role, or restore who may assume it and what it may do.

        Raises:
            Foreign: a role of that name is not ours. Names are unique in an account, whatever the path.
        """
        iam, name, tags = aws.iam, self.name, _in_region(aws, tags)
        trust = json.dumps(trusts := trust_policy(self.service))
        found, current = _look(aws, name), None
        if found is None:
            found = iam.create_role(
                RoleName=name, Path=self.path, AssumeRolePolicyDocument=trust, Tags=to_pairs(tags)
            )["Role"]
        else:
            # A role made under another path was not made by us, whatever its tags say.
            refuse_foreign(f"role {name!r}", _tags(found) if found["Path"] == self.path else {}, tags)
            if found.get("AssumeRolePolicyDocument") != trusts:
                iam.update_assume_role_policy(RoleName=name, PolicyDocument=trust)
            current = _policy(aws, name)
        if self.policy is None and current is not None:
            existed(partial(iam.delete_role_policy, RoleName=name, PolicyName=POLICY_NAME), _GONE)
        elif self.policy is not None and self.policy != current:
            document = json.dumps(self.policy)
            retry_on(
                lambda: iam.put_role_policy(RoleName=name, PolicyName=POLICY_NAME, PolicyDocument=document),
                codes=(_GONE,),
                seconds=30,
                reason="IAM does not know a new role everywhere at once",
            )
        return replace(self, arn=found["Arn"])

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        found = _look(aws, name)
        if found is None or not (tags is None or is_ours(_tags(found), _in_region(aws, tags))):
            return None
        trusted = [each.get("Principal", {}).get("Service", "") for each in _statements(found)]
        return cls(name, _policy(aws, name), found["Path"], found["Arn"], *trusted[:1])

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Delete the role with its policies, those that were added by hand included."""
        iam = aws.iam
        inline = absent_is_none(lambda: iam.list_role_policies(RoleName=identity)["PolicyNames"], _GONE)
        if inline is None:
            return False
        # One that is gone by now was asked to go before, and the answer was lost on its way.
        for policy_name in inline:
            existed(partial(iam.delete_role_policy, RoleName=identity, PolicyName=policy_name), _GONE)
        for attached in pages(iam, "list_attached_role_policies", "AttachedPolicies", RoleName=identity):
            policy_arn = attached["PolicyArn"]
            existed(partial(iam.detach_role_policy, RoleName=identity, PolicyArn=policy_arn), _GONE)
        return existed(lambda: iam.delete_role(RoleName=identity), _GONE)

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:  # noqa: ARG003
        """Every role at the labs' path, and none below it."""
        for row in pages(aws.iam, "list_roles", "Roles", PathPrefix=ROLE_PATH):
            name = row["RoleName"]
            tags = partial(_listed_tags, aws, name)
            if row["Path"] == ROLE_PATH:
                yield Listed(name, name, row["Arn"], tags, at_our_path=True)

    def cloudformation(self, logical_id: str, tags: Tags) -> dict[str, Any]:
        """With the policy inline: a role that SAM writes could also create log groups."""
        properties = {
            "RoleName": self.name,
            "Path": self.path,
            "AssumeRolePolicyDocument": trust_policy(self.service),
            "Policies": [{"PolicyName": POLICY_NAME, "PolicyDocument": self.policy}],
            "Tags": to_pairs({**tags, REGION_KEY: "${AWS::Region}"}),
        }
        return {logical_id: {"Type": "AWS::IAM::Role", "Properties": properties}}

    def rows(self) -> Rows:
        statements = (self.policy or {}).get("Statement", [])
        allows = "\n".join(
            f"{_joined(one['Action'])} on {tail(_joined(one['Resource']))}" for one in statements
        )
        return (("Path", self.path), ("Allows", allows or "nothing"))

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:  # noqa: ARG003
        return f"iam/home#/roles/details/{name}"


def _in_region(aws: Session, tags: Tags) -> dict[str, str]:
    return {**tags, REGION_KEY: aws.target.region}


def _look(aws: Session, name: str) -> Any:
    return absent_is_none(lambda: aws.iam.get_role(RoleName=name)["Role"], _GONE)


def _statements(found: Any) -> list[Any]:
    return list(found.get("AssumeRolePolicyDocument", {}).get("Statement", []))


def _tags(found: Any) -> dict[str, str]:
    return from_pairs(found.get("Tags", []))


def _listed_tags(aws: Session, name: str) -> dict[str, str]:
    return from_pairs(pages(aws.iam, "list_role_tags", "Tags", RoleName=name))


def _policy(aws: Session, name: str) -> Any:
    # boto3 decodes the document, and so gives a dict.
    found = absent_is_none(lambda: aws.iam.get_role_policy(RoleName=name, PolicyName=POLICY_NAME), _GONE)
    return None if found is None else found["PolicyDocument"]


def _joined(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)
