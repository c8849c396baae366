"""What a proof runs in: a lab of its own, and kernels that are signed in as this process is."""

import contextlib
import os
from collections.abc import Iterator

from webhook_lab.aws.target import Target
from webhook_lab.cli.standing import shares_the_cloud
from webhook_lab.local_cloud import private_cloud
from webhook_lab.pipeline.naming import DEFAULT_PREFIX

ENDING = "-prove"
"""What the name of its lab ends with: always the same, so that the next proof finds what one left."""


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
