"""What senders ask of an address before they send to it: answered where asked for, and never queued."""

import base64
import hmac
import json

import pytest

from tests.handlers.conftest import QUEUE_URL, Context, http, load
from tests.handlers.test_handler_schemes import NOW, SECRET, github, slack

TOKEN = "a verify token"
CHALLENGE = '{"type": "url_verification", "challenge": "3eZbrw1a", "token": "Jhj5"}'
VALIDATION = '{"event": "endpoint.url_validation", "payload": {"plainToken": "q9ibPhGe"}}'
META = {"hub.mode": ["subscribe"], "hub.verify_token": [TOKEN], "hub.challenge": ["1158201444"]}
ENCRYPTED = hmac.digest(TOKEN.encode(), b"q9ibPhGe", "sha256").hex()
GRAPH = "Validation: <b>é</b> & more"
ORIGIN = {"WebHook-Request-Origin": "eventgrid.azure.net"}
ASKED = {
    "slack": (http("/a", CHALLENGE.encode()), "3eZbrw1a"),
    "meta": (http("/a", method="GET", query=META), "1158201444"),
    "graph": (http("/a", query={"validationToken": [GRAPH]}), GRAPH),
    "dropbox": (http("/a", method="GET", query={"challenge": ["c1"]}), "c1"),
    "cloudevents": (http("/a", method="OPTIONS", headers=ORIGIN), ""),
    "zoom": (http("/a", VALIDATION.encode()), {"plainToken": "q9ibPhGe", "encryptedToken": ENCRYPTED}),
}  # fmt: skip
every_sender = pytest.mark.parametrize("sender", ASKED)


def door(handshakes, secret=TOKEN, **more):
    return load("publish", QUEUE_URL=QUEUE_URL, HANDSHAKES=handshakes, HANDSHAKE_SECRET=secret, **more)


@pytest.fixture
def ask(line, monkeypatch):
    """A function that has an event answered by such a door; it returns the answer."""

    def asked(event, handshakes, **more):
        monkeypatch.setattr(line, "publish_app", door(handshakes, **more))
        return line.publish_app.handler(event, Context("webhook-lab-publish"))

    return asked


@every_sender
def test_a_question_is_answered_as_its_sender_asks_and_never_queued(line, log_lines, ask, sender):
    event, wanted = ASKED[sender]
    answer = ask(event, sender)
    assert (answer["statusCode"], line.aws.operations) == (200, [])
    assert (json.loads(answer["body"]) if isinstance(wanted, dict) else answer["body"]) == wanted
    assert log_lines()[-2]["outcome"] == "handshake"


@every_sender
def test_a_question_that_nobody_is_to_answer_is_a_delivery_like_any_other(line, ask, sender):
    others = ", ".join(other for other in ASKED if other != sender)
    for handshakes in ("", others):
        line.aws.clear()
        assert ask(ASKED[sender][0], handshakes)["statusCode"] == 202
        assert len(line.aws.messages) == 1


@pytest.mark.parametrize("sender", ["slack", "meta", "graph", "dropbox"])
def test_what_is_echoed_is_no_page_for_a_browser(ask, sender):
    headers = ask(ASKED[sender][0], sender)["headers"]
    assert headers == {"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff"}


def test_cloudevents_hears_who_may_send_and_how_often(ask):
    event = http("/a", method="OPTIONS", headers=ORIGIN | {"WebHook-Request-Rate": "120"})
    allowed = {"WebHook-Allowed-Origin": "eventgrid.azure.net", "WebHook-Allowed-Rate": "120"}
    assert ask(event, "cloudevents")["headers"] == allowed
    assert ask(ASKED["cloudevents"][0], "cloudevents")["headers"]["WebHook-Allowed-Rate"] == "*"


NO_QUESTIONS = {
    "Meta, a wrong token": http("/a", method="GET", query=META | {"hub.verify_token": ["guess"]}),
    "Meta, a token beyond ASCII": http("/a", method="GET", query=META | {"hub.verify_token": ["é"]}),
    "Meta, no token": http("/a", method="GET", query={k: v for k, v in META.items() if "token" not in k}),
    "Meta, another mode": http("/a", method="GET", query=META | {"hub.mode": ["unsubscribe"]}),
    "Meta, posted": http("/a", query=META),
    "Slack, no challenge": http("/a", b'{"type": "url_verification"}'),
    "Slack, a number": http("/a", b'{"type": "url_verification", "challenge": 7}'),
    "Slack, an event": http("/a", b'{"type": "event_callback", "challenge": "x"}'),
    "Slack, asked by GET": http("/a", CHALLENGE.encode(), method="GET"),
    "Graph, an empty token": http("/a", query={"validationToken": [""]}),
    "Dropbox, posted": http("/a", query={"challenge": ["c1"]}),
    "CloudEvents, no origin": http("/a", method="OPTIONS"),
    "Zoom, no payload": http("/a", b'{"event": "endpoint.url_validation"}'),
    "Zoom, an event": http("/a", VALIDATION.replace("endpoint.url_validation", "meeting.started").encode()),
    "a list": http("/a", b"[]"),
    "a deep nest": http("/a", b"[" * 20_000),
    "not UTF-8": http("/a", b"\xff"),
}


@pytest.mark.parametrize("event", NO_QUESTIONS.values(), ids=NO_QUESTIONS.keys())
def test_what_is_no_question_or_a_wrong_one_is_queued_and_not_answered(line, ask, event):
    answer = ask(event, " ".join(ASKED))
    assert (answer["statusCode"], len(line.aws.messages)) == (202, 1)
    assert "1158201444" not in answer["body"]


def decided(event, **more):
    app = door(" ".join(ASKED), SIGNED_PREFIX="/", SIGNING_SECRET=SECRET, **more)
    decision = app.decide(app.parse(event), now=NOW, new_id="lab:1")
    return decision.status, decision.outcome


def test_at_the_signed_door_slack_signs_its_question_too_and_the_others_cannot():
    signed = http("/a", CHALLENGE.encode(), headers=slack(CHALLENGE, SECRET, NOW, ""))
    assert decided(signed) == (200, "handshake")
    assert decided(http("/a", CHALLENGE.encode())) == (401, "unauthorized")
    stale = http("/a", CHALLENGE.encode(), headers=slack(CHALLENGE, SECRET, NOW - 301, ""))
    assert decided(stale) == (401, "unauthorized")
    for sender in set(ASKED) - {"slack"}:
        assert decided(ASKED[sender][0]) == (200, "handshake")


def test_at_the_signed_door_anothers_delivery_that_looks_like_slacks_question_is_queued():
    event = http("/a", CHALLENGE.encode(), headers=github(CHALLENGE, SECRET, NOW, "d1"))
    assert decided(event) == (202, "queued")


def test_a_question_opens_no_door_for_anything_else():
    event = http("/a", b'{"order": 1}', method="POST", query={"challenge": ["c1"]})
    assert decided(event) == (401, "unauthorized")


def test_an_unknown_name_stops_the_function_at_once():
    with pytest.raises(RuntimeError, match="HANDSHAKES names discord, slak; there are slack, meta, graph"):
        door("slak,discord,meta")


@pytest.mark.parametrize("sender", ["meta", "zoom"])
@pytest.mark.parametrize(
    "secret", ["", SECRET, "old", base64.b64decode(SECRET.removeprefix("whsec_")).decode()], ids=str
)
def test_a_secret_that_is_missing_or_signs_deliveries_stops_the_function_at_once(sender, secret):
    with pytest.raises(RuntimeError, match="HANDSHAKE_SECRET of their own"):
        door(sender, secret, SIGNING_SECRET=f"old {SECRET}")


def test_senders_without_a_secret_need_none():
    assert door("slack, graph dropbox,cloudevents", "").HANDSHAKES == [
        "slack",
        "graph",
        "dropbox",
        "cloudevents",
    ]
