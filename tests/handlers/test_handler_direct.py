"""subscribe, when no function stood at the door: a message's attributes tell what publish would have."""

import base64
import hashlib
import hmac
from urllib.parse import urlencode

import pytest

from tests.handlers.conftest import body_of, load, sqs_batch
from webhook_lab.resources.direct_api import KEPT
from webhook_lab.send.signing import github_headers

SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes ...").decode()
AT = 1_795_392_000_000
BODY = '{"text": "1+1 & 100%", "to": "渡辺"}'


def direct(body=BODY, path="/signed/a", *, headers=None, method="POST", query="", message_id="m1"):
    """A record as it comes from API Gateway: the body alone, and what it came with in attributes."""
    (record,) = sqs_batch((message_id, body))["Records"]
    request = {"method": method, "path": path, "query": query, "request_id": "r-1", "received_at": AT}
    texts = {"request": urlencode(request), **(headers or {})}
    record["messageAttributes"] = {name: {"stringValue": text} for name, text in texts.items()}
    return {"Records": [record]}


def github(body=BODY, secret=SECRET):
    signed = github_headers(secret, body.encode(), delivery_id="d-1")
    return {name.lower(): value for name, value in signed.items()}


def standard(at, body=BODY):
    signed = f"msg_1.{at}.{body}".encode()
    digest = hmac.digest(base64.b64decode(SECRET.removeprefix("whsec_")), signed, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}


@pytest.fixture
def signed_line(line):
    """The same table, and a subscribe that asks for signatures under /signed/."""
    asks = {"SIGNED_PREFIX": "/signed/", "SIGNING_SECRET": SECRET}
    return type(line)(line.publish_app, load("subscribe", TABLE_NAME="deliveries", **asks), line.aws)


def test_a_direct_message_is_stored_as_publish_would_have_had_it(line):
    headers = {
        "x-github-delivery": "d-1",
        "content-type": "application/json",
        "x-hub-signature-256": "sha256=0",
    }
    assert line.subscribe(direct(path="/hello", query="&b=2&a=1", headers=headers)) == []
    (item,) = line.items()
    assert (item["id"], item["message"]) == ("github:d-1#/hello?a=1&b=2", "hello from /hello")
    assert (item["method"], item["path"], item["query"]) == ("POST", "/hello", "b=2&a=1")
    assert item["headers"] == {"x-github-delivery": "d-1", "content-type": "application/json"}
    assert (body_of(item), item["received_at"]) == (BODY.encode(), AT)
    assert item["body_sha256"] == hashlib.sha256(BODY.encode()).hexdigest()


def test_the_request_names_a_delivery_that_its_sender_did_not_and_does_so_again(line, log_lines):
    for _ in range(2):
        line.subscribe(direct(path="/hello"))
    assert [item["id"] for item in line.items()] == ["lab:r-1"]
    assert outcomes(log_lines) == ["stored", "redelivered"]


def test_through_either_door_a_delivery_is_one(line, log_lines):
    from tests.handlers.conftest import http

    line.publish(http("/hello", BODY.encode(), headers=github()))
    line.subscribe()
    line.subscribe(direct(path="/hello", headers=github(), message_id="m2"))
    assert outcomes(log_lines)[-1] == "duplicate"
    assert len(line.items()) == 1


@pytest.mark.parametrize("at", [AT // 1000, AT // 1000 - 200])
def test_a_signature_is_judged_by_the_time_at_which_it_came(signed_line, log_lines, at):
    signed_line.subscribe(direct(headers=standard(at)))
    assert outcomes(log_lines) == ["stored"]
    assert [item["id"] for item in signed_line.items()] == ["webhook:msg_1#/signed/a"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        github(secret="another"),
        github(body="{}"),
        standard(AT // 1000 - 301),
        {"x-github-delivery": "d-1"},
    ],
    ids=["none", "another secret", "another body", "stale", "an id alone"],
)
@pytest.mark.parametrize("path", ["/signed/a", "/x/../signed/a", "//signed/a", "/%73igned/a"])
def test_what_is_not_signed_is_set_aside_whole_and_counted(signed_line, log_lines, headers, path):
    assert signed_line.subscribe(direct(path=path, headers=headers)) == []
    assert outcomes(log_lines) == ["unauthorized"]
    (item,) = signed_line.items()
    assert item["id"] == f"{item['unauthorized_as']}#unauthorized:{item['body_sha256'][:16]}"
    assert body_of(item) == BODY.encode()


def test_a_forged_delivery_takes_no_good_ones_place_whichever_comes_first(signed_line, log_lines):
    forged = direct("{}", headers={**standard(AT // 1000), "webhook-signature": "v1,AAAA"}, message_id="m0")
    for _ in range(2):
        signed_line.subscribe(forged)
        signed_line.subscribe(direct(headers=standard(AT // 1000)))
    assert outcomes(log_lines) == ["unauthorized", "stored", "unauthorized", "redelivered"]
    good = [item for item in signed_line.items() if "unauthorized_as" not in item]
    assert [(item["id"], body_of(item)) for item in good] == [("webhook:msg_1#/signed/a", BODY.encode())]
    assert len(signed_line.items()) == 2


def test_where_no_signature_is_asked_for_none_is_judged(signed_line, log_lines):
    signed_line.subscribe(direct(path="/free", headers=github(secret="another")))
    assert outcomes(log_lines) == ["stored"]


def test_publish_has_judged_what_comes_from_it(signed_line, log_lines):
    from tests.handlers.test_handler_subscribe import envelope

    signed_line.subscribe(sqs_batch(("m1", envelope(path="/signed/a"))))
    assert outcomes(log_lines) == ["stored"]


def test_a_body_that_looks_like_publishs_envelope_is_a_body(signed_line):
    from tests.handlers.test_handler_subscribe import envelope

    signed_line.subscribe(direct(envelope(path="/signed/a")))
    (item,) = signed_line.items()
    assert body_of(item).decode() == envelope(path="/signed/a")
    assert "unauthorized_as" in item


def test_a_prefix_without_a_secret_is_refused_at_the_start():
    with pytest.raises(RuntimeError, match="SIGNING_SECRET is empty"):
        load("subscribe", TABLE_NAME="deliveries", SIGNED_PREFIX="/signed/")


def test_the_door_hands_on_every_header_that_is_kept_or_judged(line):
    senders = line.subscribe_app.envelope.__globals__["signed_by"].__globals__
    judged = {scheme.signature for scheme in senders["SCHEMES"]}
    assert set(KEPT.split()) == senders["KEPT_HEADERS"] | judged


def outcomes(log_lines) -> list[str]:
    return [entry["outcome"] for entry in log_lines() if entry["event"] == "record_finish" and
            entry["function"] == "webhook-lab-subscribe"]  # fmt: skip
