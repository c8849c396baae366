"""subscribe: stored once, however often it comes, and one bad message fails alone."""

import hashlib
import json

import pytest

from tests.handlers.conftest import http, load, sqs_batch
from tests.handlers.fake_aws import plain


def envelope(id_="webhook:msg_1", content=b"{}", **changes) -> str:
    """A message as publish makes it, with some of it changed; `...` leaves a field out."""
    whole = {
        "id": id_, "path": "/a", "method": "POST", "query": "", "headers": {}, "body": content.decode(),
        "body_is_base64": False, "body_sha256": hashlib.sha256(content).hexdigest(),
        "message": "hello from /a", "received_at": 1_795_392_000_000, **changes,
    }  # fmt: skip
    return json.dumps({name: value for name, value in whole.items() if value is not ...})


def test_an_item_tells_the_whole_story(line, log_lines):
    line.publish(http("/a/b", b"{}", headers={"webhook-id": "msg_1", "Content-Type": "application/json"}))
    (message_id,) = line.aws.messages
    assert line.subscribe() == []
    (item,) = line.items()
    times = [item.pop(name) for name in ("received_at", "started_at", "finished_at")]
    assert times == sorted(times)
    assert item.pop("expires_at") == times[-1] // 1000 + 7 * 86_400
    assert item == {
        "id": "webhook:msg_1#/a/b", "path": "/a/b", "method": "POST", "query": "",
        "headers": {"webhook-id": "msg_1", "content-type": "application/json"},
        "body": "{}", "body_is_base64": False, "body_sha256": hashlib.sha256(b"{}").hexdigest(),
        "message": "hello from /a/b", "queued_at": 1_795_392_000_500, "receive_count": 1,
        "message_id": message_id, "function_request_id": "a-request-id", "delivered_by": [message_id],
    }  # fmt: skip


def test_a_retry_of_the_same_delivery_is_stored_once(line, log_lines):
    assert line.subscribe(sqs_batch(("m1", envelope()), ("m2", envelope(received_at=1)))) == []
    assert outcomes(log_lines) == ["stored", "duplicate"]
    (item,) = line.items()
    assert (item["message_id"], item["delivered_by"]) == ("m1", ["m1", "m2"])


def test_a_message_that_the_queue_delivers_again_counts_once(line, log_lines):
    for receive_count in (1, 2, 3):
        assert line.subscribe(sqs_batch(("m1", envelope()), receive_count=receive_count)) == []
    line.subscribe(sqs_batch(("m2", envelope())))
    line.subscribe(sqs_batch(("m2", envelope()), receive_count=2))
    assert outcomes(log_lines) == ["stored", "redelivered", "redelivered", "duplicate", "redelivered"]
    (item,) = line.items()
    assert (item["receive_count"], item["delivered_by"]) == (1, ["m1", "m2"])


def test_the_same_id_with_another_body_is_kept_as_a_conflict_and_kept_once(line, log_lines):
    other = hashlib.sha256(b"[]").hexdigest()
    line.subscribe(sqs_batch(("m1", envelope())))
    for message_id in ("m2", "m2", "m3"):
        assert line.subscribe(sqs_batch((message_id, envelope(content=b"[]")))) == []
    assert outcomes(log_lines) == ["stored", "conflict", "conflict", "conflict"]
    first, conflict = line.items()
    assert (first["body"], first["delivered_by"]) == ("{}", ["m1"])
    assert conflict["id"] == f"webhook:msg_1#conflict:{other[:16]}"
    assert conflict["conflict_of"] == "webhook:msg_1"
    assert (conflict["body"], conflict["delivered_by"]) == ("[]", ["m2", "m3"])


def test_two_conflicts_of_one_delivery_are_both_kept(line):
    line.subscribe(sqs_batch(*((f"m{n}", envelope(content=str(n).encode())) for n in range(3))))
    assert sorted(item["body"] for item in line.items()) == ["0", "1", "2"]


def test_an_item_that_expired_since_its_put_was_refused_is_put_again_and_is_no_conflict(line, log_lines):
    line.subscribe(sqs_batch(("m1", envelope())))
    line.aws.expiring = {"webhook:msg_1"}
    assert line.subscribe(sqs_batch(("m2", envelope()), ("m3", envelope()))) == []
    assert outcomes(log_lines) == ["stored", "stored", "duplicate"]
    (item,) = line.items()
    assert (item["id"], item["delivered_by"]) == ("webhook:msg_1", ["m2", "m3"])


def test_only_the_first_put_and_the_note_of_a_duplicate_are_written(line):
    line.subscribe(sqs_batch(("m1", envelope()), ("m2", envelope())))
    assert line.aws.operations == ["PutItem", "PutItem", "UpdateItem"]


POISON = {
    "not JSON": "hello",
    "empty object": "{}",
    "null": "null",
    "a list": "[1]",
    "a string": '"id"',
    "a 20,000-level nest": "[" * 20_000,
    "no id": envelope(id_=...),
    "an empty id": envelope(id_=""),
    "an id that is no text": envelope(id_=7),
    "a null id": envelope(id_=None),
    "an id longer than a key": envelope(id_="a" * 2_049),
    "no body": envelope(body_sha256=..., path=...),
    "a body that does not match its digest": envelope(body_sha256="0" * 64),
    "a body that is no base64": envelope(body_is_base64=True, body="!"),
    "a number for a body": envelope(body=7),
    "a time that is no number": envelope(received_at="soon"),
    "a number that no table holds": envelope(received_at=10**60 + 1),
    "a fraction in its headers": envelope(headers={"a": 0.5}),
    "larger than an item": envelope(content=b"x" * 409_600),
}


@pytest.mark.parametrize("message", POISON.values(), ids=POISON.keys())
def test_a_poison_message_fails_alone(line, log_lines, message):
    batch = sqs_batch(("m1", envelope("lab:1")), ("poison", message), ("m2", envelope("lab:2")))
    assert line.subscribe(batch) == ["poison"]
    assert [item["id"] for item in line.items()] == ["lab:1", "lab:2"]
    assert outcomes(log_lines) == ["stored", "failed", "stored"]


def test_a_record_without_attributes_fails_alone(line):
    batch = sqs_batch(("m1", envelope("lab:1")), ("m2", envelope("lab:2")))
    del batch["Records"][0]["attributes"]
    assert line.subscribe(batch) == ["m1"]


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "ResourceNotFoundException", "ValidationException"]
)
def test_an_error_of_the_table_returns_the_messages_to_the_queue(line, log_lines, code):
    line.aws.refuse["PutItem"] = code
    assert line.subscribe(sqs_batch(("m1", envelope("lab:1")), ("m2", envelope("lab:2")))) == ["m1", "m2"]
    finishes = [each for each in log_lines() if each["event"] == "record_finish"]
    assert all(code in each["error"] for each in finishes)


def test_a_failed_note_of_a_duplicate_fails_that_record_and_stores_nothing_more(line):
    line.subscribe(sqs_batch(("m1", envelope())))
    line.aws.refuse["UpdateItem"] = "ValidationException"
    assert line.subscribe(sqs_batch(("m2", envelope()))) == ["m2"]
    assert line.items()[0]["delivered_by"] == ["m1"]


def test_log_lines_follow_each_record(line, log_lines):
    line.subscribe(sqs_batch(("m1", envelope("lab:1")), ("m2", "poison")))
    lines = log_lines()
    assert [(each["event"], each.get("message_id"), each.get("id")) for each in lines] == [
        ("invocation_start", None, None),
        ("record_start", "m1", "lab:1"),
        ("record_finish", "m1", "lab:1"),
        ("record_start", "m2", None),
        ("record_finish", "m2", None),
        ("invocation_finish", None, None),
    ]
    assert {each["function"] for each in lines} == {"webhook-lab-subscribe"}
    assert {each["request_id"] for each in lines} == {"a-request-id"}
    assert [each["at"] for each in lines] == sorted(each["at"] for each in lines)


def test_records_are_worked_on_one_after_another_for_the_time_that_is_asked(line):
    app = load("subscribe", TABLE_NAME="deliveries", WORK_SECONDS="0.02", TTL_DAYS="0.5")
    app.handler(sqs_batch(("m1", envelope("lab:1")), ("m2", envelope("lab:2"))), Context)
    first, second = map(plain, line.aws.items.values())
    # Times are rounded down to whole milliseconds.
    assert first["finished_at"] - first["started_at"] >= 19
    assert second["started_at"] >= first["finished_at"]
    assert first["expires_at"] == (first["finished_at"] + 43_200_000) // 1000


def test_an_empty_batch_is_no_failure(line):
    assert line.subscribe({"Records": []}) == []


class Context:
    function_name, aws_request_id = "subscribe", "r"


def outcomes(log_lines) -> list[str]:
    return [each["outcome"] for each in log_lines() if each["event"] == "record_finish"]
