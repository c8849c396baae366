"""An HTTP server on loopback that behaves as badly as it is told, and remembers what reached it."""

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Received:
    """One request as it came: `line` and header values as bytes, header names in lower case."""

    line: bytes
    headers: dict[bytes, bytes]
    body: bytes
    connection: int


Answering = Callable[[Received, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class OddServer:
    """Where it listens, and everything that it was sent."""

    port: int = 0
    requests: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/prod"


def answer(status: int, body: bytes = b"", **headers: str) -> bytes:
    """A whole HTTP answer; an underscore in a header's name stands for a hyphen."""
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def always(raw: bytes) -> Answering:
    """Answer every request with these bytes."""

    async def reply(_: Received, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)

    return reply


@contextlib.contextmanager
def serving(answering: Answering) -> Iterator[OddServer]:
    """Serve in a thread of its own. A connection is closed when `answering` raises `ConnectionError`."""
    server, ready = OddServer(), threading.Event()
    loop = asyncio.new_event_loop()
    stopping = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        number = server.connections
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            while True:
                line, *rest = (await reader.readuntil(b"\r\n\r\n")).strip().split(b"\r\n")
                pairs = [header.split(b":", 1) for header in rest]
                headers = {name.lower(): value.strip() for name, value in pairs}
                body = await reader.readexactly(int(headers.get(b"content-length", b"0")))
                received = Received(line, headers, body, number)
                server.requests.append(received)
                await answering(received, writer)
        writer.transport.abort()

    async def serve() -> None:
        listening = await asyncio.start_server(talk, "127.0.0.1", 0)
        server.port = listening.sockets[0].getsockname()[1]
        ready.set()
        await stopping.wait()
        listening.close()
        quiet = 0
        while quiet < 5:  # turns of the loop: what was accepted last begins, what was aborted ends
            await asyncio.sleep(0)
            talking: set[asyncio.Task[Any]] = asyncio.all_tasks() - {asyncio.current_task()}  # type: ignore[arg-type]
            quiet = 0 if talking else quiet + 1
            for task in talking:
                task.cancel()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join(10)
