"""The pipeline as a folder that CloudFormation deploys without us."""

from pathlib import Path

import click

from webhook_lab.cli.report import Result, reports
from webhook_lab.pipeline import Settings
from webhook_lab.pipeline.checklist import holds
from webhook_lab.pipeline.export import export as written
from webhook_lab.show.night_cards import checklist_card


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Write over what is in DIR.")
@reports
def export(folder: Path, force: bool) -> Result:
    """Write the pipeline into DIR: a SAM template, its handlers, and a README with the commands.

    It needs no AWS. Exit code 0 only when every line of the production checklist holds.
    """
    template = written(folder, Settings(), force=force)
    kept = holds(template)
    text = f"{checklist_card(template)!r}\nWritten to {folder}. Its README.md has the commands."
    return Result({"folder": str(folder), "checklist": kept}, text, code=0 if all(kept.values()) else 1)
