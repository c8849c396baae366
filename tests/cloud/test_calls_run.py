"""A whole pipeline with both of its doors, printed as code, builds the same on an empty cloud; and the code
follows a change.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from webhook_lab.aws.boto3_code import render
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud, private_cloud
from webhook_lab.pipeline import STEPS, Pipeline, Settings
from webhook_lab.pipeline.naming import Names
from webhook_lab.send.sender import Delivery, post

PROJECT = Path(__file__).parents[2]
NAMES = Names("printed")
SECRET = "whsec_cHJpbnRlZCBieSBubyBvbmU="
SETTINGS = Settings(signed_prefix="/signed/", signing_secret=SECRET, visibility_timeout=180)
DIRECT = ("direct_role", "direct_api")
NEVER_EQUAL = {"api_id", "id", "uuid"}
"""What a cloud chooses itself."""


def pipeline_on(cloud: Cloud, folder: Path) -> Pipeline:
    return Pipeline(Session(resolve(cloud.environment())), NAMES, Ledger(folder / "ledger.jsonl"), SETTINGS)


@pytest.fixture(scope="module")
def built(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    pipeline = pipeline_on(cloud, tmp_path_factory.mktemp("built"))
    pipeline.build()
    for key in DIRECT:
        pipeline.ensure(key)
    yield pipeline
    pipeline.teardown()


@pytest.fixture(scope="module")
def printed(built: Pipeline) -> str:
    calls = built.session.calls.since(0)
    return render(calls, zip_sources=built.zip_sources, secrets={SECRET: "SIGNING_SECRET"})


@pytest.fixture
def empty(cloud: Cloud) -> Iterator[Cloud]:
    with private_cloud() as another:
        yield another


def run(code: str, cloud: Cloud) -> None:
    environment = {**os.environ, **cloud.environment(), "SIGNING_SECRET": SECRET}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr


def resources(pipeline: Pipeline) -> dict[str, Any]:
    """Every step's resource as the cloud describes it, without what differs from one cloud to another."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items() if key not in NEVER_EQUAL}
        return (
            value.replace(str(pipeline.session.target.endpoint_url), "") if isinstance(value, str) else value
        )

    def steady(key: str) -> Any:
        found = pipeline.look_up(key)
        return None if getattr(found, "state", "Enabled") != "Enabled" else found

    found = {
        key: retry_until(lambda key=key: steady(key), seconds=20, reason=key) for key in (*STEPS, *DIRECT)
    }  # type: ignore[misc]
    return {key: plain(asdict(resource)) for key, resource in found.items()}


def integrations(pipeline: Pipeline) -> dict[str, Any]:
    """What the direct door does with a request on each path, and what it answers."""
    api = pipeline.get("direct_api")
    items = pipeline.session.apigateway.get_resources(restApiId=api.id, embed=["methods"])["items"]
    kept = ("uri", "credentials", "requestTemplates", "passthroughBehavior", "integrationResponses")
    found = {each["path"]: each["resourceMethods"]["ANY"]["methodIntegration"] for each in items}
    return {path: {key: each[key] for key in kept} for path, each in found.items()}  # type: ignore[literal-required]


def test_it_builds_the_same_resources(printed: str, built: Pipeline, empty: Cloud, tmp_path: Path) -> None:
    run(printed, empty)
    assert resources(pipeline_on(empty, tmp_path)) == resources(built)
    assert integrations(pipeline_on(empty, tmp_path)) == integrations(built)


def test_it_holds_no_id_no_arn_no_address_and_no_secret(printed: str, built: Pipeline) -> None:
    api, target = built.get("api"), built.session.target
    for known in (SECRET, api.id, built.get("mapping").uuid, target.account, target.endpoint_url):
        assert str(known) not in printed
    assert not re.search(r"arn:aws:[a-z0-9-]+:(?!\{region\}|(lambda|sqs):path)", printed)


def test_each_name_is_written_once(printed: str) -> None:
    for name in (NAMES.table, NAMES.queue, NAMES.dlq, NAMES.function("publish"), NAMES.function("subscribe")):
        assert len(re.findall(rf"\b{name}(?![\w-])", printed)) == 1, name


def test_a_setting_and_names_changed_in_one_place_are_followed(printed: str, empty: Cloud) -> None:
    changes = {
        f'"{NAMES.queue}"': '"another-queue"',
        f'"{NAMES.table}"': '"another-table"',
        f'"{NAMES.function("publish")}"': '"another-publish"',
        '"VisibilityTimeout": "180"': '"VisibilityTimeout": "240"',
    }
    for before, after in changes.items():
        assert before in printed
        printed = printed.replace(before, after)
    run(printed, empty)

    session = Session(resolve(empty.environment()))
    queue_url = session.sqs.get_queue_url(QueueName="another-queue")["QueueUrl"]
    attributes = session.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["All"])["Attributes"]
    assert attributes["VisibilityTimeout"] == "240"
    [mapping] = session.lambda_.list_event_source_mappings()["EventSourceMappings"]
    assert mapping["EventSourceArn"] == attributes["QueueArn"]

    apis = session.apigateway.get_rest_apis()["items"]
    assert {api["name"] for api in apis} == {NAMES.api, NAMES.direct}
    for api in apis:
        answer = post(session.target.invoke_url(api["id"], "prod"), Delivery("/hello", b"body", {}))
        assert answer.status == 202
    rows = session.dynamodb.scan

    def stored() -> Any:
        items = rows(TableName="another-table")["Items"]
        return items if len(items) == len(apis) else None

    items = retry_until(stored, seconds=30, reason="both deliveries to be stored")
    assert [item["message"] for item in items] == [{"S": "hello from /hello"}] * 2
