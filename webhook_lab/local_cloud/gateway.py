"""What a REST API does with a request before its methods see it. The emulator hands everything on.

AWS, in the API Gateway developer guide (docs.aws.amazon.com/apigateway/latest/developerguide/<page>):

api-gateway-execution-service-limits-table
    10 MB of body. Its own words past that: https://github.com/koki-develop/lgtm-generator/issues/10
api-gateway-make-request-with-compressed-payload
    A body that names a coding is decompressed first. An unknown coding, or a body that is not in it: 415.
    The header stays, as seen in https://github.com/dougmoscrop/serverless-http/issues/194
supported-gateway-response-types
    403, and "Missing Authentication Token", for a method that no API can have.

Not documented, so assumed: the limit holds for the decompressed body too.
"""

import json
import zlib
from collections.abc import Awaitable, Callable, MutableMapping
from contextvars import ContextVar
from functools import partial
from typing import Any

from webhook_lab.facts import quotas

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Header = tuple[bytes, bytes]

LARGEST = quotas.API_PAYLOAD.value * 1024 * 1024
_WINDOW = {"gzip": zlib.MAX_WBITS + 16, "deflate": zlib.MAX_WBITS}

sent_headers: ContextVar[tuple[Header, ...]] = ContextVar("sent_headers", default=())
"""Of the request that is being answered, each as it came: the emulator joins those of one name."""


class Refusal(Exception):
    """What API Gateway answers by itself.

    Args:
        error_type: of its header x-amzn-errortype; "" for an answer that is plain text.
    """

    def __init__(self, status: int, message: str, error_type: str = "") -> None:
        super().__init__(message)
        self.status, self.kind = status, "application/json" if error_type else "text/plain"
        self.body = (json.dumps({"message": message}) if error_type else message).encode()
        self.headers = [(b"x-amzn-errortype", error_type.encode())] if error_type else []


_too_large = partial(Refusal, 413, f"HTTP content length exceeded {LARGEST} bytes.")
_no_such_method = partial(Refusal, 403, "Missing Authentication Token", "MissingAuthenticationTokenException")
_unknown_coding = partial(Refusal, 415, "Unsupported Media Type", "BadRequestException")


async def as_api_gateway_reads(scope: Scope, receive: Receive) -> tuple[Scope, bytes]:
    """The request as a REST API hands it on: its path still escaped, JSON where no type is named.

    The emulator unescapes the path, and takes a body that names no content type for text, which alters bytes.

    Raises:
        Refusal: API Gateway answers this one by itself.
    """
    body = await whole_body(receive, LARGEST + 1)  # before any refusal: who still sends hears no answer
    if scope["method"] not in quotas.API_METHODS.value:
        raise _no_such_method()
    if len(body) > LARGEST:
        raise _too_large()
    headers = list(scope["headers"])
    body = decoded(body, b",".join(value for name, value in headers if name == b"content-encoding"))
    length = str(len(body)).encode()
    headers = [(name, length if name == b"content-length" else value) for name, value in headers]
    if not any(name == b"content-type" for name, _ in headers):
        headers.append((b"content-type", b"application/json"))
    sent_headers.set(tuple(headers))
    return {**scope, "path": scope["raw_path"].decode("latin-1"), "headers": headers}, body


def decoded(body: bytes, codings: bytes) -> bytes:
    """The body without the codings that its Content-Encoding names, the last of which was put on last.

    Raises:
        Refusal: one is unknown, the body is not in it, or what comes out is too large.
    """
    for coding in reversed([each.strip().lower().decode("latin-1") for each in codings.split(b",")]):
        if coding in ("", "identity") or not body:
            continue
        if coding not in _WINDOW:
            raise _unknown_coding()
        body = _decompressed(body, _WINDOW[coding])
    return body


def _decompressed(body: bytes, window: int) -> bytes:
    plain = b""
    while body:  # gzip may have several members
        stream = zlib.decompressobj(window)
        try:
            plain += stream.decompress(body, LARGEST + 1)
        except zlib.error:
            raise _unknown_coding() from None
        if len(plain) > LARGEST:
            raise _too_large()
        if not stream.eof:
            raise _unknown_coding()
        body = stream.unused_data
    return plain


async def whole_body(receive: Receive, most: int | None = None) -> bytes:
    """The request's body; of one beyond `most` bytes no more is kept than shows that.

    Raises:
        Refusal: the caller hung up in the middle. The answer goes to nobody.
    """
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Refusal(400, "Bad Request")
        chunk, more = message.get("body", b""), message.get("more_body", False)
        if most is None or size < most:
            chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)
