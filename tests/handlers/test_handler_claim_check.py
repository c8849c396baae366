"""A body too large for a message goes by way of a bucket: whole, once, and nothing is left over."""

import hashlib
import json
import random

import boto3
import pytest

from tests.handlers.conftest import QUEUE_URL, Line, fake_aws, http, load, sqs_batch
from tests.handlers.fake_aws import ITEM_LIMIT, Killed, item_size

BUCKET = "webhook-lab-bodies-000000000000-us-east-1"
LARGE = random.Random(7).randbytes(4_500_000)
HEADERS = {"webhook-id": "msg_large"}


@pytest.fixture(scope="module")
def claiming() -> Line:
    publish = load("publish", QUEUE_URL=QUEUE_URL, CLAIM_CHECK=BUCKET)
    return Line(publish, load("subscribe", TABLE_NAME="deliveries", CLAIM_CHECK=BUCKET), fake_aws())


@pytest.fixture
def line(claiming: Line) -> Line:
    claiming.aws.clear()
    return claiming


def deliver(line: Line, body: bytes = LARGE, headers: dict = HEADERS) -> int:
    return line.publish(http("/large", body, headers=headers))[0]


def everything_is_known(line: Line) -> None:
    """Each body in the bucket is one that an item names, and each item's is there, whole."""
    claims = [item["body_claim"] for item in line.items() if "body_claim" in item]
    assert {(claim["bucket"], claim["key"]) for claim in claims} == set(line.aws.objects)
    for (_, key), body in line.aws.objects.items():
        assert key == hashlib.sha256(body).hexdigest()


def test_every_client_is_there_before_the_first_event(line, monkeypatch):
    """Making one takes a slow function seconds, which count for its timeout from the first event on."""

    def late(*_, **__):
        raise AssertionError("a client is made while an event waits")

    for name in ("client", "resource"):
        monkeypatch.setattr(boto3, name, late)
        monkeypatch.setattr(boto3.Session, name, late)
    assert deliver(line) == 202
    assert line.subscribe() == []
    everything_is_known(line)


BODIES = {
    "text": b"x" * 500_000,
    "binary": random.Random(1).randbytes(310_000),
    "much": LARGE,
    "quotes": b'"' * 450_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_large_body_comes_to_the_bucket_and_the_item_says_where(line, body):
    assert deliver(line, body) == 202
    (envelope,) = line.envelopes()
    assert (envelope["body"], envelope["body_claim"]["size"]) == ("", len(body))
    assert line.subscribe() == []
    (item,) = line.items()
    assert item["body_sha256"] == item["body_claim"]["key"] == hashlib.sha256(body).hexdigest()
    assert line.aws.objects == {(BUCKET, item["body_sha256"]): body}
    assert item_size(next(iter(line.aws.items.values()))) < 8_192


def test_what_fits_a_message_goes_in_it_as_ever(line):
    assert deliver(line, b"x" * 300_000) == 202
    assert line.subscribe() == []
    assert line.aws.objects == {}
    assert "body_claim" not in line.items()[0]


def test_what_surrounds_the_body_has_to_fit_all_the_same(line):
    status, answer = line.publish(http("/" + "a" * ITEM_LIMIT, LARGE))
    assert (status, line.aws.objects, line.aws.messages) == (413, {}, {})
    assert answer["limit"] == ITEM_LIMIT


def test_a_body_that_the_bucket_does_not_take_is_not_promised(line):
    line.aws.refuse["PutObject"] = "AccessDenied"
    with pytest.raises(Exception, match="AccessDenied"):
        deliver(line)
    assert line.aws.messages == {}


@pytest.mark.parametrize("operation", ["PutObject", "SendMessage"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_publish_killed_at_any_write_and_asked_again_leaves_nothing_behind(line, moment, operation):
    line.aws.dies = (moment, operation)
    with pytest.raises(Killed):
        deliver(line)
    assert len(line.aws.messages) <= len(line.aws.objects), "no message claims what is not there"
    line.aws.dies = None
    assert deliver(line) == 202  # nobody was answered, so the sender sends again
    assert line.subscribe() == []
    assert len(line.items()) == len(line.aws.objects) == 1
    everything_is_known(line)


@pytest.mark.parametrize("operation", ["GetObject", "PutItem"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_subscribe_killed_at_any_step_and_given_it_again_leaves_nothing_behind(line, moment, operation):
    deliver(line)
    line.aws.dies = (moment, operation)
    with pytest.raises(Killed):
        line.subscribe()
    line.aws.dies = None
    assert line.subscribe() == []
    assert len(line.items()) == 1
    everything_is_known(line)


@pytest.mark.parametrize("spoilt", ["gone", "altered"])
def test_a_claim_that_cannot_be_redeemed_is_a_failed_message_and_no_item(line, spoilt):
    deliver(line)
    ((place, body),) = line.aws.objects.items()
    line.aws.objects = {} if spoilt == "gone" else {place: body[:-1] + b"?"}
    assert line.subscribe() == list(line.aws.messages)
    assert line.items() == []


def test_the_same_again_is_a_duplicate_and_another_body_a_conflict(line):
    deliver(line)
    deliver(line)
    deliver(line, LARGE[:-1])
    assert line.subscribe() == []
    kept, conflict = sorted(line.items(), key=lambda item: "conflict_of" in item)
    assert len(kept["delivered_by"]) == 2
    assert conflict["conflict_of"] == kept["id"]
    everything_is_known(line)


def test_a_message_of_before_the_claim_check_is_read_as_ever(line):
    deliver(line, b"small")
    (old,) = line.aws.messages.values()
    assert "body_claim" not in json.loads(old)
    assert line.subscribe(sqs_batch(("m", old))) == []
