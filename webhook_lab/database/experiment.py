"""The same webhooks on their way into the same database, by different designs: what is lost, and why.

Each webhook is one transaction that takes `work` seconds, its connection held all the while. The designs
differ in who opens that connection, and when: `Burst._accept` is what a sender waits for, `Burst._consume`
what happens behind its back.
"""

import re
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple
from typing import Any, Self

import psycopg

from webhook_lab.aws.errors import LabError
from webhook_lab.database.buffer import Buffer
from webhook_lab.database.files import allow_open_files
from webhook_lab.database.monitor import Monitor
from webhook_lab.database.outcome import Design, Outcome
from webhook_lab.database.pgbouncer import PgBouncer
from webhook_lab.database.postgres import Postgres
from webhook_lab.rows import Sent

WEBHOOKS, SENDERS, WORK_SECONDS = 500, 200, 0.05
FIRST_RETRY_SECONDS = 0.2
"""Doubled for each retry after the first. Real senders wait seconds, then hours."""
SEND_MESSAGE_SECONDS = 0.008
"""About what SQS takes to say that it has a message."""
VISIBILITY_SECONDS = 1.0
PAUSE_SECONDS = 0.3
"""After an error a consumer waits a moment, as Lambda backs off from a function that fails."""
CRASH_AT, DOWN_SECONDS = 0.3, 1.0
"""The part of the webhooks that is stored when the database is made to crash, and for how long it is down."""

TABLE = """
    CREATE TABLE IF NOT EXISTS deliveries (
        run text, id text, body text, stored_at timestamptz DEFAULT clock_timestamp(), PRIMARY KEY (run, id)
    )
"""
NAIVE = Design()


def connect_and_store(conninfo: str, run: str, webhook: int, work: float) -> None:
    """What a function does that knows nothing of the others: a connection of its own for each webhook."""
    with psycopg.connect(conninfo) as connection:
        store(connection, run, webhook, work)


def store(connection: "psycopg.Connection[Any]", run: str, webhook: int, work: float) -> None:
    """One webhook's transaction: stored once, however often it comes."""
    with connection.transaction():
        connection.execute(
            "INSERT INTO deliveries (run, id, body) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            (run, f"order-{webhook}", f"order {webhook} was paid"),
        )
        connection.execute("SELECT pg_sleep(%s)", (work,))  # prices, stock, an invoice: the rest of the work


def count(server: Postgres, run: str) -> tuple[int, int]:
    """How many rows the database holds of a run now, and of how many different webhooks.

    Raises:
        LabError: it does not answer.
    """
    query = "SELECT count(*), count(DISTINCT id) FROM deliveries WHERE run = %s"
    try:
        with psycopg.connect(server.conninfo()) as connection:
            rows, ids = connection.execute(query, (run,)).fetchone() or (0, 0)
    except psycopg.Error as error:
        said = own_words(error)
        raise LabError("ask PostgreSQL what it holds", said, "Run the notebook from the start.") from error
    return rows, ids


class Burst:
    """Webhooks from many senders at once, through one design, into one server.

    Args:
        work: seconds that each webhook's transaction takes.
        crash: kill the database when part of the webhooks is stored, and start it again after a second.

    Raises:
        LabError: a number makes no sense.
    """

    def __init__(
        self,
        server: Postgres,
        design: Design = NAIVE,
        *,
        webhooks: int = WEBHOOKS,
        senders: int = SENDERS,
        work: float = WORK_SECONDS,
        crash: bool = False,
    ) -> None:
        least = min(webhooks, senders, design.connections_each)
        if least < 1 or min(astuple(design)) < 0 or not 0 <= work <= 10:
            said = f"{webhooks} webhooks from {senders} senders, {work} s of work, {design}"
            raise LabError("send a burst", said, "Each number is at least 1, and work at most 10 seconds.")
        self.server, self.design, self.run_id = server, design, secrets.token_hex(4)
        self._webhooks, self._senders, self._work, self._crash = webhooks, senders, work, crash
        self._buffer = Buffer(VISIBILITY_SECONDS)
        self._errors: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stop, self._drained, self._over = threading.Event(), threading.Event(), threading.Event()
        self._outcome: Outcome | None = None
        self._failed: BaseException | None = None
        self._marks: list[tuple[float, str]] = []
        self.on_mark: Callable[[str], None] = lambda what: None  # noqa: ARG005
        """Called with what is done to the database, when it is."""

    def start(self) -> Self:
        """Begin, in threads of its own.

        Raises:
            LabError: too few files may be opened, or the pooler is not there.
        """
        design = self.design
        allow_open_files(self._senders + design.consumers * design.connections_each + design.pool)
        with psycopg.connect(self.server.conninfo()) as connection:
            connection.execute(TABLE)
        self.limit = self.server.room()
        self._pooler = PgBouncer(self.server, design.pool) if design.pool else None
        self._conninfo = self.server.conninfo(port=self._pooler.port if self._pooler else None)
        counters: dict[str, Callable[[], int]] = {"refused": self._refused, "limit": lambda: self.limit}
        counters |= {"waiting": self._buffer.held} if design.consumers else {}
        self.monitor = Monitor(self.server, self.run_id, counters)
        threading.Thread(target=self._run, name=f"burst-{self.run_id}", daemon=True).start()
        return self

    @property
    def over(self) -> bool:
        return self._over.is_set()

    def stop(self) -> None:
        """End it early: what has not been sent is not sent, what waits is not consumed."""
        self._stop.set()

    def wait(self) -> Outcome:
        """What came of it, once it is over."""
        self._over.wait()
        if self._failed:
            raise self._failed
        assert self._outcome
        return self._outcome

    def _accept(self, webhook: int) -> int:
        """What the sender waits for: the status of its answer. Whatever fails here fails for the sender."""
        if self.design.consumers:
            self._stop.wait(SEND_MESSAGE_SECONDS)
            self._buffer.send(webhook)
            return 202
        connect_and_store(self._conninfo, self.run_id, webhook, self._work)
        return 200

    def _consume(self) -> None:
        """One consumer: as many of these run as the throttle allows, however much arrives."""
        opened: list[psycopg.Connection[Any]] = []
        while not self._drained.is_set() and not self._stop.is_set():
            message = self._buffer.receive()
            if message is None:
                self._drained.wait(0.01)
                continue
            try:
                while len(opened) < self.design.connections_each:
                    opened.append(psycopg.connect(self._conninfo))
                store(opened[0], self.run_id, message, self._work)
                self._buffer.delete(message)
            except psycopg.Error as error:  # not deleted: it becomes visible again
                self._note(error)
                _close(opened)
                self._stop.wait(PAUSE_SECONDS)
        _close(opened)

    def _send(self, webhook: int) -> Sent:
        """One sender with one webhook, as often as it tries."""
        sent_at, status, tries, begun = time.time_ns() // 1_000_000, 500, 0, time.monotonic()
        while status == 500 and tries <= self.design.retries and not self._stop.is_set():
            if tries:
                self._stop.wait(FIRST_RETRY_SECONDS * 2 ** (tries - 1))
            tries, begun = tries + 1, time.monotonic()
            try:
                status = self._accept(webhook)
            except psycopg.Error as error:
                self._note(error)
        took, answer = (time.monotonic() - begun) * 1000, status if tries else None
        return Sent(f"order-{webhook}", "/orders", tries, answer, "", sent_at, took)

    def _run(self) -> None:
        try:
            self.monitor.start()
            helpers = [threading.Thread(target=self._consume) for _ in range(self.design.consumers)]
            helpers += [threading.Thread(target=self._crash_and_recover)] if self._crash else []
            for helper in helpers:
                helper.daemon = True
                helper.start()
            with ThreadPoolExecutor(self._senders, thread_name_prefix="sender") as senders:
                sent = tuple(senders.map(self._send, range(self._webhooks)))
            while self._buffer.held() and not self._stop.is_set():
                self._stop.wait(0.01)
            seconds = time.monotonic() - self.monitor.began
            self._drained.set()
            for helper in helpers:
                helper.join()
            self.monitor.finish()
            samples, errors = tuple(self.monitor.since(0)), dict(self._errors.most_common())
            self._outcome = Outcome(
                self.design, self.run_id, self.limit, sent, self.monitor.stored, errors, samples,
                self._buffer.redelivered(), seconds, tuple(self._marks),
            )  # fmt: skip
        except BaseException as error:
            self._failed = error
        finally:
            if self._pooler:
                self._pooler.close()
            self._over.set()

    def _crash_and_recover(self) -> None:
        while self.monitor.stored < self._webhooks * CRASH_AT and not self._drained.is_set():
            self._drained.wait(0.005)
        self._mark("database crashes")
        self.server.crash()
        self._stop.wait(DOWN_SECONDS)
        try:
            self.server.start()
        except LabError as error:
            self._failed = error
            self._stop.set()
        self._mark("it is back")

    def _mark(self, what: str) -> None:
        self._marks.append((time.monotonic() - self.monitor.began, what))
        self.on_mark(what)

    def _note(self, error: psycopg.Error) -> None:
        with self._lock:
            self._errors[own_words(error)] += 1

    def _refused(self) -> int:
        with self._lock:
            return self._errors.total()


def _close(opened: "list[psycopg.Connection[Any]]") -> None:
    while opened:
        opened.pop().close()


def own_words(error: psycopg.Error) -> str:
    """What PostgreSQL said, or else what happened to the connection; without addresses, in one line."""
    text = str(error)
    if said := re.search(r"\b(?:FATAL|ERROR|PANIC):\s+(.*)", text):
        return " ".join(said.group().split())
    return text.rpartition("failed: ")[2].strip().split("\n")[0]
