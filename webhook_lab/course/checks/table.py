"""Chapter 02: what the table holds after a plain and after a conditional second write."""

from webhook_lab.aws.errors import explain
from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import there
from webhook_lab.facts import quotas
from webhook_lab.resources.table import BILLING, TTL_ATTRIBUTE

CHECKS = Checks()
FIRST, SECOND = "first copy", "second copy"
"""The bodies that the chapter writes under one id, in this order."""


@CHECKS.claim("the table stands, on demand and keyed by id")
def _table_stands(lab: OpenLab) -> None:
    table = there(lab, "table")
    said = f"it is keyed by {table.key}, {table.billing}, and expires items by {table.ttl_attribute}"
    assert (table.key, table.billing, table.ttl_attribute) == ("id", BILLING, TTL_ATTRIBUTE), said


@CHECKS.claim("the plain second write replaced the first")
def _replaced(lab: OpenLab) -> None:
    _body_is(lab, "order-1", SECOND)


@CHECKS.claim("the refused write changed nothing")
def _kept(lab: OpenLab) -> None:
    _body_is(lab, "order-2", FIRST)


def _body_is(lab: OpenLab, name: str, body: str) -> None:
    item = lab.item(lab.delivery_id(name))
    assert item is not None, f"{name} is not stored"
    assert item.get("body") == body, f"the body stored for {name} is {item.get('body')!r}"


@CHECKS.claim("a body of 2,500 bytes takes three write units")
def _write_units(lab: OpenLab) -> None:
    """Puts the very same item once more, since only a write says what a write takes."""
    dynamodb, table = lab.aws.dynamodb, lab.names.table
    with explain(f"write to table {table!r}"):
        key = {"id": {"S": lab.delivery_id("large")}}
        item = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
        assert item is not None, "large is not stored"
        answer = dynamodb.put_item(TableName=table, Item=item, ReturnConsumedCapacity="TOTAL")
    units, size = answer["ConsumedCapacity"]["CapacityUnits"], len(item.get("body", {}).get("S", ""))
    assert size >= 2 * quotas.DYNAMODB_WRITE_UNIT_BYTES.value, f"the body stored for large has {size} bytes"
    assert units == 3, f"an item with a body of {size} bytes took {units:g} write units"


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    item = lab.item(lab.delivery_id("order-3"))
    if item is None:
        return None
    body, delivered_by = item.get("body"), item.get("delivered_by", set())
    assert body == FIRST, f"The body is {body!r}; the first delivery's was {FIRST!r}."
    assert isinstance(delivered_by, set), "delivered_by is no set: write it as SS, and ADD to it."
    lacking = sorted({"message-1", "message-2"} - delivered_by)
    assert not lacking, f"delivered_by does not hold {' and '.join(lacking)}."
    assert len(delivered_by) == 2, f"delivered_by holds {len(delivered_by)} message ids."
    return "One item with the first body, delivered by two messages."
