"""Each resource on the local cloud: made once, mended when changed by hand, never adopted, quietly gone."""

import hashlib
import json
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError

from tests.cloud.pipe import ECHO, KINDS, NEEDS, TAGS, Pipe, zip_of
from webhook_lab.aws.errors import Foreign, LabError
from webhook_lab.aws.session import Session
from webhook_lab.resources import policies, rest_api
from webhook_lab.resources.queue import Depth, depth, empty_queue
from webhook_lab.resources.rest_api import RestApi
from webhook_lab.resources.role import Role
from webhook_lab.resources.table import Table


def test_what_was_made_is_described_as_it_was_made(pipe: Pipe) -> None:
    made = {kind: pipe.make(kind) for kind in KINDS}
    assert {kind: pipe.describe(kind) for kind in KINDS} == made


def test_making_everything_twice_changes_nothing_the_second_time(pipe: Pipe) -> None:
    first = [pipe.make(kind) for kind in KINDS]
    mark = pipe.calls.mark()
    assert [pipe.make(kind) for kind in KINDS] == first
    asked = {call.method for call in pipe.calls.since(mark)}
    assert {method for method in asked if not method.startswith(("get_", "describe_", "list_"))} == set()


def test_a_second_look_costs_few_calls(pipe: Pipe) -> None:
    for kind in KINDS:
        pipe.make(kind)
    cost = {}
    for kind in KINDS:
        mark = pipe.calls.mark()
        pipe.make(kind)
        cost[kind] = len(pipe.calls.since(mark))
    assert cost == {
        "table": 3,
        "dlq": 3,
        "queue": 3,
        "log_group": 2,
        "role": 2,
        "function": 1,
        "mapping": 3,
        "api": 6,
    }


def test_everything_is_deleted_once_and_quietly_the_second_time(pipe: Pipe) -> None:
    for kind in KINDS:
        pipe.make(kind)
    assert [pipe.delete(kind) for kind in reversed(KINDS)] == [True] * len(KINDS)
    assert [pipe.delete(kind) for kind in reversed(KINDS)] == [False] * len(KINDS)
    assert [pipe.describe(kind) for kind in KINDS] == [None] * len(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_deleting_what_never_was_is_quiet(pipe: Pipe, kind: str) -> None:
    never = {"mapping": str(uuid.uuid4()), "api": "0123456789"}.get(kind, pipe.wanted(kind).name)
    assert not type(pipe.wanted(kind)).delete(pipe.session, never)


# Settings changed by hand. Each changes what the function before it in the list made.


def spoil_table(pipe: Pipe) -> None:
    pipe.session.dynamodb.update_table(
        TableName=pipe.name,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    pipe.session.dynamodb.update_time_to_live(
        TableName=pipe.name, TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"}
    )


def spoil_queue(pipe: Pipe) -> None:
    url = pipe.session.sqs.get_queue_url(QueueName=pipe.name)["QueueUrl"]
    changed = {"VisibilityTimeout": "20", "RedrivePolicy": "", "DelaySeconds": "10"}
    pipe.session.sqs.set_queue_attributes(QueueUrl=url, Attributes=changed)


def spoil_dlq(pipe: Pipe) -> None:
    url = pipe.session.sqs.get_queue_url(QueueName=f"{pipe.name}-dlq")["QueueUrl"]
    changed: Any = {"MessageRetentionPeriod": "60", "ReceiveMessageWaitTimeSeconds": "0"}
    pipe.session.sqs.set_queue_attributes(QueueUrl=url, Attributes=changed)


def spoil_log_group(pipe: Pipe) -> None:
    pipe.session.logs.delete_retention_policy(logGroupName=f"/aws/lambda/{pipe.name}")


def spoil_role(pipe: Pipe) -> None:
    everything = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}], "Version": "2012-10-17"}
    pipe.session.iam.put_role_policy(
        RoleName=pipe.name, PolicyName="webhook-lab", PolicyDocument=json.dumps(everything)
    )
    trust = {**policies.trust_policy(policies.LAMBDA), "Statement": []}
    pipe.session.iam.update_assume_role_policy(RoleName=pipe.name, PolicyDocument=json.dumps(trust))


def spoil_function(pipe: Pipe) -> None:
    pipe.session.lambda_.update_function_code(FunctionName=pipe.name, ZipFile=zip_of("broken"))
    pipe.session.wait("lambda", "function_updated_v2", FunctionName=pipe.name)
    pipe.session.lambda_.update_function_configuration(
        FunctionName=pipe.name, Timeout=3, Environment={"Variables": {}}, Handler="app.nothing"
    )
    pipe.session.lambda_.put_function_concurrency(FunctionName=pipe.name, ReservedConcurrentExecutions=0)


def spoil_mapping(pipe: Pipe) -> None:
    pipe.session.lambda_.update_event_source_mapping(
        UUID=pipe.describe("mapping").uuid,
        BatchSize=1,
        MaximumBatchingWindowInSeconds=1,
        Enabled=False,
        ScalingConfig={},
        FunctionResponseTypes=[],
        FilterCriteria={"Filters": [{"Pattern": json.dumps({"body": ["nothing"]})}]},
    )


def spoil_api(pipe: Pipe) -> None:
    gateway, api_id = pipe.session.apigateway, pipe.describe("api").id
    items = gateway.get_resources(restApiId=api_id)["items"]
    resources = {item["path"]: item["id"] for item in items}
    root: Any = {"restApiId": api_id, "resourceId": resources["/"]}
    gateway.put_method(**root, httpMethod="GET", authorizationType="AWS_IAM")
    gateway.delete_method(**root, httpMethod="ANY")
    gateway.delete_resource(restApiId=api_id, resourceId=resources["/{proxy+}"])
    gateway.create_resource(restApiId=api_id, parentId=resources["/"], pathPart="mine")
    gateway.create_deployment(restApiId=api_id, stageName="prod")
    pipe.session.lambda_.remove_permission(FunctionName=pipe.name, StatementId=rest_api.STATEMENT_ID)


SPOILERS = {
    "table": spoil_table,
    "dlq": spoil_dlq,
    "queue": spoil_queue,
    "log_group": spoil_log_group,
    "role": spoil_role,
    "function": spoil_function,
    "mapping": spoil_mapping,
    "api": spoil_api,
}


@pytest.mark.parametrize("kind", SPOILERS)
def test_settings_changed_by_hand_are_restored(pipe: Pipe, kind: str) -> None:
    made = pipe.make_whole(kind)
    SPOILERS[kind](pipe)
    assert pipe.describe(kind) != made
    assert pipe.make(kind) == made
    assert pipe.describe(kind) == made
    match kind:  # and what no description tells
        case "role":
            role = pipe.session.iam.get_role(RoleName=pipe.name)["Role"]
            (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
            trusted = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
            assert statement == {**trusted, "Action": "sts:AssumeRole"}
        case "mapping":
            assert not pipe.session.lambda_.get_event_source_mapping(UUID=made.uuid).get("FilterCriteria")
        case "queue":
            found = pipe.session.sqs.get_queue_attributes(QueueUrl=made.url, AttributeNames=["DelaySeconds"])
            assert found["Attributes"] == {"DelaySeconds": "0"}


def test_a_role_without_a_policy_loses_the_one_it_had(pipe: Pipe) -> None:
    pipe.make("role")
    bare = Role(pipe.name, None).ensure(pipe.session, TAGS)
    assert bare.policy is None
    assert pipe.describe("role") == bare


def test_a_function_without_a_reservation_gives_it_back(pipe: Pipe) -> None:
    pipe.make_whole("function")
    replace(pipe.wanted("function"), reserved_concurrency=None).ensure(pipe.session, TAGS)  # type: ignore[call-arg]
    assert pipe.describe("function").reserved_concurrency is None


def test_a_policy_added_by_hand_does_not_keep_a_role_alive(pipe: Pipe) -> None:
    pipe.make("role")
    more = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    pipe.session.iam.put_role_policy(RoleName=pipe.name, PolicyName="mine", PolicyDocument=json.dumps(more))
    arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    pipe.session.iam.attach_role_policy(RoleName=pipe.name, PolicyArn=arn)
    assert pipe.delete("role")
    assert pipe.describe("role") is None


# Foreign resources: the same name, other tags or none.


def foreign(pipe: Pipe, kind: str, tags: dict[str, str]) -> None:
    """Make a resource of one kind as a stranger would, with our name and the stranger's tags."""
    session, name = pipe.session, pipe.name
    match kind:
        case "table":
            Table(name).ensure(session, tags)
        case "queue":
            session.sqs.create_queue(QueueName=name, tags=tags)
        case "log_group":
            session.logs.create_log_group(logGroupName=f"/aws/lambda/{name}", tags=tags)
        case "role":
            Role(name, None).ensure(session, tags)
        case "function":
            pipe.make_whole("role")
            session.lambda_.create_function(
                FunctionName=name,
                Runtime="python3.13",
                Role=pipe.describe("role").arn,
                Handler="app.handler",
                Code={"ZipFile": ECHO},
                Tags=tags,
            )
        case "mapping":
            pipe.make_whole("queue")
            pipe.make_whole("function")
            session.lambda_.create_event_source_mapping(
                FunctionName=name, EventSourceArn=pipe.session.target.arn("sqs", name), Tags=tags
            )


@pytest.mark.parametrize("tags", [{}, {"webhook-lab": "someone-else"}], ids=["untagged", "tagged"])
@pytest.mark.parametrize("kind", ["table", "queue", "log_group", "role", "function", "mapping"])
def test_a_foreign_resource_of_our_name_is_neither_adopted_nor_deleted(
    pipe: Pipe, kind: str, tags: dict[str, str]
) -> None:
    foreign(pipe, kind, tags)
    try:
        before = pipe.describe(kind)
        with pytest.raises(Foreign, match="someone else's"):
            pipe.make(kind)
        assert pipe.describe(kind, tags=TAGS) is None
        assert not pipe.delete(kind)
        assert pipe.describe(kind) == before
    finally:
        pipe.delete(kind, tags=None)


def test_a_role_of_our_name_and_tag_under_another_path_is_foreign(pipe: Pipe) -> None:
    Role(pipe.name, None, path="/").ensure(pipe.session, TAGS)
    with pytest.raises(Foreign):
        pipe.make("role")


def test_a_foreign_api_of_our_name_stands_beside_ours(pipe: Pipe) -> None:
    pipe.make_whole("function")
    theirs = pipe.session.apigateway.create_rest_api(name=pipe.name)["id"]
    try:
        ours = pipe.make("api")
        assert ours.id != theirs
        assert pipe.make("api") == ours
        assert pipe.delete("api")
        assert pipe.session.apigateway.get_rest_api(restApiId=theirs)["name"] == pipe.name
    finally:
        pipe.session.apigateway.delete_rest_api(restApiId=theirs)


def test_a_table_of_ours_with_another_key_is_not_used(pipe: Pipe) -> None:
    pipe.session.dynamodb.create_table(
        TableName=pipe.name,
        KeySchema=[{"AttributeName": "other", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "other", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=[{"Key": key, "Value": value} for key, value in TAGS.items()],
    )
    with pytest.raises(LabError, match="its key is 'other', not 'id'"):
        pipe.make("table")


# A kill at any point: whatever was done before it, the next ensure finishes.


@contextmanager
def death_after(changes: int, session: Session) -> Iterator[list[str]]:
    """This process dies before it can send another change; yields the changes that it sent."""
    sent: list[str] = []

    def die(model: Any, **_: Any) -> None:
        if not model.name.startswith(("Get", "List", "Describe")):
            if len(sent) == changes:
                raise KeyboardInterrupt
            sent.append(model.name)

    clients: list[Any] = [session.dynamodb, session.sqs, session.logs, session.iam, session.lambda_]
    for client in (*clients, session.apigateway):
        client.meta.events.register("before-call", die)
    try:
        yield sent
    finally:
        for client in (*clients, session.apigateway):
            client.meta.events.unregister("before-call", die)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("table", ["CreateTable", "UpdateTimeToLive"]),
        ("queue", ["CreateQueue"]),
        ("log_group", ["CreateLogGroup", "PutRetentionPolicy"]),
        ("role", ["CreateRole", "PutRolePolicy"]),
        ("function", ["CreateFunction", "PutFunctionConcurrency"]),
        ("mapping", ["CreateEventSourceMapping"]),
        (
            "api",
            [
                "CreateRestApi",
                "PutMethod",
                "PutIntegration",
                "CreateResource",
                "PutMethod",
                "PutIntegration",
                "AddPermission",
                "CreateDeployment",
            ],
        ),
    ],
)
def test_what_a_kill_left_half_made_is_finished_by_the_next_ensure(
    pipe: Pipe, kind: str, changes: list[str]
) -> None:
    for needed in NEEDS.get(kind, ()):
        pipe.make(needed)
    for count in range(len(changes)):
        with death_after(count, pipe.session) as sent, pytest.raises(KeyboardInterrupt):
            pipe.make(kind)
        assert sent == changes[:count]
        with death_after(100, pipe.session) as sent:
            made = pipe.make(kind)
        assert made == pipe.describe(kind)
        assert [change for change in sent if change != "RemovePermission"] == changes[count:]
        assert pipe.delete(kind)  # the only one: what the kill left was taken up, not made again
        assert pipe.describe(kind) is None
        if kind == "api":
            pipe.session.lambda_.remove_permission(FunctionName=pipe.name, StatementId=rest_api.STATEMENT_ID)


# An answer that is lost on its way: the request was done, and boto3 sends it again.


CLIENTS = ("dynamodb", "sqs", "logs", "iam", "lambda_", "apigateway")


@contextmanager
def answer_lost(change: int, session: Session) -> Iterator[list[str]]:
    """The answer to the change of that number is lost; yields the changes that were sent."""
    sent: list[str] = []

    def begin(model: Any, **_: Any) -> None:
        if not model.name.startswith(("Get", "List", "Describe")):
            sent.append(model.name)

    def lose(client: Any, request: Any, event_name: str, **_: Any) -> None:
        if event_name.endswith(f".{(sent or [''])[-1]}") and len(sent) == change + 1 and not lost:
            lost.append(client._endpoint.http_session.send(request).status_code)
            raise ConnectionClosedError(endpoint_url=request.url)

    lost: list[int] = []
    handlers = [(getattr(session, name), partial(lose, getattr(session, name))) for name in CLIENTS]
    for client, handler in handlers:
        client.meta.events.register("before-call", begin)
        client.meta.events.register("before-send", handler)
    try:
        yield sent
    finally:
        for client, handler in handlers:
            client.meta.events.unregister("before-call", begin)
            client.meta.events.unregister("before-send", handler)
    assert lost or len(sent) <= change


@pytest.mark.parametrize("kind", ["table", "dlq", "queue", "log_group", "role", "function", "mapping", "api"])
def test_what_was_done_and_not_heard_of_is_ours(pipe: Pipe, kind: str) -> None:
    for needed in NEEDS.get(kind, ()):
        pipe.make(needed)
    change, sent = 0, ["the first"]
    while change < len(sent):
        with answer_lost(change, pipe.session) as sent:
            made = pipe.make(kind)
        assert made == pipe.describe(kind)
        deletion, asked = 0, ["the first"]
        while deletion < len(asked):
            with answer_lost(deletion, pipe.session) as asked:
                pipe.delete(kind)
            assert pipe.describe(kind) is None, f"after {asked}"
            deletion += 1
            pipe.make(kind)
        assert pipe.delete(kind)  # the only one
        assert pipe.describe(kind) is None
        change += 1


def test_of_twin_apis_one_stays(pipe: Pipe) -> None:
    """As a creation leaves whose answers were all lost: names of APIs are not unique."""
    for _ in range(2):
        pipe.session.apigateway.create_rest_api(name=pipe.name, tags=TAGS)
    made = pipe.make_whole("api")
    wanted = pipe.wanted("api")
    assert [each.id for each in type(wanted).all_named(pipe.session, pipe.name, TAGS)] == [made.id]


# The front door in use.


def test_any_path_and_any_bytes_reach_the_function_unchanged(pipe: Pipe) -> None:
    api = pipe.make_whole("api")
    url = pipe.session.target.invoke_url(api.id, "prod")
    for path, body in (("/", b""), ("/hello", b'{"a": 1}'), ("/a/b%20c?x=1", bytes(range(256)))):
        request = urllib.request.Request(url + path, data=body, method="PUT")
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 202
            assert answer.read().decode() == hashlib.sha256(body).hexdigest()


def test_binary_media_types_changed_by_hand_are_restored(pipe: Pipe) -> None:
    api = pipe.make_whole("api")
    patch: Any = [{"op": "add", "path": "/binaryMediaTypes/image~1png"}]
    pipe.session.apigateway.update_rest_api(restApiId=api.id, patchOperations=patch)
    made = pipe.make("api")
    assert pipe.session.apigateway.get_rest_api(restApiId=made.id)["binaryMediaTypes"] == ["*/*"]


def test_the_api_is_deployed_again_only_when_the_stage_serves_something_else(pipe: Pipe) -> None:
    def deployments() -> int:
        return len(pipe.session.apigateway.get_deployments(restApiId=api.id)["items"])

    api = pipe.make_whole("api")
    pipe.make("api")
    assert deployments() == 1
    spoil_api(pipe)
    pipe.make("api")
    assert deployments() == 3  # ours, the one made by hand, ours again


def test_a_permission_left_by_an_earlier_api_is_replaced(pipe: Pipe) -> None:
    first = pipe.make_whole("api")
    RestApi.delete(pipe.session, first.id)
    second = pipe.make("api")
    policy = json.loads(pipe.session.lambda_.get_policy(FunctionName=pipe.name)["Policy"])
    arns = [statement["Condition"]["ArnLike"]["AWS:SourceArn"] for statement in policy["Statement"]]
    assert arns == [pipe.session.target.arn("execute-api", f"{second.id}/*/*")]


# Emptying.


def test_an_emptied_queue_holds_nothing_as_often_as_asked(pipe: Pipe) -> None:
    sqs, url = pipe.session.sqs, pipe.make("dlq").url
    for _ in range(2):
        for i in range(23):
            sqs.send_message(QueueUrl=url, MessageBody=str(i))
        assert empty_queue(sqs, url=url) == 23
        assert depth(sqs, url=url) == Depth(0, 0, 0)
    assert empty_queue(sqs, url=url) == 0


def test_a_purge_takes_messages_in_flight_too(pipe: Pipe) -> None:
    sqs, url = pipe.session.sqs, pipe.make("dlq").url
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="received and never deleted")
        sqs.receive_message(QueueUrl=url)
        assert depth(sqs, url=url) == Depth(visible=0, in_flight=1, delayed=0)
        assert empty_queue(sqs, url=url) == 0
        assert empty_queue(sqs, url=url, purge=True) == 1
        assert depth(sqs, url=url) == Depth(0, 0, 0)
