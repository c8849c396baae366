"""Batches of messages: what fits into one invocation, and which of them failed in it."""

from collections.abc import Iterable, Iterator
from typing import Any

Message = dict[str, Any]
"""A message as ReceiveMessage gives it."""


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
