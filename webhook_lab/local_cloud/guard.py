"""Stands before the emulator: lets in its owner, the functions that it runs, its APIs' callers, nobody else.

By itself the emulator takes a request without credentials for the root user's, and asks for none at all on
its administration paths: any page open in the learner's browser, any user of the machine, could run code.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from importlib.metadata import version
from typing import Any
from urllib.parse import parse_qs

from ministack.core import sigv4
from ministack.core.iam_evaluator import is_root_access_key
from ministack.core.router import extract_access_key_id

from webhook_lab.local_cloud.gateway import Receive, Refusal, Scope, as_api_gateway_reads, whole_body
from webhook_lab.local_cloud.runtime import IDENTITY_PATH, Cloud

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]
Query = dict[str, list[str]]
Headers = dict[str, str]
Reason = tuple[str, str]  # AWS's error code, and a sentence

OWN_CREDENTIALS = "this local cloud knows its own credentials only: `webhook-lab env` prints them."


_RECEIVE_BYTES = 10_000  # more than a ReceiveMessage takes
_OWNERS = ("/_", "/health")
"""How the emulator's own paths begin, which are the owner's alone."""


class Guard:
    """An ASGI application around the emulator of `cloud`; `seen` is called for each request that passes."""

    def __init__(self, app: App, cloud: Cloud, seen: Callable[[], None]) -> None:
        self._app, self._cloud, self._seen = app, cloud, seen
        own = cloud.endpoint_url.removeprefix("http://")
        self._hosts = {own, own.replace("127.0.0.1", "localhost")}
        emulator = f"ministack {version('ministack')}"
        self._identity = json.dumps({"nonce": cloud.nonce, "emulator": emulator}).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            try:
                await self._request(scope, receive, send)
            except Refusal as refused:
                await _answer(send, refused.status, refused.kind, refused.body, *refused.headers)
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
        if not is_public(scope["raw_path"].decode("latin-1")):  # as sent, since that is what is passed on
            query = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
            signature = find_signature(headers, query)
            if not isinstance(signature, sigv4.HeaderSignature):
                await _refuse(send, headers, signature)
                return
            owner = signature.access_key_id == self._cloud.access_key_id
            if not owner and (is_root_access_key(signature.access_key_id) or path.startswith(_OWNERS)):
                await _refuse(send, headers, ("UnrecognizedClientException", OWN_CREDENTIALS))
                return
            # Any other key belongs to a role or a user: the emulator checks its signature and its policies.
            body = await whole_body(receive)
            secret = self._cloud.secret_access_key
            if owner and (refusal := forged(signature, secret, scope, query, headers, body)):
                await _refuse(send, headers, refusal)
                return
            caller, receive = receive, _replay(body, receive)
            if signature.service == "sqs" and _receives(headers, query, body):
                self._seen()
                await _unless_hung_up(self._app(scope, receive, send), caller)
                return
        else:
            scope, body = await as_api_gateway_reads(scope, receive)
            receive = _replay(body, receive)
        self._seen()
        await self._app(scope, receive, send)

    def _from_a_browser(self, headers: Headers) -> str | None:
        """Why a request could come from a web page that is none of the learner's business, or None."""
        if headers.get("host", "").lower() not in self._hosts:
            return "only requests to 127.0.0.1 or localhost are answered."
        if "origin" in headers or headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "requests from a web page are refused; paste the address into the address bar instead."
        return None


def is_public(path: str) -> bool:
    """Whether it invokes a REST API, which anybody may: `/restapis/<api>/<stage>/_user_request_/…`."""
    parts = path.split("/", 5)
    return len(parts) >= 5 and parts[:2] == ["", "restapis"] and parts[4] == "_user_request_"


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> Headers:
    """Headers by lower-case name, a repeated one joined by commas: as the emulator reads them."""
    headers: Headers = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


def find_signature(headers: Headers, query: Query) -> sigv4.HeaderSignature | Reason:
    """The request's one signature, in its Authorization header, or why there is none to check."""
    authorization = headers.get("authorization", "")
    if not authorization:
        return "MissingAuthenticationToken", f"the request is not signed; {OWN_CREDENTIALS}"
    if "X-Amz-Algorithm" in query or not authorization.startswith("AWS4-HMAC-SHA256 "):
        return "IncompleteSignature", "one AWS4-HMAC-SHA256 signature is needed, in the Authorization header."
    found = sigv4.parse_header_signature(headers)
    if not isinstance(found, sigv4.HeaderSignature):
        return str(found[0]), str(found[1])
    # Whom we check must be whom the emulator will take the caller for.
    if not found.access_key_id or extract_access_key_id(headers, query) != found.access_key_id:
        return "IncompleteSignature", "the request names more than one access key, or none."
    return found


def forged(
    signature: sigv4.HeaderSignature, secret: str, scope: Scope, query: Query, headers: Headers, body: bytes
) -> Reason | None:
    """Why the root user's signature does not hold; None if it does.

    The emulator checks the signatures of roles and users itself, but takes any for root's.
    """
    if "host" not in signature.signed_headers.split(";"):
        return "SignatureDoesNotMatch", "the signature must cover the Host header."
    declared = headers.get("x-amz-content-sha256")
    if declared and not hmac.compare_digest(declared.encode(), hashlib.sha256(body).hexdigest().encode()):
        return "SignatureDoesNotMatch", "the body is not the one that was signed."
    if skewed := sigv4.request_time_failure(signature):
        return str(skewed[0]), str(skewed[1])
    path = scope["raw_path"].decode("latin-1")
    wrong = sigv4.header_signature_failure(signature, secret, scope["method"], path, query, headers, body)
    return (str(wrong[0]), f"{wrong[1]} ({OWN_CREDENTIALS})") if wrong else None


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the whole body once more, then whatever comes after it."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return again


def _receives(headers: Headers, query: Query, body: bytes) -> bool:
    """Whether it is a ReceiveMessage, in SQS's JSON protocol or in its query protocol."""
    if target := headers.get("x-amz-target"):
        return target == "AmazonSQS.ReceiveMessage"
    form = parse_qs(body.decode("latin-1")) if len(body) < _RECEIVE_BYTES else {}
    return "ReceiveMessage" in (query | form).get("Action", [])


async def _unless_hung_up(answering: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Await the answer, and end it when its caller is gone, as after a kernel's interrupt.

    Else a poll that nobody waits for any more would take the next message, and hide it.
    """
    answer, hung_up = asyncio.create_task(answering), asyncio.ensure_future(receive())
    try:
        await asyncio.wait({answer, hung_up}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        hung_up.cancel()
        answer.cancel()  # nothing, where it is done
    await asyncio.wait({answer})
    if not answer.cancelled():
        answer.result()


async def _refuse(send: Send, headers: Headers, refusal: Reason) -> None:
    """403 in the shape that the caller's SDK reads: XML for the query protocol, else JSON."""
    code, message = refusal
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        text = message.replace("&", "&amp;").replace("<", "&lt;")
        xml = f"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{text}</Message></Error>"
        await _answer(send, 403, "text/xml", f"{xml}</ErrorResponse>".encode())
    else:
        body = json.dumps({"__type": code, "message": message}).encode()
        await _answer(send, 403, "application/json", body, (b"x-amzn-errortype", code.encode()))


async def _answer(send: Send, status: int, kind: str, body: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
