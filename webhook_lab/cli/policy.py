"""What a learner of a shared account has to be allowed."""

import json

import click

from webhook_lab.cli.report import Result, reports
from webhook_lab.pipeline.learner import learner_policy
from webhook_lab.pipeline.naming import DEFAULT_PREFIX


@click.command()
@click.option(
    "--prefix",
    metavar="NAME",
    default=DEFAULT_PREFIX,
    show_default=True,
    help="What the learner's WEBHOOK_LAB_NAME is, or begins with.",
)
@reports
def policy(prefix: str) -> Result:
    """Print the IAM policy that a learner needs on AWS: the calls that the course makes, on own names alone.

    It needs no AWS. With --json it is on one line.
    """
    document = learner_policy(prefix)
    return Result(document, json.dumps(document, indent=2))
