"""Chapter 02: what the table holds after a plain and after a conditional second write."""

from typing import Any

from webhook_lab.aws.errors import explain
from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.facts import quotas
from webhook_lab.resources.table import BILLING, TTL_ATTRIBUTE

FIRST, SECOND = "first copy", "second copy"
"""The bodies that the chapter writes under one id, in this order."""


def _table_stands(bench: Bench) -> None:
    table = bench.pipeline.look_up("table")
    assert table is not None, "there is no such table"
    said = f"it is keyed by {table.key}, {table.billing}, and expires items by {table.ttl_attribute}"
    assert (table.key, table.billing, table.ttl_attribute) == ("id", BILLING, TTL_ATTRIBUTE), said


def _replaced(bench: Bench) -> None:
    _body_is(bench, "order-1", SECOND)


def _kept(bench: Bench) -> None:
    _body_is(bench, "order-2", FIRST)


def _body_is(bench: Bench, name: str, body: str) -> None:
    item = bench.item(bench.delivery_id(name))
    assert item is not None, f"no item is stored for {name}"
    assert item.get("body") == body, f"the body stored for {name} is {item.get('body')!r}"


def _write_units(bench: Bench) -> None:
    """Puts the very same item once more, since only a write says what a write takes."""
    item = _raw(bench, "large")
    assert item is not None, "no item is stored for large"
    with explain(f"write to table {bench.names.table!r}"):
        answer = bench.aws.dynamodb.put_item(
            TableName=bench.names.table, Item=item, ReturnConsumedCapacity="TOTAL"
        )
    units, size = answer["ConsumedCapacity"]["CapacityUnits"], len(item.get("body", {}).get("S", ""))
    assert size >= 2 * quotas.DYNAMODB_WRITE_UNIT_BYTES.value, f"the body stored for large has {size} bytes"
    assert units == 3, f"an item with a body of {size} bytes took {units:g} write units"


def _raw(bench: Bench, name: str) -> Any:
    with explain(f"read table {bench.names.table!r}"):
        return bench.aws.dynamodb.get_item(
            TableName=bench.names.table, Key={"id": {"S": bench.delivery_id(name)}}, ConsistentRead=True
        ).get("Item")


def _exercise(bench: Bench) -> str | None:
    item = bench.item(bench.delivery_id("order-3"))
    if item is None:
        return None
    body, delivered_by = item.get("body"), item.get("delivered_by", set())
    assert body == FIRST, f"The body is {body!r}; the first delivery's was {FIRST!r}."
    assert isinstance(delivered_by, set), "delivered_by is no set: write it as SS, and ADD to it."
    missing = sorted({"message-1", "message-2"} - delivered_by)
    assert not missing, f"delivered_by does not hold {' and '.join(missing)}."
    assert len(delivered_by) == 2, f"delivered_by holds {len(delivered_by)} message ids."
    return "One item with the first body, delivered by two messages."


CHECKS = Checks(
    checkpoints={
        "the table stands, on demand and keyed by id": _table_stands,
        "the plain second write replaced the first": _replaced,
        "the refused write changed nothing": _kept,
        "a body of 2,500 bytes takes three write units": _write_units,
    },
    exercise=_exercise,
)
