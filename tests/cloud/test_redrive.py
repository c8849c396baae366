"""Redrive on the local cloud, whole and killed half-way: every message comes out, none is lost."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from tests.cloud.mortal import killed
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.cli import main
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import Pipeline, Settings
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.operations import redrive
from webhook_lab.resources.queue import Depth, depth
from webhook_lab.watch.peek import messages_of

PREFIX = "lab-redriven"
ATTRIBUTES = {
    "kind": {"DataType": "String", "StringValue": "refund"},
    "cents": {"DataType": "Number", "StringValue": "1250"},
    "seal": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
}


@pytest.fixture(scope="module")
def pipeline(
    cloud: Cloud, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Pipeline]:
    """Up to the mapping, which is off: what is in the queue stays there to be looked at."""
    ledger = Ledger(tmp_path_factory.mktemp("redriven") / "ledger.jsonl")
    built = Pipeline(Session(resolve()), Names(PREFIX), ledger, Settings(max_receive_count=100))
    built.build("subscribe_function")
    yield built
    built.teardown()


@pytest.fixture
def lab(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """With empty queues, and known to commands by its name."""
    monkeypatch.setenv("WEBHOOK_LAB_NAME", PREFIX)
    pipeline.restore("subscribe_function")
    return pipeline


def envelope(number: int) -> str:
    """A message as publish writes it."""
    body = json.dumps({"refund": number})
    told: dict[str, Any] = {"id": f"lab:{number}", "path": "/refunds", "method": "POST", "query": ""}
    told |= {"headers": {}, "body": body, "body_is_base64": False, "message": "hello from /refunds"}
    told |= {"body_sha256": hashlib.sha256(body.encode()).hexdigest(), "received_at": time.time_ns() // 10**6}
    return json.dumps(told)


def put_aside(pipeline: Pipeline, bodies: list[str], **more: Any) -> None:
    """Messages in the dead-letter queue."""
    for first in range(0, len(bodies), 10):
        some = bodies[first : first + 10]
        entries: Any = [{"Id": str(i), "MessageBody": body, **more} for i, body in enumerate(some)]
        pipeline.session.sqs.send_message_batch(QueueUrl=pipeline.get("dlq").url, Entries=entries)


def held(pipeline: Pipeline, key: str) -> Depth:
    return depth(pipeline.session.sqs, url=pipeline.get(key).url)


def bodies_in(pipeline: Pipeline, key: str) -> Counter[str]:
    return Counter(each["Body"] for each in messages_of(pipeline.session, queue_url=pipeline.get(key).url))


def redriven() -> dict[str, Any]:
    """What the command says in this process."""
    done = CliRunner().invoke(main, ["redrive", "--json"])
    facts: dict[str, Any] = json.loads(done.stdout)
    assert done.exit_code == (1 if facts["left"] else 0)
    return facts


def test_the_copies_have_the_bodies_and_attributes_of_their_messages(lab: Pipeline) -> None:
    put_aside(lab, ["first", "second"], MessageAttributes=ATTRIBUTES, MessageGroupId="shop-7")
    assert redrive(lab).moved == 2
    assert held(lab, "dlq") == Depth(0, 0, 0)
    every: Any = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    received = lab.session.sqs.receive_message(
        QueueUrl=lab.get("queue").url, MaxNumberOfMessages=10, **every
    )["Messages"]
    assert {each["Body"] for each in received} == {"first", "second"}
    for each in received:
        assert each["MessageAttributes"] == ATTRIBUTES
        assert each["Attributes"]["MessageGroupId"] == "shop-7"
        assert each["Attributes"]["ApproximateReceiveCount"] == "1"


def test_nothing_to_move_is_nothing_wrong(lab: Pipeline) -> None:
    assert redriven() == {"moved": 0, "left": 0}


def test_the_command_says_what_it_did(lab: Pipeline) -> None:
    put_aside(lab, ["one"])
    done = CliRunner().invoke(main, ["redrive"])
    assert done.exit_code == 0, done.output
    assert "Moved  1 message\n" in done.stdout
    assert bodies_in(lab, "queue") == {"one": 1}


@pytest.mark.parametrize("moment", ["before", "after"])
def test_wherever_it_is_killed_each_message_is_in_one_of_the_queues_and_the_next_goes_on(
    lab: Pipeline, moment: str
) -> None:
    bodies = [envelope(number) for number in range(1_000)]
    put_aside(lab, bodies)
    assert killed("StartMessageMoveTask", moment, "redrive")
    aside = bodies_in(lab, "dlq")  # first: SQS goes on with the move, and what is moved now is in the queue
    waiting = bodies_in(lab, "queue")
    assert set(waiting) | set(aside) == set(bodies)
    assert redriven()["left"] == 0
    assert bodies_in(lab, "queue") == Counter(bodies)


def test_a_thousand_are_all_stored_once_each(lab: Pipeline) -> None:
    put_aside(lab, [envelope(number) for number in range(1_000)])
    assert redriven() == {"moved": 1_000, "left": 0}
    lab.ensure("mapping")
    nothing = Depth(0, 0, 0)
    retry_until(lambda: held(lab, "queue") == nothing or None, seconds=120, reason="the queue to be drained")
    pages = lab.session.dynamodb.get_paginator("scan").paginate(TableName=lab.names.table)
    items = [item for page in pages for item in page["Items"]]
    assert {item["id"]["S"] for item in items} == {f"lab:{number}" for number in range(1_000)}
    assert {len(item["delivered_by"]["SS"]) for item in items} == {1}
    assert held(lab, "dlq") == nothing


def test_what_somebody_hides_stays_and_is_said(lab: Pipeline) -> None:
    put_aside(lab, ["hidden", "free"])
    dlq = lab.get("dlq").url
    lab.session.sqs.receive_message(QueueUrl=dlq, VisibilityTimeout=600)
    assert redriven() == {"moved": 1, "left": 1}
