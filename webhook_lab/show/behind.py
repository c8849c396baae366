"""The pipeline and the database behind it, in one live view: what waits, what runs, what is connected."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from webhook_lab.show.card import counted
from webhook_lab.show.live import tail
from webhook_lab.show.series import COUNTS, DEAD, DEPTH, STORED, Line, Panel, Series, number
from webhook_lab.show.theme import GREEN, INK, ORANGE, PURPLE
from webhook_lab.watch.rows import Sample

if TYPE_CHECKING:
    from webhook_lab.database.monitor import Monitor

OURS = ("connections", "room")
"""What the database's monitor has to say in this view; the rest the pipeline's watch says."""


class Beside:
    """A database's monitor beside a watched run, on the run's clock. Asked to look from the start on."""

    def __init__(self, monitor: "Monitor") -> None:
        self._monitor = monitor
        self._first = len(monitor.samples)
        monitor.look()  # reconnects after a restart, before anybody else takes the place
        monitor.looking.set()

    def stop(self) -> None:
        """Look no more; the connection stays."""
        self._monitor.looking.clear()

    def peak(self) -> int:
        """The most connections that were open at once, since this began."""
        seen = self._monitor.samples[self._first :]
        return round(max((each.value for each in seen if each.metric == "connections"), default=0))

    def sampler(self, clock: Callable[[], float]) -> Callable[[], Iterator[Sample]]:
        """The new samples of what is ours each time it is called, in seconds by `clock`."""
        shift, new = time.monotonic() - self._monitor.began - clock(), tail(self._monitor.samples)

        def sample() -> Iterator[Sample]:
            for each in new():
                if each.metric in OURS and each.at >= shift:
                    yield replace(each, at=each.at - shift)

        return sample


def _queue_says(series: Mapping[str, Series]) -> str:
    """What died was not drained: once the queue is empty, it says where the rest went."""
    said, dead = DEPTH.says(series), int(series["dlq"].last) if "dlq" in series else 0
    absorbed = f"The queue absorbed {number(series['visible'].peak)}; "
    if not dead or not said.startswith(absorbed):
        return said
    return f"{absorbed}{counted(dead, 'message')} ended in the dead-letter queue"


def _connections_say(series: Mapping[str, Series]) -> str:
    most, room = series["connections"].peak, series["room"].last
    return f"Never more than {number(most)} of {counted(int(room), 'connection')} in use"


def _counts_say(series: Mapping[str, Series]) -> str:
    stored, failed, dead = (int(series[metric].last) for metric in ("stored", "failed", "dlq"))
    return f"{stored:,} stored, {f'{failed:,} times' if failed else 'never'} failed, {dead or 'none'} dead"


CONNECTIONS = Panel(
    "invocations and connections at once",
    (
        Line("concurrency", "running", ORANGE, step=True),
        Line("connections", "open", GREEN, step=True, filled=True),
        Line("room", "limit", INK, step=True, limit=True),
    ),
    _connections_say,
)
_FATES = Panel(
    COUNTS.title,
    (
        STORED,
        Line("failed", "failed", PURPLE),
        DEAD,
    ),
    _counts_say,
)
PANELS = (replace(DEPTH, says=_queue_says), CONNECTIONS, _FATES)
"""The whole pattern: the queue takes the burst, and the database never sees more than it has room for."""
