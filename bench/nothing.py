"""An HTTP server that does nothing: `python -m bench.nothing` prints its port and accepts every delivery."""

import asyncio
import re

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


class Nothing(asyncio.Protocol):
    """Looks for the end of each request, and no further."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.unread = transport, b""

    def data_received(self, data: bytes) -> None:
        self.unread += data
        while (end := self.unread.find(b"\r\n\r\n") + 4) > 3:
            length = LENGTH.search(self.unread, 0, end)
            end += int(length[1]) if length else 0
            if len(self.unread) < end:
                return
            self.unread = self.unread[end:]
            self.transport.write(ANSWER)  # type: ignore[attr-defined]


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Nothing, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
