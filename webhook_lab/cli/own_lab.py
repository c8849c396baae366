"""What a proof runs in: a lab of its own, kernels that are signed in as this process is, and one end."""

import contextlib
import os
import signal
from collections.abc import Iterator

from webhook_lab.aws.target import Target
from webhook_lab.cli.standing import shares_the_cloud
from webhook_lab.local_cloud import private_cloud
from webhook_lab.pipeline.naming import DEFAULT_PREFIX

ENDING = "-prove"
"""What the name of its lab ends with: always the same, so that the next proof finds what one left."""
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")


@contextlib.contextmanager
def own_lab() -> Iterator[None]:
    """A lab of its own beside the learner's, on a local cloud of its own if no target is named."""
    name = (os.environ.get("WEBHOOK_LAB_NAME") or DEFAULT_PREFIX) + ENDING
    with contextlib.ExitStack() as stack:
        cloud = stack.enter_context(private_cloud()).environment() if shares_the_cloud() else {}
        stack.enter_context(_environ(**cloud, WEBHOOK_LAB_NAME=name, WEBHOOK_LAB_HEADLESS="1"))
        yield


@contextlib.contextmanager
def keys_of(target: Target) -> Iterator[None]:
    """Whoever signed in for this process is so for what it starts: nobody is asked for another MFA code."""
    keys = target.signed_in and target.signed_in.get_credentials()
    if not keys:
        yield
        return
    now = keys.get_frozen_credentials()
    known = {"AWS_ACCESS_KEY_ID": now.access_key or "", "AWS_SECRET_ACCESS_KEY": now.secret_key or ""}
    with _environ(**known, AWS_SESSION_TOKEN=now.token or "", AWS_REGION=target.region):
        yield


@contextlib.contextmanager
def _environ(**variables: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def heard(_: int, __: object) -> None:
    """Do nothing. Of a signal that is ignored while it is on its way Python complains with a stack."""


@contextlib.contextmanager
def ended_once() -> Iterator[None]:
    """Take the first signal that asks for an end as Ctrl-C, and no further one: it is cleaning up by then."""

    def end(number: int, _: object) -> None:
        for each in known:
            signal.signal(each, heard)
        raise KeyboardInterrupt if number == signal.SIGINT else SystemExit(128 + number)

    known = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {each: signal.signal(each, end) for each in known}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
