"""Whatever is sent comes out of the table as it went in, or is refused whole."""

import gzip
import hashlib
import json
import random

import pytest

from tests.handlers.conftest import body_of, http
from tests.handlers.fake_aws import ITEM_LIMIT, SQS_LIMIT, item_size

BODIES = {
    "empty": b"",
    "one NUL": b"\0",
    "text with control characters": b"a\x01\x08\x0b\x1fz",
    "tab, return and newline": b"\t\r\n\r\n\t",
    "DEL and C1 controls": "\x7f\x80\x9f".encode(),
    "U+FFFE": "\ufffe".encode(),
    "U+FFFF": "\uffff".encode(),
    "byte order mark": b"\xef\xbb\xbf{}",
    "replacement character": "\ufffd".encode(),
    "half a surrogate pair": b'{"a": "\xed\xa0\x80"}',
    "escaped half of a surrogate pair": rb'{"a": "\ud800"}',
    "invalid UTF-8": b"\xff\xfe\x80 caf\xe9",
    "cut-off UTF-8": "é".encode()[:1],
    "overlong NUL": b"\xc0\x80",
    "UTF-16": "hello".encode("utf-16"),
    "gzip": gzip.compress(b"hello", mtime=0),
    "every byte": bytes(range(256)),
    "form": b"payload=%7B%22a%22%3A+1%7D&b=+&b=%2B",
    "XML": "<?xml version='1.0'?><a b=\"c\">]]>&amp;é</a>".encode(),
    "duplicate keys": b'{"id": 1, "id": 2}',
    "huge number": b'{"n": ' + b"9" * 5000 + b"}",
    "not a number": b'{"n": NaN}',
    "spaces at both ends": b"  {} \n",
    "beyond the BMP": "🪝🏴󠁧󠁢󠁥󠁮󠁧󠁿".encode(),
    "not normalised": "e\u0301 \u212b".encode(),
    "quotes and backslashes": rb"""\"'\\u0000\n""" * 100,
    "16-level nest": b"[" * 16 + b"]" * 16,
    "20,000-level nest": b"[" * 20_000 + b"]" * 20_000,
    "20,000-level object": b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    "looks like base64": b"aGVsbG8=",
    "an envelope": b'{"id": "x", "body": "y", "body_is_base64": true}',
    "a megabyte of text would not fit, this does": b"x" * 300_000,
    "binary near the limit": random.Random(2).randbytes(300_000),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_comes_out_of_the_table_byte_for_byte(line, body):
    assert line.publish(http("/any", body))[0] == 202
    assert line.subscribe() == []
    (item,) = line.items()
    assert body_of(item) == body
    assert item["body_sha256"] == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_no_body_upsets_the_search_for_an_id_in_it(line, body):
    headers = {"Stripe-Signature": "t=1,v1=00", "X-Slack-Signature": "v0=00"}
    status, answer = line.publish(http("/any", body, headers=headers))
    assert status == 202
    assert answer["id"].startswith("stripe:x#/any" if body == BODIES["an envelope"] else "lab:")
    assert body_of(line.envelopes()[0]) == body


def test_text_that_sqs_takes_stays_readable_and_the_rest_is_base64(line):
    for body in BODIES.values():
        line.publish(http("/any", body))
    as_base64 = {name for name, e in zip(BODIES, line.envelopes(), strict=True) if e["body_is_base64"]}
    assert as_base64 == {
        "one NUL", "text with control characters", "U+FFFE", "U+FFFF", "half a surrogate pair",
        "invalid UTF-8", "cut-off UTF-8", "overlong NUL", "UTF-16", "gzip", "every byte",
        "binary near the limit",
    }  # fmt: skip


@pytest.mark.parametrize("flag", [False, None])
def test_a_body_that_arrives_as_text_is_its_utf_8_bytes(line, flag):
    line.publish({**http("/any"), "body": "é\r\n🪝", "isBase64Encoded": flag})
    line.subscribe()
    assert body_of(line.items()[0]) == "é\r\n🪝".encode()


def test_broken_text_in_an_event_made_by_hand_is_kept(line):
    line.publish({**http("/a\ud800b"), "body": "\ud83e", "isBase64Encoded": False})
    assert line.subscribe() == []
    (item,) = line.items()
    assert item["path"] == "/a\ufffdb"
    assert body_of(item) == "\ud83e".encode(errors="surrogatepass")


def biggest(line, event_of, low=0, high=ITEM_LIMIT) -> int:
    """The size of the biggest body that is accepted, found by asking."""
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if line.publish(event_of(middle))[0] == 202 else (low, middle - 1)
    line.aws.clear()
    return low


GITHUB = {"X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958", "Content-Type": "application/json"}
LIMITS = {
    "text": lambda size: http("/any", b"x" * size, headers=GITHUB),
    "quotes, which JSON escapes": lambda size: http("/any", b'"' * size, headers=GITHUB),
    "newlines": lambda size: http("/any", b"\n" * size, headers=GITHUB),
    "two-byte letters": lambda size: http("/any", "é".encode() * (size // 2), headers=GITHUB),
    "binary": lambda size: http("/any", b"\xff" * size, headers=GITHUB),
    "a long path": lambda size: http("/" + "é" * 20_000, b"x" * size, headers=GITHUB),
    "a digest for an id": lambda size: http("/any", b"x" * size, headers={"webhook-id": "é" * 300}),
}


@pytest.mark.parametrize("event_of", LIMITS.values(), ids=LIMITS.keys())
def test_a_body_at_the_limit_is_stored_and_a_duplicate_and_a_conflict_of_it_too(line, event_of):
    size = biggest(line, event_of)
    assert line.publish(event_of(size))[0] == 202
    assert line.publish(event_of(size))[0] == 202
    conflict = json.loads(next(iter(line.aws.messages.values())))
    conflict |= {"body": "", "body_is_base64": False, "body_sha256": hashlib.sha256(b"").hexdigest()}
    line.aws.messages["the-conflict-comes-first"] = json.dumps(conflict)
    line.aws.messages = dict(sorted(line.aws.messages.items(), reverse=True))
    assert line.subscribe() == []
    assert len(line.aws.items) == 2
    assert max(map(item_size, line.aws.items.values())) <= ITEM_LIMIT


@pytest.mark.parametrize("event_of", LIMITS.values(), ids=LIMITS.keys())
def test_a_body_past_the_limit_gets_413_with_the_limit_and_is_not_queued(line, event_of):
    event = event_of(biggest(line, event_of) + 2)
    status, answer = line.publish(event)
    assert status == 413
    assert answer["limit"] == ITEM_LIMIT < answer["size"] < ITEM_LIMIT + 8
    assert str(ITEM_LIMIT) in answer["error"]
    assert line.aws.messages == {}


def test_the_largest_bodies_of_a_request_without_headers(line):
    assert biggest(line, lambda size: http("/", b"x" * size)) == 405_218
    assert biggest(line, lambda size: http("/", b"\xff" * size)) == 303_912


def test_what_fits_the_item_fits_the_message_even_if_every_character_is_escaped(line):
    event_of = LIMITS["quotes, which JSON escapes"]
    line.publish(event_of(biggest(line, event_of)))
    (message,) = line.aws.messages.values()
    assert 2 * 400_000 < len(message) < SQS_LIMIT


def test_ninety_duplicates_of_the_largest_delivery_find_room(line):
    event = LIMITS["text"](biggest(line, LIMITS["text"]))
    for _ in range(91):
        line.publish(event)
    assert line.subscribe() == []
    (item,) = line.items()
    assert len(item["delivered_by"]) == 91
