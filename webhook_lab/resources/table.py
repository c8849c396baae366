"""The DynamoDB table that keeps one item for each delivery: on demand, keyed by its id, with a time to live.

Calls: DescribeTable, ListTagsOfResource, DescribeTimeToLive; CreateTable, UpdateTable, UpdateTimeToLive;
DeleteTable; Scan and BatchWriteItem to empty it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_on, retry_until
from webhook_lab.resources import ownership
from webhook_lab.resources.ownership import Tags, Wait, absent_is_none, existed, is_ours

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

KEY: Final = "id"
BILLING: Final = "PAY_PER_REQUEST"
TTL_ATTRIBUTE: Final = "expires_at"
_GONE = "ResourceNotFoundException"
_BATCH = 25  # the most that BatchWriteItem takes (DynamoDB API reference)


@dataclass(frozen=True)
class Table:
    """A table: `key` is its partition key, `ttl_attribute` holds epoch seconds (None: nothing expires)."""

    name: str
    arn: str
    key: str = KEY
    billing: str = BILLING
    ttl_attribute: str | None = TTL_ATTRIBUTE


def ensure_table(dynamodb: "DynamoDBClient", *, name: str, tags: Tags, wait: Wait) -> Table:
    """Create the table, or restore its billing mode and time to live.

    Raises:
        Foreign: a table of that name is not ours.
        LabError: ours has another key; a key cannot be changed.
        ClientError: AWS refused, for one a second change of the time to live within an hour.
    """
    found = _look(dynamodb, name)
    if found and found["TableStatus"] == "DELETING":
        wait("dynamodb", "table_not_exists", TableName=name)
        found = None
    if found is None:
        found = dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": KEY, "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": KEY, "AttributeType": "S"}],
            BillingMode=BILLING,
            Tags=ownership.to_pairs(tags),
        )["TableDescription"]
        ttl, ready = None, False
    else:
        ownership.refuse_foreign(f"table {name!r}", _tags(dynamodb, found), tags)
        if (key := _key(found)) != KEY:
            raise LabError(
                f"use table {name!r}", f"its key is {key!r}, not {KEY!r}", "Delete it and try again."
            )
        ttl, ready = _ttl(dynamodb, name), found["TableStatus"] == "ACTIVE"
    if not ready:
        wait("dynamodb", "table_exists", TableName=name)
    if _billing(found) != BILLING:
        dynamodb.update_table(TableName=name, BillingMode=BILLING)
        wait("dynamodb", "table_exists", TableName=name)
    if ttl != TTL_ATTRIBUTE:
        dynamodb.update_time_to_live(
            TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
        )
    return Table(name, found["TableArn"])


def describe_table(dynamodb: "DynamoDBClient", *, name: str, tags: Tags | None = None) -> Table | None:
    """The table as it is now, or None."""
    found = _look(dynamodb, name)
    if found is None or not (tags is None or is_ours(_tags(dynamodb, found), tags)):
        return None
    return Table(name, found["TableArn"], _key(found), _billing(found), _ttl(dynamodb, name))


def delete_table(dynamodb: "DynamoDBClient", *, name: str, wait: Wait, tags: Tags | None = None) -> bool:
    """Delete the table and wait until it is gone. False when there was none."""
    if tags is not None and describe_table(dynamodb, name=name, tags=tags) is None:
        return False

    def delete() -> object:
        reason = "the table is still being created or changed"
        return retry_on(
            lambda: dynamodb.delete_table(TableName=name),
            codes=("ResourceInUseException",),
            seconds=120,
            reason=reason,
        )

    if deleted := existed(delete, _GONE):
        wait("dynamodb", "table_not_exists", TableName=name)
    return deleted


def empty_table(dynamodb: "DynamoDBClient", *, name: str) -> int:
    """Delete every item; return how many there were."""
    deleted = 0
    scan = dynamodb.get_paginator("scan")
    for page in scan.paginate(TableName=name, ProjectionExpression=KEY, ConsistentRead=True):
        requests = [{"DeleteRequest": {"Key": key}} for key in page["Items"]]
        for start in range(0, len(requests), _BATCH):
            _write(dynamodb, {name: requests[start : start + _BATCH]})
        deleted += len(requests)
    return deleted


def _write(dynamodb: "DynamoDBClient", requests: Any) -> None:
    def attempt() -> bool | None:
        nonlocal requests
        requests = dynamodb.batch_write_item(RequestItems=requests).get("UnprocessedItems")
        return None if requests else True

    retry_until(attempt, seconds=60, reason="DynamoDB to take every delete of a batch")


def _look(dynamodb: "DynamoDBClient", name: str) -> Any:
    return absent_is_none(lambda: dynamodb.describe_table(TableName=name)["Table"], _GONE)


def _tags(dynamodb: "DynamoDBClient", found: Any) -> dict[str, str]:
    return ownership.from_pairs(dynamodb.list_tags_of_resource(ResourceArn=found["TableArn"])["Tags"])


def _ttl(dynamodb: "DynamoDBClient", name: str) -> str | None:
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    return ttl.get("AttributeName") if ttl["TimeToLiveStatus"] in ("ENABLED", "ENABLING") else None


def _key(found: Any) -> str:
    return "+".join(part["AttributeName"] for part in found["KeySchema"])


def _billing(found: Any) -> str:
    return str(found.get("BillingModeSummary", {}).get("BillingMode", "PROVISIONED"))
