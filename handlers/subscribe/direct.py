"""A message that API Gateway put on the queue itself, with no function before it. Pure functions.

Its body is the delivery's own. What publish would have written around it stands in message attributes:

    request     a form: method, path, query (a form in it), request_id, received_at (epoch ms)
    <a header>  one for each header of the delivery that counts, its name in lower case

Ten attributes are what SQS takes; publish's messages have none. Nobody has judged a signature yet.
"""

import hashlib
from typing import Any
from urllib.parse import parse_qsl

from senders import KEPT_HEADERS, delivery_id, endpoint, needs_signature, signed_by

REQUEST = "request"


def is_direct(record: dict[str, Any]) -> bool:
    return REQUEST in (record.get("messageAttributes") or {})


def envelope(record: dict[str, Any], *, signed_prefix: str, secrets: list[str]) -> dict[str, Any]:
    """What publish would have made of the delivery, or the same set aside under an id of its own.

    A signature is judged by the time at which the delivery came, however long it has waited since. One that
    is missing or wrong is no reason to lose the bytes, and none to keep them under the id of a good delivery.
    """
    texts = {name: each.get("stringValue") or "" for name, each in record["messageAttributes"].items()}
    request = dict(parse_qsl(texts.pop(REQUEST), keep_blank_values=True, strict_parsing=True))
    path, query, body = request["path"], request["query"].lstrip("&"), record["body"].encode()
    needed = needs_signature(path, signed_prefix)
    by = signed_by(texts, body, secrets, int(request["received_at"]) / 1000) if needed else None
    id_ = delivery_id(texts, body, endpoint(path, query), by) or f"lab:{request['request_id']}"
    digest = hashlib.sha256(body).hexdigest()
    wrong = {"id": f"{id_}#unauthorized:{digest[:16]}", "unauthorized_as": id_}
    return {
        "id": id_,
        "path": path,
        "method": request["method"],
        "query": query,
        "headers": {name: value for name, value in texts.items() if name in KEPT_HEADERS},
        "body": record["body"],
        "body_is_base64": False,
        "body_sha256": digest,
        "message": f"hello from {path}",
        "received_at": request["received_at"],
        **(wrong if needed and not by else {}),
    }
