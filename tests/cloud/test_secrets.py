"""A planted secret comes out nowhere: not in cards, printed code, errors, logs, ledgers or a process list."""

import base64
import os
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.lab import Lab
from webhook_lab.ledger import state_folder
from webhook_lab.local_cloud import Cloud
from webhook_lab.send.signing import new_secret

WEBHOOK = "whsec_" + base64.b64encode(b"planted-7431-webhook-key").decode()
HANDSHAKE, PASSWORD = "planted-7431-handshake", "planted-7431-password"
STEPS = ("publish_role", "publish_function", "subscribe_function", "queue", "table", "mapping", "api")


@pytest.fixture
def lab(cloud: Cloud) -> Iterator[Lab]:
    lab = Lab.open(chapter="15")
    lab.configure(
        signed_prefix="/",
        signing_secret=WEBHOOK,
        handshakes="meta",
        handshake_secret=HANDSHAKE,
        database={"PGPASSWORD": PASSWORD},
    )
    yield lab
    lab.teardown()


def errors_of(lab: Lab) -> Iterator[str]:
    """What is said where something goes wrong with a secret at hand, stack and causes too."""
    wrong: list[Any] = [
        lambda: lab.create_function("publish", memory="much"),
        lambda: lab.create_function("publish", timeout=-1),
        lambda: lab.configure(secret=WEBHOOK[:0]),
        lambda: lab.burst(2, secret="whsec_", cap=-1),
        lambda: lab.invoke("publish", {"body": 7, "isBase64Encoded": True}),
    ]
    for act in wrong:
        try:
            act()
        except Exception as error:
            yield "".join(traceback.format_exception(error))
            yield "\n".join(error._render_traceback_()) if isinstance(error, LabError) else ""


def logged() -> Iterator[str]:
    logs = boto3.client("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        yield from (
            e["message"] for e in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
        )


def written(cloud: Cloud) -> Iterator[str]:
    """The ledgers, and all that the cloud says of itself; not its state.json, which is for its owner."""
    run = Path(os.environ["WEBHOOK_LAB_HOME"]) / "run"
    for path in (*state_folder().glob("*"), *run.glob("*/server.log")):
        yield path.read_text(encoding="utf-8", errors="replace")


def command_lines() -> Iterator[str]:
    for process in psutil.process_iter():
        try:
            yield " ".join(process.cmdline())
        except psutil.Error:
            continue


def test_no_secret_comes_out_anywhere(cloud: Cloud, lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    shown: list[Any] = [lab.create_function("publish"), lab.create_function("subscribe"), lab.preflight()]
    run = lab.watch(show=False)
    lab.burst(4, providers=("standard-webhooks", "github")).wait()
    run.wait()
    lab.send("/forged", b"x", headers={"webhook-id": "1", "webhook-signature": "v1,none"})
    assert lab.send("/hello", b"x").status == 401
    shown += [*map(lab.show, STEPS), lab.created(), lab.sweep(), run.facts(), run.receives()]
    shown += [lab.aws.target, lab.pipeline.settings, lab.aws.calls.since(0), *map(lab.pipeline.get, STEPS)]
    lab.calls()
    print(code := lab.code())
    told = {
        "shown": "".join(repr(each) + str(getattr(each, "_repr_html_", str)()) for each in shown),
        "printed": "".join(capsys.readouterr()),
        "errors": "".join(errors_of(lab)),
        "logs": "".join(logged()),
        "files": "".join(written(cloud)),
        "process list": "\n".join(command_lines()),
    }
    for name in ("SIGNING_SECRET", "HANDSHAKE_SECRET", "PGPASSWORD"):
        assert f'os.environ["{name}"]' in code
    assert all(told.values()), {name: len(text) for name, text in told.items()}
    secrets = {
        "webhook": WEBHOOK[6:],
        "handshake": HANDSHAKE,
        "password": PASSWORD,
        "key": cloud.secret_access_key,
    }
    found = [
        (name, where) for where, text in told.items() for name, secret in secrets.items() if secret in text
    ]
    assert found == []


def test_a_secret_may_come_in_where_no_process_list_shows_it(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    from click.testing import CliRunner

    from webhook_lab.cli import main

    monkeypatch.setenv("SIGNING_SECRET", secret := new_secret())
    up = CliRunner().invoke(main, ["up", "--secret", "--json"])
    try:
        assert f'"secret": "{secret}"' in up.stdout
        assert not any(secret in arguments for arguments in [*sys.argv, *command_lines()])
    finally:
        assert CliRunner().invoke(main, ["down"]).exit_code == 0
