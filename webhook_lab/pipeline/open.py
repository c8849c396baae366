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
    names = Names(environ.get("WEBHOOK_LAB_NAME") or DEFAULT_PREFIX)
    target = resolve(environ)
    folder = state_folder(environ)
    for path in folder.glob(f"local-*--{names.prefix}.jsonl"):
        _retire_if_dead(path)
    ledger = Ledger(folder / f"{target.instance}--{names.prefix}.jsonl")
    if target.endpoint_url:
        ledger.opened(target.endpoint_url)
    return Pipeline(Session(target), names, ledger, settings)


def _retire_if_dead(path: Path) -> None:
    ledger, instance = Ledger(path), path.name.partition("--")[0]
    if ledger.endpoint_url and local_cloud_lives(ledger.endpoint_url, instance):
        return
    if rows := ledger.open_rows():
        print(f"An earlier local cloud is gone, with {len(rows)} resources in it. Its ledger is retired.")
    ledger.retire()
