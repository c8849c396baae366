"""A run watched on the local cloud: what is seen while it goes on, and that table, log and throttle agree."""

import hashlib
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.lab.run import watch_pipeline
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import Pipeline, Settings
from webhook_lab.pipeline.naming import Names
from webhook_lab.watch.concurrency import peak
from webhook_lab.watch.items import plain_item
from webhook_lab.watch.log_lines import line_of
from webhook_lab.watch.rows import Work
from webhook_lab.watch.watch import METRICS, Watch

FAST = Settings(maximum_concurrency=3, reserved_concurrency=3, batch_size=2, work_seconds=0.1)


@pytest.fixture(scope="module")
def pipeline(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    ledger = Ledger(tmp_path_factory.mktemp("observed") / "ledger.jsonl")
    built = Pipeline(Session(resolve()), Names("observed"), ledger, FAST)
    built.build("mapping")
    yield built
    built.teardown()


@pytest.fixture
def restored(pipeline: Pipeline) -> Pipeline:
    """With the settings of `FAST`, and nothing in its queues."""
    pipeline.settings = FAST
    pipeline.restore("mapping")
    return pipeline


@pytest.fixture
def watch(restored: Pipeline) -> Iterator[Watch]:
    watching = watch_pipeline(restored)
    yield watching
    watching._stopping.set()


def message(id_: str) -> str:
    """A message as publish writes it."""
    envelope: dict[str, Any] = {"id": id_, "path": "/hello", "method": "POST", "query": "", "headers": {}}
    envelope |= {"body": "{}", "body_is_base64": False, "body_sha256": hashlib.sha256(b"{}").hexdigest()}
    envelope |= {"message": "hello from /hello", "received_at": time.time_ns() // 1_000_000}
    return json.dumps(envelope)


def queue_up(pipeline: Pipeline, messages: list[str]) -> None:
    for first in range(0, len(messages), 10):
        entries: Any = [
            {"Id": str(n), "MessageBody": body} for n, body in enumerate(messages[first : first + 10])
        ]
        url = pipeline.get("queue").url
        pipeline.session.sqs.send_message_batch(QueueUrl=url, Entries=entries)


def new_ids(count: int) -> list[str]:
    run = uuid.uuid4().hex[:8]
    return [f"lab:{run}-{n}" for n in range(count)]


def items_of(pipeline: Pipeline, ids: list[str]) -> list[dict[str, Any]]:
    found = pipeline.session.dynamodb.scan(TableName=pipeline.names.table, ConsistentRead=True)["Items"]
    return [item for item in map(plain_item, found) if item["id"] in ids]


def over(watch: Watch, ids: list[str], *, seconds: float) -> Watch:
    retry_until(lambda: watch.is_over(ids) or None, seconds=seconds, reason="the run to be over")
    return watch


def values(watch: Watch, metric: str) -> list[float]:
    return [sample.value for sample in watch.samples if sample.metric == metric]


def test_a_run_is_told_from_its_first_message_to_its_last(watch: Watch, restored: Pipeline) -> None:
    ids = new_ids(30)
    mark = restored.session.calls.mark()
    watch.start()
    queue_up(restored, [message(id_) for id_ in [*ids, *ids[:5]]])
    over(watch, ids, seconds=30).stop()
    facts = watch.facts(ids)
    assert 1 <= facts.pop("peak concurrency") <= 3
    not_out = {"waiting": 0, "in flight": 0, "lost": 0}
    assert facts == {"stored": 30, "duplicates": 5, "dead": 0, **not_out}
    now = watch.latest
    assert {now[metric] for metric in ("visible", "in_flight", "delayed", "dlq")} == {0}
    assert (now["stored"], now["duplicates"], now["limit"]) == (30, 5, 3)
    assert {sample.metric for sample in watch.samples} == set(METRICS)
    assert max(values(watch, "in_flight")) <= 3 * 2
    assert max(values(watch, "concurrency")) <= 3
    assert values(watch, "stored") == sorted(values(watch, "stored"))
    for metric in METRICS:
        times = [sample.at for sample in watch.samples if sample.metric == metric]
        assert times == sorted(times)
    assert len(restored.session.calls.since(mark)) == 4, "only the sending is recorded"


def test_table_log_and_throttle_agree(watch: Watch, restored: Pipeline) -> None:
    ids = new_ids(24)
    watch.start()
    queue_up(restored, [message(id_) for id_ in ids])
    over(watch, ids, seconds=30).stop()
    items, invocations = (
        items_of(restored, ids),
        {each.request_id: each for each in watch.history.invocations()},
    )
    assert len(items) == sum(each.records for each in invocations.values()) == 24
    for item in items:
        whole = invocations[item["function_request_id"]]
        assert whole.started_at <= item["started_at"] <= item["finished_at"] <= (whole.finished_at or 0)
    told = [Work(each["id"], "", "", each["started_at"], each["finished_at"], "stored") for each in items]
    assert peak(told) <= peak(invocations.values()) <= 3


def test_what_fails_for_good_is_dead_and_not_lost(watch: Watch, restored: Pipeline) -> None:
    restored.ensure("queue", visibility_timeout=1, max_receive_count=1)
    restored.settings = replace(FAST, visibility_timeout=1)
    ids = new_ids(2)
    broken = message(ids[1]).replace('"{}"', '"{ }"')
    watch.start()
    queue_up(restored, [message(ids[0]), broken])
    # It goes to the dead-letter queue when somebody asks for it again: the mapping does, now and then.
    retry_until(lambda: watch.latest["dlq"] == 1 or None, seconds=30, reason="the message to be dead")
    over(watch, ids, seconds=10).stop()
    facts = watch.facts(ids)
    assert (facts["stored"], facts["dead"], facts["lost"]) == (1, 1, 0)
    assert watch.history.outcomes["failed"] >= 1


def test_the_looks_come_as_often_with_five_thousand_waiting(restored: Pipeline) -> None:
    uuid_ = restored.get("mapping").uuid
    restored.session.lambda_.update_event_source_mapping(UUID=uuid_, Enabled=False)
    queue_up(restored, [message(id_) for id_ in new_ids(5_000)])
    watch = watch_pipeline(restored).start()
    retry_until(lambda: watch.samples[-1].at >= 3 or None, seconds=10, reason="three seconds of samples")
    watch.stop()
    for metric in ("visible", "dlq"):
        assert len(values(watch, metric)) / watch.samples[-1].at >= 4
    assert set(values(watch, "visible")) == {5_000}
    assert watch.is_over([]), "none of them came in this run"


def test_a_line_shows_while_its_invocation_still_runs(restored: Pipeline) -> None:
    restored.settings = replace(FAST, work_seconds=1)
    restored.ensure("subscribe_function")
    [id_], logs = new_ids(1), restored.session.logs
    group, since = restored.names.log_group("subscribe"), time.time_ns() // 1_000_000

    def events() -> list[Any]:
        return list(logs.filter_log_events(logGroupName=group, startTime=since)["events"])

    def lines(word: str) -> list[Any] | None:
        found = [each for each in events() if word in each["message"] and id_ in each["message"]]
        return found or None

    queue_up(restored, [message(id_)])
    retry_until(lambda: lines("record_start"), seconds=10, reason="the line to show")
    assert lines("record_finish") is None, "it takes a second"
    [finish] = retry_until(lambda: lines("record_finish"), seconds=10, reason="the end of the work")
    [start] = lines("record_start") or []
    for event in (start, finish):
        line = line_of(event["message"])
        assert line is not None
        assert 0 <= event["timestamp"] - line["at"] < 500, "stamped when it was written"
    retry_until(
        lambda: any("REPORT" in each["message"] for each in events()) or None, seconds=5, reason="the report"
    )
    of_one_environment = {each["logStreamName"] for each in events()}
    assert len(of_one_environment) == 1


def test_an_invocation_that_is_killed_has_an_end(watch: Watch, restored: Pipeline) -> None:
    restored.settings = replace(FAST, work_seconds=30, batch_size=1)
    restored.ensure("subscribe_function", timeout=1)
    watch.start()
    queue_up(restored, [message(id_) for id_ in new_ids(1)])

    def killed() -> bool | None:
        return any(each.finished_at is not None for each in watch.history.invocations()) or None

    retry_until(killed, seconds=15, reason="the invocation to be killed")
    watch.stop()
    [invocation] = watch.history.invocations()
    assert invocation.records == 0
    assert (invocation.finished_at or 0) - invocation.started_at >= 500


def test_a_cloud_that_does_not_answer_is_said_when_the_watching_stops(restored: Pipeline) -> None:
    watch = watch_pipeline(restored).start()
    watch._queue_url += "-gone"
    with pytest.raises(LabError, match="watch the run"):
        watch.stop()
