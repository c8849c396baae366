"""One HTTP/1.1 connection that is kept for the next delivery.

h11 writes and reads the protocol and touches neither path nor body. Measured against aiohttp, http.client in
threads and hand-written parsing, all signed and all above 5,000 posts/s from one process: it is as fast as
the first, needs nothing that JupyterLab does not bring along, and unlike the second obeys one deadline for a
whole answer, however slowly that trickles in.
"""

import asyncio
import ssl
import time
from urllib.parse import SplitResult

import h11

from webhook_lab.send.proxy import tunnel

IDLE_SECONDS = 4.0
"""A connection unused for longer is not used again: many servers close theirs after five seconds."""
LARGEST_ANSWER = 1024 * 1024
"""Bytes; whoever answers a delivery with more is not read to the end."""


class Connection:
    """Open one with `Connection.open`, then `exchange` as often as `is_usable` says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._http = h11.Connection(h11.CLIENT)
        self._used_at = time.monotonic()

    @classmethod
    async def open(
        cls, host: str, port: int, *, tls: ssl.SSLContext | None, proxy: SplitResult | None = None
    ) -> "Connection":
        """Connect, through a proxy where one leads there.

        Raises:
            OSError: nobody listens, the name is unknown, the certificate does not hold, or the proxy refuses.
        """
        if proxy and tls:
            return cls(*await tunnel(proxy, host, port, tls))
        return cls(*await asyncio.open_connection(host, port, ssl=tls))

    @property
    def is_usable(self) -> bool:
        """Whether the next request may go out on it."""
        alive = not self._reader.at_eof() and not self._writer.is_closing()
        return alive and self._http.our_state is h11.IDLE and time.monotonic() - self._used_at < IDLE_SECONDS

    def close(self) -> None:
        """Close at once, whatever is under way."""
        self._writer.transport.abort()

    async def exchange(self, request: h11.Request, body: bytes) -> tuple[h11.Response, bytes]:
        """Send and read the whole answer: its head and its body.

        Raises:
            OSError, h11.RemoteProtocolError: the connection broke, or what came was not HTTP.
        """
        http = self._http
        out = [http.send(request), http.send(h11.Data(data=body)), http.send(h11.EndOfMessage())]
        self._writer.write(b"".join(part or b"" for part in out))
        answer = bytearray()
        while not isinstance(event := http.next_event(), h11.EndOfMessage):
            if event is h11.NEED_DATA:
                http.receive_data(await self._reader.read(64 * 1024))
            elif event is h11.PAUSED:
                raise h11.RemoteProtocolError("the answer changes the protocol")
            elif isinstance(event, h11.Response):
                response = event
            elif isinstance(event, h11.Data):
                answer += event.data
                if len(answer) > LARGEST_ANSWER:
                    raise h11.RemoteProtocolError("the answer does not end")
        if http.our_state is h11.DONE and http.their_state is h11.DONE:
            http.start_next_cycle()
            self._used_at = time.monotonic()
        return response, bytes(answer)
