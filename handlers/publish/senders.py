"""How senders name a delivery and sign it: one table, and pure functions of headers (names in lower case)."""

import base64
import hashlib
import hmac
import json
import re
from typing import NamedTuple

TOLERANCE = 300  # seconds between a signature's timestamp and now, as Standard Webhooks suggests
PLAIN_ID = re.compile(r'[ -"$-~]{1,200}')  # printable ASCII; "#" is what the parts of a key are told apart by
LONGEST_ENDPOINT = 1_000  # bytes; a key of the table takes 2,048 in all


class Scheme(NamedTuple):
    """How one sender signs, with HMAC-SHA256, and what it calls a delivery.

    A timestamp of "t=" stands in the signature's own header; an id of "body.x" is the field x of a JSON body.
    """

    name: str  # what its ids begin with
    signature: str  # the header with the signature; while secrets change, with several
    marks: str  # what stands before each
    encoding: str  # of the digest
    signed: str  # what is signed before the body
    time: str  # the header with the timestamp; without one nothing tells when it was signed
    id: str  # the header that is the same each time a delivery is sent
    topic: str = ""  # the header that tells apart what shares an id

    @property
    def signs_its_id(self) -> bool:
        return "{id}" in self.signed or self.id.startswith("body.")


SCHEMES = (
    Scheme(
        "webhook", "webhook-signature", "v1,", "base64", "{id}.{time}.", "webhook-timestamp", "webhook-id"
    ),
    Scheme("webhook", "svix-signature", "v1,", "base64", "{id}.{time}.", "svix-timestamp", "svix-id"),
    Scheme("github", "x-hub-signature-256", "sha256=", "hex", "", "", "x-github-delivery"),
    Scheme("shopify", "x-shopify-hmac-sha256", "", "base64", "", "", "x-shopify-event-id", "x-shopify-topic"),
    Scheme("shopify", "shopify-hmac-sha256", "", "base64", "", "", "shopify-event-id", "shopify-topic"),
    Scheme("stripe", "stripe-signature", "v1=", "hex", "{time}.", "t=", "body.id"),
    Scheme(
        "slack", "x-slack-signature", "v0=", "hex", "v0:{time}:", "x-slack-request-timestamp", "body.event_id"
    ),
)


def signed_by(headers: dict[str, str], body: bytes, secrets: list[str], now: float) -> Scheme | None:
    """The scheme whose signature over the raw bytes holds under one of the secrets. `now`: epoch seconds."""
    return next((scheme for scheme in SCHEMES if holds(scheme, headers, body, secrets, now)), None)


def holds(scheme: Scheme, headers: dict[str, str], body: bytes, secrets: list[str], now: float) -> bool:
    given = headers.get(scheme.signature, "")
    parts = given.split("," if scheme.time == "t=" else None)
    time = headers.get(scheme.time, "") if scheme.time != "t=" else first(parts, "t=")
    if scheme.time and not is_fresh(time, now):
        return False
    own_id = own_id_of(scheme, headers, body)
    if "{id}" in scheme.signed and not own_id:
        return False
    signed = scheme.signed.format(id=own_id, time=time).encode(errors="surrogatepass") + body
    found = [
        part.strip().removeprefix(scheme.marks) for part in parts if part.strip().startswith(scheme.marks)
    ]
    keys = [key for key in (key_of(scheme, secret) for secret in secrets) if key]
    wanted = [encoded(hmac.digest(key, signed, "sha256"), scheme.encoding) for key in keys]
    return any(
        hmac.compare_digest(one.encode(), each.encode(errors="replace")) for one in wanted for each in found
    )


def is_fresh(time: str, now: float) -> bool:
    try:
        return abs(int(now) - int(time)) <= TOLERANCE
    except ValueError:
        return False


def key_of(scheme: Scheme, secret: str) -> bytes:
    """Standard Webhooks' key is the base64 behind whsec_; the others take the secret's text as it stands."""
    if "{id}" not in scheme.signed:
        return secret.encode()
    text = secret.removeprefix("whsec_")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except ValueError:
        return b""


def encoded(digest: bytes, encoding: str) -> str:
    return digest.hex() if encoding == "hex" else base64.b64encode(digest).decode()


def first(parts: list[str], mark: str) -> str:
    return next((part.strip().removeprefix(mark) for part in parts if part.strip().startswith(mark)), "")


def delivery_id(headers: dict[str, str], body: bytes, endpoint: str, by: Scheme | None) -> str | None:
    """`<scheme>:<id>#<topic> <endpoint>`: the same when a sender repeats itself to one endpoint.

    Signed by a scheme, an id counts that it signs too; else a digest of the body stands for it, since anybody
    could send captured bytes under another id. Where no signature was asked for, any scheme's id counts. None
    when the sender gave none.
    """
    if by:
        own_id = own_id_of(by, headers, body) if by.signs_its_id else ""
        return key(by.name, short(own_id) if own_id else digest_of(body), "", endpoint)
    for scheme in SCHEMES:
        if own_id := own_id_of(scheme, headers, body):
            return key(scheme.name, short(own_id), headers.get(scheme.topic, ""), endpoint)
    return None


def own_id_of(scheme: Scheme, headers: dict[str, str], body: bytes) -> str:
    if not scheme.id.startswith("body."):
        return headers.get(scheme.id, "").strip()
    return field_of(body, scheme.id.removeprefix("body.")) if scheme.signature in headers else ""


def key(name: str, own_id: str, topic: str, endpoint: str) -> str:
    where = f"{topic} {endpoint}".strip().replace("#", "%23")
    return (
        f"{name}:{own_id}#{where if len(where.encode()) <= LONGEST_ENDPOINT else digest_of(where.encode())}"
    )


def short(given: str) -> str:
    """The id itself where it can be part of a key and be read; else its digest."""
    return given if PLAIN_ID.fullmatch(given) else digest_of(given.encode(errors="surrogatepass"))


def digest_of(content: bytes) -> str:
    return f"sha256-{hashlib.sha256(content).hexdigest()}"


def field_of(body: bytes, field: str) -> str:
    try:
        value = json.loads(body)[field]
    except (ValueError, TypeError, LookupError, RecursionError):  # no JSON object, or none with that field
        return ""
    return value.strip() if isinstance(value, str) else ""
