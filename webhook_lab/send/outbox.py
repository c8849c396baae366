"""Deliveries that come one by one, sent in the background for as long as the process lives."""

import asyncio
import contextlib
import itertools
import socket
from typing import Any

from webhook_lab.send.run import Run
from webhook_lab.send.sender import Delivery
from webhook_lab.watch.rows import Sent


class Outbox(Run):
    """A run without an end: what is `put` goes out after all that was put before, on its own schedule.

    One after the other, so that what happened first is told first, however often it has to be tried.

    Args:
        url: the address that each delivery's path is appended to.
        first: the first delivery.

    Attributes:
        latest: what came of the latest attempt: its status, or the kind of failure; empty before the first.

    Raises:
        LabError: no address.
    """

    def __init__(self, url: str, first: Delivery) -> None:
        self._put = [first]
        super().__init__(url, self._put, compress=1)
        self.latest = ""
        self._more = asyncio.Event()

    def put(self, delivery: Delivery) -> None:
        """Send it when its turn comes, unless it waits already. Returns at once."""
        if delivery.id not in {each.id for each in self.pending}:
            self._put.append(delivery)
            with contextlib.suppress(RuntimeError):  # it was stopped
                self._loop.call_soon_threadsafe(self._more.set)

    @property
    def pending(self) -> list[Delivery]:
        """What is neither accepted nor given up yet."""
        return self._put[len(self.sent) :]

    async def _send(self) -> None:
        asyncio.get_running_loop().getaddrinfo = _looked_up_here  # type: ignore[method-assign]
        free = asyncio.Semaphore(1)
        try:
            for n in itertools.count():
                while n == len(self._put):
                    await self._more.wait()
                    self._more.clear()
                await free.acquire()
                await self._deliver(self._put[n], free)
        finally:
            self._sender.close()

    async def _attempt(self, delivery: Delivery, row: Sent) -> tuple[Sent, float]:
        row, asked = await super()._attempt(delivery, row)
        self.latest = row.error or str(row.status)
        return row, asked


async def _looked_up_here(host: Any, port: Any, **more: Any) -> Any:
    """A host's addresses, asked for in this thread: Python waits for asyncio's own when it ends."""
    return socket.getaddrinfo(host, port, **more)
