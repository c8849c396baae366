"""Send many deliveries as their providers would: in parallel, each again until it is accepted or given up.

What a bad URL does is counted by kind and never raised.
"""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from webhook_lab.aws.errors import LabError
from webhook_lab.send.background import Background
from webhook_lab.send.ranges import MOST_DELIVERIES, within
from webhook_lab.send.retries import GONE, is_accepted
from webhook_lab.send.sender import Delivery, NoAnswer, Sender, head
from webhook_lab.watch.rows import Answer, Sent

CONCURRENCY = 8
"""Attempts under way at once, unless asked for otherwise: as many publish functions run, 47 MB each."""
COMPRESS = 3600.0
"""Seconds of a provider's retry schedule in one second of a run, unless asked for otherwise: an hour."""
PROGRESS_AFTER = 2.0
"""Seconds; what is over sooner shows no bar."""


class Run(Background):
    """One sending in the background: `start` it; then `wait` or `stop`. All of it can be read meanwhile.

    Args:
        url: the API's address with its stage.
        compress: seconds of the retry schedules in one of the run.
        concurrency: attempts under way at once.
        cap: the most requests to make, retries counted. First attempts always have their part of it.
        charges: requests to `url` cost money: then there has to be a cap.
        settles: see `Sender`; what a new API says itself counts for no attempt.

    Attributes:
        sent: a row for each delivery that is settled: accepted, or given up, or begun and then stopped. An
            attempt broken off has the error "stopped": nobody knows whether it arrived.
        attempts: every attempt, retries included, by its status or by the kind of failure in its place.
        answers: the first acceptance of each id: where a timeline of that delivery begins.
        capped: deliveries given up because the cap left no retry.

    Raises:
        LabError: a setting out of range, no address, no cap where requests cost money, or a delivery that
            HTTP cannot carry. Then nothing is sent.
    """

    def __init__(
        self,
        url: str,
        deliveries: Sequence[Delivery],
        *,
        compress: float = COMPRESS,
        concurrency: int = CONCURRENCY,
        cap: int | None = None,
        charges: bool = False,
        settles: float = 0.0,
    ) -> None:
        super().__init__(self._send)
        where, n = f"send to {url}", len(deliveries)
        within(where, "the number of deliveries", n, 1, MOST_DELIVERIES)
        within(where, "concurrency", concurrency, 1, 256, whole=True)
        within(where, "compress", compress, 1, 1_000_000)
        if cap is not None:
            within(where, "the cap on requests", cap, n, 100 * MOST_DELIVERIES)
        elif charges:
            said = "each request there costs money, and no cap on their number is set"
            raise LabError(where, said, f"Say the most that you will pay for: cap={n}, or more for retries.")
        self._sender = Sender(url, settles=settles)
        for delivery in deliveries:
            head(url, delivery)
        self.deliveries, self._compress, self._concurrency = deliveries, compress, concurrency
        self._retries_left = None if cap is None else cap - n
        self.sent: list[Sent] = []
        self.attempts: Counter[str] = Counter()
        self.answers: dict[str, Answer] = {}
        self.capped = 0

    def wait(self, seconds: float | None = None) -> Self:
        """Wait until it is finished, or for so long; a bar shows progress when that lasts.

        On a terminal the bar is a line on standard error, in a kernel a widget; elsewhere there is none. An
        interrupt (Ctrl-C, the kernel's stop button) ends the sending first and then goes on its way.
        """
        try:
            from tqdm.auto import tqdm

            deadline = None if seconds is None else time.monotonic() + seconds
            hidden = True if os.environ.get("WEBHOOK_LAB_HEADLESS") else None  # None: where nobody can see it
            total = len(self.deliveries)
            with tqdm(
                total=total, desc="sending", unit="", delay=PROGRESS_AFTER, leave=False, disable=hidden
            ) as bar:
                while not self.finished and (deadline is None or time.monotonic() < deadline):
                    self.join(0.05)
                    bar.update(len(self.sent) - bar.n)
        except KeyboardInterrupt:
            self.stop()
            raise
        self.join(0)
        return self

    @property
    def counts(self) -> Counter[str]:
        """The settled deliveries, by status or kind of failure as the attempts are."""
        return Counter(_kind_of(row) for row in self.sent.copy())

    def __repr__(self) -> str:
        done = f"{len(self.sent):,} of {len(self.deliveries):,} deliveries settled"
        capped = f"; {self.capped:,} given up at the cap" if self.capped else ""
        return f"{done}: {_spoken(self.counts)}; attempts: {_spoken(self.attempts.copy())}{capped}"

    async def _send(self) -> None:
        free = asyncio.Semaphore(self._concurrency)
        try:
            async with asyncio.TaskGroup() as group:
                for delivery in self.deliveries:
                    await free.acquire()  # the first attempt's; `_deliver` gives it back
                    group.create_task(self._deliver(delivery, free))
        finally:
            self._sender.close()

    async def _deliver(self, delivery: Delivery, free: asyncio.Semaphore) -> None:
        """Attempt it until it is settled, or the run is stopped."""
        row = Sent(delivery.id, delivery.path, 0, None, "", time.time_ns() // 1_000_000, 0.0)
        try:
            while True:
                row = replace(row, attempts=row.attempts + 1, status=None, error="stopped", milliseconds=0.0)
                try:
                    row, asked = await self._attempt(delivery, row)
                finally:
                    self.attempts[_kind_of(row)] += 1
                    free.release()
                delay = self._delay(delivery, row, asked)
                if delay is None:
                    break
                await asyncio.sleep(delay)
                await free.acquire()
        finally:
            self.sent.append(row)

    async def _attempt(self, delivery: Delivery, row: Sent) -> tuple[Sent, float]:
        """What came of it, and the seconds for which the answer asks to be left alone.

        A redirect, which no sender should follow, is an answer and a failure both.
        """
        started = time.perf_counter()
        try:
            answer, asked = await self._sender.post(delivery)
        except NoAnswer as none:
            took = (time.perf_counter() - started) * 1000
            return replace(row, error=none.kind, milliseconds=took), 0.0
        if is_accepted(answer.status):
            row = replace(row, id=answer.id or row.id)
            self.answers.setdefault(row.id, answer)
        error = "redirected" if 300 <= answer.status < 400 else ""
        return replace(row, status=answer.status, error=error, milliseconds=answer.milliseconds), asked

    def _delay(self, delivery: Delivery, row: Sent, asked: float) -> float | None:
        """Seconds until the next attempt; None when the delivery is settled."""
        if is_accepted(row.status) or row.status == GONE:
            return None
        delay = delivery.schedule.delay(row.attempts, compress=self._compress, at_least=asked)
        if delay is None or self._retries_left is None:
            return delay
        if self._retries_left < 1:
            self.capped += 1
            return None
        self._retries_left -= 1
        return delay


def _kind_of(row: Sent) -> str:
    """What came of it in one word: the kind of failure, else the status."""
    return row.error or str(row.status)


def _spoken(counts: Counter[str]) -> str:
    return ", ".join(f"{number:,} × {kind}" for kind, number in sorted(counts.items())) or "none"
