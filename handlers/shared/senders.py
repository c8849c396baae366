"""How senders name a delivery and sign it: one table, and pure functions of headers (names in lower case).

Both functions are shipped with this file: whoever stands first behind the door judges a signature. That is
publish, or subscribe where API Gateway hands deliveries to the queue itself.
"""

import base64
import hashlib
import hmac
import json
import posixpath
import re
from typing import NamedTuple
from urllib.parse import unquote

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


V1 = ("v1,", "base64", "{id}.{time}.")  # Standard Webhooks, which came out of Svix
V0 = ("v0=", "hex", "v0:{time}:", "x-slack-request-timestamp")
SCHEMES = (
    Scheme("webhook", "webhook-signature", *V1, "webhook-timestamp", "webhook-id"),
    Scheme("webhook", "svix-signature", *V1, "svix-timestamp", "svix-id"),
    Scheme("github", "x-hub-signature-256", "sha256=", "hex", "", "", "x-github-delivery"),
    Scheme("shopify", "x-shopify-hmac-sha256", "", "base64", "", "", "x-shopify-event-id", "x-shopify-topic"),
    Scheme("shopify", "shopify-hmac-sha256", "", "base64", "", "", "shopify-event-id", "shopify-topic"),
    Scheme("stripe", "stripe-signature", "v1=", "hex", "{time}.", "t=", "body.id"),
    Scheme("slack", "x-slack-signature", *V0, "body.event_id"),
)
# The headers that say which delivery it is. They prove nothing, so they may be stored.
NAMING = {name for scheme in SCHEMES for name in (scheme.id, scheme.topic, scheme.time)}
NAMING = {name for name in NAMING if re.fullmatch("[a-z0-9-]+", name)}
# Stored beside the body. Authorization, cookies, signatures and whatever is not known stay out.
KEPT_HEADERS = {"content-type", "content-encoding", "user-agent", "x-github-event", *NAMING}


# --- who signed it


def needs_signature(path: str, prefix: str) -> bool:
    """Also for other spellings of such a path, lest somebody downstream takes one for the signed path."""
    plain = posixpath.normpath("/" + unquote(path).lstrip("/")) + "/"
    return bool(prefix) and (path.startswith(prefix) or plain.startswith(prefix))


def signed_by(headers: dict[str, str], body: bytes, secrets: list[str], now: float) -> Scheme | None:
    """The scheme whose signature over the raw bytes holds under one of the secrets. `now`: epoch seconds."""
    return next((scheme for scheme in SCHEMES if holds(scheme, headers, body, secrets, now)), None)


def holds(scheme: Scheme, headers: dict[str, str], body: bytes, secrets: list[str], now: float) -> bool:
    id_, time = own_id_of(scheme, headers, body), time_of(scheme, headers)
    if (scheme.time and not is_fresh(time, now)) or ("{id}" in scheme.signed and not id_):
        return False
    signed = scheme.signed.format(id=id_, time=time).encode(errors="surrogatepass") + body
    given = [each.encode(errors="replace") for each in marked(scheme, headers, scheme.marks)]
    keys = [key_of(scheme, secret) for secret in secrets]
    wanted = [encoded(hmac.digest(key, signed, "sha256"), scheme.encoding) for key in keys if key]
    return any(hmac.compare_digest(one, each) for one in wanted for each in given)


def marked(scheme: Scheme, headers: dict[str, str], mark: str) -> list[str]:
    """The parts of the signature's header that begin with a mark, without it."""
    parts = headers.get(scheme.signature, "").split("," if scheme.time == "t=" else None)
    return [part.strip().removeprefix(mark) for part in parts if part.strip().startswith(mark)]


def time_of(scheme: Scheme, headers: dict[str, str]) -> str:
    return (marked(scheme, headers, "t=") or [""])[0] if scheme.time == "t=" else headers.get(scheme.time, "")


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


def encoded(digest: bytes, encoding: str) -> bytes:
    return digest.hex().encode() if encoding == "hex" else base64.b64encode(digest)


# --- which delivery it is


def endpoint(path: str, query: str) -> str:
    """Where it was sent: a sender that repeats itself does so there. The order of a query says nothing."""
    return "?".join(part for part in (path, "&".join(sorted(query.split("&")))) if part)


def delivery_id(headers: dict[str, str], body: bytes, endpoint: str, by: Scheme | None) -> str | None:
    """`<scheme>:<id>#<topic> <endpoint>`: the same when a sender repeats itself to one endpoint.

    Signed by a scheme, an id counts that it signs too; else a digest of the body stands for it, since anybody
    could send captured bytes under another id. Where no signature was asked for, any scheme's id counts. None
    when the sender gave none.
    """
    if by and not (by.signs_its_id and own_id_of(by, headers, body)):
        return key(by, headers, digest_of(body), endpoint)
    for scheme in (by,) if by else SCHEMES:
        if own_id := own_id_of(scheme, headers, body):
            return key(scheme, headers, short(own_id), endpoint)
    return None


def own_id_of(scheme: Scheme, headers: dict[str, str], body: bytes) -> str:
    if not scheme.id.startswith("body."):
        return headers.get(scheme.id, "").strip()
    return field_of(body, scheme.id.removeprefix("body.")) if scheme.signature in headers else ""


def key(scheme: Scheme, headers: dict[str, str], id_: str, endpoint: str) -> str:
    """A topic counts, signed or not: an order can be created and paid in the same bytes, at one endpoint."""
    where = f"{headers.get(scheme.topic, '').strip()} {endpoint}".strip().replace("#", "%23")
    if len(where.encode()) > LONGEST_ENDPOINT:
        where = digest_of(where.encode())
    return f"{scheme.name}:{id_}#{where}"


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
