"""Whether the machine is well, and whether anything was left behind."""

from typing import Any

import click

from webhook_lab import sweep as sweeping
from webhook_lab.cli.report import Result, progress, reports
from webhook_lab.cli.standing import NOTHING, find_pipeline, told_left
from webhook_lab.doctor import examine
from webhook_lab.ledger import Ledger
from webhook_lab.pipeline.naming import Names


@click.command()
@click.option("--details", is_flag=True, help="Say what was seen where all is well, too.")
@reports
def doctor(details: bool) -> Result:
    """Say OK or FAIL for each thing that the lab needs, and how to mend it."""
    report = examine()
    facts = {"ok": report.ok, "checks": [vars(check) for check in report.checks]}
    return Result(facts, report.text(details), code=0 if report.ok else 1)


@click.command()
@click.option("--yes", is_flag=True, help="Remove what is found.")
@click.option("--prefix", metavar="NAME", help="Of the lab with this WEBHOOK_LAB_NAME, not of yours.")
@click.option("--all", "every", is_flag=True, help="Of every lab in the account, whoever's it is.")
@reports
def sweep(yes: bool, prefix: str | None, every: bool) -> Result:
    """Find what a lab left behind, by tag, by role path and by name, even when its ledger is lost.

    It is listed, and removed only with --yes: exit code 0 then says that nothing remains.
    """
    if prefix and every:
        raise click.UsageError("--prefix names one lab, and --all means every one.")
    if (pipeline := find_pipeline()) is None:
        return Result({"found": [], "removed": [], "remaining": 0, "left": []}, NOTHING)
    session = pipeline.session
    lab = None if every else Names(prefix or pipeline.names.prefix).prefix
    click.echo(f"Looking for what {lab or 'any lab'} left …", err=True)
    found, left = sweeping.look(session, prefix=lab)
    lines = [f"{each.kind.replace('_', ' '):9}  {each.name}  (by {each.why})" for each in found]
    facts: dict[str, Any] = {"found": [vars(each) for each in found], "removed": []}
    if yes:
        with pipeline.ledger.alone(), progress(len(found), "Removing") as step:
            done = sweeping.remove(session, found, progress=lambda each: step(each.name))
        facts["removed"] = [vars(each) for each in done.removed]
        left = sweeping.still_there(session, lab, done)
        if not left:
            for path in pipeline.ledger.path.parent.glob(f"{session.target.instance}--{lab or '*'}.jsonl"):
                Ledger(path).retire()
        end = f"Removed: {len(done.removed)}. Remaining: {len(left)}."
    else:
        end = f"Remaining: {len(found)}." + (" To remove them, add --yes." if found else "")
    facts |= {"remaining": len(left) if yes else len(found), "left": [vars(each) for each in left]}
    return Result(facts, "\n".join([*lines, *map(told_left, left), end]), code=1 if left else 0)
