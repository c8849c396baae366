"""Each sender's way to sign and to name: by its own library, or a reference written after its documents."""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
import stripe
from standardwebhooks import Webhook

from tests.handlers.conftest import QUEUE_URL, http, load

SECRET, NEW, OTHER = (f"whsec_{base64.b64encode(text * 8).decode()}" for text in (b"abcd", b"efgh", b"ijkl"))
NOW = 1_795_392_000
BODY = '{"id": "evt_1", "event_id": "Ev1", "name": "Zoë"}'


def standard(prefix, body, secret, at, id_):
    # The library reads a time's own fields as UTC. Svix's own library calls this one, under other names.
    signature = Webhook(secret).sign(id_, datetime.fromtimestamp(at, UTC), body)
    return {f"{prefix}-id": id_, f"{prefix}-timestamp": str(at), f"{prefix}-signature": signature}


def hmac_of(secret, text) -> bytes:
    return hmac.digest(secret.encode(), text.encode(), "sha256")


def github(body, secret, _at, id_):
    """docs.github.com, "Validating webhook deliveries"."""
    return {"X-GitHub-Delivery": id_, "X-Hub-Signature-256": f"sha256={hmac_of(secret, body).hex()}"}


def shopify(prefix, body, secret, _at, id_):
    """shopify.dev, "Deliver webhooks through HTTPS": base64 of the HMAC of the raw body."""
    signature = base64.b64encode(hmac_of(secret, body)).decode()
    named = {"Hmac-Sha256": signature, "Event-Id": id_, "Topic": "orders/paid"}
    return {f"{prefix}-{name}": value for name, value in named.items()}


def slack(body, secret, at, _id):
    """docs.slack.dev, "Verifying requests from Slack": v0, the time and the body."""
    signature = f"v0={hmac_of(secret, f'v0:{at}:{body}').hex()}"
    return {"X-Slack-Request-Timestamp": str(at), "X-Slack-Signature": signature}


def stripes(body, secret, at, _id):
    return {"Stripe-Signature": stripe.WebhookSignature.generate_signature_header(body, secret, at)}


SIGN = {
    "Standard Webhooks": lambda *args: standard("webhook", *args),
    "Svix": lambda *args: standard("svix", *args),
    "GitHub": github,
    "Shopify": lambda *args: shopify("X-Shopify", *args),
    "Shopify's newer headers": lambda *args: shopify("Shopify", *args),
    "Stripe": stripes,
    "Slack": slack,
}
TIMED = ["Standard Webhooks", "Svix", "Stripe", "Slack"]
DIGEST = f"sha256-{hashlib.sha256(BODY.encode()).hexdigest()}"
SIGNED_IDS = {
    "Standard Webhooks": "webhook:d1#/a", "Svix": "webhook:d1#/a", "GitHub": f"github:{DIGEST}#/a",
    "Shopify": f"shopify:{DIGEST}#orders/paid /a",
    "Shopify's newer headers": f"shopify:{DIGEST}#orders/paid /a",
    "Stripe": "stripe:evt_1#/a", "Slack": "slack:Ev1#/a",
}  # fmt: skip
OPEN_IDS = SIGNED_IDS | {
    "GitHub": "github:d1#/a", "Shopify": "shopify:d1#orders/paid /a",
    "Shopify's newer headers": "shopify:d1#orders/paid /a",
}  # fmt: skip
every_scheme = pytest.mark.parametrize("sender", SIGN)


def signed_door(*secrets):
    return load("publish", QUEUE_URL=QUEUE_URL, SIGNED_PREFIX="/", SIGNING_SECRET=" ".join(secrets))


@pytest.fixture(scope="module")
def app():
    return signed_door(SECRET)


def said(app, headers, body=BODY, path="/a"):
    """Status and id of the decision at NOW; no id where it was refused."""
    body = body if isinstance(body, bytes) else body.encode()
    decision = app.decide(app.parse(http(path, body, headers=headers)), now=NOW + 0.9, new_id="lab:1")
    return decision.status, decision.id if decision.message else None


# --- signatures


@every_scheme
def test_a_signature_of_the_schemes_own_is_accepted_and_names_the_delivery(app, sender):
    assert said(app, SIGN[sender](BODY, SECRET, NOW, "d1")) == (202, SIGNED_IDS[sender])


@every_scheme
def test_one_byte_of_the_body_changed_is_refused(app, sender):
    headers = SIGN[sender](BODY, SECRET, NOW, "d1")
    for at in range(len(BODY.encode())):
        body = bytearray(BODY.encode())
        body[at] ^= 1
        assert said(app, headers, bytes(body)) == (401, None)


@every_scheme
@pytest.mark.parametrize("other", SIGN)
def test_another_schemes_headers_added_change_nothing(app, sender, other):
    right, wrong = SIGN[sender](BODY, SECRET, NOW, "d1"), SIGN[sender](BODY, OTHER, NOW, "d1")
    foreign = SIGN[other](BODY, OTHER, NOW, "victim")
    assert said(app, foreign | right) == (202, SIGNED_IDS[sender])
    assert said(app, foreign | wrong) == (401, None)


@every_scheme
def test_the_secret_of_another_and_no_secret_are_refused(app, sender):
    assert said(app, SIGN[sender](BODY, OTHER, NOW, "d1")) == (401, None)
    unsigned = {
        n: v for n, v in SIGN[sender](BODY, SECRET, NOW, "d1").items() if "ign" not in n and "mac" not in n
    }
    assert said(app, unsigned) == (401, None)


@pytest.mark.parametrize("sender", TIMED)
def test_a_time_five_minutes_off_is_accepted_and_a_second_more_is_not(app, sender):
    for early in (1, -1):
        assert said(app, SIGN[sender](BODY, SECRET, NOW - early * 300, "d1"))[0] == 202
        assert said(app, SIGN[sender](BODY, SECRET, NOW - early * 301, "d1"))[0] == 401


@pytest.mark.parametrize("sender", TIMED)
def test_a_time_that_was_changed_is_refused(app, sender):
    headers = SIGN[sender](BODY, SECRET, NOW - 301, "d1")
    changed = {name: value.replace(str(NOW - 301), str(NOW)) for name, value in headers.items()}
    assert said(app, changed) == (401, None)


@every_scheme
def test_while_secrets_change_both_are_accepted_and_no_third(sender):
    app = signed_door(SECRET, NEW)
    accepted = [said(app, SIGN[sender](BODY, secret, NOW, "d1"))[0] for secret in (SECRET, NEW, OTHER)]
    assert accepted == [202, 202, 401]


@pytest.mark.parametrize(("sender", "between"), [("Standard Webhooks", " "), ("Svix", " "), ("Stripe", ",")])
def test_a_sender_that_signs_with_two_secrets_needs_one_of_them_known(app, sender, between):
    old, new = (SIGN[sender](BODY, secret, NOW, "d1") for secret in (OTHER, SECRET))
    both = {name: old[name] if old[name] == new[name] else old[name] + between + new[name] for name in old}
    assert said(app, both)[0] == 202


def test_stripes_times_and_marks_are_read_as_its_library_reads_them(app):
    good = stripes(BODY, SECRET, NOW, "")["Stripe-Signature"]
    time_, signature = good.split(",")
    for header in (good, f"{signature},{time_}", f"{good},v0={'0' * 64}", f"{time_},v1=00,{signature}"):
        assert stripe.WebhookSignature.verify_header(BODY, header, SECRET)
        assert said(app, {"Stripe-Signature": header})[0] == 202
    for header in (signature, time_, good.replace("v1=", "v0="), f"t={NOW - 999},{good}", f"t=,{signature}"):
        assert said(app, {"Stripe-Signature": header})[0] == 401


OCTOKIT = Path(__file__).parents[2] / ".cache" / "npm" / "node_modules" / "@octokit" / "webhooks-methods"
ASK_OCTOKIT = """
const { sign, verify } = await import(process.argv[1]);
const [secret, body, signature] = process.argv.slice(2);
console.log(JSON.stringify([await sign(secret, body), await verify(secret, body, signature)]));
"""


@pytest.mark.skipif(
    not OCTOKIT.is_dir(), reason="needs node, and npm install --prefix .cache/npm @octokit/webhooks-methods"
)
def test_githubs_own_library_signs_for_the_handler_and_takes_what_the_reference_signed(app):
    entry = (
        OCTOKIT / json.loads((OCTOKIT / "package.json").read_text())["exports"]["."]["node"]["import"]
    ).as_uri()
    mine = github(BODY, SECRET, NOW, "d1")["X-Hub-Signature-256"]
    command = ["node", "--input-type=module", "-e", ASK_OCTOKIT, "--", entry, SECRET, BODY, mine]
    run = subprocess.run(
        command, env={"PATH": os.environ["PATH"]}, capture_output=True, check=True, timeout=60
    )
    theirs, taken = json.loads(run.stdout)
    assert taken
    assert said(app, {"X-Hub-Signature-256": theirs})[0] == 202


# --- ids


@every_scheme
@pytest.mark.parametrize("door", ["open", "signed"])
def test_one_event_to_two_endpoints_is_two_items_and_a_retry_to_one_is_one(
    line, app, monkeypatch, door, sender
):
    if door == "signed":
        monkeypatch.setattr(line, "publish_app", app)
    headers, places = SIGN[sender](BODY, SECRET, int(time.time()), "d1"), ("/a", "/b", "/b", "/a")
    ids = [line.publish(http(path, BODY.encode(), headers=headers))[1]["id"] for path in places]
    assert ids[0] == ids[3] == (SIGNED_IDS if door == "signed" else OPEN_IDS)[sender]
    assert line.subscribe() == []
    assert [(item["path"], len(item["delivered_by"])) for item in line.items()] == [("/a", 2), ("/b", 2)]


def test_a_query_belongs_to_the_endpoint_and_its_order_does_not(line):
    github_ = {"X-GitHub-Delivery": "d1"}
    queries = [{"hook": ["1"], "a": ["2"]}, {"a": ["2"], "hook": ["1"]}, {"hook": ["2"], "a": ["2"]}]
    for query in queries:
        line.publish(http("/a", b"{}", headers=github_, query=query))
    line.subscribe()
    assert [len(item["delivered_by"]) for item in line.items()] == [2, 1]


@pytest.mark.parametrize("prefix", ["X-Shopify", "Shopify"])
@pytest.mark.parametrize("door", ["open", "signed"])
def test_a_topic_tells_apart_what_shares_an_id_and_a_body(line, app, monkeypatch, door, prefix):
    if door == "signed":
        monkeypatch.setattr(line, "publish_app", app)
    for topic in ("orders/paid", "orders/create", "orders/paid"):
        headers = shopify(prefix, BODY, SECRET, NOW, "d1") | {f"{prefix}-Topic": topic}
        line.publish(http("/a", BODY.encode(), headers=headers))
    line.subscribe()
    assert [len(item["delivered_by"]) for item in line.items()] == [2, 1]


@pytest.mark.parametrize(
    "own", [{"svix-id": "msg_1"}, {"Shopify-Event-Id": "e1", "Shopify-Topic": "orders/paid"}], ids=str
)
def test_a_retry_under_the_other_names_of_a_header_is_one_item(line, own):
    for attempt in ("1", "2"):
        line.publish(http("/a", BODY.encode(), headers={**own, "svix-timestamp": attempt}))
    line.subscribe()
    (item,) = line.items()
    assert len(item["delivered_by"]) == 2
    assert item["headers"].items() >= {name.lower(): value for name, value in own.items()}.items()


@pytest.mark.parametrize("sender", ["GitHub", "Shopify", "Shopify's newer headers"])
def test_captured_bytes_under_fresh_ids_are_one_delivery(app, sender):
    ids = {said(app, SIGN[sender](BODY, SECRET, NOW, fresh)) for fresh in ("d1", "d2", "")}
    assert ids == {(202, SIGNED_IDS[sender])}


def test_slack_without_an_event_id_is_told_by_its_body(app):
    form = "command=%2Fdeploy&trigger_id=1"
    status, id_ = said(app, slack(form, SECRET, NOW, ""), form)
    assert (status, id_) == (202, f"slack:sha256-{hashlib.sha256(form.encode()).hexdigest()}#/a")


def test_no_endpoint_makes_a_key_that_the_table_refuses(line):
    longest = {"webhook-id": "a" * 200, "X-Shopify-Topic": "t"}
    for path in ("/" + "é" * 4_000, "/" + "é" * 4_001, "/a#conflict:0123456789abcdef", "/a\0b"):
        ids = {line.publish(http(path, b"x", headers=longest))[1]["id"] for _ in range(2)}
        assert [each.count("#") for each in ids] == [1]
    assert line.subscribe() == []
    assert len(line.items()) == 4
