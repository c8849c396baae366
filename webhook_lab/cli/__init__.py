"""The command line, `webhook-lab`: one function for each command, and what they share beside them."""

import io
import sys

import click

from webhook_lab.cli.care import doctor, sweep
from webhook_lab.cli.classroom import class_
from webhook_lab.cli.deliveries import redrive, send, show
from webhook_lab.cli.export import export
from webhook_lab.cli.open import open_lab
from webhook_lab.cli.pipeline import catch_up, down, env, status, up
from webhook_lab.cli.policy import policy
from webhook_lab.cli.prove import prove
from webhook_lab.cli.report import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="webhook-lab")
def main() -> None:
    """Build The Scalable Webhook on an AWS of your own, use it, and leave nothing behind.

    WEBHOOK_LAB_TARGET says which AWS: unset, one on this machine that all commands share; an address; "aws".
    """
    for stream in (sys.stdout, sys.stderr):  # a character that the terminal lacks is shown by its escape
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


_COMMANDS = (
    open_lab,
    doctor,
    up,
    send,
    show,
    redrive,
    status,
    catch_up,
    env,
    export,
    policy,
    prove,
    class_,
    down,
    sweep,
)
for command in _COMMANDS:
    main.add_command(command)
