"""Stands before the emulator: lets in its owner, the functions that it runs, its APIs' callers, nobody else.

By itself the emulator takes a request without credentials for the root user's, and asks for none at all on
its administration paths: any page open in the learner's browser, any user of the machine, could run code.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from ministack.core import sigv4
from ministack.core.iam_evaluator import is_root_access_key

from webhook_lab.local_cloud.runtime import IDENTITY_PATH
from webhook_lab.local_cloud.signature import OWN_CREDENTIALS, Refusal, find_signature, forged

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Coroutine[Any, Any, None]]


class Guard:
    """An ASGI application around another one.

    `identity` is what `GET /_webhook_lab/identity` answers; `seen` is called for each request that passes.
    """

    def __init__(
        self,
        app: App,
        *,
        port: int,
        access_key_id: str,
        secret_access_key: str,
        identity: dict[str, str],
        seen: Callable[[], None],
    ) -> None:
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
        if not is_public(scope["raw_path"].decode("latin-1")):  # as sent, since that is what is passed on
            query = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
            signature = find_signature(headers, query)
            if not isinstance(signature, sigv4.HeaderSignature):
                await _refuse(send, headers, signature)
                return
            if signature.access_key_id == self._key:
                body = await _whole_body(receive)
                if refusal := forged(signature, self._secret, scope, query, headers, body):
                    await _refuse(send, headers, refusal)
                    return
                caller, receive = receive, _replay(body, receive)
                if headers.get("x-amz-target") == "AmazonSQS.ReceiveMessage":
                    self._seen()
                    await _unless_hung_up(self._app(scope, receive, send), caller)
                    return
            elif is_root_access_key(signature.access_key_id) or path.startswith("/_") or path == "/health":
                await _refuse(send, headers, ("UnrecognizedClientException", OWN_CREDENTIALS))
                return
            # Any other key belongs to a role or a user: the emulator checks its signature and its policies.
        else:
            scope = as_api_gateway_reads(scope)
        self._seen()
        await self._app(scope, receive, send)

    def _from_a_browser(self, headers: dict[str, str]) -> str | None:
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


def as_api_gateway_reads(scope: Scope) -> Scope:
    """The request with its path still escaped, and JSON where no type is named: as a REST API reads it.

    The emulator unescapes the path, and takes a body that names no content type for text, which alters bytes.
    """
    named = any(name.lower() == b"content-type" for name, _ in scope["headers"])
    kind = [] if named else [(b"content-type", b"application/json")]
    return {**scope, "path": scope["raw_path"].decode("latin-1"), "headers": [*scope["headers"], *kind]}


def _joined(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name, a repeated one joined by commas: as the emulator reads them."""
    headers: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode("latin-1").lower(), sigv4.decode_header_value(value)
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    return headers


async def _whole_body(receive: Receive) -> bytes:
    """The request's body: no more than the owner sends, since nobody else knows the access key."""
    chunks, more = [], True
    while more:
        message = await receive()
        chunks.append(message.get("body", b""))
        more = message["type"] == "http.request" and message.get("more_body", False)
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the whole body once more, then whatever comes after it."""
    waiting = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else await receive()

    return again


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


async def _answer(send: Send, status: int, kind: str, body: bytes, *more: tuple[bytes, bytes]) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), *more]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
