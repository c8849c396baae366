"""Carries a plan out on an event loop: what is due goes out, what fails is due again as its provider would.

It raises nothing about the other side: each attempt ends in a status or in a kind of failure.
"""

import asyncio
import contextlib
import heapq
import ssl
import time
from collections.abc import Callable
from dataclasses import replace

import h11

from webhook_lab.send.connection import Connection, Reply
from webhook_lab.send.plan import Plan
from webhook_lab.send.retries import GONE, Schedule, is_accepted, schedule
from webhook_lab.send.sender import Delivery
from webhook_lab.send.tally import Tally, kind_of
from webhook_lab.watch.rows import Answer, Sent


class Engine:
    """One run of a plan. Everything here happens on one event loop.

    Args:
        settle: is handed the row of each delivery that is settled.
    """

    def __init__(self, plan: Plan, tally: Tally, settle: Callable[[Sent], None]) -> None:
        self.plan, self.tally, self._settle = plan, tally, settle
        self._spare = None if plan.cap is None else plan.cap - len(plan.deliveries)
        # When, in seconds from the start; which; after how many attempts.
        self._due = [(at, index, 0) for index, at in enumerate(plan.arrivals or ())]
        heapq.heapify(self._due)
        self._open: dict[int, Sent] = {}  # attempted, not settled
        self._idle: list[Connection] = []
        self._paused_at: float | None = None
        self._tls = ssl.create_default_context() if plan.parts.scheme == "https" else None

    async def run(self) -> None:
        """Send until everything is settled; when cancelled, what was begun is settled as "stopped"."""
        self._began, self._changed = asyncio.get_running_loop().time(), asyncio.Event()
        free = asyncio.Semaphore(int(self.plan.concurrency))
        try:
            async with asyncio.TaskGroup() as group:
                while self._due or self._open:
                    pause = self._pause()
                    if pause is None or pause > 0:
                        await self._change_within(pause)
                        continue
                    await free.acquire()
                    if self._paused_at is not None:  # meanwhile
                        free.release()
                        continue
                    at, index, attempts = heapq.heappop(self._due)
                    self.tally.lag = max(self.tally.lag, self._now() - at)
                    self._note(index, attempts + 1)
                    group.create_task(self._attempt(index)).add_done_callback(lambda _: free.release())
        finally:
            for connection in self._idle:
                connection.close()
            for row in self._open.values():
                if row.error == "stopped":  # and not in between two attempts
                    self.tally.attempts["stopped"] += 1
                self._settle(row)

    def hold(self, paused: bool) -> None:
        """Begin nothing more while paused; afterwards the plan goes on where it was, late by the pause."""
        now = asyncio.get_running_loop().time()
        if paused and self._paused_at is None:
            self._paused_at = now
        elif not paused and self._paused_at is not None:
            self._began += now - self._paused_at
            self._paused_at = None
        self._changed.set()

    def _now(self) -> float:
        return asyncio.get_running_loop().time() - self._began

    def _pause(self) -> float | None:
        """Seconds until something is due; None when only a change can tell."""
        if self._paused_at is not None or not self._due:
            return None
        return self._due[0][0] - self._now()

    async def _change_within(self, seconds: float | None) -> None:
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _note(self, index: int, attempt: int) -> None:
        """Before an attempt begins: a row that says so, should the run be stopped in the middle of it."""
        delivery, before = self.plan.deliveries[index], self._open.get(index)
        first = before.sent_at if before else time.time_ns() // 1_000_000
        self._open[index] = Sent(delivery.id, delivery.path, attempt, None, "stopped", first, 0.0)

    async def _attempt(self, index: int) -> None:
        delivery, row = self.plan.deliveries[index], self._open[index]
        habits = self.plan.retries or schedule(delivery.provider)
        sent_at, started = time.time_ns() // 1_000_000, time.perf_counter()
        reply, error = await self._post(delivery, self.plan.timeout or habits.wait)
        took = (time.perf_counter() - started) * 1000
        row = replace(row, status=reply.status if reply else None, error=error, milliseconds=took)
        self.tally.attempts[kind_of(row)] += 1
        if reply and is_accepted(reply.status):
            answer = Answer(reply.status, reply.body, sent_at, took)
            row = replace(row, id=row.id or answer.id or "")
            self.tally.answers.setdefault(row.id, answer)
        elif (delay := self._delay(index, row.attempts, habits, reply)) is not None:
            self._open[index] = row
            heapq.heappush(self._due, (self._now() + delay, index, row.attempts))
            self._changed.set()
            return
        del self._open[index]
        self._changed.set()
        self._settle(row)

    def _delay(self, index: int, attempts: int, habits: Schedule, reply: Reply | None) -> float | None:
        """Seconds until the next attempt; None when the delivery is given up."""
        if reply and reply.status == GONE:
            return None
        asked = reply.retry_after if reply else 0
        dice = f"{self.plan.seed}/{index}"
        delay = habits.delay(attempts, compress=self.plan.compress, dice=dice, at_least=asked)
        if delay is None or self._spare is None:
            return delay
        if self._spare < 1:
            self.tally.capped += 1
            return None
        self._spare -= 1
        return delay

    async def _post(self, delivery: Delivery, timeout: float) -> tuple[Reply | None, str]:
        """The answer, or None and the kind of failure; a redirect, which no sender should follow, is both."""
        connection, failure = None, "refused"
        try:
            async with asyncio.timeout(timeout):
                connection = self._kept() or await self._connect()
                failure = "reset"
                reply = await connection.exchange(self.plan.request(delivery), delivery.body)
        except TimeoutError:
            return None, "timeout"
        except (OSError, h11.RemoteProtocolError):
            return None, failure
        else:
            if connection.is_usable:
                self._idle.append(connection)
                connection = None
            return reply, "redirected" if 300 <= reply.status < 400 else ""
        finally:
            if connection:
                connection.close()

    def _kept(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
            connection.close()
        return None

    async def _connect(self) -> Connection:
        parts = self.plan.parts
        port = parts.port or (443 if self._tls else 80)
        return await Connection.open(parts.hostname or "", port, tls=self._tls)
