"""Open the pipeline that the environment asks for: its target, its names and its ledger."""

import os
from collections.abc import Mapping
from pathlib import Path

from webhook_lab.aws.session import Session
from webhook_lab.aws.target import local_cloud_lives, resolve
from webhook_lab.deploy.ledger import Ledger, state_folder
from webhook_lab.deploy.naming import DEFAULT_PREFIX, Names
from webhook_lab.pipeline.build import Pipeline
from webhook_lab.pipeline.settings import Settings


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
    if target.endpoint_url:
        ledger.opened(target.endpoint_url)
    return Pipeline(Session(target), names, ledger, settings)


def retire_dead_ledgers(environ: Mapping[str, str] = os.environ) -> None:
    """Retire this lab's ledgers of local clouds that no longer answer, and say so where resources went with one."""
    for path in state_folder(environ).glob(f"local-*--{_names(environ).prefix}.jsonl"):
        _retire_if_dead(path)


def _names(environ: Mapping[str, str]) -> Names:
    return Names(environ.get("WEBHOOK_LAB_NAME") or DEFAULT_PREFIX)


def _retire_if_dead(path: Path) -> None:
    ledger, instance = Ledger(path), path.name.partition("--")[0]
    if ledger.endpoint_url and local_cloud_lives(ledger.endpoint_url, instance):
        return
    if rows := ledger.open_rows():
        print(f"An earlier local cloud is gone, with {len(rows)} resources in it. Its ledger is retired.")
    ledger.retire()
