"""The rows that a run is made of: whoever watches writes them; charts, checks, benches and tests read."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Moment:
    """One thing that happened to one message.

    Args:
        at: epoch milliseconds on the clock of whoever saw it.
        where: who saw it: "sender", "API Gateway", "publish", "queue", "subscribe" or "table".
        what: what happened there, in a few words that do not vary between runs.
    """

    at: int
    where: str
    what: str
