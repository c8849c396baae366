"""Building the whole pipeline or what a chapter starts from, looking at it, reaching it, tearing it down."""

import os
import shlex
import sys
from typing import Any

import click

from webhook_lab import sweep
from webhook_lab.aws.errors import explain
from webhook_lab.cli.report import Result, progress, reports
from webhook_lab.cli.standing import (
    NO_FACTS,
    NOTHING,
    cloud_of,
    demand_pipeline,
    depth_of,
    facts_of,
    find_pipeline,
    told_depth,
)
from webhook_lab.course.chapters import chapter_numbered
from webhook_lab.local_cloud import Cloud, is_kept, keep, unkeep
from webhook_lab.pipeline import STEPS, Pipeline, Settings, open_pipeline, steps_until
from webhook_lab.resources.cleanup import Cleanup, Left
from webhook_lab.send.signing import check_secret, new_secret
from webhook_lab.show.cards import teardown_card

_KEPT = "The local cloud is kept until `webhook-lab down`, or until two hours have gone by without a request."
_QUEUES = ("queue", "dlq")
SHELL = "powershell" if sys.platform == "win32" else "sh"
_SIGNED = "Ask for signatures on every path, by this secret (whsec_…), by SIGNING_SECRET, or by a new one."


@click.command()
@click.option("--secret", is_flag=False, flag_value="", metavar="[SECRET]", help=_SIGNED)
@reports
def up(secret: str | None) -> Result:
    """Build the whole pipeline, or mend what differs, and print its URL.

    The local cloud that commands share lives on until `webhook-lab down`, or for two hours without a request.
    """
    settings = Settings()
    if secret is not None:
        # What is written into a command line, a process list shows to everybody.
        secret = check_secret(secret or os.environ.get("SIGNING_SECRET") or new_secret())
        settings = Settings(signed_prefix="/", signing_secret=secret)
    pipeline = open_pipeline(settings)
    with progress(len(STEPS), "Building") as step:
        pipeline.build(progress=step)
    note = kept(pipeline)
    for finding in pipeline.preflight():
        click.echo(f"{finding.level}: {finding.rule}: {finding.said}\n  try:  {finding.try_this}", err=True)
    facts = facts_of(pipeline, {key: pipeline.get(key) for key in STEPS})
    hint = f"Try: curl -d 'a webhook' {facts['url']}/hello"
    if secret:
        facts["secret"] = secret
        hint = f"Every delivery needs a signature by this secret: {secret}"
    where = pipeline.session.target.traits.label
    return Result(facts, f"The pipeline stands on {where}: {facts['url']}\n{hint}{note}")


@click.command("catch-up")
@click.argument("chapter")
@reports
def catch_up(chapter: str) -> Result:
    """Bring the pipeline to exactly where a CHAPTER (such as 04) begins."""
    begins = chapter_numbered(chapter)
    pipeline = open_pipeline()
    with progress(len(STEPS), "Catching up") as step:
        pipeline.restore(begins.starts_with, progress=step)
    standing = [step.key for step in steps_until(begins.starts_with)]
    labels = ", ".join(step.label for step in steps_until(begins.starts_with)) or "nothing yet"
    told = f"Chapter {begins.number} can begin: {begins.title}. Standing: {labels}."
    return Result({"chapter": begins.number, "standing": standing}, told + kept(pipeline))


@click.command()
@reports
def status() -> Result:
    """Tell what stands, how deep the queues are, and what is stored.

    Exit code 0 only when the whole pipeline stands.
    """
    if (pipeline := find_pipeline()) is None:
        nothing = {"depths": dict.fromkeys(_QUEUES), "standing": [], "missing": list(STEPS)}
        return Result({**NO_FACTS, **nothing, "counts": None, "kept": False}, NOTHING, code=1)
    found = {}
    with progress(len(STEPS), "Looking") as step:
        for key in STEPS:
            step(key)
            found[key] = pipeline.look_up(key)
    cloud = cloud_of(pipeline)
    facts = {
        **facts_of(pipeline, found),
        "depths": {key: found[key] and depth_of(pipeline, found[key]) for key in _QUEUES},
        "counts": found["table"] and _counts(pipeline),
        "standing": [key for key in STEPS if found[key]],
        "missing": [key for key in STEPS if not found[key]],
        "kept": bool(cloud and is_kept(cloud)),
    }
    return Result(facts, _told(facts), code=1 if facts["missing"] else 0)


@click.command()
@click.option("--shell", type=click.Choice(["sh", "powershell", "cmd"]), default=SHELL, show_default=True)
@reports
def env(shell: str) -> Result:
    """Print what points the AWS CLI and any SDK at the lab: eval "$(webhook-lab env)".

    Version 1 of the AWS CLI takes no endpoint from there for sqs: give it --endpoint-url "$AWS_ENDPOINT_URL",
    or it asks the real AWS. Version 2 and the SDKs need nothing more.
    """
    target = demand_pipeline().session.target
    variables = {
        "WEBHOOK_LAB_TARGET": target.name,
        "WEBHOOK_LAB_AWS_ACCOUNT": target.account,
        "AWS_REGION": target.region,
        "AWS_DEFAULT_REGION": target.region,
    }
    if target.endpoint_url:  # on AWS itself, whoever is signed in stays so
        credentials = (target.access_key_id or "", target.secret_access_key or "")
        variables = Cloud(target.endpoint_url, "", *credentials, target.region, target.account).environment()
    return Result(dict(variables), "\n".join(exported(shell, *each) for each in variables.items()))


@click.command()
@reports
def down() -> Result:
    """Remove everything that the pipeline is made of, and prove that nothing is left: exit code 0 says so."""
    if (pipeline := find_pipeline()) is None:
        return Result({"removed": [], "remaining": 0, "left": []}, NOTHING)
    with pipeline.ledger.alone():
        done, left = take_down(pipeline)
    text = repr(teardown_card(done.removed, left))
    if not left and (cloud := cloud_of(pipeline)):
        if sweep.remaining(pipeline.session, prefix=None):
            text += "\nThe local cloud lives on: another lab stands on it."
        else:
            unkeep(cloud)
    facts = {
        "removed": [vars(each) for each in done.removed],
        "remaining": len(left),
        "left": [vars(each) for each in left],
    }
    return Result(facts, text, code=1 if left else 0)


def take_down(pipeline: Pipeline) -> tuple[Cleanup, list[Left]]:
    """Remove all that the lab is made of, and what else is found of it. What is left, asked of AWS anew."""
    with progress(len(STEPS), "Removing") as step:
        done = pipeline.teardown(progress=step)
    session, prefix = pipeline.session, pipeline.names.prefix
    refused = {(each.kind, each.name) for each in done.refused}
    found, _ = sweep.look(session, prefix=prefix)
    # Such as a log group that Lambda made.
    done += sweep.remove(session, [each for each in found if (each.kind, each.name) not in refused])
    return done, sweep.still_there(session, prefix, done)


def kept(pipeline: Pipeline) -> str:
    """Let the shared cloud outlive this command, and say so. Any other cloud has an owner of its own."""
    if (cloud := cloud_of(pipeline)) is None:
        return ""
    keep(cloud)
    return f"\n{_KEPT}"


def _counts(pipeline: Pipeline) -> dict[str, int]:
    """Deliveries in the table, and those that came under a taken id with another body."""
    scan, name = pipeline.session.dynamodb.get_paginator("scan"), pipeline.names.table
    with explain(f"count the items of table {name!r}"):
        pages = scan.paginate(TableName=name, ProjectionExpression="conflict_of", ConsistentRead=True)
        items = [item for page in pages for item in page["Items"]]
    conflicts = sum("conflict_of" in item for item in items)
    return {"stored": len(items) - conflicts, "conflicts": conflicts}


def _told(facts: dict[str, Any]) -> str:
    where = "{name} on {0}, account {account}, {region}".format(facts["endpoint_url"] or "AWS", **facts)
    if not facts["standing"]:
        return f"Nothing stands of {where}."
    lines = [where, f"  url    {facts['url'] or '-'}"]
    lines += [f"  {key:5}  {told_depth(depth)}" for key, depth in facts["depths"].items() if depth]
    if counts := facts["counts"]:
        lines.append(f"  table  {counts['stored']} stored, {counts['conflicts']} in conflict")
    if facts["missing"]:
        lines.append(f"  Missing: {', '.join(facts['missing'])}. `webhook-lab up` builds them.")
    return "\n".join([*lines, _KEPT] if facts["kept"] else lines)


def exported(shell: str, name: str, value: str) -> str:
    """The line by which a shell sets a variable, whatever is in its value."""
    if shell == "powershell":
        return f"$env:{name} = '" + value.replace("'", "''") + "'"
    if shell == "cmd":
        return f'set "{name}={value}"'
    return f"export {name}={shlex.quote(value)}"
