"""What to export so that the AWS CLI and any SDK talk to the lab's AWS."""

import shlex
import sys

import click

from webhook_lab.cli.report import Outcome, reports
from webhook_lab.cli.standing import demand_pipeline
from webhook_lab.local_cloud import Cloud

_SHELL = "powershell" if sys.platform == "win32" else "sh"


@click.command()
@click.option("--shell", type=click.Choice(["sh", "powershell", "cmd"]), default=_SHELL, show_default=True)
@reports
def env(shell: str) -> Outcome:
    """Print what points the AWS CLI and any SDK at the lab: eval "$(webhook-lab env)".

    Version 1 of the AWS CLI needs --endpoint-url "$AWS_ENDPOINT_URL" for sqs, and for nothing else.
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
    return Outcome(dict(variables), "\n".join(_line(shell, *each) for each in variables.items()))


def _line(shell: str, name: str, value: str) -> str:
    if shell == "powershell":
        return f"$env:{name} = '" + value.replace("'", "''") + "'"
    if shell == "cmd":
        return f'set "{name}={value}"'
    return f"export {name}={shlex.quote(value)}"
