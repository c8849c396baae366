"""Post deliveries exactly as given: the path, the query and the body reach the API byte for byte."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import h11

from webhook_lab.aws.errors import LabError
from webhook_lab.send.background import Background
from webhook_lab.send.connection import Connection
from webhook_lab.send.first_answer import FirstAnswer
from webhook_lab.send.proxy import proxy_for
from webhook_lab.send.retries import ONCE, Schedule
from webhook_lab.watch.rows import Answer

LONGEST_RETRY_AFTER = 86_400.0
"""Seconds; no server puts a sender off for longer."""
# Everything that may stand in a request line; what is escaped stays escaped, the rest becomes UTF-8 escapes.
_AS_GIVEN = "/%?&=:;,.~!$'()*+@#[]|^`{}<>\\\"-_"
_OF_THE_CONNECTION = (
    *("connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "te", "trailer"),
    *("proxy-authenticate", "proxy-authorization", "proxy-connection", "transfer-encoding", "upgrade"),
)
"""Hop-by-hop headers (RFC 9110, 7.6.1), and those that say where and how much: a connection has its own."""
_OF_A_BROWSER = ("origin", "sec-fetch-")
"""What says from which page a request comes: none of a delivery's, and the local cloud lets no page in."""


@dataclass(frozen=True)
class Delivery:
    """One webhook as its sender would post it.

    Args:
        path: with its query, such as ``"/orders?shop=7"``.
        headers: a list as a value is a header that is sent so many times. See `left_out`.
        name: what to call it in messages; a file's name for a recorded one.
        id: what the pipeline will store it under, where no signature is asked for; empty when the pipeline
            makes one itself.
        schedule: how long its sender waits for an answer, and when it tries again.
        sign: the headers of one attempt at a given time; each attempt is signed anew, its id stays.
    """

    path: str = "/hello"
    body: bytes = b""
    headers: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    method: str = "POST"
    name: str = ""
    id: str = ""
    schedule: Schedule = ONCE
    sign: Callable[[datetime], Mapping[str, str]] | None = None


def left_out(headers: Iterable[str]) -> list[str]:
    """Those of the names that are recorded and never sent: what is the connection's own, or the target's.

    Names that begin with a colon are HTTP/2's, for what stands in a request line.
    """
    return [name for name in headers if _is_left_out(name)]


def told_left_out(names: Iterable[str]) -> str:
    """A sentence on those names."""
    return f"Headers left out, since each connection has its own: {', '.join(names)}."


def _is_left_out(name: str) -> bool:
    lower = name.strip().lower()
    return lower in _OF_THE_CONNECTION or lower.startswith((*_OF_A_BROWSER, ":"))


def head(url: str, delivery: Delivery) -> h11.Request:
    """The request line and the headers of an attempt made now: the only place that decides what they are.

    The path of `url`, then the delivery's, tidied by nobody; the headers in the order given but those
    `left_out`, a value outside ASCII as it was written.

    Raises:
        LabError: HTTP has no words for the delivery.
    """
    parts = urlsplit(url)
    try:
        signed = delivery.sign(datetime.now(UTC)) if delivery.sign else {}
        given = [
            (name.encode(), each.strip().encode())
            for name, value in {**delivery.headers, **signed}.items()
            for each in ([value] if isinstance(value, str) else value)
            if not _is_left_out(name)
        ]
        host, length = parts.netloc.rpartition("@")[2].encode(), len(memoryview(delivery.body))
        path = delivery.path if delivery.path.startswith("/") else f"/{delivery.path}"
        return h11.Request(
            method=delivery.method,
            target=quote(parts.path.rstrip("/") + path, safe=_AS_GIVEN),
            headers=[
                (b"Host", host),
                (b"Content-Length", b"%d" % length),
                *given,
            ],
        )
    except (h11.LocalProtocolError, UnicodeError, TypeError, AttributeError) as error:
        raise LabError(
            _told(url, delivery),
            f"{delivery.name}: {error}" if delivery.name else str(error),
            "Give it bytes as its body, and a method, a path and headers that HTTP has words for.",
        ) from error


def _told(url: str, delivery: Delivery) -> str:
    return f"{delivery.method} {delivery.path} to {urlsplit(url).netloc}"


class NoAnswer(Exception):
    """An attempt that came to nothing; `kind` is "refused", "timeout" or "reset", as in `Sent.error`."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(said)
        self.kind = kind


class Sender:
    """Posts deliveries to one address and keeps its connections for the next ones. For one event loop.

    Args:
        settles: seconds for which a new API's own answers are not taken for one; see `FirstAnswer`.

    Raises:
        LabError: `url` is no address.
    """

    def __init__(self, url: str, *, settles: float = 0.0) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
            if parts.scheme not in ("http", "https") or not host.encode("idna"):
                raise ValueError("that is not an http address")
        except ValueError as error:  # UnicodeError is one too
            raise LabError(f"send to {url}", str(error), "Use the API's address: lab.url.") from error
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._url, self._host, self._port = url, host, port or (443 if self._tls else 80)
        self._proxy, self._idle = proxy_for(url), list[Connection]()
        self._first = FirstAnswer(url, settles)

    async def post(self, delivery: Delivery) -> tuple[Answer, float]:
        """One attempt: the answer, and the seconds for which it asks to be left alone (Retry-After).

        Raises:
            NoAnswer: there was none within the delivery's wait.
            LabError: HTTP has no words for the delivery.
        """
        return await self._first.of(lambda: self._attempt(delivery))

    async def _attempt(self, delivery: Delivery) -> tuple[Answer, float]:
        request = head(self._url, delivery)
        sent_at, started = time.time_ns() // 1_000_000, time.perf_counter()
        connection, kind = None, "refused"
        try:
            async with asyncio.timeout(delivery.schedule.wait):
                connection = self._kept() or await self._open()
                kind = "reset"
                response, body = await connection.exchange(request, delivery.body)
        except TimeoutError as error:
            raise NoAnswer("timeout", f"no answer within {delivery.schedule.wait:g} s") from error
        except (OSError, h11.RemoteProtocolError) as error:
            raise NoAnswer(kind, f"{type(error).__name__}: {error}") from error
        finally:
            if connection and connection.is_usable:
                self._idle.append(connection)
            elif connection:
                connection.close()
        took = (time.perf_counter() - started) * 1000
        asked = dict(response.headers).get(b"retry-after", b"")
        left_alone = min(float(asked), LONGEST_RETRY_AFTER) if asked.isdigit() else 0.0
        return Answer(response.status_code, body, sent_at, took), left_alone

    def close(self) -> None:
        """Close the connections that were kept."""
        while self._idle:
            self._idle.pop().close()

    async def _open(self) -> Connection:
        return await Connection.open(self._host, self._port, tls=self._tls, proxy=self._proxy)

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
            connection.close()
        return None


def post(url: str, delivery: Delivery, *, settles: float = 0.0) -> Answer:
    """Post `delivery` under `url` once and return the answer, whatever its status.

    Args:
        url: the API's address with its stage, no slash at the end.
        settles: see `Sender`.

    Raises:
        LabError: nobody answers at `url` within the delivery's wait, the connection broke, or HTTP has no
            words for the delivery.
    """
    sender = Sender(url, settles=settles)

    async def once() -> Answer:
        try:
            answer, _ = await sender.post(delivery)
        finally:
            sender.close()
        return answer

    attempt = Background(once)
    try:
        answer: Answer = attempt.start().join()
    except NoAnswer as none:
        try_this = "Check that the API exists (`webhook-lab status`), then send again."
        raise LabError(_told(url, delivery), str(none), try_this) from none
    finally:  # also when interrupted
        attempt.stop()
    return answer
