"""A queue and a function in memory, and an event loop whose time passes at once."""

import asyncio
import contextlib
import functools
import math
import random
import selectors
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from webhook_lab.local_cloud.batches import FunctionFailed, Message, Throttled

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Where another selector would wait, this one moves the clock on."""

    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "everybody waits, and nothing will ever happen"
        self.now += max(0.0, timeout)
        return super().select(0)


class VirtualTime(asyncio.SelectorEventLoop):
    """Its time begins at 0 and goes by as fast as everything that is to happen in it can be done."""

    def __init__(self) -> None:
        self._clock = _Jumping()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        return runner.run(main)


def passing_at_once(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test whose time passes at once."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        in_virtual_time(test(*args, **kwargs))

    return run


def now() -> float:
    return asyncio.get_running_loop().time()


@dataclass
class Stored:
    """A message in the queue: when it can be received, and how often it was."""

    id: str
    body: str
    group: str | None = None
    visible_at: float = 0.0
    receives: int = 0
    receipt: str = ""


@dataclass
class FakeQueue:
    """SQS as far as a mapping sees it. Standard queues give out any message that waits, in no order.

    With `fifo`, groups keep their order, and a group with messages in flight gives out no more.
    """

    chance: random.Random
    visibility: float = 30.0
    max_receive_count: int | None = None
    fifo: bool = False
    seconds: float = 0.005
    """What a call takes."""
    messages: list[Stored] = field(default_factory=list)
    dead: list[Stored] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    receives: list[float] = field(default_factory=list)
    """When each ReceiveMessage began."""
    refusal: Exception | None = None
    """What every call raises, if anything."""
    _sent: asyncio.Event = field(default_factory=asyncio.Event)

    def send(self, count: int, body: str = "", groups: int = 0) -> None:
        for i in range(len(self.messages), len(self.messages) + count):
            self.messages.append(Stored(f"m{i}", body, f"g{i % groups}" if groups else None))
        self._sent.set()
        self._sent = asyncio.Event()

    async def receive(self, most: int, wait: int) -> list[Message]:
        self.receives.append(now())
        assert 1 <= most <= 10
        assert wait == int(wait) <= 20
        if self.refusal:
            raise self.refusal
        await asyncio.sleep(self.seconds)
        until = now() + wait
        while not (taken := self._take(most)) and now() < until:
            visible = (stored.visible_at for stored in self.messages if stored.visible_at > now())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(min([until, *visible])):
                    await self._sent.wait()
        return taken

    async def delete(self, messages: list[Message]) -> None:
        await asyncio.sleep(self.seconds)
        receipts = {message["ReceiptHandle"] for message in messages}
        gone = [stored for stored in self.messages if stored.receipt in receipts]
        self.deleted += [stored.id for stored in gone]
        self.messages = [stored for stored in self.messages if stored not in gone]

    async def visibility_timeout(self) -> float:
        await asyncio.sleep(self.seconds)
        return self.visibility

    def _take(self, most: int) -> list[Message]:
        waiting = [stored for stored in self.messages if stored.visible_at <= now()]
        if self.max_receive_count is not None:
            spent = [stored for stored in waiting if stored.receives >= self.max_receive_count]
            self.dead += spent
            self.messages = [stored for stored in self.messages if stored not in spent]
            waiting = [stored for stored in waiting if stored not in spent]
        if self.fifo:
            busy = {stored.group for stored in self.messages if stored.visible_at > now()}
            waiting = [stored for stored in waiting if stored.group not in busy]
            first = waiting[0].group if waiting else None
            waiting.sort(key=lambda stored: stored.group != first)  # SQS too prefers messages of one group
        else:
            waiting = self.chance.sample(waiting, min(most, len(waiting)))
        for stored in waiting[:most]:
            stored.visible_at, stored.receives = now() + self.visibility, stored.receives + 1
            stored.receipt = f"{stored.id}/{stored.receives}"
        return [
            {
                "MessageId": stored.id,
                "ReceiptHandle": stored.receipt,
                "Body": stored.body,
                "Attributes": {"MessageGroupId": stored.group} if stored.group else {},
            }
            for stored in waiting[:most]
        ]


@dataclass
class FakeFunction:
    """Lambda as far as a mapping sees it: one record after another, `reserved` invocations at once."""

    work: float = 0.5
    reserved: float = math.inf
    answer: Callable[[list[Message]], Awaitable[Any] | Any] = lambda batch: None
    """What an invocation returns; one that raises fails."""
    running: int = 0
    peak: int = 0
    throttles: int = 0
    batches: list[list[str]] = field(default_factory=list)
    began: list[float] = field(default_factory=list)

    @property
    def processed(self) -> set[str]:
        return {id_ for batch in self.batches for id_ in batch}

    async def invoke(self, batch: list[Message]) -> Any:
        if self.running >= self.reserved:
            self.throttles += 1
            raise Throttled
        self.running += 1
        self.peak = max(self.peak, self.running)
        self.began.append(now())
        self.batches.append([message["MessageId"] for message in batch])
        try:
            await asyncio.sleep(self.work * len(batch))
            return self.answer(batch)
        except ValueError as error:
            raise FunctionFailed from error
        finally:
            self.running -= 1


async def until(condition: Callable[[], Any], *, seconds: float = 86_400.0) -> None:
    """Let time pass until something is so."""
    deadline = now() + seconds
    while not condition():
        assert now() < deadline, "it never came about"
        await asyncio.sleep(0.05)
