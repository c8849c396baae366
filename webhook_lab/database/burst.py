"""Webhooks from many senders at once, sent through a design into a server, and watched from its side."""

import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import astuple
from typing import Self

import psycopg

from webhook_lab.aws.errors import LabError
from webhook_lab.database.buffer import Buffer
from webhook_lab.database.experiment import TABLE, connect_and_store, consume
from webhook_lab.database.files import allow_open_files
from webhook_lab.database.monitor import Monitor, answering, own_words
from webhook_lab.database.outcome import Design, Outcome, Webhook
from webhook_lab.database.pgbouncer import PgBouncer
from webhook_lab.database.postgres import Postgres
from webhook_lab.watch.rows import Sent

WEBHOOKS, SENDERS, WORK_SECONDS = 500, 200, 0.05
FIRST_RETRY_SECONDS = 0.2
"""Doubled for each retry after the first. Real senders wait seconds, then hours."""
VISIBILITY_SECONDS = 1.0
PAUSE_SECONDS = 0.3
"""After an error a consumer waits a moment, as Lambda backs off from a function that fails."""
CRASH_AT, DOWN_SECONDS = 0.3, 1.0
"""The part of the webhooks that is stored when the database is made to crash, and for how long it is down."""
NAIVE = Design()


class Burst:
    """One run of an experiment.

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
        self._server, self._design, self._run_id = server, design, secrets.token_hex(4)
        self._webhooks = [
            Webhook(self._run_id, f"order-{i}", f"order {i} was paid", work) for i in range(webhooks)
        ]
        self._senders, self._crash = senders, crash
        self._queue = Buffer(VISIBILITY_SECONDS)
        self._errors: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._outcome: Future[Outcome] = Future()
        self._not_back: LabError | None = None
        self._marks: list[tuple[float, str]] = []
        self.on_mark: Callable[[str], None] = lambda what: None  # noqa: ARG005
        """Called with what is done to the database, when it is."""

    def start(self) -> Self:
        """Begin, in threads of its own.

        Raises:
            LabError: too few files may be opened, the pooler is not there, or PostgreSQL does not answer.
                Nothing that was started for the burst is left then.
        """
        design = self._design
        allow_open_files(self._senders + design.consumers * design.connections_each + design.pool)
        with answering("send a burst"), ExitStack() as opened:
            with psycopg.connect(self._server.conninfo()) as connection:
                connection.execute(TABLE)
            self._limit = self._server.room()
            pooler = None
            if design.pool:
                pooler = opened.enter_context(closing(PgBouncer(self._server, design.pool)))
            self._database = self._server.conninfo(port=pooler.port if pooler else None)
            counters: dict[str, Callable[[], int]] = {"refused": self._refused, "limit": lambda: self._limit}
            counters |= {"waiting": self._queue.held} if design.consumers else {}
            self.monitor = Monitor(self._server, self._run_id, counters)
            opened.callback(self.monitor.finish)
            self._opened = opened.pop_all()
        threading.Thread(target=self._run, name=f"burst-{self._run_id}", daemon=True).start()
        return self

    @property
    def over(self) -> bool:
        return self._outcome.done()

    def stop(self) -> None:
        """End it early: what has not been sent is not sent, what waits is not consumed."""
        self._stop.set()
        self._queue.close()

    def wait(self) -> Outcome:
        """What came of it, once it is over.

        Raises:
            LabError: the database did not come back after a crash.
        """
        return self._outcome.result()

    def _run(self) -> None:
        try:
            with self._opened:
                sent, seconds = self._send_all()
            if self._not_back:
                raise self._not_back
            outcome = Outcome(
                self._design, self._run_id, self._limit, sent, self.monitor.stored,
                dict(self._errors.most_common()), tuple(self.monitor.samples),
                self._queue.redelivered(), seconds, tuple(self._marks),
            )  # fmt: skip
        except BaseException as error:
            self._outcome.set_exception(error)
        else:
            self._outcome.set_result(outcome)
        finally:
            self.stop()

    def _send_all(self) -> tuple[tuple[Sent, ...], float]:
        """Each webhook as its sender saw it, and the seconds until all were stored or lost."""
        helpers = [self._consume] * self._design.consumers + [self._crash_and_recover] * self._crash
        threads = [threading.Thread(target=helper, daemon=True) for helper in helpers]
        for thread in threads:
            thread.start()
        with ThreadPoolExecutor(self._senders) as senders:
            sent = tuple(senders.map(self._send, self._webhooks))
        while self._queue.held() and not self._stop.is_set():
            self._stop.wait(0.01)
        seconds = time.monotonic() - self.monitor.began
        self._queue.close()
        for thread in threads:
            thread.join()
        return sent, seconds

    def _function(self, webhook: Webhook) -> int:
        """What the sender waits for: the status of its answer. Whatever fails here fails for the sender."""
        if self._design.consumers:
            self._queue.send(webhook)
            return 202
        connect_and_store(self._database, webhook)
        return 200

    def _send(self, webhook: Webhook) -> Sent:
        """One sender with one webhook, as often as it tries."""
        sent_at, status, tries, begun = time.time_ns() // 1_000_000, 500, 0, time.monotonic()
        while status == 500 and tries <= self._design.retries and not self._stop.is_set():
            if tries:
                self._stop.wait(FIRST_RETRY_SECONDS * 2 ** (tries - 1))
            tries, begun = tries + 1, time.monotonic()
            try:
                status = self._function(webhook)
            except psycopg.Error as error:
                self._note(error)
        took, answer = (time.monotonic() - begun) * 1000, status if tries else None
        return Sent(webhook.id, "/orders", tries, answer, "", sent_at, took)

    def _consume(self) -> None:
        while not self._queue.closed.is_set():
            try:
                with ExitStack() as others:
                    for _ in range(self._design.connections_each - 1):
                        others.enter_context(psycopg.connect(self._database))
                    consume(self._queue, self._database)
            except psycopg.Error as error:  # what it held becomes visible again
                self._note(error)
                self._queue.closed.wait(PAUSE_SECONDS)

    def _crash_and_recover(self) -> None:
        while self.monitor.stored < len(self._webhooks) * CRASH_AT:
            if self._queue.closed.wait(0.005):
                return
        self._mark("database crashes")
        self._server.crash()
        self._stop.wait(DOWN_SECONDS)
        try:
            self._server.start()
        except LabError as error:
            self._not_back = error
            self.stop()
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
