"""The dead-letter queue in one run: which deliveries are there, and which of them came in this run."""

import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.session import Session
from webhook_lab.resources.queue import depth
from webhook_lab.watch.peek import messages_of, peek

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class DeadLetters:
    """Counted one by one, up to 1,000; see `messages_of` for what a look at them costs on AWS.

    Args:
        sqs: what makes the calls.
        url: the queue's.
    """

    def __init__(self, session: Session, sqs: "SQSClient", url: str) -> None:
        self._session, self._sqs, self._url = session, sqs, url
        self._ids: dict[str, str] = {}  # the delivery of each message, by the message's id
        self._counted, self._before = 0, frozenset[str]()
        self._taken_at = 0.0

    def begin(self) -> None:
        """What the latest look found was there before the run."""
        self._before = frozenset(self._ids)

    def doubt(self) -> None:
        """Have the next look ask which they are whatever their number, which may be a minute old."""
        self._counted = -1

    def look(self) -> int:
        """How many there are; which they are is asked when that has changed."""
        held: int = sum(vars(depth(self._sqs, url=self._url)).values())
        if held != self._counted:
            self._count(held)
        return held

    def _count(self, held: int) -> None:
        began = time.monotonic()
        messages: list[dict[str, Any]] | None = []
        if held > max(0, self._counted) or self._counted < 0:
            messages = messages_of(self._session, queue_url=self._url, sqs=self._sqs)
        elif held:  # a redrive goes on: it would leave those that a receive hides
            messages = peek(self._session, queue_url=self._url)
        if messages is not None and began >= self._taken_at:
            self._ids = {each["MessageId"]: delivery_in(each) for each in messages}
            self._before &= self._ids.keys()
        self._counted = held

    @contextlib.contextmanager
    def taking_back(self) -> Iterator[list[str]]:
        """Around a redrive: the id of the delivery of each message that it finds dead, which then lives."""
        messages = messages_of(self._session, queue_url=self._url, sqs=self._sqs)
        yield [delivery_in(each) for each in messages]
        self._taken_at, self._ids, self._before = time.monotonic(), {}, frozenset()

    def by_delivery(self) -> dict[str, set[str]]:
        """The ids of the messages, by the id of their delivery."""
        found: dict[str, set[str]] = {}
        for message_id, id_ in self._ids.items():
            found.setdefault(id_, set()).add(message_id)
        return found

    def new(self) -> list[str]:
        """The delivery of each message that came in this run and is there."""
        return [id_ for message_id, id_ in self._ids.items() if message_id not in self._before]


def delivery_in(message: Mapping[str, Any]) -> str:
    """The id of the delivery that publish put into a message; empty where none can be read."""
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return str(json.loads(message["Body"])["id"])
    return ""
