"""Event source mappings on the local cloud, as every client sees them: what they read, and by whose leave."""

import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import Pipeline, Settings
from webhook_lab.pipeline.naming import Names
from webhook_lab.resources.queue import Depth, depth
from webhook_lab.watch.fates import fates_in
from webhook_lab.watch.history import History
from webhook_lab.watch.log_lines import read_lines
from webhook_lab.watch.peek import messages_of
from webhook_lab.watch.rows import Fate

pytestmark = pytest.mark.alone
TRAP = Settings(
    function_timeout=1, visibility_timeout=1, max_receive_count=3, work_seconds=0.08, batch_size=5,
    reserved_concurrency=2, maximum_concurrency=None,
)  # fmt: skip
"""Two may run and five read; what is throttled for three seconds is dead."""


@pytest.fixture(scope="module")
def pipeline(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    ledger = Ledger(tmp_path_factory.mktemp("mapped") / "ledger.jsonl")
    built = Pipeline(Session(resolve()), Names("mapped"), ledger)
    built.build("mapping")
    yield built
    built.teardown()


def standing(pipeline: Pipeline, settings: Settings) -> Pipeline:
    pipeline.settings = settings
    pipeline.restore("mapping")
    return pipeline


def send(pipeline: Pipeline, number: int) -> list[str]:
    """Put so many good deliveries into the queue; return the ids of their messages."""
    envelope: dict[str, Any] = {"path": "/", "method": "POST", "query": "", "headers": {}, "message": "hello"}
    envelope |= {"body": "{}", "body_is_base64": False, "body_sha256": hashlib.sha256(b"{}").hexdigest()}
    envelope |= {"received_at": time.time_ns() // 1_000_000}
    sent = []
    for first in range(0, number, 10):
        bodies = [{**envelope, "id": f"lab:{time.time_ns()}-{first + n}"} for n in range(10)]
        entries: Any = [{"Id": str(n), "MessageBody": json.dumps(body)} for n, body in enumerate(bodies)]
        answer = pipeline.session.sqs.send_message_batch(QueueUrl=url_of(pipeline), Entries=entries)
        sent += [each["MessageId"] for each in answer["Successful"]]
    return sent


def url_of(pipeline: Pipeline, key: str = "queue") -> str:
    return str(pipeline.get(key).url)


def state_of(pipeline: Pipeline) -> dict[str, Any]:
    uuid = pipeline.get("mapping").uuid
    return dict(pipeline.session.lambda_.get_event_source_mapping(UUID=uuid))


def drained(pipeline: Pipeline) -> bool | None:
    return depth(pipeline.session.sqs, url=url_of(pipeline)) == Depth(0, 0, 0) or None


def burst(pipeline: Pipeline, number: int) -> list[Fate]:
    """Fill the queue with its mapping off, let it go, and wait until nothing is left in it."""
    pipeline.ensure("mapping", enabled=False)
    since, ids = time.time_ns() // 1_000_000, send(pipeline, number)
    pipeline.ensure("mapping")
    retry_until(lambda: drained(pipeline), seconds=60, reason="the queue to be empty")
    session, group = pipeline.session, pipeline.names.log_group("subscribe")
    begun = History().add(read_lines(session.logs, log_group=group, since=since)).begun
    dlq_url = url_of(pipeline, "dlq")
    return fates_in(session, ids, begun=begun, table=pipeline.names.table, dlq_url=dlq_url)


def test_reserved_concurrency_alone_sends_good_messages_to_the_dlq_that_never_ran(pipeline: Pipeline) -> None:
    fates = burst(standing(pipeline, TRAP), 120)
    never_ran = [fate for fate in fates if fate.never_ran]
    assert never_ran
    assert {fate.receives for fate in never_ran} == {TRAP.max_receive_count}
    assert {fate.place for fate in fates} == {"table", "dlq"}, "each is somewhere"


@pytest.mark.parametrize("reserved", [None, 2])
def test_with_a_maximum_concurrency_none_dies(pipeline: Pipeline, reserved: int | None) -> None:
    settings = replace(TRAP, reserved_concurrency=reserved, maximum_concurrency=2)
    fates = burst(standing(pipeline, settings), 60)
    assert {(fate.place, fate.receives) for fate in fates} == {("table", 1)}


def test_a_role_that_may_not_read_shows_in_the_last_processing_result(pipeline: Pipeline) -> None:
    standing(pipeline, Settings())
    pipeline.ensure("subscribe_role", policy=None)

    def refused() -> str | None:
        said = str(state_of(pipeline)["LastProcessingResult"])
        return said if "AccessDenied" in said else None

    assert "sqs:" in retry_until(refused, seconds=30, reason="the mapping's next poll to be refused")
    send(pipeline, 10)
    pipeline.ensure("subscribe_role")
    retry_until(lambda: drained(pipeline), seconds=30, reason="the mapping to go on")


def test_a_mapping_that_is_gone_or_off_reads_nothing(pipeline: Pipeline) -> None:
    standing(pipeline, Settings())
    pipeline.ensure("mapping", enabled=False)
    sent = send(pipeline, 10)
    assert state_of(pipeline)["State"] == "Disabled"
    pipeline.remove("mapping")
    # Each receive would raise a count, and there is none that shows without one.
    held = messages_of(pipeline.session, queue_url=url_of(pipeline))
    assert {each["MessageId"] for each in held} == set(sent)
    assert {each["Attributes"]["ApproximateReceiveCount"] for each in held} == {"0"}


def test_a_lower_maximum_is_in_force_only_when_no_more_than_that_run(pipeline: Pipeline) -> None:
    settings = Settings(reserved_concurrency=4, maximum_concurrency=4, batch_size=1, work_seconds=0.5)
    standing(pipeline, settings)
    lambda_, uuid = pipeline.session.lambda_, pipeline.get("mapping").uuid
    send(pipeline, 10)

    def four() -> bool | None:
        return depth(pipeline.session.sqs, url=url_of(pipeline)).in_flight == 4 or None

    retry_until(four, seconds=30, reason="four to run at once")
    changed = lambda_.update_event_source_mapping(UUID=uuid, ScalingConfig={"MaximumConcurrency": 2})
    assert changed["State"] == "Updating"
    retry_until(lambda: state_of(pipeline)["State"] == "Enabled" or None, seconds=30, reason="two to be left")
    assert depth(pipeline.session.sqs, url=url_of(pipeline)).in_flight <= 2
    listed = lambda_.list_event_source_mappings(EventSourceArn=pipeline.get("queue").arn)
    assert [each["ScalingConfig"] for each in listed["EventSourceMappings"]] == [{"MaximumConcurrency": 2}]


def test_a_queue_has_one_mapping_to_a_function(pipeline: Pipeline) -> None:
    standing(pipeline, Settings())
    lambda_, mapping, arn = pipeline.session.lambda_, pipeline.get("mapping"), pipeline.get("queue").arn
    with pytest.raises(ClientError, match=f"already exists.*{mapping.uuid}"):
        lambda_.create_event_source_mapping(EventSourceArn=arn, FunctionName=mapping.name)


def no_batch(pipeline: Pipeline) -> dict[str, Any]:
    return {"BatchSize": 11}


def no_json(pipeline: Pipeline) -> dict[str, Any]:
    return {"FilterCriteria": {"Filters": [{"Pattern": "{body: 1}"}]}}


def no_list(pipeline: Pipeline) -> dict[str, Any]:
    return {"FilterCriteria": {"Filters": [{"Pattern": json.dumps({"body": {"path": "/"}})}]}}


def too_short(pipeline: Pipeline) -> dict[str, Any]:
    pipeline.session.sqs.set_queue_attributes(
        QueueUrl=url_of(pipeline), Attributes={"VisibilityTimeout": "29"}
    )
    return {"BatchSize": 9}


def not_let(pipeline: Pipeline) -> dict[str, Any]:
    pipeline.ensure("subscribe_role", policy=None)
    return {"BatchSize": 9}


def absent(pipeline: Pipeline) -> dict[str, Any]:
    pipeline.remove("queue")
    return {"BatchSize": 9}


REFUSED = {
    no_batch: "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than",
    no_json: "Invalid filter pattern definition",
    no_list: "Invalid filter pattern definition",
    too_short: "visibility timeout: 29 seconds is less than Function timeout: 30 seconds",
    not_let: "execution role does not have permissions to call ReceiveMessage on SQS",
    absent: "AWS.SimpleQueueService.NonExistentQueue",
}


@pytest.mark.parametrize("stands", [True, False], ids=["update", "create"])
@pytest.mark.parametrize("spoil", REFUSED, ids=lambda spoil: spoil.__name__)
def test_a_mapping_that_aws_refuses_is_refused_here_too(pipeline: Pipeline, spoil: Any, stands: bool) -> None:
    standing(pipeline, Settings())
    lambda_, mapping, arn = pipeline.session.lambda_, pipeline.get("mapping"), pipeline.get("queue").arn
    if not stands:
        pipeline.remove("mapping")
    asked = spoil(pipeline)
    which = {"UUID": mapping.uuid} if stands else {"EventSourceArn": arn, "FunctionName": mapping.name}
    call = lambda_.update_event_source_mapping if stands else lambda_.create_event_source_mapping
    with pytest.raises(ClientError, match=REFUSED[spoil]) as refused:
        call(**which, **asked)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
    left = lambda_.list_event_source_mappings(FunctionName=mapping.name)["EventSourceMappings"]
    assert [each["BatchSize"] for each in left] == ([10] if stands else [])


def test_what_a_filter_rejects_never_comes_back_though_the_function_fails(pipeline: Pipeline) -> None:
    standing(pipeline, replace(TRAP, max_receive_count=1, maximum_concurrency=2))
    sqs, mapping = pipeline.session.sqs, pipeline.ensure("mapping", enabled=False)
    for kind in ("kept", "rejected", "no JSON"):
        body = kind if kind == "no JSON" else json.dumps({"kind": kind})  # no envelope: the function fails
        sqs.send_message(QueueUrl=url_of(pipeline), MessageBody=body)
    pattern = json.dumps({"body": {"kind": ["kept"]}})
    pipeline.session.lambda_.update_event_source_mapping(
        UUID=mapping.uuid, Enabled=True, FilterCriteria={"Filters": [{"Pattern": pattern}]}
    )
    retry_until(lambda: drained(pipeline), seconds=30, reason="the queue to be empty")
    dead = messages_of(pipeline.session, queue_url=url_of(pipeline, "dlq"))
    assert [each["Body"] for each in dead] == ['{"kind": "kept"}']
