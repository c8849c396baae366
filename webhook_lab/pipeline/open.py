"""Open the pipeline that the environment asks for: its target, its names and its ledger."""

import contextlib
import os
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import local_cloud_lives, resolve
from webhook_lab.ledger import Ledger, state_folder
from webhook_lab.pipeline.build import Pipeline
from webhook_lab.pipeline.naming import DEFAULT_PREFIX, Names
from webhook_lab.pipeline.settings import Settings
from webhook_lab.resources.account import unreserved_allows
from webhook_lab.resources.function import Function


def open_pipeline(settings: Settings | None = None, environ: Mapping[str, str] = os.environ) -> Pipeline:
    """The pipeline that the environment asks for: its target, its names (WEBHOOK_LAB_NAME) and its ledger.

    Ledgers of local clouds that no longer answer are retired, and this is said.

    Raises:
        LabError: no such target, no credentials, or a name that AWS would refuse.
    """
    names = _names(environ)
    target = resolve(environ)
    retire_dead_ledgers(environ)
    ledger = Ledger(state_folder(environ) / f"{target.instance}--{names.prefix}.jsonl")
    if said := ledger.set_aside():
        print(said)
    if target.endpoint_url:
        ledger.opened(target.endpoint_url)
    session = Session(target)
    return Pipeline(session, names, ledger, partial(fitting, settings or Settings(), session, names))


def fitting(settings: Settings, session: Session, names: Names) -> Settings:
    """The settings that the account allows: without a reservation where it can spare none (chapter 05).

    Many an account has ten executions in all, and a hundred have to stay unreserved.
    """
    if not session.target.traits.limits_account_concurrency or settings.reserved_concurrency is None:
        return settings
    with explain("read the account's Lambda limits"):
        found = Function.describe(session, names.function("subscribe"), names.tags)
        held = (found and found.reserved_concurrency) or 0
        fits = unreserved_allows(session, settings.reserved_concurrency, held=held)
    return settings if fits else replace(settings, reserved_concurrency=None)


def retire_dead_ledgers(environ: Mapping[str, str] = os.environ) -> None:
    """Retire this lab's ledgers of local clouds that no longer answer; say where resources went with one.

    One that cannot be read is set aside, and that is said.
    """
    for path in state_folder(environ).glob(f"local-*--{_names(environ).prefix}.jsonl"):
        _retire_if_dead(path)


def _names(environ: Mapping[str, str]) -> Names:
    return Names(environ.get("WEBHOOK_LAB_NAME") or DEFAULT_PREFIX)


def _retire_if_dead(path: Path) -> None:
    ledger, instance = Ledger(path), path.name.partition("--")[0]
    if said := ledger.set_aside():
        print(said)
        return
    if ledger.endpoint_url and local_cloud_lives(ledger.endpoint_url, instance):
        return
    if rows := ledger.open_rows():
        print(f"An earlier local cloud is gone, with {len(rows)} resources in it. Its ledger is retired.")
    with contextlib.suppress(LabError), ledger.alone():  # nobody else is just at it
        ledger.retire()
