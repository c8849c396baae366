"""Stands before the emulator: lets in its owner, the functions that it runs and the API's callers; nobody else.

By itself the emulator takes any request without credentials for the account's root, and asks nothing at all for
its administration paths: any page open in the learner's browser, or any user of the machine, could run code here.
"""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote

from ministack.core import sigv4
from ministack.core.iam_evaluator import is_root_access_key
from ministack.core.router import extract_access_key_id

IDENTITY_PATH = "/_webhook_lab/identity"
# A signed body is held in memory to check its digest. Lambda's own limit is 50 MB zipped: 70 MB in a request.
BODY_LIMIT = 100 * 1024 * 1024

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Refusal = tuple[str, str]  # AWS's error code, and a sentence

_OWN_CREDENTIALS = "this local cloud knows its own credentials only: `webhook-lab env` prints them."


class Guard:
    """An ASGI application around another one. `identity` is what `GET /_webhook_lab/identity` answers; `seen` is
    called for every request that passes."""

    def __init__(
        self, app: App, *, port: int, access_key_id: str, secret_access_key: str, identity: dict[str, str],
        seen: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._key = access_key_id
        self._secret = secret_access_key
        self._identity = json.dumps(identity).encode()
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)
        else:  # a WebSocket: nothing of ours uses one
            await receive()
            await send({"type": "websocket.close", "code": 1008})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = _joined(scope["headers"])
        path: str = scope["path"]
        if reason := self._from_a_browser(headers):
            await _refuse(send, headers, ("AccessDeniedException", reason))
            return
        if path == IDENTITY_PATH and scope["method"] == "GET":
            await _answer(send, 200, "application/json", self._identity)
            return
        if not is_public(path):
            query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
            signature = _signature(headers, query)
            if not isinstance(signature, sigv4.HeaderSignature):
                await _refuse(send, headers, signature)
                return
            if signature.access_key_id == self._key:
                body = await _whole_body(receive)
                if body is None:
                    await _answer(send, 413, "text/plain", b"the body is larger than this local cloud takes\n")
                    return
                if refusal := self._forged(signature, scope, query, headers, body):
                    await _refuse(send, headers, refusal)
                    return
                receive = _replay(body, receive)
            elif is_root_access_key(signature.access_key_id) or path.startswith("/_") or path == "/health":
                await _refuse(send, headers, ("UnrecognizedClientException", _OWN_CREDENTIALS))
                return
            # Any other key belongs to a role or a user: the emulator checks its signature and its policies.
        self._seen()
        await self._app(scope, receive, send)

    def _from_a_browser(self, headers: dict[str, str]) -> str | None:
        """Why a request could come from a web page that is none of the learner's business, or None."""
        if headers.get("host", "").lower() not in self._hosts:
            return "only requests to 127.0.0.1 or localhost are answered."
        if "origin" in headers or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "requests from a web page are refused; paste the address into the address bar instead."
        return None

    def _forged(
        self, signature: sigv4.HeaderSignature, scope: Scope, query: dict[str, list[str]],
        headers: dict[str, str], body: bytes,
    ) -> Refusal | None:  # fmt: skip
        """Why the root signature does not hold, or None if it does."""
        presigned = "authorization" not in headers
        if "host" not in signature.signed_headers.split(";"):
            return "SignatureDoesNotMatch", "the signature must cover the Host header."
        declared = headers.get("x-amz-content-sha256")
        if declared and not hmac.compare_digest(declared.encode(), hashlib.sha256(body).hexdigest().encode()):
            return "SignatureDoesNotMatch", "the body is not the one that was signed."
        try:
            expires = int(query.get("X-Amz-Expires", ["900"])[0])
            late = presigned and sigv4.presigned_request_is_expired(signature.amz_date, expires)
        except ValueError:
            return "IncompleteSignature", "X-Amz-Date or X-Amz-Expires cannot be read."
        if late:
            return "ExpiredTokenException", "the presigned request has expired."
        if not presigned and (skewed := sigv4.request_time_failure(signature)):
            return str(skewed[0]), str(skewed[1])
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        wrong = sigv4.header_signature_failure(
            signature, self._secret, scope["method"], raw_path.decode("latin-1"), query, headers, body,
            presigned=presigned,
        )  # fmt: skip
        return (str(wrong[0]), f"{wrong[1]} ({_OWN_CREDENTIALS})") if wrong else None


def is_public(path: str) -> bool:
    """Whether the path invokes a deployed REST API, which anybody may: `/restapis/<api>/<stage>/_user_request_…`."""
    parts = path.split("/", 5)
    return len(parts) >= 5 and parts[:2] == ["", "restapis"] and parts[4] == "_user_request_"


def _signature(headers: dict[str, str], query: dict[str, list[str]]) -> sigv4.HeaderSignature | Refusal:
    """The request's one SigV4 signature (header or presigned query), or why there is none to check."""
    authorization = headers.get("authorization", "")
    by_query = "X-Amz-Algorithm" in query
    if not authorization and not by_query:
        return "MissingAuthenticationToken", f"the request is not signed; {_OWN_CREDENTIALS}"
    if authorization and (by_query or not authorization.startswith("AWS4-HMAC-SHA256 ")):
        return "IncompleteSignature", "one AWS4-HMAC-SHA256 signature is needed, in the header or in the query."
    if by_query and query["X-Amz-Algorithm"] != ["AWS4-HMAC-SHA256"]:
        return "IncompleteSignature", "X-Amz-Algorithm must be AWS4-HMAC-SHA256."
    found = sigv4.parse_query_signature(query) if by_query else sigv4.parse_header_signature(headers)
    if not isinstance(found, sigv4.HeaderSignature):
        return str(found[0]), str(found[1])
    # Whom we check must be whom the emulator will take the caller for.
    if not found.access_key_id or extract_access_key_id(headers, query) != found.access_key_id:
        return "IncompleteSignature", "the request names more than one access key, or none."
    return found


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name, a repeated one joined by commas: as the emulator reads them."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _whole_body(receive: Receive) -> bytes | None:
    """The request's body, or None if it is larger than BODY_LIMIT."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        if size > BODY_LIMIT:
            return None
        more = message["type"] == "http.request" and message.get("more_body", False)
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the whole body once more, then whatever comes after it."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return again


async def _refuse(send: Send, headers: dict[str, str], refusal: Refusal) -> None:
    """403 in the shape that the caller's SDK reads: XML for the query protocol, else JSON."""
    code, message = refusal
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        text = message.replace("&", "&amp;").replace("<", "&lt;")
        xml = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
        await _answer(send, 403, "text/xml", f"{xml}</ErrorResponse>".encode())
    else:
        body = json.dumps({"__type": code, "message": message}).encode()
        await _answer(send, 403, "application/json", body, (b"x-amzn-errortype", code.encode()))


async def _answer(send: Send, status: int, content_type: str, body: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
