"""Take a webhook and put it on the queue, whole, before its sender stops waiting.

Event in     an API Gateway REST proxy event: any method, any path, any body.
Effect       one SQS message: a JSON envelope around the body, which comes out again byte for byte.
Answer       202 {"message_id", "id"} once SQS has the message; else nothing is queued:
             200 to the question that a sender asks before it sends (handshakes.py), where it is let,
             401 where a signature is asked for and is missing, wrong or more than 5 minutes off,
             413 when the table, whose limit is the lower one, could not hold it whole (it names the limit),
             and there is no bucket for its body (claim_check.py).
Failure      an error of SQS is logged and raised: Lambda counts it, whoever invoked the function by hand
             reads it (AccessDenied, say), API Gateway answers 502, and the sender, who saw no 2xx, sends
             again. A tidy 503 would get that too, but hide the failure from the function's error metric.
Environment  QUEUE_URL       where messages go
             SIGNED_PREFIX   paths under it need a signature: "" for none (the default), "/" for all
             SIGNING_SECRET  whsec_<base64> for Standard Webhooks; for the others the same string as it
                             stands. While a secret changes: the old and the new one, with a space between
             HANDSHAKES      senders whose question is answered, such as "slack,graph" (default: none)
             HANDSHAKE_SECRET  what Meta calls a verify token and Zoom a secret token
             CLAIM_CHECK     the bucket for bodies that are too large (default: none)
"""

import base64
import hashlib
import json
import os
import re
import time
import uuid
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode

import boto3
from botocore.config import Config
from claim_check import BUCKET, Kept, keep, with_claim
from handshakes import ANSWERS, NEED_SECRET, Reply, handshake
from senders import KEPT_HEADERS, SCHEMES, delivery_id, endpoint, key_of, needs_signature, signed_by

QUEUE_URL = os.environ["QUEUE_URL"]
SIGNED_PREFIX = os.environ.get("SIGNED_PREFIX", "")
SIGNING_SECRETS = os.environ.get("SIGNING_SECRET", "").split()
HANDSHAKES = [name for name in os.environ.get("HANDSHAKES", "").replace(",", " ").split() if name]
HANDSHAKE_SECRET = os.environ.get("HANDSHAKE_SECRET", "")
if SIGNED_PREFIX and not SIGNING_SECRETS:
    raise RuntimeError("SIGNED_PREFIX asks for signatures, but SIGNING_SECRET is empty")
if unknown := set(HANDSHAKES) - set(ANSWERS):
    raise RuntimeError(f"HANDSHAKES names {', '.join(sorted(unknown))}; there are {', '.join(ANSWERS)}")
# Zoom's answer signs whatever it is asked to: with a key of a scheme it would sign deliveries for anybody.
TAKEN = {key_of(scheme, secret) for scheme in SCHEMES for secret in SIGNING_SECRETS}
if NEED_SECRET & set(HANDSHAKES) and HANDSHAKE_SECRET.encode() in {b"", *TAKEN}:
    raise RuntimeError("meta and zoom need a HANDSHAKE_SECRET of their own, not SIGNING_SECRET")

# Bytes of a DynamoDB item, attribute names included. What fits an item fits an SQS message (1,048,576):
# in the envelope's JSON no character of a body takes more than twice its bytes.
ITEM_LIMIT = 409_600
RESERVE = 4_096  # bytes of it for what subscribe adds: times, ids, and some ninety duplicates
REFUSED_BY_SQS = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# Made while the function starts, which its timeout does not count. A message is given up before API Gateway
# gives up (29 s), so that the error is seen.
ONCE_MORE = Config(connect_timeout=2, read_timeout=8, retries={"total_max_attempts": 2})
SQS = boto3.client("sqs", config=ONCE_MORE)


class Request(NamedTuple):
    method: str
    path: str
    query: str
    headers: dict[str, str]  # names in lower case
    body: bytes


class Decision(NamedTuple):
    status: int
    outcome: str
    id: str
    message: str | None = None  # for SQS, or
    refusal: dict[str, Any] | None = None  # for the sender, or
    reply: Reply | None = None  # to what the sender asks first
    kept: Kept | None = None  # for the bucket, before the message


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    arrived = (event.get("requestContext") or {}).get("requestTimeEpoch")  # on API Gateway's clock
    log("invocation_start", context, api_received_at=arrived)
    try:
        decision = decide(parse(event), now=time.time(), new_id=f"lab:{uuid.uuid4()}")
        return answer(decision, message_id=act(decision, context))
    finally:
        log("invocation_finish", context)


def parse(event: dict[str, Any]) -> Request:
    """The request as its sender made it; the path as the event has it, escapes and all."""
    body = event.get("body") or ""
    query = event.get("multiValueQueryStringParameters") or event.get("queryStringParameters") or {}
    return Request(
        method=event.get("httpMethod") or "GET",
        path=unbroken(event.get("path") or "/"),
        query=urlencode(query, doseq=True, errors="replace"),
        headers={name.lower(): unbroken(value or "") for name, value in (event.get("headers") or {}).items()},
        body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode(errors="surrogatepass"),
    )


def decide(request: Request, *, now: float, new_id: str) -> Decision:
    """What to do with a request. Pure: the same request, time and new id give the same decision."""
    needed = needs_signature(request.path, SIGNED_PREFIX)
    by = signed_by(request.headers, request.body, SIGNING_SECRETS, now) if needed else None
    reply = reply_to(request)
    if reply and (not needed or reply.signed_by in ("", by and by.name)):
        return Decision(200, "handshake", new_id, reply=reply)
    where = endpoint(request.path, request.query)
    id_ = delivery_id(request.headers, request.body, where, by) or new_id
    if needed and not by:
        error = "the signature is missing, wrong, or more than 5 minutes off"
        return Decision(401, "unauthorized", id_, refusal={"error": error})

    text = sqs_text(request.body)
    body = base64.b64encode(request.body).decode() if text is None else text
    envelope = {
        "id": id_,
        "path": request.path,
        "method": request.method,
        "query": request.query,
        "headers": {name: value for name, value in request.headers.items() if name in KEPT_HEADERS},
        "body": body,
        "body_is_base64": text is None,
        "body_sha256": hashlib.sha256(request.body).hexdigest(),
        "message": f"hello from {request.path}",
        "received_at": int(now * 1000),
    }
    size, kept = item_size(envelope), None
    if BUCKET and size > ITEM_LIMIT:
        kept, envelope = with_claim(envelope, request.body)
        size = item_size(envelope)
    if size > ITEM_LIMIT:
        error = f"too large: one DynamoDB item holds {ITEM_LIMIT} bytes, and this delivery would take {size}"
        refusal = {"error": error, "limit": ITEM_LIMIT, "size": size, "body_size": len(request.body)}
        return Decision(413, "too_large", id_, refusal=refusal)
    message = json.dumps(envelope, ensure_ascii=False, separators=(",", ":"))
    message = REFUSED_BY_SQS.sub(lambda found: f"\\u{ord(found[0]):04x}", message)  # in a path, say
    return Decision(202, "queued", id_, message, kept=kept)


def item_size(envelope: dict[str, Any]) -> int:
    """What surrounds the body counts as JSON here, which is never shorter than the same in an item."""
    return len(json.dumps({**envelope, "body": ""})) + len(envelope["body"].encode()) + RESERVE


def reply_to(request: Request) -> Reply | None:
    """What a sender hears that asks before it sends, of those that HANDSHAKES lets ask."""
    query = dict(parse_qsl(request.query))
    return handshake(HANDSHAKES, request.method, query, request.headers, request.body, HANDSHAKE_SECRET)


def act(decision: Decision, context: Any) -> str | None:
    """Queue the message, if there is one. Returns the id that SQS gave it."""
    message_id, outcome = None, {"outcome": decision.outcome}
    log("record_start", context, id=decision.id)
    try:
        if decision.kept:
            keep(decision.kept)
        if decision.message:
            message_id = SQS.send_message(QueueUrl=QUEUE_URL, MessageBody=decision.message)["MessageId"]
        return message_id
    except Exception as error:
        outcome = {"outcome": "failed", "error": f"{type(error).__name__}: {error}"}
        raise
    finally:
        log("record_finish", context, id=decision.id, message_id=message_id, **outcome)


def answer(decision: Decision, message_id: str | None) -> dict[str, Any]:
    if decision.reply:
        return {"statusCode": decision.status, "headers": decision.reply.headers, "body": decision.reply.body}
    body = decision.refusal or {"message_id": message_id, "id": decision.id}
    headers = {"Content-Type": "application/json"}
    return {"statusCode": decision.status, "headers": headers, "body": json.dumps(body)}


def sqs_text(body: bytes) -> str | None:
    """The body as text; None when it is not UTF-8 or holds a character that SQS refuses."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return None if REFUSED_BY_SQS.search(text) else text


def unbroken(text: str) -> str:
    """Half a surrogate pair is no character, and DynamoDB takes none: U+FFFD stands for it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def log(event: str, context: Any, **more: Any) -> None:
    about = {"event": event, "function": context.function_name, "request_id": context.aws_request_id}
    print(json.dumps({**about, "at": int(time.time() * 1000), **more}), flush=True)
