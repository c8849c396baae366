"""The first answer of a new API: API Gateway's own comes before what is behind it answers.

A deployment and a function's permission take effect some time after they were made. Until then API Gateway
says 403 (it knows no such API) or 500 (it may not invoke the function) by itself; for how long, AWS does not
say.
"""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import ClassVar

from webhook_lab.watch.rows import Answer

AGAIN = 1.0
"""Seconds between two attempts."""

Attempted = tuple[Answer, float]


class FirstAnswer:
    """Waits for it once in a process; meanwhile all other deliveries to the same address wait as well.

    Args:
        settles: seconds after which API Gateway's own answer is taken for the answer; 0 waits for nothing.
    """

    known: ClassVar[set[str]] = set()
    """Addresses that have answered, or were waited for long enough."""

    def __init__(self, url: str, settles: float) -> None:
        self._url, self._waits, self._one = url, settles > 0, asyncio.Lock()
        self._until = time.monotonic() + settles

    async def of(self, attempt: Callable[[], Awaitable[Attempted]]) -> Attempted:
        """What `attempt` comes back with, made again while that is API Gateway's own."""
        if self._is_new():
            async with self._one:
                while self._is_new():
                    answer, left_alone = await attempt()
                    if not is_of_the_gateway(answer) or time.monotonic() >= self._until:
                        self.known.add(self._url)
                        return answer, left_alone
                    await asyncio.sleep(AGAIN)
        return await attempt()

    def _is_new(self) -> bool:
        return self._waits and self._url not in self.known


def is_of_the_gateway(answer: Answer) -> bool:
    """Whether it is one of a new API: no function of ours answers with a message alone."""
    if answer.status not in (403, 500):
        return False
    try:
        return list(json.loads(answer.body)) == ["message"]
    except (ValueError, TypeError):
        return False
