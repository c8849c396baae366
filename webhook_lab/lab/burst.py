"""A burst of signed deliveries for the pipeline that stands."""

from collections.abc import Sequence
from typing import Any

from webhook_lab.aws.errors import LabError
from webhook_lab.pipeline import Pipeline
from webhook_lab.send.events import events
from webhook_lab.send.run import Run
from webhook_lab.send.signing import new_secret

SENDERS = 4
"""Attempts under way at once, unless asked for otherwise: each needs a publish environment, started cold."""
SETTINGS = {"cap", "compress", "concurrency"}
"""What else a burst can be told; see `Run`."""


def burst_of(
    pipeline: Pipeline,
    url: str,
    n: int,
    *,
    token: str,
    providers: Sequence[str] = ("standard-webhooks",),
    redelivered: float = 0.0,
    path: str = "",
    secret: str = "",
    **settings: Any,
) -> Run:
    """A sending of `n` deliveries, not started; see `webhook_lab.send.events.events` for what they are.

    Args:
        token: keeps the ids apart from those of other runs.
        secret: by default the one that the publish function checks, or a new one where it checks none.

    Raises:
        LabError: a setting out of range, or no cap where requests cost money.
    """
    secret = secret or pipeline.settings.signing_secret or new_secret()
    if unknown := ", ".join(sorted(settings.keys() - SETTINGS)):
        raise LabError("send a burst", f"there is no {unknown}", f"There are {', '.join(sorted(SETTINGS))}.")
    deliveries = events(n, secret=secret, run=token, providers=providers, redelivered=redelivered, path=path)
    charges = pipeline.session.target.traits.charges
    return Run(url, deliveries, charges=charges, **{"concurrency": SENDERS, **settings})
