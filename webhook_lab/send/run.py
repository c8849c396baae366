"""Send many deliveries as their providers would: paced, in parallel, each again until it is accepted.

The sending goes on in a thread with an event loop of its own, so that a notebook can wait for it, watch it,
or do something else meanwhile. What a bad URL does is counted by kind and never raised.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Self

from webhook_lab.send.engine import Engine
from webhook_lab.send.plan import Plan
from webhook_lab.send.sender import Delivery
from webhook_lab.send.tally import Tally
from webhook_lab.watch.rows import Sent

PROGRESS_AFTER = 2.0
"""Seconds; what is over sooner shows no bar."""


class Run(Tally):
    """One sending: `start` it; then `wait`, `pause`, `resume` or `stop`.

    Args:
        on_sent: told of each delivery when it is settled, in the sending thread; it should be quick.
    """

    def __init__(self, plan: Plan, *, on_sent: Callable[[Sent], object] | None = None) -> None:
        super().__init__(plan)
        self._engine = Engine(plan, self, self._settle)
        self._on_sent = on_sent
        self._failure: BaseException | None = None
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._send, name="sender", daemon=True)

    def start(self) -> Self:
        """Begin, and return at once."""
        self._thread.start()
        self._begun.wait()
        return self

    @property
    def finished(self) -> bool:
        """Whether everything is settled, or the run was stopped."""
        return self._begun.is_set() and not self._thread.is_alive()

    def wait(self, seconds: float | None = None) -> Self:
        """Wait until it is finished, or for so long; a bar shows progress when that lasts.

        An interrupt (Ctrl-C, the kernel's stop button) ends the sending first and then goes on its way.
        """
        deadline = None if seconds is None else time.monotonic() + seconds
        try:
            with _bar(len(self.plan.deliveries)) as bar:
                while self._thread.is_alive() and (deadline is None or time.monotonic() < deadline):
                    self._thread.join(0.05)
                    bar.update(len(self.sent) - bar.n)
        except KeyboardInterrupt:
            self.stop()
            raise
        if self._failure and not self._thread.is_alive():
            raise self._failure
        return self

    def stop(self) -> Self:
        """Break off what is under way, send nothing more, and return when it is over."""
        if self._begun.is_set():
            self._call(self._sending.cancel)
            self._thread.join()
        return self

    def pause(self) -> None:
        """Begin no further attempt until `resume`; what is under way goes on."""
        self._call(self._engine.hold, True)

    def resume(self) -> None:
        """Go on after `pause`: what was due meanwhile is late by the pause, and at the same distances."""
        self._call(self._engine.hold, False)

    def _settle(self, row: Sent) -> None:
        self.sent.append(row)
        if self._on_sent:
            self._on_sent(row)

    def _send(self) -> None:
        async def all_of_it() -> None:
            task = asyncio.current_task()
            assert task is not None
            self._sending, self._loop = task, asyncio.get_running_loop()
            self._loop.call_soon(self._begun.set)  # once the engine, which runs first, can be told something
            await self._engine.run()

        try:
            asyncio.run(all_of_it())
        except asyncio.CancelledError:
            pass
        except BaseExceptionGroup as group:  # what `on_sent` raised, or a defect of ours
            self._failure = group.exceptions[0]
        except BaseException as error:
            self._failure = error
        finally:
            self._begun.set()

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: everything is settled
            self._loop.call_soon_threadsafe(function, *arguments)


def send_all(
    url: str,
    deliveries: Sequence[Delivery],
    arrivals: Iterable[float] | None = None,
    *,
    on_sent: Callable[[Sent], object] | None = None,
    **settings: Any,
) -> Run:
    """Send all and wait. The settings are those of `webhook_lab.send.plan.Plan`.

    Raises:
        LabError: what cannot be sent as asked; then nothing was.
    """
    return Run(Plan(url, deliveries, arrivals, **settings), on_sent=on_sent).start().wait()


def _bar(total: int) -> Any:
    """On a terminal a line on standard error; in a kernel a widget; elsewhere, or headless, nothing."""
    from tqdm.auto import tqdm

    in_kernel = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)
    disable = bool(os.environ.get("WEBHOOK_LAB_HEADLESS")) if in_kernel else None
    return tqdm(total=total, desc="sending", unit="", delay=PROGRESS_AFTER, leave=False, disable=disable)
