"""What PostgreSQL itself says: its connections and rows while a burst goes on and after, and its refusals."""

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import fmean
from typing import Any, LiteralString

import psutil
import psycopg

from webhook_lab.aws.errors import LabError
from webhook_lab.database.postgres import APPLICATION, SUPERUSER, Postgres
from webhook_lab.watch.rows import Sample

EVERY_SECONDS = 0.02
MEMORY_EVERY_SECONDS = 0.25
LOOK = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE usename = %(role)s),
           (SELECT count(*) FROM {})
"""
OF_A_RUN = "deliveries WHERE run = %(run)s"


class Monitor(threading.Thread):
    """Samples "connections", "stored", "memory" (MB of its own, all of the server's processes), and counters.

    Begins at once. Its connection is a superuser's, opened before the storm: during it there may be no room.

    Args:
        run: whose deliveries are counted.
        rows: where they are, as after FROM.
        counters: further metrics, each asked for its value.

    Raises:
        psycopg.Error: the server does not answer.

    `samples` grows while the run goes on; not while `looking` is clear, when the connection is only kept.
    """

    def __init__(
        self,
        server: Postgres,
        run: str,
        counters: dict[str, Callable[[], int]],
        rows: LiteralString = OF_A_RUN,
    ) -> None:
        super().__init__(name=f"monitor-{run}", daemon=True)
        self._server, self._run, self._counters = server, run, counters
        self._look: LiteralString = LOOK.format(rows)
        self._done, self.looking = threading.Event(), threading.Event()
        self.looking.set()
        self.samples: list[Sample] = []
        self._memory_due = 0.0
        self._connection = self._connect()
        self.began = time.monotonic()
        self.stored = 0
        self.start()

    def run(self) -> None:
        while not self._done.wait(EVERY_SECONDS):
            if self.looking.is_set():
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
            who = {"role": APPLICATION, "run": self._run}
            found = self._connection.execute(self._look, who).fetchone()
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
        self.samples += [Sample(at, metric, value) for metric, value in values.items()]

    def ask(self, query: LiteralString, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The rows of a query, over the connection that is there already.

        Raises:
            psycopg.Error: the server does not answer.
        """
        if self._connection.broken or self._connection.closed:
            self._connection = self._connect()
        return self._connection.execute(query, values).fetchall()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self._server.conninfo(SUPERUSER), autocommit=True)

    def _megabytes(self) -> float:
        """Memory that is each process's alone; what they share is counted for none.

        Processes that end while the others are asked count as those do.
        """
        processes = self._server.processes()
        own: list[int] = []
        for process in processes:
            with contextlib.suppress(psutil.Error):
                own.append(process.memory_full_info().uss)
        return len(processes) * fmean(own or [0]) / 1e6


def count(server: Postgres, run: str) -> tuple[int, int]:
    """How many rows the database holds of a run now, and of how many different webhooks.

    Raises:
        LabError: it does not answer.
    """
    query = "SELECT count(*), count(DISTINCT id) FROM deliveries WHERE run = %s"
    with answering("ask PostgreSQL what it holds"), psycopg.connect(server.conninfo()) as connection:
        rows, ids = connection.execute(query, (run,)).fetchone() or (0, 0)
    return rows, ids


@contextlib.contextmanager
def answering(asked: str) -> Iterator[None]:
    """What is asked of PostgreSQL inside fails as a LabError, in its own words, where it does not answer."""
    try:
        yield
    except psycopg.Error as error:
        raise LabError(asked, own_words(error), "Run the notebook from the start.") from error


def own_words(error: psycopg.Error) -> str:
    """What PostgreSQL said, or else what happened to the connection; without addresses, in one line."""
    text = str(error)
    if said := re.search(r"\b(?:FATAL|ERROR|PANIC):\s+(.*)", text):
        return " ".join(said.group().split())
    return text.rpartition("failed: ")[2].strip().split("\n")[0]
