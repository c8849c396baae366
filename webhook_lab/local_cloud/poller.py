"""An event source mapping, opened up: what stands between a queue and a function, and how it behaves.

A mapping runs pollers. Each is one loop: receive a batch, invoke the function with it, delete what
succeeded, again. There is no other machinery, and what this course says about throttles follows from it.

Documented by AWS, on three pages of the Lambda developer guide
(docs.aws.amazon.com/lambda/latest/dg/<page>):

services-sqs-scaling
  Five pollers long-poll an idle queue and process its first batches. While messages are left, 300 more are
  added a minute, up to 1,250; when traffic is low, there are five again, or as few as two where no
  MaximumConcurrency is set. That stops the reading. Reserved concurrency does not: pollers read before they
  know whether the function may run (repost.aws/knowledge-center/lambda-sqs-scaling).
services-sqs-errorhandling
  A throttled batch is tried again, with back-off, until the visibility timeout ends. Then it is dropped:
  each of its messages has lost one receive and never ran. A batch whose function failed waits for its
  visibility timeout. Either reduces the mapping's concurrency.
with-sqs
  A batch is complete when it is full, when the batching window ends, or at 6 MB. What a filter rejects is
  deleted, whatever becomes of the rest (invocation-eventfiltering). Messages of one FIFO group
  stay in order: SQS gives out no more of a group while some of it are in flight, and nothing is invoked
  here any more when their visibility has ended.

Not documented, so assumed:

- pollers are added once a minute, all at once, from the first message after an idle time on;
- a minute with a throttle or a failed function halves them, down to five, in place of adding any;
- an idle queue keeps its five, with or without MaximumConcurrency;
- the pauses between attempts: `FIRST_BACK_OFF` (webhook_lab/facts/pollers.py), doubled up to
  `LONGEST_BACK_OFF`, with as much as half of jitter;
- the batching window begins with the first message.

Over-pull follows: a free slot goes to whoever asks first. A poller that has just finished reads and invokes
at once. One that was throttled comes back after its pause, finds the slot taken, and in the end abandons
its batch. A message to which that happens maxReceiveCount times lands in the dead-letter queue, without one
log line.

Time is the event loop's, so that tests run hours of it in milliseconds.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

from webhook_lab.facts.pollers import MINUTE, Scale, pause_after
from webhook_lab.local_cloud.batches import (
    LONG_POLL,
    PAYLOAD_BYTES,
    RECEIVE_MOST,
    Function,
    FunctionFailed,
    Message,
    PollerSettings,
    Queue,
    Refused,
    Throttled,
    bytes_of,
    failed_of,
    within,
)

T = TypeVar("T")

_CALLED_BACK = "called back"

log = logging.getLogger(__name__)


class Pollers:
    """The pollers of one event source mapping.

    Args:
        settings: asked before each read. Call `adjust` after a change.
        wanted: which of a batch's messages the mapping's filter lets through.
        report: told how the last batch went, in words for LastProcessingResult.
        ended: called whenever a poller has ended.
    """

    def __init__(
        self,
        queue: Queue,
        function: Function,
        settings: Callable[[], PollerSettings],
        *,
        scale: Scale | None = None,
        chance: random.Random | None = None,
        wanted: Callable[[list[Message]], list[Message]] = lambda batch: batch,
        report: Callable[[str], None] = lambda _: None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._queue, self._function, self._settings = queue, function, settings
        self._known: PollerSettings | None = None
        self._scale, self._chance = scale or Scale(), chance or random.Random()
        self._wanted_of, self._report, self._ended = wanted, report, ended
        self._pollers: dict[int, asyncio.Task[None]] = {}
        self._idle: set[int] = set()  # pollers in a long poll or a pause: they can be called back
        self._wanted = self._scale.least
        self._minute: asyncio.TimerHandle | None = None
        self._troubled = False

    @property
    def allowed(self) -> int:
        """How many pollers may read now."""
        return min(self._wanted, self._limit())

    @property
    def running(self) -> int:
        """How many pollers there are."""
        return len(self._pollers)

    @property
    def settled(self) -> bool:
        """Whether no poller still finishes a batch that today's settings would not have let it begin."""
        return all(number < self._limit() for number in self._pollers)

    def _limit(self) -> int:
        """MaximumConcurrency: a poller has one invocation at a time, so as many of them as of these."""
        settings = self._settings()
        return (settings.maximum_concurrency or self._scale.most) if settings.enabled else 0

    def adjust(self) -> None:
        """Start the pollers that are missing; call back from where they wait those that are too many.

        When settings have changed, all are: a read that began under the old ones takes as many messages as
        those said. A poller that holds a batch is not interrupted: it invokes and deletes first.
        """
        changed, self._known = self._known != self._settings(), self._settings()
        for number in range(self.allowed):
            if number not in self._pollers:
                self._pollers[number] = poller = asyncio.create_task(self._poll(number))
                poller.add_done_callback(lambda _, number=number: self._gone(number))  # type: ignore[misc]
        for number in [each for each in self._idle if changed or each >= self.allowed]:
            self._idle.discard(number)  # once is enough: it may be about to come back with messages
            self._pollers[number].cancel(_CALLED_BACK)

    def _gone(self, number: int) -> None:
        del self._pollers[number]
        if number < self.allowed:  # allowed again while it was ending
            self.adjust()
        elif not self._pollers:
            self._end_of_busy_time()
        self._ended()

    async def _poll(self, number: int) -> None:
        """One poller, as long as there may be so many."""
        in_a_row = 0
        while number < self.allowed:
            try:
                await self._one_batch(number)
                in_a_row = 0
            except FunctionFailed:
                self._troubled = True
                self._report("PROBLEM: Function call failed")
            except Refused as error:
                self._report(f"PROBLEM: {error}")
            except Exception as error:
                log.exception("poller %s", number)
                self._report(f"PROBLEM: {type(error).__name__}: {error}")
            else:
                continue
            await self._waiting(number, asyncio.sleep(self._pause(in_a_row)))
            in_a_row += 1

    async def _one_batch(self, number: int) -> None:
        known = self._known
        batch, received = await self._read(number)
        # An empty read of one that was called back says nothing about the queue.
        if number < self.allowed and known == self._known:
            self._rescale(bool(batch))
        for part in within(PAYLOAD_BYTES, await self._filtered(batch)):
            await self._deliver(number, part, received)

    async def _filtered(self, batch: list[Message]) -> list[Message]:
        """What the filter lets through. The rest is deleted first, whatever becomes of the batch."""
        wanted = self._wanted_of(batch)
        if rejected := [message for message in batch if message not in wanted]:
            await self._queue.delete(rejected)
        return wanted

    async def _read(self, number: int) -> tuple[list[Message], float]:
        """A batch, and when its first messages were received. Nothing asks whether the function may run."""
        settings, now = self._settings(), asyncio.get_running_loop().time
        size = settings.batch_size
        batch = await self._receive(number, min(RECEIVE_MOST, size), LONG_POLL)
        received = now()
        while batch and len(batch) < size and bytes_of(batch) < PAYLOAD_BYTES and number < self.allowed:
            left = received + settings.batching_window - now()
            if left <= 0:
                break
            wait = min(LONG_POLL, round(left))  # SQS waits for whole seconds
            batch += (more := await self._receive(number, min(RECEIVE_MOST, size - len(batch)), wait))
            if not more and not wait:
                await self._waiting(number, asyncio.sleep(left))
        return batch, received

    async def _receive(self, number: int, most: int, wait: int) -> list[Message]:
        return await self._waiting(number, self._queue.receive(most, wait)) or []

    async def _deliver(self, number: int, batch: list[Message], received: float) -> None:
        """Invoke the function with the batch until it is not throttled, then delete what succeeded."""
        now, attempt, visible_until = asyncio.get_running_loop().time, 0, 0.0
        while True:
            try:
                response = await self._function.invoke(batch)
                break
            except Throttled:
                self._troubled = True
                self._report("PROBLEM: Function call throttled")
                visible_until = visible_until or received + await self._queue.visibility_timeout()
                pause = min(self._pause(attempt), visible_until - now())
                await self._waiting(number, asyncio.sleep(pause))
                attempt += 1
                if now() >= visible_until or number >= self.allowed:
                    return  # abandoned: SQS gives the messages out again, one receive poorer
        failed = failed_of(response, batch) if self._settings().report_batch_item_failures else set()
        if done := [message for message in batch if message["MessageId"] not in failed]:
            await self._queue.delete(done)
        self._report(f"OK - {len(done)} records" + (f", {len(failed)} failed" if failed else ""))

    def _rescale(self, found: bool) -> None:
        """Count the minutes while reads find messages; one that finds none ends the busy time."""
        if not found:
            self._end_of_busy_time()
            self.adjust()
        elif self._minute is None:
            self._troubled = False
            self._minute = asyncio.get_running_loop().call_later(MINUTE, self._after_a_minute)

    def _after_a_minute(self) -> None:
        self._wanted = self._scale.after_a_minute(self._wanted, troubled=self._troubled)
        self._troubled = False
        self._minute = asyncio.get_running_loop().call_later(MINUTE, self._after_a_minute)
        self.adjust()

    def _end_of_busy_time(self) -> None:
        self._wanted = self._scale.least
        if self._minute is not None:
            self._minute.cancel()
            self._minute = None

    def _pause(self, attempt: int) -> float:
        """Seconds to wait after so many attempts before."""
        return pause_after(attempt, self._chance)

    async def _waiting(self, number: int, awaited: Awaitable[T]) -> T | None:
        """What is awaited, or None if this poller is called back from it."""
        self._idle.add(number)
        try:
            return await awaited
        except asyncio.CancelledError as error:
            if error.args != (_CALLED_BACK,):
                raise  # the process ends
            return None
        finally:
            self._idle.discard(number)
