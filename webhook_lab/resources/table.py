"""The DynamoDB table that keeps one item for each delivery: on demand, keyed by its id, with a time to live.

Calls: DescribeTable, ListTagsOfResource, DescribeTimeToLive; CreateTable, UpdateTable, UpdateTimeToLive;
DeleteTable; ListTables.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Final, Self

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_on
from webhook_lab.aws.session import Session
from webhook_lab.facts import prices
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
from webhook_lab.resources.resource import IN_USE, Listed, Resource, Rows

KEY: Final = "id"
BILLING: Final = "PAY_PER_REQUEST"
TTL_ATTRIBUTE: Final = "expires_at"
_GONE = "ResourceNotFoundException"


@dataclass(frozen=True)
class Table(Resource):
    """A table: `key` is its partition key, `ttl_attribute` holds epoch seconds (None: nothing expires)."""

    kind: ClassVar[str] = "table"
    title: ClassVar[str] = "DynamoDB table"
    idle: ClassVar[str] = IN_USE.format(prices.DYNAMODB_WRITES)

    arn: str = ""
    key: str = KEY
    billing: str = BILLING
    ttl_attribute: str | None = TTL_ATTRIBUTE

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create the table, or restore its billing mode and time to live.

        Raises:
            Foreign: a table of that name is not ours.
            LabError: ours has another key; a key cannot be changed.
            ClientError: AWS refused, for one a second change of the time to live within an hour.
        """
        name, dynamodb = self.name, aws.dynamodb
        found = _look(aws, name)
        if found and found["TableStatus"] == "DELETING":
            aws.wait("dynamodb", "table_not_exists", TableName=name)
            found = None
        if found is None:
            found = dynamodb.create_table(
                TableName=name,
                KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
                BillingMode=BILLING,
                Tags=to_pairs(tags),
            )["TableDescription"]
            ttl, ready = None, False
        else:
            refuse_foreign(f"table {name!r}", _tags(aws, found["TableArn"]), tags)
            if (key := _key(found)) != KEY:
                said = f"its key is {key!r}, not {KEY!r}"
                raise LabError(f"use table {name!r}", said, "Delete it and try again.")
            ttl, ready = _ttl(aws, name), found["TableStatus"] == "ACTIVE"
        if not ready:
            aws.wait("dynamodb", "table_exists", TableName=name)
        if _billing(found) != BILLING:
            dynamodb.update_table(TableName=name, BillingMode=BILLING)
            aws.wait("dynamodb", "table_exists", TableName=name)
        if ttl != TTL_ATTRIBUTE:
            _set_ttl(aws, name)
        return replace(self, arn=found["TableArn"])

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        found = _look(aws, name)
        if found is None or not (tags is None or is_ours(_tags(aws, found["TableArn"]), tags)):
            return None
        return cls(name, found["TableArn"], _key(found), _billing(found), _ttl(aws, name))

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Delete the table with its items, deletion protection or not."""

        def delete() -> object:
            return retry_on(
                lambda: aws.dynamodb.delete_table(TableName=identity),
                codes=("ResourceInUseException",),
                seconds=120,
                reason="the table is still being created or changed",
            )

        if (_look(aws, identity) or {}).get("DeletionProtectionEnabled"):
            aws.dynamodb.update_table(TableName=identity, DeletionProtectionEnabled=False)
            aws.wait("dynamodb", "table_exists", TableName=identity)
        if deleted := existed(delete, _GONE):
            aws.wait("dynamodb", "table_not_exists", TableName=identity)
        return deleted

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:  # noqa: ARG003
        for name in pages(aws.dynamodb, "list_tables", "TableNames"):
            arn = aws.target.arn("dynamodb", f"table/{name}")
            yield Listed(name, name, arn, partial(_listed_tags, aws, name))

    def cloudformation(self, logical_id: str, tags: Tags) -> dict[str, Any]:
        properties = {
            "TableName": self.name,
            "BillingMode": self.billing,
            "KeySchema": [{"AttributeName": self.key, "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": self.key, "AttributeType": "S"}],
            "TimeToLiveSpecification": {"Enabled": True, "AttributeName": self.ttl_attribute},
            "Tags": to_pairs(tags),
        }
        return {logical_id: {"Type": "AWS::DynamoDB::Table", "Properties": properties}}

    def rows(self) -> Rows:
        billing = "on demand (PAY_PER_REQUEST)" if self.billing == BILLING else self.billing
        expires = f"by {self.ttl_attribute} (time to live)" if self.ttl_attribute else "never"
        return (("Partition key", self.key), ("Capacity", billing), ("Items expire", expires))

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:
        return f"dynamodbv2/home?region={aws.target.region}#table?name={name}"


def _look(aws: Session, name: str) -> Any:
    return absent_is_none(lambda: aws.dynamodb.describe_table(TableName=name)["Table"], _GONE)


def _tags(aws: Session, arn: str) -> dict[str, str]:
    return from_pairs(pages(aws.dynamodb, "list_tags_of_resource", "Tags", ResourceArn=arn))


def _listed_tags(aws: Session, name: str) -> dict[str, str]:
    """Of a table that is gone, DynamoDB says that nobody may read its tags: ask for the table first."""
    return _tags(aws, aws.dynamodb.describe_table(TableName=name)["Table"]["TableArn"])


def _ttl(aws: Session, name: str) -> str | None:
    ttl = aws.dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return ttl.get("AttributeName") if ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else None


def _set_ttl(aws: Session, name: str) -> None:
    try:
        aws.dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
        )
    except ClientError:
        if _ttl(aws, name) != TTL_ATTRIBUTE:  # else it was done before, and the answer was lost on its way
            raise


def _key(found: Any) -> str:
    return "+".join(part["AttributeName"] for part in found["KeySchema"])


def _billing(found: Any) -> str:
    return str(found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"))
