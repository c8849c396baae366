"""A coroutine in a thread, on an event loop of its own.

A notebook's own loop is busy with the cell that runs; this one goes on whether that waits for it or not.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Self

LOOK = 0.05
"""Seconds between two looks at whether it is over: how late an interrupt may be heard."""


class Background:
    """`start` it; then `join` it for its result, or `stop` it. When it is over, thread and loop are gone.

    Args:
        work: makes the coroutine, in the thread.
    """

    def __init__(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._work = work
        # A join that is interrupted marks its thread as ended (CPython 3.11): wait for this instead.
        self._begun, self._over = threading.Event(), threading.Event()
        self._result: Any = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> Self:
        """Begin, and return at once. An interrupt meanwhile ends it first and then goes on its way."""
        try:
            self._thread.start()
            self._begun.wait()
        except BaseException:
            self.stop()
            raise
        return self

    @property
    def finished(self) -> bool:
        """Whether it has ended, or was stopped."""
        return self._over.is_set()

    def stop(self) -> Self:
        """Break off what is under way, and return when it is over."""
        if self._thread.ident is not None:
            self._begun.wait()
            with contextlib.suppress(RuntimeError):  # the loop is closed: it is over already
                self._loop.call_soon_threadsafe(self._task.cancel)
            self._over.wait()
            self._thread.join()
        return self

    def join(self, seconds: float | None = None) -> Any:
        """Wait until it is over, or for so long, and return what it did; what it raised is raised here."""
        while not self._over.wait(LOOK if seconds is None else seconds) and seconds is None:
            pass  # a wait without an end hears no Ctrl-C on Windows
        if self._failure:
            raise self._failure
        return self._result

    def _run(self) -> None:
        async def all_of_it() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._task, self._loop = task, asyncio.get_running_loop()
            self._begun.set()
            self._result = await self._work()

        try:
            with contextlib.suppress(asyncio.CancelledError):  # stopped
                asyncio.run(all_of_it())
        except BaseException as error:
            self._failure = error
        finally:
            self._over.set()
