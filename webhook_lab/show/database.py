"""A throw-away database in a notebook: its card, a live view of each burst, and what came of it."""

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import cached_property

from IPython.display import display

from webhook_lab.database.behind import ROWS, create_table, environment, limit_of, receives_of
from webhook_lab.database.burst import DOWN_SECONDS, SENDERS, WEBHOOKS, WORK_SECONDS, Burst
from webhook_lab.database.connection_limits import Limit
from webhook_lab.database.monitor import Monitor, count
from webhook_lab.database.outcome import Design, Outcome
from webhook_lab.database.pgbouncer import NoPooler, PgBouncer
from webhook_lab.database.postgres import Postgres, Setting
from webhook_lab.pipeline.packaging import source_folder
from webhook_lab.show.behind import Beside
from webhook_lab.show.burst import PANELS, outcome_card
from webhook_lab.show.card import Card, Cell
from webhook_lab.show.chart import Chart
from webhook_lab.show.database_charts import designs_chart
from webhook_lab.show.live import Live, tail

BURST_SECONDS = 120.0
"""A burst that takes longer is watched no further."""


class Database:
    """A server, and the bursts that were sent to it.

    Args:
        max_connections: and any other setting of PostgreSQL's.

    Raises:
        LabError: there is no PostgreSQL, or it does not start with these settings.
    """

    def __init__(self, *, max_connections: int = 20, port: int | None = None, **settings: Setting) -> None:
        self.server = Postgres(max_connections=max_connections, port=port, **settings)
        self.outcomes: list[Outcome] = []
        self.beside: Beside | None = None
        self.watched_since = 0
        self._pooler: PgBouncer | None = None

    def restart(self, **settings: Setting) -> Card:
        """Restart it with other settings: most limits cannot be changed while it runs, here as on RDS."""
        self.server.restart(**settings)
        return self.card

    def close(self) -> Card:
        """Stop it and remove its files. Should the kernel end first, that happens by itself."""
        self.server.close()
        return self.card

    async def burst(
        self,
        *,
        webhooks: int = WEBHOOKS,
        senders: int = SENDERS,
        work: float = WORK_SECONDS,
        crash: bool = False,
        **design: int,
    ) -> Outcome | None:
        """Send webhooks from many senders at once, and show what happens while it happens.

        Args:
            work: seconds that the transaction of each webhook takes.
            crash: kill the database in the middle, and start it again a second later.
            design: what is in between: `retries`, `consumers`, `connections_each`, `pool`.

        Returns:
            What came of it; None when a pooler was asked for and PgBouncer is not installed.
        """
        burst = Burst(
            self.server, Design(**design), webhooks=webhooks, senders=senders, work=work, crash=crash
        )
        try:
            burst.start()
        except NoPooler as missing:
            _left_out(missing)
            return None
        live = Live(
            PANELS,
            tail(burst.monitor.samples),
            seconds=BURST_SECONDS,
            until=lambda: burst.over,
            clock=lambda: time.monotonic() - burst.monitor.began,
        )
        burst.on_mark = live.mark
        try:
            await live.start().finish()
        finally:
            burst.stop()
        self.outcomes.append(burst.wait())
        display(outcome_card(self.outcomes[-1]))  # type: ignore[no-untyped-call]
        return self.outcomes[-1]

    def count(self, outcome: Outcome) -> tuple[int, int]:
        """How many rows the database holds of a burst now, and of how many different webhooks."""
        return count(self.server, outcome.run)

    # --- behind the pipeline

    def create_table(self, handler: str = "subscribe_postgres") -> str:
        """Apply the handler's ``schema.sql``, and return it."""
        schema = (source_folder(handler) / "schema.sql").read_text(encoding="utf-8")
        create_table(self.server, schema)
        return schema

    def environment(self, pooler: PgBouncer | None = None) -> dict[str, str]:
        """What a function reads to connect: to the server, or to a pooler in front of it."""
        return environment(self.server, pooler.port if pooler else None)

    def watch(self, since: int = 0) -> Beside:
        """Watch its connections from now on, beside a run of the pipeline.

        Its own connection is opened once and kept, so that a storm cannot take its place.

        Args:
            since: now, in epoch milliseconds by AWS's clock.
        """
        self.beside, self.watched_since = Beside(self._standing), since
        return self.beside

    @cached_property
    def _standing(self) -> Monitor:
        monitor = Monitor(self.server, "", {"room": lambda: self.room}, ROWS)
        monitor.looking.clear()
        return monitor

    @property
    def room(self) -> int:
        """How many connections the application can have."""
        return self.server.allows

    def limit(self, *, kept: int = 0, per_invocation: int = 1) -> Limit:
        """Chapter 01's rule for this server, with `kept` of its connections left to others."""
        return limit_of(self.server, self.room, kept=kept, per_invocation=per_invocation)

    def receives(self, ids: Iterable[str]) -> dict[str, int]:
        """Of these deliveries those that the table holds, each with the receive that it came with."""
        return receives_of(self._standing, ids)

    async def crash(self, mark: Callable[[str], None], *, seconds: float = DOWN_SECONDS) -> None:
        """Kill it at once, in the middle of whatever it does, and start it again after so many seconds.

        Raises:
            LabError: it does not start again.
        """
        mark("database crashes")
        await asyncio.to_thread(self.server.crash)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(self.server.start)
        mark("it is back")

    def start_pooler(self, size: int) -> PgBouncer | None:
        """PgBouncer with so many connections to the server, in place of an earlier one.

        Returns:
            None, after a line that says so, where it is not installed.

        Raises:
            LabError: it does not start.
        """
        if self._pooler:
            self._pooler.close()
        try:
            self._pooler = PgBouncer(self.server, size)
            return self._pooler
        except NoPooler as missing:
            _left_out(missing)
            return None

    def compare(self) -> Chart:
        """The newest burst of each design, side by side."""
        return designs_chart(self.outcomes)

    @property
    def card(self) -> Card:
        if self.server.folder.closed:
            return Card("PostgreSQL", "stopped", (), note="Its processes and its files are gone.")
        room, most = self.server.room(), self.server.max_connections
        rows: tuple[tuple[Cell, ...], ...] = (
            ("max_connections", most),
            ("kept for superusers", most - room - 1),
            ("taken by the monitor", 1),
            ("left for the application", room),
        )
        note = "On this machine only, and gone when the kernel is."
        return Card("PostgreSQL", f"version {self.server.version}", rows, note=note)

    def __repr__(self) -> str:
        return repr(self.card)

    def _repr_html_(self) -> str:
        return self.card._repr_html_()


def _left_out(missing: NoPooler) -> None:
    print(f"{missing.said}, so this is left out. {missing.try_this}")
