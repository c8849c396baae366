"""Sweep finds what any lab left behind without its ledger, and touches nothing else."""

import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from webhook_lab import sweep
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS, Pipeline
from webhook_lab.pipeline.naming import Names
from webhook_lab.resources.cleanup import Cleanup, Removed
from webhook_lab.resources.policies import MAPPING_ACTIONS
from webhook_lab.resources.role import ROLE_PATH
from webhook_lab.sweep import Found

NAMES, OTHER = Names("sweep-ana"), Names("sweep-ana-maria")
"""Two labs, the name of one the beginning of the other's."""
FOREIGN = "sweep-ana-webhooks-mine"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)
READ_QUEUES = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(MAPPING_ACTIONS), "Resource": "*"}],
    }
)


class Site:
    """Creates bare resources with boto3, as someone else than the library would."""

    def __init__(self, session: Session) -> None:
        self.session, self.made = session, list[Found]()
        self.before = sweep.remaining(session, None)

    def queue(self, name: str, tags: dict[str, str]) -> str:
        anyone = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
        policy = json.dumps(
            {"Version": "2012-10-17", "Statement": [anyone]}
        )  # a mapping's role has to be let
        self.session.sqs.create_queue(QueueName=name, Attributes={"Policy": policy}, tags=tags)
        self.made.append(Found("queue", name, name, ""))
        return f"arn:aws:sqs:{self.session.target.region}:{self.session.target.account}:{name}"

    def table(self, name: str, tags: dict[str, str]) -> None:
        self.session.dynamodb.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=pairs(tags),
        )
        self.made.append(Found("table", name, name, ""))

    def role(self, name: str, tags: dict[str, str], path: str = ROLE_PATH) -> str:
        role = self.session.iam.create_role(
            RoleName=name, Path=path, AssumeRolePolicyDocument=TRUST, Tags=pairs(tags)
        )["Role"]
        self.made.append(Found("role", name, name, ""))
        return role["Arn"]

    def function(self, name: str, tags: dict[str, str], code: str = "def handler(event, context): 1") -> None:
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("app.py", code)
        self.session.lambda_.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=f"arn:aws:iam::{self.session.target.account}:role/anyones",
            Handler="app.handler",
            Timeout=30,
            Code={"ZipFile": archive.getvalue()},
            Tags=tags,
        )
        self.made.append(Found("function", name, name, ""))

    def mapping(self, function: str, queue_arn: str, tags: dict[str, str]) -> None:
        made = self.session.lambda_.create_event_source_mapping(
            FunctionName=function, EventSourceArn=queue_arn, Enabled=False, Tags=tags
        )
        self.made.append(Found("mapping", function, made["UUID"], ""))

    def api(self, name: str, tags: dict[str, str]) -> None:
        made = self.session.apigateway.create_rest_api(name=name, tags=tags)
        self.made.append(Found("api", name, made["id"], ""))

    def log_group(self, name: str, tags: dict[str, str]) -> None:
        self.session.logs.create_log_group(logGroupName=name, tags=tags)
        self.made.append(Found("log_group", name, name, ""))

    def lab(self, names: Names) -> None:
        """A whole lab's resources, in name and tag."""
        tags = names.tags
        self.table(names.table, tags)
        self.queue(names.dlq, tags)
        queue_arn = self.queue(names.queue, tags)
        for handler in ("publish", "subscribe"):
            self.log_group(names.log_group(handler), tags)
            self.role(names.function(handler), tags)
            self.function(names.function(handler), tags)
        self.mapping(names.function("subscribe"), queue_arn, tags)
        self.api(names.api, tags)

    def of_any_lab(self) -> list[Found]:
        """What a sweep for any lab finds, beside what stood before this test."""
        return [item for item in sweep.remaining(self.session, None) if item not in self.before]

    def standing(self) -> set[tuple[str, str]]:
        """(kind, name) of everything there is, whoever made it."""
        s = self.session
        there: dict[str, list[str]] = {
            "queue": [url.rsplit("/", 1)[-1] for url in s.sqs.list_queues().get("QueueUrls", [])],
            "table": s.dynamodb.list_tables()["TableNames"],
            "role": [role["RoleName"] for role in s.iam.list_roles()["Roles"]],
            "function": [each["FunctionName"] for each in s.lambda_.list_functions()["Functions"]],
            "api": [api["name"] for api in s.apigateway.get_rest_apis()["items"]],
            "log_group": [group["logGroupName"] for group in s.logs.describe_log_groups()["logGroups"]],
            "mapping": [
                each["FunctionArn"].split(":")[6]
                for each in s.lambda_.list_event_source_mappings()["EventSourceMappings"]
            ],
        }
        return {(kind, name) for kind, names in there.items() for name in names}


def pairs(tags: dict[str, str]) -> Any:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def kinds(found: Iterable[Found | Removed]) -> list[tuple[str, str]]:
    return [(item.kind, item.name) for item in found]


@pytest.fixture
def site(cloud: Cloud) -> Iterator[Site]:
    """The cloud; what a test made and did not remove is removed after it, foreign things too."""
    site = Site(Session(resolve()))
    site.role("anyones", {}, path="/")
    site.session.iam.put_role_policy(RoleName="anyones", PolicyName="read", PolicyDocument=READ_QUEUES)
    yield site
    sweep.remove(site.session, site.made)


@pytest.fixture
def neighbours(site: Site) -> set[tuple[str, str]]:
    """Things of somebody else, named almost as a lab's or exactly so; none of them may ever be touched."""
    nobody: dict[str, str] = {}
    queue_arn = site.queue(FOREIGN, nobody)
    site.queue("my-sweep-ana", {"team": "sweep-ana"})
    site.queue(f"{OTHER.prefix}-webhooks", {"webhook-lab": "another value"})
    site.table("sweep-ana-deliveries-2", nobody)
    site.table("sweep-analytics-deliveries", nobody)
    site.role("sweep-ana-publish-role", nobody, path="/")
    site.role("sweep-ana-audit-subscribe", nobody, path="/webhook-lab/audit/")
    site.function("sweep-ana-subscribe-2", nobody)
    site.function("my-sweep-ana", nobody)
    site.log_group("/aws/lambda/sweep-ana-subscribe-2", nobody)
    site.log_group("/aws/lambda/sweep-analytics-publish", nobody)
    site.api("sweep-ana-front-door", nobody)
    site.api("my-sweep-ana", nobody)
    site.mapping("sweep-ana-subscribe-2", queue_arn, nobody)
    return {(item.kind, item.name) for item in site.made}


def test_everything_of_one_lab_is_found_by_its_tag_and_removed_in_order(
    site: Site, neighbours: set[tuple[str, str]]
) -> None:
    before = site.standing()
    site.lab(NAMES)
    found = sweep.remaining(site.session, NAMES.prefix)
    assert kinds(found) == [
        ("api", NAMES.api),
        ("mapping", NAMES.function("subscribe")),
        ("function", NAMES.function("publish")),
        ("function", NAMES.function("subscribe")),
        ("role", NAMES.function("publish")),
        ("role", NAMES.function("subscribe")),
        ("queue", NAMES.queue),
        ("queue", NAMES.dlq),
        ("table", NAMES.table),
        ("log_group", NAMES.log_group("publish")),
        ("log_group", NAMES.log_group("subscribe")),
    ]
    assert {item.why for item in found if item.kind != "role"} == {"tag"}
    assert {item.why for item in found if item.kind == "role"} == {"role path"}

    told: list[Found] = []
    assert kinds(sweep.remove(site.session, found, told.append).removed) == kinds(found)
    assert told == found
    assert sweep.remaining(site.session, NAMES.prefix) == []
    assert site.standing() == before >= neighbours


@pytest.mark.parametrize("last", ["dlq", "publish_role", "mapping", "api"])
def test_a_pipeline_abandoned_after_any_step_is_swept_without_its_ledger(
    site: Site, tmp_path: Path, last: str
) -> None:
    before = site.standing()
    Pipeline(site.session, NAMES, Ledger(tmp_path / "lost.jsonl")).build(until=last)
    found = sweep.remaining(site.session, NAMES.prefix)
    assert len(found) == list(STEPS).index(last) + 1
    sweep.remove(site.session, found)
    assert sweep.remaining(site.session, NAMES.prefix) == []
    assert site.standing() == before


def test_one_lab_never_finds_what_belongs_to_a_lab_whose_name_begins_with_its_own(site: Site) -> None:
    site.lab(OTHER)
    assert sweep.remaining(site.session, NAMES.prefix) == []
    assert len(sweep.remaining(site.session, OTHER.prefix)) == 11


def test_a_sweep_for_any_lab_finds_both_and_no_neighbour(
    site: Site, neighbours: set[tuple[str, str]]
) -> None:
    site.lab(NAMES)
    found = site.of_any_lab()
    assert len(found) == 11
    site.role("left-alone", {}, path=ROLE_PATH)
    assert ("role", "left-alone") in kinds(site.of_any_lab())
    sweep.remove(site.session, found)
    assert neighbours <= site.standing()


def test_what_has_exactly_our_names_and_not_our_tag_is_somebody_elses(site: Site) -> None:
    nobody: dict[str, str] = {}
    site.table(NAMES.table, nobody)
    site.queue(NAMES.dlq, nobody)
    queue_arn = site.queue(NAMES.queue, nobody)
    site.api(NAMES.api, nobody)
    for handler in ("publish", "subscribe"):
        site.role(NAMES.function(handler), nobody, path="/")
        site.function(NAMES.function(handler), nobody)
        site.log_group(NAMES.log_group(handler), nobody)
    site.mapping(NAMES.function("subscribe"), queue_arn, nobody)
    assert sweep.remaining(site.session, NAMES.prefix) == []
    assert site.of_any_lab() == []


def test_a_tag_on_a_thing_whose_name_it_does_not_begin_is_not_ours(site: Site) -> None:
    site.queue("orders", NAMES.tags)
    assert sweep.remaining(site.session, NAMES.prefix) == []
    assert site.of_any_lab() == []


def test_a_thing_of_a_later_chapter_is_found_by_its_tag_alone(site: Site) -> None:
    site.queue(f"{NAMES.prefix}-experiment", NAMES.tags)
    assert kinds(site.of_any_lab()) == [("queue", f"{NAMES.prefix}-experiment")]
    assert kinds(sweep.remaining(site.session, NAMES.prefix)) == [("queue", f"{NAMES.prefix}-experiment")]


@pytest.mark.parametrize("prefix", [NAMES.prefix, None])
def test_a_mapping_made_by_hand_follows_the_two_ends_that_are_ours(site: Site, prefix: str | None) -> None:
    queue_arn = site.queue(NAMES.queue, NAMES.tags)
    site.function(NAMES.function("subscribe"), NAMES.tags)
    site.mapping(NAMES.function("subscribe"), queue_arn, {})
    site.function("billing", {})
    site.mapping("billing", queue_arn, {})
    found = site.of_any_lab() if prefix is None else sweep.remaining(site.session, prefix)
    assert [(item.name, item.why) for item in found if item.kind == "mapping"] == [
        (NAMES.function("subscribe"), "name")
    ]


def test_a_mapping_that_outlived_both_its_ends_is_found_by_their_names(site: Site) -> None:
    queue_arn = site.queue(NAMES.queue, NAMES.tags)
    site.function(NAMES.function("subscribe"), NAMES.tags)
    site.mapping(NAMES.function("subscribe"), queue_arn, {})
    site.session.lambda_.delete_function(FunctionName=NAMES.function("subscribe"))
    site.session.sqs.delete_queue(QueueUrl=site.session.sqs.get_queue_url(QueueName=NAMES.queue)["QueueUrl"])
    found = site.of_any_lab()
    assert [(item.kind, item.why) for item in found] == [("mapping", "name")]
    sweep.remove(site.session, found)
    assert sweep.remaining(site.session, NAMES.prefix) == []


def test_a_log_group_that_lambda_made_follows_its_function(site: Site) -> None:
    site.function(NAMES.function("publish"), NAMES.tags)
    site.session.lambda_.invoke(FunctionName=NAMES.function("publish"))
    found = site.of_any_lab()
    assert [(item.kind, item.why) for item in found] == [("function", "tag"), ("log_group", "name")]
    sweep.remove(site.session, found)
    assert site.of_any_lab() == []


def test_a_log_group_whose_function_is_gone_is_found_by_its_exact_name(site: Site) -> None:
    site.log_group(NAMES.log_group("publish"), {})
    site.log_group(OTHER.log_group("publish"), {})
    assert kinds(sweep.remaining(site.session, NAMES.prefix)) == [("log_group", NAMES.log_group("publish"))]
    assert site.of_any_lab() == []


def test_a_function_removed_while_it_runs_brings_no_log_group_back(site: Site, tmp_path: Path) -> None:
    code = """
import pathlib, time
def handler(event, context):
    pathlib.Path(event["started"]).touch()
    deadline = time.monotonic() + 20
    while not pathlib.Path(event["go"]).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    print("late")
"""
    started, go = tmp_path / "started", tmp_path / "go"
    site.function(NAMES.function("publish"), NAMES.tags, code)
    payload = json.dumps({"started": str(started), "go": str(go)})
    invoke = partial(site.session.lambda_.invoke, FunctionName=NAMES.function("publish"), Payload=payload)
    with ThreadPoolExecutor() as pool:
        invocation = pool.submit(invoke)
        retry_until(lambda: started.exists() or None, seconds=20, reason="the function to start")
        sweep.remove(site.session, sweep.remaining(site.session, NAMES.prefix))
        go.touch()
        invocation.result()
    assert sweep.remaining(site.session, NAMES.prefix) == []


def test_removing_what_is_gone_already_is_quiet(site: Site) -> None:
    site.lab(NAMES)
    found = sweep.remaining(site.session, NAMES.prefix)
    assert (len(sweep.remove(site.session, found).removed), sweep.remove(site.session, found)) == (
        11,
        Cleanup(),
    )
    assert sweep.remaining(site.session, NAMES.prefix) == []


def test_a_lab_where_there_is_no_tagging_api_is_found_by_its_names(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.lab(NAMES)
    monkeypatch.setattr(sweep, "_tagged_arns", lambda session, prefix: set())
    assert len(sweep.remaining(site.session, NAMES.prefix)) == 11
    assert len(site.of_any_lab()) == 11
