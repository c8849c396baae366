"""A CloudFormation stack made from an exported folder, and the bucket that its functions' code comes from.

Calls: DescribeStacks, DescribeStackEvents; PutObject, CreateStack, UpdateStack with boto3's waiters;
DeleteStack; those of a bucket. Code is zipped as the lab zips it, so that
an unchanged handler is no change. What CloudFormation says of a resource that fails is said in its words.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Self

from botocore.exceptions import ClientError, WaiterError

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.resources.bucket import Bucket, bucket_of, create, exists
from webhook_lab.resources.ownership import (
    TAG_KEY,
    Tags,
    absent_is_none,
    from_pairs,
    is_ours,
    pages,
    refuse_foreign,
)
from webhook_lab.resources.resource import FREE, Listed, Resource, Rows

OWNER_KEY = "webhook-lab-stack-of"
"""A stack's tag: whose it is. Not the lab's own key: CloudFormation hands a stack's tags to all in it."""
ENDING = "-prod"
"""What the name of a lab's stack ends with."""
CAPABILITIES: Any = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
"""What one has to grant aloud: the template names roles, and SAM's transform writes resources."""
_SECONDS = 600
_CODE_URI = r"(?m)(?<=CodeUri: ){}$"
_NO_CHANGE = "No updates are to be performed"


@dataclass(frozen=True)
class Stack(Resource):
    """A stack; `status` is CloudFormation's word, such as ``"CREATE_COMPLETE"``.

    Where it is wanted, `template` is its text, and `code` the zip of each CodeUri in it.
    """

    kind: ClassVar[str] = "stack"
    title: ClassVar[str] = "CloudFormation stack"
    idle: ClassVar[str] = f"{FREE} for the stack itself; its code is some kilobytes in S3"

    template_text: str = field(default="", repr=False)
    code: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict)
    status: str = ""

    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Upload the code and create the stack, or change what differs; return when it stands.

        Raises:
            Foreign: a stack of that name is not ours.
            LabError: it could not be made, with each resource that failed and what was said of it.
        """
        found, name = _look(aws, self.name), self.name
        if found:
            refuse_foreign(f"stack {name!r}", _owner(found), tags)
        if found and found["StackStatus"] == "ROLLBACK_COMPLETE":  # what never stood can only be deleted
            self.delete(aws, name)
            found = None
        asked = {
            "StackName": name,
            "TemplateBody": self._with_code(aws),
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()],
            "Capabilities": CAPABILITIES,
            "Tags": [{"Key": OWNER_KEY, "Value": tags[TAG_KEY]}],
        }
        if found is None:
            aws.cloudformation.create_stack(**asked, EnableTerminationProtection=True)
            _wait(aws, name, "stack_create_complete", "create")
        elif _changes(lambda: aws.cloudformation.update_stack(**asked)):
            _wait(aws, name, "stack_update_complete", "update")
        described = self.describe(aws, name)
        return described or self

    def _with_code(self, aws: Session) -> str:
        """The template, in which each CodeUri is an object in the bucket."""
        bucket, text = bucket_of(aws, self.name), self.template_text
        if not exists(aws, bucket):
            create(aws, bucket)
        for uri, zip_bytes in self.code.items():
            text = re.sub(_CODE_URI.format(re.escape(uri)), _upload(aws, bucket, uri, zip_bytes), text)
        return text

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        found = _look(aws, name)
        if found is None or not is_ours(_owner(found), tags):
            return None
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])}
        return cls(name, parameters=parameters, status=found["StackStatus"])

    @classmethod
    def all_named(cls, aws: Session, name: str, tags: Tags) -> list[Self]:
        """The stack, or what is left of one: its code."""
        found = super().all_named(aws, name, tags)
        left = not found and _look(aws, name) is None and exists(aws, bucket_of(aws, name))
        return [cls(name)] if left else found

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Take the protection off, delete the stack with all that it holds, then its code.

        Raises:
            LabError: something could not be deleted, with what CloudFormation said of it.
        """
        if found := _look(aws, identity):
            unprotect(aws, identity)
            delete_stack(aws, identity)
        bucket = bucket_of(aws, identity)
        return (exists(aws, bucket) and Bucket.delete(aws, bucket)) or bool(found)

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:
        """Every stack of the region whose name could be a lab's."""
        for row in pages(aws.cloudformation, "describe_stacks", "Stacks"):
            name = row["StackName"]
            if name.endswith(ENDING) and name.startswith(prefix or ""):
                yield Listed(name, name, row["StackId"], partial(_owner, row))

    def rows(self) -> Rows:
        parameters = "\n".join(f"{key} = {value or '(empty)'}" for key, value in self.parameters.items())
        return (("Status", self.status), ("Parameters", parameters or "none"))

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:
        return f"cloudformation/home?region={aws.target.region}#/stacks?filteringText={name}"


def unprotect(aws: Session, name: str) -> None:
    """Take both bolts off: the stack's termination protection, and the deletion protection of its tables.

    The tables are told themselves: a stack whose deletion has failed half-way takes no update any more.
    """
    aws.cloudformation.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    for each in aws.cloudformation.describe_stack_resources(StackName=name)["StackResources"]:
        table = each.get("PhysicalResourceId")
        if table and each["ResourceType"] == "AWS::DynamoDB::Table":
            change = partial(aws.dynamodb.update_table, TableName=table, DeletionProtectionEnabled=False)
            absent_is_none(change, "ResourceNotFoundException")


def delete_stack(aws: Session, name: str) -> None:
    """Delete the stack as it is, and return when it is gone.

    Raises:
        LabError: a resource could not be deleted, with what CloudFormation said of it.
        ClientError: termination protection is on.
    """
    aws.cloudformation.delete_stack(StackName=name)
    _wait(aws, name, "stack_delete_complete", "delete")


def _changes(update: Callable[[], object]) -> bool:
    try:
        update()
    except ClientError as error:
        if _NO_CHANGE not in str(error):
            raise
        return False
    return True


def _wait(aws: Session, name: str, waiter: str, doing: str) -> None:
    try:
        aws.wait("cloudformation", waiter, StackName=name)
    except LabError as error:
        if not isinstance(error.__cause__, WaiterError):
            raise
        said = "\n        ".join(_failures(aws, name)) or error.said
        try_this = "Mend what is named above, and run this again."
        raise LabError(f"{doing} stack {name!r}", said, try_this) from error


def _failures(aws: Session, name: str) -> list[str]:
    """What CloudFormation says of each resource that failed in the latest operation, first things first."""
    said = []
    for event in aws.cloudformation.describe_stack_events(StackName=name)["StackEvents"]:
        whole = event["LogicalResourceId"] == name
        if whole and event["ResourceStatus"] in _BEGINS:
            break
        if not whole and event["ResourceStatus"].endswith("_FAILED"):
            said.append(f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'it failed')}")
    return said[::-1]


_BEGINS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")


def _look(aws: Session, name: str) -> Any:
    """The stack that stands; CloudFormation says ValidationError of one that does not exist."""
    found = absent_is_none(
        lambda: aws.cloudformation.describe_stacks(StackName=name)["Stacks"][0], "ValidationError"
    )
    return None if found is None or found["StackStatus"] == "DELETE_COMPLETE" else found


def _owner(found: Any) -> dict[str, str]:
    """Its tags as a resource of a lab carries them."""
    tags = from_pairs(found.get("Tags", []))
    return {TAG_KEY: tags[OWNER_KEY]} if OWNER_KEY in tags else {}


def _upload(aws: Session, bucket: str, uri: str, zip_bytes: bytes) -> str:
    """The address of the zip, named by its digest: other code is another object, and so a change."""
    key = f"{uri}-{hashlib.sha256(zip_bytes).hexdigest()[:16]}.zip"
    aws.s3.put_object(Bucket=bucket, Key=key, Body=zip_bytes)
    return f"s3://{bucket}/{key}"
