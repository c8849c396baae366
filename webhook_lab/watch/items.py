"""What the table holds, in plain Python."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


def read_items(dynamodb: "DynamoDBClient", *, table: str) -> list[dict[str, Any]]:
    """Every item of the table, as plain values: a Scan of all of it, which costs as much."""
    pages = dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [plain_item(item) for page in pages for item in page["Items"]]


def plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """A DynamoDB item as plain Python values: numbers become int or float, sets sets of text."""
    plain = {}
    for name, value in item.items():
        read = TypeDeserializer().deserialize(value)
        plain[name] = (int(read) if read == int(read) else float(read)) if isinstance(read, Decimal) else read
    return plain
