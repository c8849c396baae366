"""Nothing lost and nothing twice, whatever happens to the senders."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cloud import killable_sender
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import Pipeline, Settings
from webhook_lab.pipeline.naming import Names
from webhook_lab.resources.queue import depth
from webhook_lab.send.events import event, events
from webhook_lab.send.run import Run
from webhook_lab.watch.log_lines import LogReader

ROOT = Path(__file__).parents[2]
SECRET = "whsec_" + "QUFB" * 8
LOOKS = 3
"""Queue attributes are approximate: empty is what several looks in a row find empty."""


@pytest.fixture(scope="module")
def pipeline(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    ledger = Ledger(tmp_path_factory.mktemp("send") / "ledger.jsonl")
    settings = Settings(signed_prefix="/signed/", signing_secret=SECRET)
    pipeline = Pipeline(Session(resolve()), Names("send"), ledger, settings)
    pipeline.build()
    yield pipeline
    pipeline.teardown()


def url_of(pipeline: Pipeline) -> str:
    api = pipeline.get("api")
    return pipeline.session.target.invoke_url(api.id, api.stage)


def items(pipeline: Pipeline) -> dict[str, dict[str, Any]]:
    pages = pipeline.session.dynamodb.get_paginator("scan").paginate(
        TableName=pipeline.names.table, ConsistentRead=True
    )
    return {item["id"]["S"]: item for page in pages for item in page["Items"]}


def enqueued(pipeline: Pipeline, since: int) -> set[str]:
    """The SQS messages that the publish function has made since then, by its own lines."""
    group = pipeline.names.log_group("publish")
    reader = LogReader(pipeline.session.logs, log_group=group, since=since, overlap=0)
    return {line["message_id"] for line in reader.read() if line.get("outcome") == "queued"}


def until_empty(pipeline: Pipeline, seconds: float) -> None:
    looks = 0

    def is_empty() -> bool | None:
        nonlocal looks
        found = depth(pipeline.session.sqs, url=pipeline.get("queue").url)
        looks = 0 if found.visible or found.in_flight or found.delayed else looks + 1
        return True if looks >= LOOKS else None

    retry_until(is_empty, seconds=seconds, reason="the queue to be empty")


def test_with_senders_killed_and_restarted_all_that_was_acknowledged_is_stored_once(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    """The soak does it with thousands."""
    n, kills, seconds = 300, 2, 120
    began = int(time.time() * 1000)
    run, share, journal = f"{n:08x}", 0.2, tmp_path / "journal"
    total = n + round(n * share)
    for kill in range(kills + 1):
        command = [sys.executable, "-m", "tests.cloud.killable_sender", url_of(pipeline), SECRET]
        sender = subprocess.Popen([*command, run, str(n), str(share), str(journal)], cwd=ROOT)
        try:
            if kill == kills:
                assert sender.wait(timeout=seconds) == 0
            else:
                enough = total * (kill + 1) // (kills + 1)

                def has_sent_enough(enough: int = enough) -> bool | None:
                    return killable_sender.read(journal)["accepted"].total() >= enough or None

                retry_until(has_sent_enough, seconds=seconds, reason=f"{enough} accepted deliveries")
                assert sender.poll() is None, "it is killed in the middle of its sending"
        finally:
            sender.kill()
            sender.wait()
    told = killable_sender.read(journal)
    until_empty(pipeline, seconds)

    acknowledged, attempted = set(told["accepted"]), set(told["attempted"])
    stored = {id_: item for id_, item in items(pipeline).items() if int(item["received_at"]["N"]) >= began}
    assert len(acknowledged) == n, "the last sender went on until all was accepted"
    assert acknowledged <= stored.keys() <= attempted
    delivered_by = [message for item in stored.values() for message in item["delivered_by"]["SS"]]
    messages = enqueued(pipeline, began)
    assert len(delivered_by) == len(set(delivered_by)) == len(messages)
    assert set(delivered_by) == messages
    assert len(messages) >= told["accepted"].total() == total, "a redelivery is a message of its own"
    assert depth(pipeline.session.sqs, url=pipeline.get("dlq").url).visible == 0


def test_only_genuine_signatures_pass_and_the_rest_is_counted(pipeline: Pipeline) -> None:
    url = url_of(pipeline)
    both = ("standard-webhooks", "github")
    genuine = events(10, secret=SECRET, run="5160ed", providers=both, path="/signed/orders")
    forged = events(10, secret="whsec_" + "QkJC" * 8, run="f0469ed0", providers=both, path="/signed/orders")
    run = Run(url, [*genuine, *forged], compress=1e6).start().wait()
    assert run.counts == {"202": 10, "401": 10}
    assert len(run.answers) == 10
    assert run.attempts["401"] == 5 + 5 * 10, "GitHub gives up at once, Standard Webhooks after ten attempts"
    until_empty(pipeline, 60)
    bodies = {id_: item["body"]["S"].encode() for id_, item in items(pipeline).items()}
    assert {bodies[id_] for id_ in run.answers} == {delivery.body for delivery in genuine}
    assert not {delivery.body for delivery in forged} & set(bodies.values())


def test_the_item_holds_the_bytes_that_the_provider_sent(pipeline: Pipeline) -> None:
    deliveries = [event(provider, 1, secret=SECRET, run="b7e5") for provider in killable_sender.PROVIDERS]
    run = Run(url_of(pipeline), deliveries).start().wait()
    until_empty(pipeline, 60)
    stored = items(pipeline)
    for delivery in deliveries:
        item = stored[delivery.id]
        assert item["body"]["S"].encode() == delivery.body
        assert item["delivered_by"]["SS"] == [run.answers[delivery.id].message_id]
