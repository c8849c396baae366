"""Work on deliveries from the queue and store each one once, however often it arrives.

Event in     a batch of SQS messages, each with publish's envelope as its body, or put there by API Gateway
             itself (direct.py). Of these, signatures are judged here.
Effect       one item for each delivery. The conditional put *is* the effect: it happens once, so there is
             nothing to undo. An effect outside the table would need a claim with a lease first.
             The same delivery again: its message id is added to the item's `delivered_by`.
             The same id with another body: kept too, as `<id>#conflict:<digest>`. Nothing is overwritten.
             A signature that is missing or wrong: set aside, as `<id>#unauthorized:<digest>`.
             A body that lies in a bucket (claim_check.py) is read there, and stays: the item says where.
Answer       the messages that failed, and only those, go back to the queue (ReportBatchItemFailures).
Environment  TABLE_NAME    where items go
             WORK_SECONDS  how long each delivery is worked on, one after another (default 0)
             TTL_DAYS      when DynamoDB may remove an item (default 7)
             SIGNED_PREFIX, SIGNING_SECRET  as publish has them; they count for what did not pass publish
"""

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.exceptions import ClientError
from claim_check import fetch
from direct import envelope, is_direct

TABLE_NAME = os.environ.get("TABLE_NAME", "")
WORK_SECONDS = float(os.environ.get("WORK_SECONDS") or 0)
TTL_SECONDS = float(os.environ.get("TTL_DAYS") or 7) * 86_400
SIGNED_PREFIX = os.environ.get("SIGNED_PREFIX", "")
SIGNING_SECRETS = os.environ.get("SIGNING_SECRET", "").split()
if SIGNED_PREFIX and not SIGNING_SECRETS:
    raise RuntimeError("SIGNED_PREFIX asks for signatures, but SIGNING_SECRET is empty")
# Made while the function starts, which its timeout does not count; subscribe_postgres has no table.
TABLE: Any = boto3.resource("dynamodb").Table(TABLE_NAME) if TABLE_NAME else None

FIELDS = ("id", "path", "method", "query", "headers", "body", "body_is_base64", "body_sha256", "message")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    log("invocation_start", context)
    failed = [record["messageId"] for record in event["Records"] if not settle(record, context, store)]
    log("invocation_finish", context)
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def settle(record: dict[str, Any], context: Any, store: Callable[[dict[str, Any]], str]) -> bool:
    """One record from start to finish. Whatever goes wrong is this record's alone: False, and a log line."""
    started_at = now()
    about = {"id": None, "message_id": record["messageId"]}
    try:
        try:
            delivery = parse(record)
            about["id"] = delivery["id"]
        finally:
            log("record_start", context, **about)
        time.sleep(WORK_SECONDS)
        outcome = store(item_of(delivery, record, context.aws_request_id, started_at, finished_at=now()))
        outcome = "unauthorized" if "unauthorized_as" in delivery else outcome
    except Exception as error:
        log("record_finish", context, **about, outcome="failed", error=f"{type(error).__name__}: {error}")
        return False
    log("record_finish", context, **about, outcome=outcome)
    return True


def parse(record: dict[str, Any]) -> dict[str, Any]:
    """The delivery in a message: the one place that knows what a message looks like.

    Raises whatever a message that is not an envelope, or was altered on its way, leads to.
    """
    if is_direct(record):
        found = envelope(record, signed_prefix=SIGNED_PREFIX, secrets=SIGNING_SECRETS)
    else:
        found = json.loads(record["body"])
    delivery = {name: found[name] for name in FIELDS}
    body = base64.b64decode(delivery["body"]) if delivery["body_is_base64"] else delivery["body"].encode()
    if claim := found.get("body_claim"):
        body, delivery["body_claim"] = fetch(claim), claim
    if hashlib.sha256(body).hexdigest() != delivery["body_sha256"]:
        raise ValueError("the body does not match its digest")
    aside = {"unauthorized_as": found["unauthorized_as"]} if "unauthorized_as" in found else {}
    return {**delivery, **aside, "received_at": int(found["received_at"])}


def item_of(
    delivery: dict[str, Any], record: dict[str, Any], request_id: str, started_at: int, finished_at: int
) -> dict[str, Any]:
    """The item that tells the whole story. Pure. Times in epoch ms; `expires_at` in s, as DynamoDB asks."""
    return {
        **delivery,
        "queued_at": int(record["attributes"]["SentTimestamp"]),
        "started_at": started_at,
        "finished_at": finished_at,
        "expires_at": int(finished_at / 1000 + TTL_SECONDS),
        "receive_count": int(record["attributes"]["ApproximateReceiveCount"]),
        "message_id": record["messageId"],
        "function_request_id": request_id,
        "delivered_by": {record["messageId"]},
    }


def store(item: dict[str, Any]) -> str:
    """Put the item unless its id is taken; then note the repetition, or keep a conflict under its own id.

    Each step is one conditional write, so that two functions that do this at once can't both be first.
    """
    if is_new(item):
        return "stored"
    seen = noted(item)
    if seen is None:  # it has expired since the put was refused
        return store(item)
    if seen:
        return "redelivered" if item["message_id"] in seen else "duplicate"
    store({**item, "id": f"{item['id']}#conflict:{item['body_sha256'][:16]}", "conflict_of": item["id"]})
    return "conflict"


def noted(item: dict[str, Any]) -> set[str] | None:
    """Who has carried the item so far, now this message too. None of them: another body. None: it is gone."""
    try:
        before = TABLE.update_item(
            Key={"id": item["id"]},
            ConditionExpression="body_sha256 = :digest",
            UpdateExpression="ADD delivered_by :message_ids",
            ExpressionAttributeValues={":digest": item["body_sha256"], ":message_ids": item["delivered_by"]},
            ReturnValues="UPDATED_OLD",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return set() if error.response.get("Item") else None
    return set(before["Attributes"]["delivered_by"])


def is_new(item: dict[str, Any]) -> bool:
    """Put the item, unless its id is taken."""
    try:
        TABLE.put_item(Item=item, ConditionExpression="attribute_not_exists(id)")
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def now() -> int:
    return int(time.time() * 1000)


def log(event: str, context: Any, **more: Any) -> None:
    about = {"event": event, "function": context.function_name, "request_id": context.aws_request_id}
    print(json.dumps({**about, "at": now(), **more}), flush=True)
