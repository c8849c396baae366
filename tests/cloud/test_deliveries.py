"""Any URL, any method, any body: what is answered 202 comes out of the table as it went in, once."""

import base64
import gzip
import json
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest

from webhook_lab.lab import Lab
from webhook_lab.local_cloud import Cloud
from webhook_lab.watch.rows import Answer

NEST = {depth: b"[" * depth + b"]" * depth for depth in (16, 20_000)}
BODIES = {
    "empty": b"",
    "NUL": b"a\x00b",
    "characters that SQS refuses": "\u0001\u000b\ufffe\uffff".encode(),
    "invalid UTF-8": b"\xff\xfe caf\xe9",
    "half a surrogate pair": b"\xed\xa0\x80",
    "gzip": gzip.compress(b"hello", mtime=0),
    "a form": b"a=1+2&b=%2B&a=3",
    "XML": '<?xml version="1.0"?><a b="c">\u00e9&amp;\r\n</a>'.encode(),
    "duplicate JSON keys": b'{"a": 1, "a": 2, "b": 1.0}',
    "16 levels": NEST[16],
    "20,000 levels": NEST[20_000],
    "an emoji": "\U0001f600".encode() * 100,
    "every byte": bytes(range(256)) * 10,
    "quotes and backslashes": b'"\\' * 5_000,
}
KINDS = ({}, {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"})
PATHS = (
    "/", "/hello", "/caf%C3%A9", "/caf\u00e9", "/a%2Fb", "//double//slash", "/a/../b", "/..", "/%00",
    "/cr%0D%0Alf",
    "/a?b=1", "/q?x=1&x=2&empty=&plus=a+b&pct=%2B", "/%", "/[x]", "/" + "long/" * 200,
)  # fmt: skip
IDS = ("plain", " ", "x" * 5_000, "caf\u00e9", "\U0001f600", "a#b", '"quoted"', "a\tb")


@pytest.fixture(scope="module")
def lab(cloud: Cloud) -> Iterator[Lab]:
    opened = Lab.open(chapter="15")
    yield opened
    opened.teardown()


def body_of(item: dict[str, object]) -> bytes:
    text = str(item["body"])
    return base64.b64decode(text) if item["body_is_base64"] else text.encode()


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("headers", KINDS, ids=lambda headers: headers.get("Content-Type", "no type"))
def test_a_body_comes_out_as_it_went_in(lab: Lab, name: str, headers: dict[str, str]) -> None:
    answer = lab.send("/bodies", BODIES[name], headers=headers)
    assert answer.status == 202
    assert body_of(lab.wait_for(answer)) == BODIES[name]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_and_its_query_come_out_as_they_went_in(lab: Lab, path: str) -> None:
    answer = lab.send(path, b"x")
    assert answer.status == 202
    item = lab.wait_for(answer)
    sent, _, query = path.partition("?")
    assert item["path"] == sent.replace("\u00e9", "%C3%A9")  # outside ASCII, a URL is its UTF-8 escapes
    assert item["message"] == f"hello from {item['path']}"
    assert sorted(parse_qsl(item["query"], keep_blank_values=True)) == sorted(
        parse_qsl(query, keep_blank_values=True)
    )


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "POST", "OPTIONS"])
def test_any_method_is_taken(lab: Lab, method: str) -> None:
    answer = lab.send("/methods", b"x" if method not in ("GET", "OPTIONS") else b"", method=method)
    assert lab.wait_for(answer)["method"] == method


@pytest.mark.parametrize("given", IDS, ids=[ascii(given)[:20] for given in IDS])
def test_two_deliveries_with_one_id_are_one_item_whatever_the_id(lab: Lab, given: str) -> None:
    given = given if given.isspace() else given + lab.run
    answers = [lab.send("/ids", b"same", headers={"webhook-id": given}) for _ in range(2)]
    assert [answer.status for answer in answers] == [202, 202]
    if given.isspace():  # an id of nothing is none: each delivery has its own
        assert answers[0].id != answers[1].id
        return
    assert answers[0].id == answers[1].id
    stored_with_both(lab, answers)


def stored_with_both(lab: Lab, answers: list[Answer]) -> None:
    from webhook_lab.aws.retry import retry_until

    ids = {answer.message_id for answer in answers}
    retry_until(
        lambda: True if (lab.item(answers[0]) or {}).get("delivered_by") == ids else None,
        seconds=30,
        reason="both messages to be told apart",
    )


def test_the_limit_is_exact_to_the_byte_and_past_it_nothing_is_queued(lab: Lab) -> None:
    refused = lab.send("/", b"x" * 410_000)
    assert refused.status == 413
    assert refused.json["limit"] == 409_600
    largest = 410_000 - (refused.json["size"] - refused.json["limit"])
    accepted = lab.send("/", b"x" * largest)
    assert accepted.status == 202
    assert body_of(lab.wait_for(accepted)) == b"x" * largest
    over = lab.send("/", b"x" * (largest + 1))
    assert over.status == 413
    assert str(over.json["limit"]) in over.json["error"]
    assert over.message_id is None
    queued = [line for line in lab.logs("publish") if line.get("outcome") == "too_large"]
    assert len(queued) == 2
    assert all(line["message_id"] is None for line in queued)


def test_what_api_gateway_itself_refuses_is_not_queued(lab: Lab) -> None:
    refused = lab.send("/", json.dumps("x" * 10_500_000).encode())
    assert refused.status == 413
