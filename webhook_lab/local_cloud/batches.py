"""What pollers work with: batches of messages, who gives and takes them, and the mapping's settings."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from webhook_lab.facts import quotas

Message = dict[str, Any]
"""A message as ReceiveMessage gives it."""

RECEIVE_MOST = quotas.SQS_BATCH_ENTRIES.value
LONG_POLL = quotas.SQS_WAIT_LONGEST.value
CALLS = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
"""What a mapping does on its queue: its function's role has to be let."""
PAYLOAD_BYTES = quotas.LAMBDA_PAYLOAD.value * 1024 * 1024


class Throttled(Exception):
    """Invoke answered 429: the function may not run once more at this moment."""


class FunctionFailed(Exception):
    """The function ran, and raised or timed out."""


class Refused(Exception):
    """AWS refused one of the mapping's own calls: its error code and message."""


@dataclass(frozen=True)
class PollerSettings:
    """What the mapping is set to: see CreateEventSourceMapping."""

    enabled: bool = True
    batch_size: int = 10
    batching_window: float = 0
    maximum_concurrency: int | None = None
    report_batch_item_failures: bool = False


class Queue(Protocol):
    """The three calls that a mapping makes on its queue, with the function's execution role."""

    async def receive(self, most: int, wait: int) -> list[Message]:
        """ReceiveMessage: up to `most` (10 or fewer), waiting up to `wait` seconds for the first."""

    async def delete(self, messages: list[Message]) -> None:
        """DeleteMessageBatch."""

    async def visibility_timeout(self) -> float:
        """GetQueueAttributes: seconds."""


class Function(Protocol):
    """The one call that a mapping makes on its function."""

    async def invoke(self, batch: list[Message]) -> Any:
        """Invoke: what the function returned. Raises Throttled or FunctionFailed."""


def failed_of(response: Any, batch: list[Message]) -> set[str]:
    """The ids of the messages that go back to the queue, by a partial batch response.

    Documented (services-sqs-errorhandling in the Lambda developer guide): nothing returned, or no failures in
    it, is complete success; an identifier that is missing, empty or null is complete failure. Assumed: so is
    one that no message of the batch has.
    """
    everything = {message["MessageId"] for message in batch}
    if not response:
        return set()
    try:
        named = {failure["itemIdentifier"] for failure in response.get("batchItemFailures") or []}
    except (AttributeError, KeyError, TypeError):
        return everything
    return named if named <= everything else everything


def bytes_of(batch: Iterable[Message]) -> int:
    """How much of an invocation's payload the messages take: their bodies, in bytes of UTF-8."""
    return sum(len(message["Body"].encode()) for message in batch)


def within(limit: int, batch: list[Message]) -> Iterator[list[Message]]:
    """The batch, cut where a part would take more than `limit` bytes; one message alone may."""
    part: list[Message] = []
    for message in batch:
        if part and bytes_of([*part, message]) > limit:
            yield part
            part = []
        part.append(message)
    if part:
        yield part
