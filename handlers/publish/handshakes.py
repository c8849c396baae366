"""The question that some senders ask of an address before they send to it, and its answer. Pure functions.

Answered only for those named in HANDSHAKES, and never queued. Discord's PING is not among them: it is signed
with Ed25519, which Python's standard library does not have.
"""

import hmac
import json
from typing import Any, NamedTuple


class Reply(NamedTuple):
    body: str
    headers: dict[str, str]
    signed_by: str = ""  # the scheme that its sender signs the question by too, where there is one


Asked = dict[str, str]  # a query's parameters, or a request's headers with names in lower case


def handshake(
    asks: list[str], method: str, query: Asked, headers: Asked, body: bytes, secret: str
) -> Reply | None:
    """The answer to a question of one of these senders; None when the request asks none of theirs.

    `secret` is what Meta calls the verify token and Zoom the secret token. Zoom's answer signs whatever it is
    asked to, so it has to be another secret than the one that deliveries are signed with.
    """
    said = json_of(body) if asks else {}
    replies = (ANSWERS[sender](method, query, headers, said, secret) for sender in asks)
    return next((reply for reply in replies if reply), None)


def slack(method: str, _query: Asked, _headers: Asked, said: dict[str, Any], _secret: str) -> Reply | None:
    if method != "POST" or said.get("type") != "url_verification":
        return None
    reply = plain(said.get("challenge"))
    return reply._replace(signed_by="slack") if reply else None


def meta(method: str, query: Asked, _headers: Asked, _said: dict[str, Any], secret: str) -> Reply | None:
    if method != "GET" or query.get("hub.mode") != "subscribe":
        return None
    knows = hmac.compare_digest(query.get("hub.verify_token", "").encode(), secret.encode())
    return plain(query.get("hub.challenge")) if knows else None


def graph(method: str, query: Asked, _headers: Asked, _said: dict[str, Any], _secret: str) -> Reply | None:
    return plain(query.get("validationToken")) if method == "POST" else None


def dropbox(method: str, query: Asked, _headers: Asked, _said: dict[str, Any], _secret: str) -> Reply | None:
    return plain(query.get("challenge")) if method == "GET" else None


def cloudevents(
    method: str, _query: Asked, headers: Asked, _said: dict[str, Any], _secret: str
) -> Reply | None:
    """CloudEvents' abuse protection, which Event Grid uses: may this origin send, and how often?"""
    if method != "OPTIONS" or not (origin := headers.get("webhook-request-origin")):
        return None
    rate = headers.get("webhook-request-rate", "*")
    return Reply("", {"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": rate})


def zoom(method: str, _query: Asked, _headers: Asked, said: dict[str, Any], secret: str) -> Reply | None:
    payload = said.get("payload")
    if method != "POST" or said.get("event") != "endpoint.url_validation" or not isinstance(payload, dict):
        return None
    token = str(payload.get("plainToken", ""))
    digest = hmac.digest(secret.encode(), token.encode(errors="replace"), "sha256").hex()
    answer = json.dumps({"plainToken": token, "encryptedToken": digest})
    return Reply(answer, {"Content-Type": "application/json"})


ANSWERS = {
    "slack": slack,
    "meta": meta,
    "graph": graph,
    "dropbox": dropbox,
    "cloudevents": cloudevents,
    "zoom": zoom,
}
NEED_SECRET = {"meta", "zoom"}


def plain(text: object) -> Reply | None:
    """The text as text, whatever it holds: no browser is to take it for a page."""
    if not isinstance(text, str) or not text:
        return None
    return Reply(text, {"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff"})


def json_of(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
