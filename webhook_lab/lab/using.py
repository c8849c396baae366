"""Using what stands: invoke it, send to it, watch it, steer it."""

import json
import time
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.lab.burst import burst_of
from webhook_lab.lab.opened import Opened
from webhook_lab.lab.watched_run import WatchedRun
from webhook_lab.pipeline import redrive, set_throttle, warm_subscriber
from webhook_lab.send.run import Run
from webhook_lab.send.sender import Delivery, post
from webhook_lab.show import cards
from webhook_lab.show.cards import Card
from webhook_lab.show.panels import Controls
from webhook_lab.watch.rows import Answer

if TYPE_CHECKING:
    from webhook_lab.show.database import Database


class Using(Opened):
    """What makes the pipeline do something."""

    def invoke(self, handler: str, event: Mapping[str, Any], *, patience: float = 0) -> dict[str, Any]:
        """Invoke a function with `event` and wait for what it returns.

        Args:
            patience: seconds to go on while the function is denied what its role has only just been allowed.

        Raises:
            LabError: the function raised; what it raised is said.
        """
        self._step = self.aws.calls.mark()
        deadline = time.monotonic() + patience
        while True:
            try:
                return self._invoke(handler, event)
            except LabError as error:
                if "AccessDenied" not in error.said or time.monotonic() >= deadline:
                    raise
                time.sleep(0.5)

    def _invoke(self, handler: str, event: Mapping[str, Any]) -> dict[str, Any]:
        name = self.names.function(handler)
        with explain(f"invoke function {name!r}"):
            response = self.aws.lambda_.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload = json.loads(response["Payload"].read() or b"null")
        if response.get("FunctionError"):
            said = payload.get("errorMessage", "it raised") if isinstance(payload, dict) else str(payload)
            raise LabError(f"invoke function {name!r}", said, f"Read its lines with lab.logs({handler!r}).")
        return payload if isinstance(payload, dict) else {"returned": payload}

    def send(
        self,
        path: str = "/hello",
        body: bytes | str = b"",
        *,
        headers: Mapping[str, str] | None = None,
        method: str = "POST",
    ) -> Answer:
        """Post one delivery to the API and return its answer, whatever its status."""
        data = body.encode() if isinstance(body, str) else body
        answer = post(self.url, Delivery(path, data, headers or {}, method))
        self.answers.append(answer)
        return answer

    def burst(self, n: int, **how: Any) -> Run:
        """Begin to send `n` signed deliveries at once, each with an id of its own, and return meanwhile.

        Args:
            how: as for `burst_of` and `Run`; `cap`, the most requests, is asked for where they cost money.

        Raises:
            LabError: what cannot be sent as asked; then nothing was.
        """
        self._bursts += 1
        run = burst_of(self.pipeline, self.url, n, token=f"{self.run}{self._bursts:02}", **how)
        if self.watched:
            self.watched.bursts.append(run)
        return run.start()

    def watch(self, *, show: bool = True, linger: float = 0) -> WatchedRun:
        """Watch the pipeline from now on, with live charts unless `show` is False; see `WatchedRun`."""
        if self.watched:
            self.watched.stop()
        self.watched = WatchedRun(self.pipeline, show=show, linger=linger)
        return self.watched

    def warm_up(self) -> None:
        """Have as many environments of the subscribe function ready as the throttle lets run at once."""
        warm_subscriber(self.pipeline)

    def controls(self, *, most: int) -> Controls:
        """Controls of the run that is watched; a burst of theirs makes `most` requests at most.

        Raises:
            LabError: none is watched.
        """
        if not self.watched:
            raise LabError("show the controls", "no run is watched", "Call lab.watch() first.")
        return self.watched.controls(lambda n: self.burst(n, cap=most), most=most)

    def set_throttle(self, invocations: int) -> Card:
        """Let so many invocations run at once, also in mid-run; return when that is in force.

        Raises:
            LabError: fewer than 2 or more than 1,000, or AWS refused.
        """
        self._step = self.aws.calls.mark()
        (self.watched.throttle if self.watched else partial(set_throttle, self.pipeline))(invocations)
        return self.show("mapping")

    def redrive(self) -> Card:
        """Move the dead-letter queue's messages back to the queue; none is lost, whenever it is stopped.

        Raises:
            LabError: SQS refused or failed to move them.
        """
        self._step = self.aws.calls.mark()
        done = redrive(self.pipeline)
        if self.watched:
            self.watched.redriven += done.moved
        return cards.redrive_card(done)

    def start_database(self, *, max_connections: int = 20, **settings: Any) -> "Database":
        """Start a PostgreSQL on this machine that is thrown away with the kernel, in place of an earlier one.

        Args:
            settings: any other of PostgreSQL's.

        Raises:
            LabError: there is no PostgreSQL here, or it does not start with these settings.
        """
        from webhook_lab.show.database import Database  # its packages are an extra: only chapter 01 needs it

        if self.database:
            self.database.close()
        self.database = Database(max_connections=max_connections, **settings)
        return self.database
