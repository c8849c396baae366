"""publish: ids, paths, queries, headers, answers, failures and log lines."""

import json
from urllib.parse import parse_qsl

import pytest
from botocore.exceptions import ClientError

from tests.handlers.conftest import QUEUE_URL, Context, http, load

SENDERS = {
    "Standard Webhooks": ({"webhook-id": "msg_1"}, b"{}", "webhook:msg_1#/any"),
    "GitHub": ({"X-GitHub-Delivery": "72d3162e"}, b"{}", "github:72d3162e#/any"),
    "Shopify": ({"X-Shopify-Event-Id": "98880550"}, b"{}", "shopify:98880550#/any"),
    "Stripe": ({"Stripe-Signature": "t=1,v1=0"}, b'{"id": "evt_1"}', "stripe:evt_1#/any"),
    "Slack": ({"X-Slack-Signature": "v0=0"}, b'{"event_id": "Ev1"}', "slack:Ev1#/any"),
    "any case": ({"WEBHOOK-ID": "msg_1"}, b"{}", "webhook:msg_1#/any"),
    "spaces around": ({"webhook-id": " msg_1 "}, b"{}", "webhook:msg_1#/any"),
    "the longest that is kept as it is": ({"webhook-id": "a" * 200}, b"{}", "webhook:" + "a" * 200 + "#/any"),
    "an empty one, then another scheme's": (
        {"webhook-id": "", "x-github-delivery": "7"},
        b"",
        "github:7#/any",
    ),
}
UNNAMED = {
    "no headers": (None, b'{"id": "evt_1"}'),
    "empty": ({"webhook-id": ""}, b""),
    "only spaces": ({"X-GitHub-Delivery": "  "}, b""),
    "a null header": ({"X-GitHub-Delivery": None}, b""),
    "Stripe without a body": ({"Stripe-Signature": "t=1"}, b""),
    "Stripe without an id": ({"Stripe-Signature": "t=1"}, b'{"object": "event"}'),
    "Stripe with a number for an id": ({"Stripe-Signature": "t=1"}, b'{"id": 7}'),
    "Stripe with an empty id": ({"Stripe-Signature": "t=1"}, b'{"id": " "}'),
    "Stripe with a list": ({"Stripe-Signature": "t=1"}, b'["id"]'),
    "Stripe with a string": ({"Stripe-Signature": "t=1"}, b'"id"'),
    "Slack's slash command, a form": ({"X-Slack-Signature": "v0=0"}, b"token=a&event_id=b"),
}
ODD_IDS = {
    "huge": "a" * 9_000,
    "one too long": "a" * 201,
    "not ASCII": "idéntité",
    "a control character": "a\x00b",
    "a line end": "a\r\nSet-Cookie: b",
    "half a surrogate pair": "a\ud800",
    "the mark of a conflict": "a#conflict:0123456789abcdef",
}


@pytest.mark.parametrize(("headers", "body", "expected"), SENDERS.values(), ids=SENDERS.keys())
def test_the_senders_own_id_becomes_the_id(line, headers, body, expected):
    assert line.publish(http("/any", body, headers=headers))[1]["id"] == expected


@pytest.mark.parametrize(("headers", "body"), UNNAMED.values(), ids=UNNAMED.keys())
def test_without_a_senders_id_each_delivery_gets_its_own(line, headers, body):
    ids = {line.publish(http("/any", body, headers=headers))[1]["id"] for _ in range(2)}
    assert len(ids) == 2
    assert all(each.startswith("lab:") for each in ids)


@pytest.mark.parametrize("given", ODD_IDS.values(), ids=ODD_IDS.keys())
def test_an_id_that_cannot_be_a_key_becomes_a_digest_which_is_the_same_for_a_retry(line, given):
    ids = {line.publish(http("/any", b"x", headers={"webhook-id": given}))[1]["id"] for _ in range(2)}
    (id_,) = ids
    assert id_.startswith("webhook:sha256-")
    assert id_.isascii()
    assert len(id_) < 100
    assert line.subscribe() == []
    assert len(line.items()) == 1


def test_different_odd_ids_stay_different(line):
    ids = {line.publish(http("/any", headers={"webhook-id": given}))[1]["id"] for given in ODD_IDS.values()}
    assert len(ids) == len(ODD_IDS)


PATHS = {
    "root": "/",
    "trailing slash": "/a/",
    "unicode": "/café/🪝",
    "escaped unicode": "/caf%C3%A9",
    "escaped slash": "/a%2Fb",
    "escaped per cent": "/a%252Fb",
    "two slashes": "//a//b",
    "dots": "/a/../../b/./c",
    "escaped line ends": "/a%0D%0Ab",
    "line ends": "/a\r\nb",
    "NUL": "/a\0b",
    "what SQS refuses": "/a\ufffe\uffffb",
    "space, plus, quote": '/a b+c"d\\e',
    "not UTF-8, escaped": "/%FF",
    "long": "/" + "a" * 8_000,
}


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_path_is_kept_as_the_event_gives_it(line, path):
    assert line.publish(http(path))[0] == 202
    assert line.subscribe() == []
    (item,) = line.items()
    assert item["path"] == path
    assert item["message"] == f"hello from {path}"


def test_a_query_keeps_its_order_and_its_repetitions(line):
    query = {"z": ["1", "2", "1"], "a": ["b c&d=e+f%"], "empty": [""], "é": ["🪝\r\n"]}
    line.publish(http("/any", query=query))
    line.subscribe()
    pairs = parse_qsl(line.items()[0]["query"], keep_blank_values=True)
    assert pairs == [(name, value) for name, values in query.items() for value in values]


def test_a_query_of_an_event_made_by_hand_is_enough(line):
    line.publish({**http("/any"), "queryStringParameters": {"a": "1"}})
    assert line.envelopes()[0]["query"] == "a=1"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PROPFIND"])
def test_any_method_is_queued(line, method):
    assert line.publish(http("/any", method=method))[0] == 202
    assert line.envelopes()[0]["method"] == method


def test_secrets_in_headers_are_not_stored(line):
    kept = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "é", "X-GitHub-Event": "push"}
    secrets = dict.fromkeys(
        ["Authorization", "Cookie", "X-Api-Key", "X-Gitlab-Token", "X-Hub-Signature-256", "webhook-signature",
         "Stripe-Signature", "X-Amz-Security-Token", "Proxy-Authorization", "X-Unknown"], "a secret"
    )  # fmt: skip
    line.publish(http("/any", headers={**kept, **secrets}))
    assert line.envelopes()[0]["headers"] == {name.lower(): value for name, value in kept.items()}
    assert "a secret" not in str(line.aws.messages)


def test_an_empty_event_is_a_request_too(line):
    assert line.publish({})[0] == 202
    assert line.envelopes()[0]["path"] == "/"


def test_202_names_the_message_that_is_in_the_queue(line):
    _, answer = line.publish(http("/hello"))
    assert list(line.aws.messages) == [answer["message_id"]]
    assert answer["id"] == line.envelopes()[0]["id"]


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidMessageContents", "OverLimit"])
def test_an_error_of_the_queue_is_raised_and_logged_and_never_answered_202(line, log_lines, code):
    line.aws.refuse["SendMessage"] = code
    with pytest.raises(ClientError, match=code):
        line.publish_app.handler(http("/any"), Context("webhook-lab-publish"))
    finish = log_lines()[-2]
    assert (finish["outcome"], finish["message_id"]) == ("failed", None)
    assert code in finish["error"]


def test_log_lines_follow_an_invocation_from_start_to_finish(line, log_lines):
    _, answer = line.publish(http("/any"))
    lines = log_lines()
    assert [each["event"] for each in lines] == [
        "invocation_start", "record_start", "record_finish", "invocation_finish",
    ]  # fmt: skip
    assert {(each["function"], each["request_id"]) for each in lines} == {
        ("webhook-lab-publish", "a-request-id")
    }
    assert [each["at"] for each in lines] == sorted(each["at"] for each in lines)
    assert lines[1]["id"] == lines[2]["id"] == answer["id"]
    assert lines[2]["message_id"] == answer["message_id"]
    assert lines[2]["outcome"] == "queued"


@pytest.mark.parametrize(
    ("context", "logged"),
    [({"requestTimeEpoch": 1_795_392_000_500}, 1_795_392_000_500), ({}, None), (None, None)],
)
def test_the_first_line_says_when_api_gateway_received_the_request(line, log_lines, context, logged):
    assert line.publish({**http("/any"), "requestContext": context})[0] == 202
    assert log_lines()[0]["api_received_at"] == logged


def test_a_decision_depends_on_nothing_but_its_arguments(line):
    app = line.publish_app
    decide = [
        app.decide(app.parse(http("/any", b"x")), now=1_795_392_000.5, new_id="lab:1") for _ in range(2)
    ]
    assert decide[0] == decide[1]
    assert json.loads(decide[0].message)["received_at"] == 1_795_392_000_500


def test_a_prefix_without_a_secret_stops_the_function_at_once():
    with pytest.raises(RuntimeError, match="SIGNING_SECRET is empty"):
        load("publish", QUEUE_URL=QUEUE_URL, SIGNED_PREFIX="/signed/")
