"""The pipeline on a cloud: built, restored to where each chapter begins, torn down, strangers left alone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from webhook_lab import sweep
from webhook_lab.aws.errors import Foreign, LabError, PreflightRefused
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.course.chapters import CHAPTERS
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS, Pipeline, Settings, steps_until
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.operations import set_throttle
from webhook_lab.pipeline.packaging import package
from webhook_lab.resources.mapping import Mapping


@pytest.fixture
def pipeline(cloud: Cloud, tmp_path: Path) -> Iterator[Pipeline]:
    made = Pipeline(Session(resolve()), Names("lab-pipeline"), Ledger(tmp_path / "ledger.jsonl"))
    yield made
    made.teardown()
    assert sweep.remaining(made.session, "lab-pipeline") == []


def standing(pipeline: Pipeline) -> set[str]:
    return {key for key in STEPS if pipeline.look_up(key) is not None}


def test_building_twice_changes_nothing_the_second_time(pipeline: Pipeline) -> None:
    pipeline.build()
    before, mark = {key: pipeline.look_up(key) for key in STEPS}, pipeline.session.calls.mark()
    pipeline.build()
    changed = [call.operation for call in pipeline.session.calls.since(mark) if not reads(call.operation)]
    assert changed == []
    assert {key: pipeline.look_up(key) for key in STEPS} == before
    kinds = [step.kind.kind for step in STEPS.values()]
    assert [row.kind for row in pipeline.ledger.open_rows()] == kinds
    assert all(row.id for row in pipeline.ledger.open_rows())


def reads(operation: str) -> bool:
    return operation.startswith(("Get", "List", "Describe"))


def test_every_chapter_finds_exactly_what_it_begins_with_whatever_stood_before(pipeline: Pipeline) -> None:
    for chapter in (*CHAPTERS, *reversed(CHAPTERS)):
        pipeline.restore(chapter.starts_with)
        assert standing(pipeline) == {step.key for step in steps_until(chapter.starts_with)}, chapter.number


def test_restoring_brings_back_the_subscriber_that_another_chapter_has_swapped(pipeline: Pipeline) -> None:
    pipeline.build("mapping")
    wanted = pipeline.look_up("subscribe_function")
    stores_in = {"PGHOST": "127.0.0.1", "PGPASSWORD": "a password"}
    other = replace(pipeline.settings, subscriber="subscribe_postgres", database=stores_in)
    swapped = Pipeline(pipeline.session, pipeline.names, pipeline.ledger, other)
    swapped.ensure("subscribe_function")
    there = pipeline.look_up("subscribe_function")
    assert there.code_sha256 == package("subscribe_postgres").code_sha256_base64 != wanted.code_sha256
    assert stores_in.items() <= there.environment.items()
    pipeline.restore("mapping")
    assert pipeline.look_up("subscribe_function") == wanted


def test_restoring_brings_back_settings_and_handler_code_and_empties_the_queues(pipeline: Pipeline) -> None:
    pipeline.build("mapping")
    wanted = {key: pipeline.look_up(key) for key in STEPS}
    queue, function = pipeline.get("queue"), pipeline.get("publish_function")
    session = pipeline.session
    session.sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "1"})
    session.lambda_.update_function_configuration(FunctionName=function.name, Timeout=3, MemorySize=256)
    session.lambda_.put_function_concurrency(
        FunctionName=pipeline.get("subscribe_function").name, ReservedConcurrentExecutions=1
    )
    pipeline.remove("mapping")
    session.sqs.send_message(QueueUrl=queue.url, MessageBody="left over")
    session.sqs.send_message(QueueUrl=pipeline.get("dlq").url, MessageBody="left over")

    pipeline.restore("mapping")

    restored = {key: pipeline.look_up(key) for key in STEPS}
    for key in set(STEPS) - {"mapping"}:
        assert restored[key] == wanted[key]
    assert replace(restored["mapping"], uuid="") == replace(wanted["mapping"], uuid="")  # type: ignore[type-var]
    for key in ("queue", "dlq"):
        attributes = session.sqs.get_queue_attributes(QueueUrl=pipeline.get(key).url, AttributeNames=["All"])
        assert attributes["Attributes"]["ApproximateNumberOfMessages"] == "0"


def test_the_intent_is_written_before_aws_is_asked(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(pipeline.session.dynamodb, "create_table", killed)
    with pytest.raises(KeyboardInterrupt):
        pipeline.ensure("table")
    assert [(row.kind, row.id) for row in pipeline.ledger.open_rows()] == [("table", None)]


@pytest.mark.parametrize(
    ("key", "instead"),
    [
        ("queue", {"visibility": 2}),  # no such field
        ("queue", {"visibility_timeout": 99_999}),  # refused by preflight
        ("queue", {"receive_wait": 99}),  # refused by SQS
        ("subscribe_function", {"timeout": 0}),  # refused by boto3
    ],
)
def test_what_was_refused_is_not_in_the_ledger(pipeline: Pipeline, key: str, instead: dict[str, int]) -> None:
    pipeline.build("subscribe_role")
    pipeline.remove("queue") if key == "queue" else None
    before = pipeline.ledger.open_rows()
    with pytest.raises(LabError):
        pipeline.ensure(key, **instead)
    assert pipeline.ledger.open_rows() == before
    assert pipeline.look_up(key) is None


def test_what_a_refusal_left_half_made_stays_in_the_ledger(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: object) -> None:
        raise ClientError({"Error": {"Code": "MalformedPolicyDocument", "Message": ""}}, "PutRolePolicy")

    pipeline.build("publish_logs")
    monkeypatch.setattr(pipeline.session.iam, "put_role_policy", refuse)
    with pytest.raises(LabError, match="MalformedPolicyDocument"):
        pipeline.ensure("publish_role")
    assert pipeline.ledger.open_rows()[-1].kind == "role"


@pytest.mark.parametrize(("stands", "wanted"), [(5, 4), (5, 9), (2, 4)])
def test_the_throttle_never_lets_a_mapping_have_more_than_is_reserved(
    pipeline: Pipeline, stands: int, wanted: int
) -> None:
    pipeline.build("mapping")
    pipeline.ensure("subscribe_function", reserved_concurrency=stands)  # as chapter 05's solution, by hand
    pipeline.ensure("mapping", maximum_concurrency=stands)
    mark = pipeline.session.calls.mark()
    set_throttle(pipeline, wanted)
    changes = [call for call in pipeline.session.calls.since(mark) if not reads(call.operation)]
    order = [call.operation for call in changes]
    first = "PutFunctionConcurrency" if wanted > stands else "UpdateEventSourceMapping"
    assert (order[0], len(order)) == (first, 2)
    assert pipeline.look_up("mapping").maximum_concurrency == wanted
    assert pipeline.look_up("subscribe_function").reserved_concurrency == wanted


def test_an_ensure_looks_at_nothing_but_its_own(pipeline: Pipeline) -> None:
    pipeline.build("mapping")
    target = pipeline.session.target
    traits = replace(target.traits, limits_account_concurrency=True)
    pipeline.session.target = replace(target, traits=traits)
    for key, services in (("mapping", {"lambda"}), ("subscribe_function", {"lambda"}), ("queue", {"sqs"})):
        mark = pipeline.session.calls.mark()
        pipeline.ensure(key)
        calls = pipeline.session.calls.since(mark)
        assert {call.service for call in calls} == services
        assert "GetAccountSettings" not in {call.operation for call in calls}


def test_a_strangers_resource_with_one_of_our_names_stops_the_build_and_is_left_alone(
    pipeline: Pipeline,
) -> None:
    sqs, name = pipeline.session.sqs, pipeline.names.dlq
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    try:
        with pytest.raises(Foreign, match=name):
            pipeline.build()
        pipeline.teardown()
        assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    finally:
        sqs.delete_queue(QueueUrl=url)


def test_what_aws_would_refuse_is_refused_before_it_is_asked(pipeline: Pipeline) -> None:
    pipeline.settings = Settings(batch_size=11)
    with pytest.raises(PreflightRefused, match="Maximum batch window"):
        pipeline.build()
    assert pipeline.look_up("mapping") is None
    pipeline.settings = Settings(maximum_concurrency=1)
    with pytest.raises(LabError, match="valid min value: 2"):
        pipeline.build()


def test_our_own_settings_give_no_finding_but_where_functions_run(pipeline: Pipeline) -> None:
    pipeline.build()
    assert {finding.rule for finding in pipeline.preflight()} <= {"runtime here"}


def test_preflight_notices_what_this_target_does_not_check(pipeline: Pipeline) -> None:
    pipeline.build()
    name = pipeline.names.function("publish")
    policy_free = pipeline.session.lambda_
    policy_free.remove_permission(FunctionName=name, StatementId="webhook-lab-front-door")
    pipeline.ensure("subscribe_role", policy=None)
    assert {"API permission", "mapping role"} <= {finding.rule for finding in pipeline.preflight()}


def test_a_visibility_timeout_lowered_behind_the_mapping_is_a_warning_and_refused_at_its_next_change(
    pipeline: Pipeline,
) -> None:
    pipeline.build("mapping")
    url = pipeline.get("queue").url
    pipeline.session.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "10"})
    [found] = [each for each in pipeline.preflight() if each.rule == "visibility timeout"]
    assert (found.level, found.said[:14]) == ("warning", "as it stands: ")
    assert "visibility timeout: 10 seconds is less than Function timeout: 30 seconds" in found.said
    with pytest.raises(LabError, match="visibility timeout: 10 seconds"):
        pipeline.ensure("mapping", batch_size=5)
    assert pipeline.look_up("mapping").batch_size == 10


def test_preflight_adds_up_the_mappings_of_one_function(pipeline: Pipeline) -> None:
    pipeline.build("mapping")
    lambda_, function = pipeline.session.lambda_, pipeline.get("subscribe_function")
    policy, arn = json.dumps(pipeline.get("subscribe_role").policy), pipeline.get("queue").arn
    pipeline.ensure("subscribe_role", policy=json.loads(policy.replace(arn, f"{arn}*")))  # the DLQ too
    other = lambda_.create_event_source_mapping(
        FunctionName=function.name, EventSourceArn=pipeline.get("dlq").arn,
        ScalingConfig={"MaximumConcurrency": 3},
    )["UUID"]  # fmt: skip
    try:
        assert [each.said for each in pipeline.preflight() if each.rule == "over-pull"] == [
            "the function's 2 mappings may run 5 together, and 2 are reserved"
        ]
    finally:
        Mapping.delete(pipeline.session, other)
    assert "over-pull" not in {each.rule for each in pipeline.preflight()}


def test_preflight_notices_a_method_that_no_deployment_has(pipeline: Pipeline) -> None:
    pipeline.build()
    api, apigateway = pipeline.get("api"), pipeline.session.apigateway
    root = next(each for each in apigateway.get_resources(restApiId=api.id)["items"] if each["path"] == "/")
    apigateway.put_method(restApiId=api.id, resourceId=root["id"], httpMethod="GET", authorizationType="NONE")
    [found] = [each for each in pipeline.preflight() if each.rule == "API deployment"]
    assert found.said.endswith(": GET /")
    apigateway.create_deployment(restApiId=api.id, stageName=api.stage)
    assert "API deployment" not in {each.rule for each in pipeline.preflight()}


def test_preflight_knows_that_a_deleted_queues_name_stays_taken(pipeline: Pipeline) -> None:
    pipeline.build("queue")
    pipeline.remove("queue")
    assert "queue name" in {each.rule for each in pipeline.preflight()}
    pipeline.ensure("queue")
    assert "queue name" not in {each.rule for each in pipeline.preflight()}


def test_tearing_down_with_the_ledger_lost_still_removes_everything(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    pipeline.build()
    forgetful = Pipeline(pipeline.session, pipeline.names, Ledger(tmp_path / "another.jsonl"))
    assert len(forgetful.teardown().removed) == len(STEPS)
    assert sweep.remaining(pipeline.session, "lab-pipeline") == []


def test_an_environment_that_lambda_would_refuse_is_refused_before_anything_is_asked(
    pipeline: Pipeline,
) -> None:
    pipeline.build("publish_role")
    too_long = {"QUEUE_URL": "u", "SIGNING_SECRET": "x" * 4_096}
    with pytest.raises(PreflightRefused, match="exceeded the 4KB limit") as refused:
        pipeline.ensure("publish_function", environment=too_long)
    assert "shorten SIGNING_SECRET" in refused.value.try_this
    assert "xxxx" not in str(refused.value)
    assert pipeline.look_up("publish_function") is None
