"""The time by AWS's own clock: log lines and items carry that, and the learner's may be wrong by minutes."""

import time
from email.utils import parsedate_to_datetime
from typing import Any


class Clock:
    """How far AWS's clock is ahead of this machine's, by the `Date` of every answer that is heard.

    A `Date` has no fraction of a second. Where it agrees with this machine's clock as far as it says, that is
    taken for right; else for right is taken the `Date`, which is late by a second and the answer's way.
    """

    def __init__(self) -> None:
        self._ahead = 0  # milliseconds

    def attach(self, client: Any) -> None:
        """Hear every answer to this boto3 client from now on."""

        def begin(context: dict[str, Any], **_: Any) -> None:
            context["webhook_lab_asked_at"] = _here()

        def end(context: dict[str, Any], http_response: Any, **_: Any) -> None:
            if (asked_at := context.get("webhook_lab_asked_at")) and "Date" in http_response.headers:
                self.hear(http_response.headers["Date"], asked_at=asked_at, answered_at=_here())

        client.meta.events.register("before-call", begin)
        client.meta.events.register("after-call", end)

    def hear(self, date: str, *, asked_at: int, answered_at: int) -> None:
        """Take in an answer's `Date`, between two times by this machine's clock in epoch milliseconds."""
        said = round(parsedate_to_datetime(date).timestamp() * 1000)
        agrees = said <= answered_at and asked_at < said + 1000
        self._ahead = 0 if agrees else said - answered_at

    def now(self) -> int:
        """Epoch milliseconds; by this machine's clock as long as nothing was heard."""
        return _here() + self._ahead


def _here() -> int:
    return time.time_ns() // 1_000_000
