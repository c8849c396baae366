"""What PostgreSQL itself says while a burst goes on: its connections, and how much it has stored."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping

import psutil
import psycopg

from webhook_lab.database.postgres import APPLICATION, SUPERUSER, Postgres
from webhook_lab.rows import Sample

EVERY_SECONDS = 0.02
MEMORY_EVERY_SECONDS = 0.25
LOOK = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE usename = %s),
           (SELECT count(*) FROM deliveries WHERE run = %s)
"""


class Monitor(threading.Thread):
    """Samples "connections", "stored", "memory" (MB of its own, all of the server's processes), and counters.

    Its one connection is a superuser's, opened before the storm: during it there may be no room.

    Args:
        run: whose deliveries are counted.
        counters: further metrics, each asked for its value.
    """

    def __init__(self, server: Postgres, run: str, counters: Mapping[str, Callable[[], float]]) -> None:
        super().__init__(name=f"monitor-{run}", daemon=True)
        self._server, self._run, self._counters = server, run, counters
        self._done = threading.Event()
        self._samples: list[Sample] = []
        self._memory_due = 0.0
        self._connection = self._connect()
        self.began = time.monotonic()
        self.stored = 0

    def run(self) -> None:
        while not self._done.wait(EVERY_SECONDS):
            self.look()

    def finish(self) -> None:
        """Look a last time, and stop."""
        self._done.set()
        self.join()
        self.look()
        self._connection.close()

    def look(self) -> None:
        """Sample everything once. A server that is down has no connections."""
        try:
            found = self._connection.execute(LOOK, (APPLICATION, self._run)).fetchone()
        except psycopg.Error:
            found = None
            with contextlib.suppress(psycopg.Error):
                self._connection = self._connect()
        connections, self.stored = found or (0, self.stored)
        at = time.monotonic() - self.began
        values: dict[str, float] = {"connections": connections, "stored": self.stored}
        values |= {metric: ask() for metric, ask in self._counters.items()}
        if at >= self._memory_due:
            self._memory_due = at + MEMORY_EVERY_SECONDS
            values["memory"] = self._megabytes()
        self._samples += [Sample(at, metric, value) for metric, value in values.items()]

    def since(self, number: int) -> list[Sample]:
        """The samples but for the first `number`, for whoever draws while the run goes on."""
        return self._samples[number:]

    def _connect(self) -> "psycopg.Connection[tuple[int, ...]]":
        return psycopg.connect(self._server.conninfo(SUPERUSER), autocommit=True)

    def _megabytes(self) -> float:
        """Memory that is each process's alone; what they share is counted for none."""
        total = 0
        for process in self._server.processes():
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().uss
        return total / 1e6
