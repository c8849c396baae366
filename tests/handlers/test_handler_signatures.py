"""Signatures, with the reference library of Standard Webhooks as the sender."""

import base64
import hmac
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from tests.handlers.conftest import QUEUE_URL, http, load

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes....").decode()
OTHER = "whsec_" + base64.b64encode(b"another secret, as long as that.").decode()
BODY = '{"order": 7, "name": "Zoë"}'


@pytest.fixture(scope="module")
def app():
    return load("publish", QUEUE_URL=QUEUE_URL, SIGNED_PREFIX="/signed/", SIGNING_SECRET=SECRET)


@pytest.fixture
def signed_line(line, app, monkeypatch):
    """The line with a publish that asks for signatures under /signed/."""
    monkeypatch.setattr(line, "publish_app", app)
    return line


def standard(body=BODY, *, secret=SECRET, seconds_ago=0, webhook_id="msg_1"):
    """What a Standard Webhooks sender puts in its headers."""
    timestamp = int(time.time()) - seconds_ago
    # The library reads a naive or aware time's own fields as UTC.
    signature = Webhook(secret).sign(webhook_id, datetime.fromtimestamp(timestamp, UTC), body)
    return {"Webhook-Id": webhook_id, "Webhook-Timestamp": str(timestamp), "Webhook-Signature": signature}


def github(body=BODY, *, secret=SECRET):
    digest = hmac.new(secret.encode(), body.encode(), "sha256").hexdigest()
    return {"X-GitHub-Delivery": "72d3162e", "X-Hub-Signature-256": f"sha256={digest}"}


# Made when a test runs: a signature of now is soon one of long ago.
ACCEPTED = {
    "Standard Webhooks": lambda: standard(),
    "Standard Webhooks, four minutes old": lambda: standard(seconds_ago=240),
    "Standard Webhooks, four minutes ahead": lambda: standard(seconds_ago=-240),
    "one of several signatures": lambda: {
        **standard(),
        "Webhook-Signature": "v1a,AAAA "
        + standard(secret=OTHER)["Webhook-Signature"] + " " + standard()["Webhook-Signature"],
    },
    "GitHub": github,
    "GitHub beside a stale Standard Webhooks": lambda: {**standard(seconds_ago=999), **github()},
}  # fmt: skip

REFUSED = {
    "nothing": dict,
    "another secret": lambda: standard(secret=OTHER),
    "another body": lambda: standard("{}"),
    "another id": lambda: {**standard(), "Webhook-Id": "msg_2"},
    "another time": lambda: {**standard(), "Webhook-Timestamp": str(int(time.time()) - 7)},
    "six minutes old": lambda: standard(seconds_ago=360),
    "six minutes ahead": lambda: standard(seconds_ago=-360),
    "no id": lambda: {**standard(webhook_id=""), "Webhook-Id": ""},
    "no timestamp": lambda: {**standard(), "Webhook-Timestamp": ""},
    "a timestamp that is no number": lambda: {**standard(), "Webhook-Timestamp": "soon"},
    "a timestamp beyond all bounds": lambda: {**standard(), "Webhook-Timestamp": "9" * 6_000},
    "a timestamp beyond a float": lambda: {**standard(), "Webhook-Timestamp": "9" * 400},
    "not a number": lambda: {**standard(), "Webhook-Timestamp": "nan"},
    "no signature": lambda: {**standard(), "Webhook-Signature": ""},
    "another version": lambda: {
        **standard(),
        "Webhook-Signature": "v2" + standard()["Webhook-Signature"][2:],
    },
    "no version": lambda: {**standard(), "Webhook-Signature": standard()["Webhook-Signature"][3:]},
    "half a signature": lambda: {**standard(), "Webhook-Signature": standard()["Webhook-Signature"][:20]},
    "not base64": lambda: {**standard(), "Webhook-Signature": "v1,é\ud800!"},
    "an id that is no text": lambda: {**standard(), "Webhook-Id": "\ud800"},
    "GitHub, another secret": lambda: github(secret=OTHER),
    "GitHub, another body": lambda: github("{}"),
    "GitHub, no scheme": lambda: {"X-Hub-Signature-256": github()["X-Hub-Signature-256"][7:]},
    "GitHub, SHA-1": lambda: {"X-Hub-Signature": "sha1=00"},
    "GitHub, not ASCII": lambda: {"X-Hub-Signature-256": "sha256=é"},
    "GitHub, empty key": lambda: github(secret=""),
}


@pytest.mark.parametrize("headers", ACCEPTED.values(), ids=ACCEPTED.keys())
def test_a_good_signature_is_queued(signed_line, headers):
    assert signed_line.publish(http("/signed/orders", BODY.encode(), headers=headers()))[0] == 202
    assert len(signed_line.aws.messages) == 1


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_signature_gets_401_and_is_never_queued(signed_line, log_lines, headers):
    status, answer = signed_line.publish(http("/signed/orders", BODY.encode(), headers=headers()))
    assert (status, list(answer)) == (401, ["error"])
    assert signed_line.aws.operations == []
    assert log_lines()[-2]["outcome"] == "unauthorized"


@pytest.mark.parametrize("path", ["/", "/orders", "/signedness", "/Signed/orders", "/a/signed/"])
def test_other_paths_ask_for_no_signature(signed_line, path):
    assert signed_line.publish(http(path, BODY.encode()))[0] == 202


@pytest.mark.parametrize(
    "path",
    ["/signed/", "/signed", "//signed/a", "/./signed/a", "/a/../signed/a", "/%73igned/a", "/signed%2Fa",
     "/%2Fsigned/a", "/a/%2E%2E/signed/a", "/signed/../a"],
)  # fmt: skip
def test_no_spelling_of_a_signed_path_gets_round_the_signature(signed_line, path):
    assert signed_line.publish(http(path, BODY.encode()))[0] == 401


def test_the_id_that_is_stored_is_the_one_that_was_signed(signed_line):
    headers = {**standard(), "X-GitHub-Delivery": "not signed"}
    assert (
        signed_line.publish(http("/signed/a", BODY.encode(), headers=headers))[1]["id"]
        == "webhook:msg_1#/signed/a"
    )


@pytest.mark.parametrize("path", ["/", "/a", "//", "/%00", "/signed/a"])
def test_the_prefix_of_all_paths_signs_all(line, path):
    assert line.publish_app.needs_signature(path, "/")


def test_a_secret_that_is_not_base64_serves_github_alone(line):
    signed_by = line.publish_app.signed_by
    headers = {name.lower(): value for name, value in github(secret="s3cret, not base64!").items()}
    assert signed_by(headers, BODY.encode(), ["s3cret, not base64!"], time.time()).name == "github"
    lower = {name.lower(): value for name, value in standard().items()}
    assert not signed_by(lower, BODY.encode(), ["s3cret, not base64!"], time.time())


@pytest.mark.parametrize("secret", ["", "whsec_"])
def test_an_empty_key_signs_nothing(line, secret):
    now = int(time.time())
    digest = hmac.digest(b"", f"msg_1.{now}.{BODY}".encode(), "sha256")
    headers = {
        "webhook-id": "msg_1", "webhook-timestamp": str(now),
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        **{name.lower(): value for name, value in github(secret="").items()},
    }  # fmt: skip
    assert not line.publish_app.signed_by(headers, BODY.encode(), [secret], now)
