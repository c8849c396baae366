"""What the table holds, in plain Python."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer


def plain_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """A DynamoDB item as plain Python values: numbers become int or float, sets sets of text."""
    plain = {}
    for name, value in item.items():
        read = TypeDeserializer().deserialize(value)
        plain[name] = (int(read) if read == int(read) else float(read)) if isinstance(read, Decimal) else read
    return plain
