"""The parts of commands that need no cloud: lines for shells, signatures, the doctor, the browser."""

import queue
import subprocess
import threading
import urllib.error
import urllib.request
import webbrowser
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from handlers.shared.senders import signed_by
from webhook_lab.aws.errors import LabError
from webhook_lab.cli import care, main
from webhook_lab.cli.deliveries import _signed
from webhook_lab.cli.open import _show
from webhook_lab.cli.pipeline import exported
from webhook_lab.doctor import Check, Report
from webhook_lab.send.sender import Delivery
from webhook_lab.send.signing import new_secret

AWKWARD = """it's "quoted" $HOME `id` \\ & | % é"""


def test_a_shell_gets_the_value_back_whatever_is_in_it() -> None:
    line = exported("sh", "NAME", AWKWARD)
    shown = subprocess.run(["sh", "-c", f'{line}; printf %s "$NAME"'], capture_output=True, check=True)
    assert shown.stdout.decode() == AWKWARD
    assert exported("powershell", "NAME", "it's") == "$env:NAME = 'it''s'"
    assert exported("cmd", "NAME", "a b") == 'set "NAME=a b"'


@pytest.mark.parametrize(
    "headers",
    [
        {"X-GitHub-Event": "push", "X-GitHub-Delivery": "1"},
        {"x-github-event": "push", "X-Hub-Signature-256": "sha256=old"},
        {"Content-Type": "application/json"},
        {"Webhook-Id": "msg_1", "Webhook-Signature": "v1,old", "webhook-timestamp": "1"},
    ],
)
def test_a_signed_delivery_is_one_that_publish_accepts(headers: dict[str, str]) -> None:
    secret = new_secret()
    signed = _signed(Delivery(body=b'{"a": 1}', headers=headers), secret)
    given = {name.lower(): value for name, value in signed.headers.items()}
    assert len(given) == len(signed.headers)
    assert signed_by(given, signed.body, [secret], datetime.now(UTC).timestamp())
    for name in ("X-GitHub-Delivery", "Webhook-Id", "Content-Type"):
        if name in headers:
            assert given[name.lower()] == headers[name]


def test_bytes_that_are_no_text_are_signed_in_githubs_way_only() -> None:
    _signed(Delivery(body=b"\xff", headers={"X-GitHub-Event": "push"}), new_secret())
    with pytest.raises(LabError, match="not UTF-8"):
        _signed(Delivery(body=b"\xff", name="photo.jpg"), new_secret())


@pytest.mark.parametrize("well", [True, False])
def test_the_doctors_exit_code_says_whether_all_is_well(well: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    report = Report((Check("Python", True, "3.13"), Check("lock", well, "seen", "mend it")))
    monkeypatch.setattr(care, "examine", lambda: report)
    result = CliRunner().invoke(main, ["doctor"])
    assert result.exit_code == (0 if well else 1)
    assert result.stdout == report.text() + "\n"
    assert f'"ok": {str(well).lower()}' in CliRunner().invoke(main, ["doctor", "--json"]).stdout


def test_the_browser_is_led_to_the_token_once_and_not_started_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *args: object) -> None:
            return None

    started: queue.Queue[str] = queue.Queue()
    monkeypatch.setenv("BROWSER", "some-browser")
    monkeypatch.setattr(webbrowser, "open", started.put)
    _show("http://127.0.0.1:1/lab?token=secret")
    address = started.get(timeout=10)
    assert "secret" not in address
    browser = urllib.request.build_opener(Stay, urllib.request.ProxyHandler({}))
    statuses = []
    for _ in range(2):
        with pytest.raises(urllib.error.HTTPError) as answered:
            browser.open(address, timeout=10)
        statuses.append((answered.value.code, answered.value.headers.get("Location")))
        answered.value.close()
    assert statuses == [(302, "http://127.0.0.1:1/lab?token=secret"), (404, None)]


def test_no_browser_is_started_in_a_terminal_without_a_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(threading, "Thread", lambda **_: pytest.fail("it was"))
    _show("http://127.0.0.1:1/lab")


def test_env_says_how_the_aws_cli_of_version_1_is_told_the_endpoint() -> None:
    """It reads AWS_ENDPOINT_URL for most services, and not for sqs and rds (tried with 1.46.3)."""
    told = CliRunner().invoke(main, ["env", "--help"]).output
    assert '--endpoint-url "$AWS_ENDPOINT_URL"' in told
    assert "version 1" in told.lower()
