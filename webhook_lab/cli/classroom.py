"""`webhook-lab class`: what learners set so that a board shows where they are, and who can reach it."""

import socket
import threading
import time
from urllib.parse import urlsplit

import click
import psutil

from webhook_lab.aws.errors import LabError
from webhook_lab.cli.forwarder import LARGEST, PORT, Forwarder
from webhook_lab.cli.pipeline import SHELL, exported, kept
from webhook_lab.cli.report import Result, progress, reports
from webhook_lab.course.classroom import ADDRESS, PATH, SECRET
from webhook_lab.course.report import NAME
from webhook_lab.keeper import answers
from webhook_lab.lab.classroom import ClassRoom
from webhook_lab.pipeline import STEPS

LOOK_SECONDS = 1.0
_LISTEN = f"Take reports on this IPv4 address of this machine (port {PORT} unless said) until Ctrl-C."
_OPENS = f"""Open on {{url}}, for whoever reaches that address: POST {PATH}, up to {LARGEST:,} bytes, signed.
Nothing else of this machine, and nothing else of its cloud. It is plain HTTP: names, chapters and checkpoints
can be read on that network; the secret is never sent. It ends with Ctrl-C, with this terminal, or with the
cloud."""


@click.command("class")
@click.option("--listen", metavar="ADDRESS[:PORT]", help=_LISTEN)
@reports
def class_(listen: str | None) -> Result:
    """Build what a class reports to, and print what learners set.

    Each checkpoint and exercise of theirs is then a webhook to this pipeline, which
    notebooks/agendas/class_board.ipynb shows. On AWS everybody reaches it. On this machine's cloud only this
    machine does, unless --listen says on which address of a trusted network its one path may be reached.
    """
    with progress(len(STEPS), "Building") as step:
        room = ClassRoom.open(progress=step)
    target = room.pipeline.session.target
    facts = {"url": room.url, "secret": room.secret, "name": room.pipeline.names.prefix}
    if listen is None:
        text = _handout(room.url, room.secret) + "\n" + _who_reaches(target.endpoint_url)
        return Result(facts, text + kept(room.pipeline))
    if not target.endpoint_url:
        raise LabError(
            "listen for the class", "the class is on AWS, where all reach it", "Leave --listen out."
        )
    with Forwarder(listen, room.url) as forwarder:
        click.echo(f"{_handout(forwarder.url, room.secret)}\n{_OPENS.format(url=forwarder.url)}", err=True)
        why = _serve(forwarder, urlsplit(target.endpoint_url).port or 80)
    counts = {"passed_on": forwarder.passed_on, "refused": forwarder.refused}
    told = f"{why} Passed on: {forwarder.passed_on}, refused: {forwarder.refused}."
    return Result({**facts, "url": forwarder.url, **counts}, told)


def _serve(forwarder: Forwarder, port: int) -> str:
    """Serve until interrupted, or until nothing listens on the cloud's port; which of them it was."""
    threading.Thread(target=forwarder.serve_forever, daemon=True).start()
    try:
        while answers(port):
            time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        return "Closed."
    finally:
        forwarder.shutdown()
    return "Closed: the cloud is gone."


def _handout(url: str, secret: str) -> str:
    each = ((ADDRESS, url), (SECRET, secret), (NAME, "ana"))
    lines = [exported(SHELL, name, value) for name, value in each]
    return "\n".join(["Each learner, before JupyterLab starts, with a name of her choice:", *lines])


def _who_reaches(endpoint_url: str | None) -> str:
    if not endpoint_url:
        return "Everybody reaches it; it takes what this secret signs, and nothing else."
    return f"This machine alone reaches it. On a trusted network: webhook-lab class --listen {_addresses()}"


def _addresses() -> str:
    """The IPv4 addresses by which others may know this machine."""
    every = (each for of_one in psutil.net_if_addrs().values() for each in of_one)
    found = [each.address for each in every if each.family == socket.AF_INET]
    return " or ".join(each for each in found if not each.startswith("127.")) or "ADDRESS"
