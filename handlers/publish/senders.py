"""How senders name a delivery and sign it: pure functions of headers (names in lower case) and raw bytes."""

import base64
import hashlib
import hmac
import json
import re

TOLERANCE = 300  # seconds between a signature's timestamp and now, as Standard Webhooks suggests

# Where senders put the id that stays the same when they send again: in a header, or in a JSON body.
ID_HEADERS = {"webhook-id": "webhook", "x-github-delivery": "github", "x-shopify-event-id": "shopify"}
ID_FIELDS = {"stripe-signature": ("stripe", "id"), "x-slack-signature": ("slack", "event_id")}
PLAIN_ID = re.compile(r'[ -"$-~]{1,200}')  # printable ASCII; "#" is what subscribe marks a conflict with


def delivery_id(headers: dict[str, str], body: bytes) -> str | None:
    """`<scheme>:<the sender's id>`, the same each time it sends; None when the sender gave no id."""
    for header, scheme in ID_HEADERS.items():
        if given := headers.get(header, "").strip():
            return f"{scheme}:{short(given)}"
    for header, (scheme, field) in ID_FIELDS.items():
        if header in headers and (given := field_of(body, field)):
            return f"{scheme}:{short(given)}"
    return None


def short(given: str) -> str:
    """The id itself where it can be a key of the table (2,048 bytes) and be read; else its digest."""
    digest = hashlib.sha256(given.encode(errors="surrogatepass")).hexdigest()
    return given if PLAIN_ID.fullmatch(given) else f"sha256-{digest}"


def field_of(body: bytes, field: str) -> str:
    try:
        value = json.loads(body)[field]
    except (ValueError, TypeError, LookupError, RecursionError):  # no JSON object, or none with that field
        return ""
    return value.strip() if isinstance(value, str) else ""


def is_signed(headers: dict[str, str], body: bytes, secret: str, now: float) -> bool:
    """Whether one of the schemes we know holds, over the bytes as they came. `now` in epoch seconds."""
    return standard_webhooks(headers, body, secret, now) or github(headers, body, secret)


def standard_webhooks(headers: dict[str, str], body: bytes, secret: str, now: float) -> bool:
    """Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`; any one of the signatures listed."""
    webhook_id, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    encoded = secret.removeprefix("whsec_")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        fresh = abs(int(now) - int(timestamp)) <= TOLERANCE
    except ValueError:  # no timestamp, or a secret that is not base64 and so serves GitHub alone
        return False
    if not (key and webhook_id and fresh):
        return False
    digest = hmac.digest(key, f"{webhook_id}.{timestamp}.".encode() + body, "sha256")
    expected = b"v1," + base64.b64encode(digest)
    given = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(expected, each) for each in given)


def github(headers: dict[str, str], body: bytes, secret: str) -> bool:
    """GitHub: HMAC-SHA256 over the body. It has no timestamp: only the id tells a repetition."""
    expected = "sha256=" + hmac.digest(secret.encode(), body, "sha256").hex()
    return bool(secret) and hmac.compare_digest(
        expected.encode(), headers.get("x-hub-signature-256", "").encode()
    )
