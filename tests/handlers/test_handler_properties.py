"""Both handlers, and how deliveries are signed, against whatever hypothesis makes up."""

import base64
import json
import time
from datetime import UTC, datetime

import boto3
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.handlers.conftest import QUEUE_URL, body_of, http, load, sqs_batch
from webhook_lab.send.signing import github_headers, standard_webhooks_headers
from webhook_lab.watch.items import plain_item

SECRET = "whsec_" + base64.b64encode(b"a secret of thirty-two bytes....").decode()
anything = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
names = st.from_regex(r"[A-Za-z0-9-]{1,20}", fullmatch=True)
headers = st.dictionaries(names, st.text(max_size=40), max_size=5)
queries = st.none() | st.dictionaries(
    st.text(max_size=9), st.lists(st.text(max_size=9), max_size=3), max_size=3
)
plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=9)


@anything
@given(path=st.text(max_size=60), body=st.binary(max_size=400), headers=headers, query=queries)
def test_any_request_is_answered_and_what_is_accepted_comes_out_as_it_went_in(
    line, path, body, headers, query
):
    line.aws.clear()
    status, answer = line.publish(http(path, body, headers=headers, query=query))
    assert status == 202
    assert line.subscribe() == []
    (item,) = line.items()
    assert (item["id"], body_of(item)) == (answer["id"], body)


@anything
@given(path=st.text(max_size=20), body=st.text(max_size=200), headers=headers)
def test_text_that_api_gateway_did_not_encode_comes_out_too(line, path, body, headers):
    line.aws.clear()
    event = {**http(path, b"", headers=headers), "body": body, "isBase64Encoded": False}
    assert line.publish(event)[0] == 202
    assert line.subscribe() == []
    assert body_of(line.items()[0]) == body.encode()


@anything
@given(bodies=st.lists(st.text(max_size=80), min_size=1, max_size=6), good=st.integers(0, 3))
def test_of_any_batch_exactly_what_is_no_envelope_fails_and_the_rest_is_stored(line, bodies, good):
    line.aws.clear()
    for n in range(good):
        line.publish(http("/", b"%d" % n, headers={"webhook-id": str(n)}))
    sound = dict(line.aws.messages)
    strange = {f"strange-{n}": body for n, body in enumerate(bodies)}
    assert line.subscribe(sqs_batch(*strange.items(), *sound.items())) == list(strange)
    assert {item["message_id"] for item in line.items()} == sound.keys()


@anything
@given(
    fields=st.dictionaries(st.sampled_from(["id", "body", "body_is_base64", "received_at", "path"]), values)
)
def test_an_envelope_that_was_altered_anyhow_fails_alone_or_is_stored_whole(line, fields):
    """Its types too: what a handler of another version, or nobody, would have written."""
    line.aws.clear()
    line.publish(http("/", b"as sent"))
    (envelope,) = line.envelopes()
    altered = json.dumps({**envelope, **fields})
    failed = line.subscribe(sqs_batch(("altered", altered), ("sound", json.dumps(envelope))))
    assert failed in ([], ["altered"])
    stored = [plain_item(item) for item in line.aws.items.values()]  # of any type
    assert all(body_of(item) == b"as sent" for item in stored)
    assert stored


@pytest.fixture(scope="module")
def signed_app():
    return load("publish", QUEUE_URL=QUEUE_URL, SIGNED_PREFIX="/", SIGNING_SECRET=SECRET)


@pytest.fixture
def signed_line(line, signed_app, monkeypatch):
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", line.aws.session)
    monkeypatch.setattr(line, "publish_app", signed_app)
    return line


@anything
@given(
    text=st.text(max_size=200), own=names, flip=st.integers(0, 10_000), scheme=st.sampled_from(["sw", "gh"])
)
def test_what_its_sender_signed_is_accepted_and_one_byte_of_difference_is_not(
    signed_line, text, own, flip, scheme
):
    signed_line.aws.clear()
    body, at = text.encode(), datetime.fromtimestamp(int(time.time()), UTC)
    signed = (
        standard_webhooks_headers(SECRET, body, delivery_id=own, at=at)
        if scheme == "sw"
        else github_headers(SECRET, body, delivery_id=own)
    )
    assert signed_line.publish(http("/", body, headers=signed))[0] == 202
    other = bytearray(body or b"x")
    other[flip % len(other)] ^= 1 << flip % 8
    altered = [(bytes(other), signed)]
    if scheme == "sw":
        altered += [(body, {**signed, "webhook-id": own + "x"}), (body, {**signed, "webhook-timestamp": "1"})]
        later = str(int(signed["webhook-timestamp"]) + 1)
        altered.append((body, {**signed, "webhook-timestamp": later}))
    for sent, told in altered:
        assert signed_line.publish(http("/", sent, headers=told))[0] == 401
    assert len(signed_line.aws.messages) == 1
