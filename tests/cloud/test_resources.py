"""Each resource on the local cloud: made once, mended when changed by hand, never adopted, quietly gone."""

import hashlib
import io
import json
import urllib.request
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from webhook_lab.aws.errors import Foreign, LabError
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.local_cloud import Cloud
from webhook_lab.resources import (
    event_source_mapping,
    function,
    log_group,
    policies,
    queue,
    rest_api,
    role,
    table,
)

TAGS = {"webhook-lab": "lab-tests"}
PATH = "/webhook-lab/"


@pytest.fixture(scope="module")
def session(cloud: Cloud) -> Session:
    return Session(resolve())


@pytest.fixture
def name() -> str:
    return f"lab-tests-{uuid.uuid4().hex[:8]}"


def zip_of(text: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
    return buffer.getvalue()


ECHO = zip_of(
    "import base64, hashlib\n"
    "def handler(event, context):\n"
    "    body = event.get('body') or ''\n"
    "    raw = base64.b64decode(body) if event.get('isBase64Encoded') else body.encode()\n"
    "    print('ran')\n"
    "    return {'statusCode': 202, 'body': hashlib.sha256(raw).hexdigest()}\n"
)


@dataclass
class Pipe:
    """The pipeline's resources as one test makes them, each by the name of its kind."""

    session: Session
    name: str

    def __post_init__(self) -> None:
        self.calls = self.session.calls

    def make_table(self) -> table.Table:
        return table.ensure_table(self.session.dynamodb, name=self.name, tags=TAGS, wait=self.session.wait)

    def make_dlq(self) -> queue.Queue:
        return self._queue(f"{self.name}-dlq", retention=1_209_600)

    def make_queue(self) -> queue.Queue:
        dlq_arn = self.arn("sqs", f"{self.name}-dlq")
        return self._queue(self.name, retention=345_600, dead_letter_arn=dlq_arn, max_receive_count=5)

    def _queue(self, name: str, **settings: Any) -> queue.Queue:
        return queue.ensure_queue(
            self.session.sqs, name=name, visibility_timeout=180, receive_wait=20, tags=TAGS, **settings
        )

    def make_log_group(self) -> log_group.LogGroup:
        return log_group.ensure_log_group(
            self.session.logs, name=f"/aws/lambda/{self.name}", retention_days=1, tags=TAGS
        )

    def make_role(self) -> role.Role:
        policy = policies.subscribe_policy(
            queue_arn=self.arn("sqs", self.name),
            table_arn=self.arn("dynamodb", f"table/{self.name}"),
            log_group_arn=self.arn("logs", f"log-group:/aws/lambda/{self.name}"),
        )
        return role.ensure_role(self.session.iam, name=self.name, path=PATH, policy=policy, tags=TAGS)

    def make_function(self, reserved_concurrency: int | None = 2) -> function.Function:
        return function.ensure_function(
            self.session.lambda_,
            name=self.name,
            role_arn=f"arn:aws:iam::{self.session.target.account}:role/webhook-lab/{self.name}",
            zip_bytes=ECHO,
            runtime="python3.13",
            timeout=30,
            memory=128,
            environment={"TABLE_NAME": self.name},
            tags=TAGS,
            reserved_concurrency=reserved_concurrency,
            wait=self.session.wait,
        )

    def make_mapping(self) -> event_source_mapping.Mapping:
        return event_source_mapping.ensure_mapping(
            self.session.lambda_,
            function_name=self.name,
            queue_arn=self.arn("sqs", self.name),
            batch_size=10,
            maximum_concurrency=2,
            tags=TAGS,
        )

    def make_api(self) -> rest_api.RestApi:
        return rest_api.ensure_rest_api(
            self.session.apigateway,
            self.session.lambda_,
            name=self.name,
            function_arn=self.arn("lambda", f"function:{self.name}"),
            function_name=self.name,
            region=self.session.target.region,
            account=self.session.target.account,
            tags=TAGS,
        )

    def arn(self, service: str, rest: str) -> str:
        return f"arn:aws:{service}:{self.session.target.region}:{self.session.target.account}:{rest}"

    def make(self, kind: str) -> Any:
        return getattr(self, f"make_{kind}")()

    def describe(self, kind: str, tags: dict[str, str] | None = None) -> Any:
        """As AWS says it is; `tags` None: whosever it is."""
        session, name = self.session, self.name
        ends = {"function_name": name, "queue_arn": self.arn("sqs", name)}
        looks: dict[str, Callable[[], Any]] = {
            "table": lambda: table.describe_table(session.dynamodb, name=name, tags=tags),
            "dlq": lambda: queue.describe_queue(session.sqs, name=f"{name}-dlq", tags=tags),
            "queue": lambda: queue.describe_queue(session.sqs, name=name, tags=tags),
            "log_group": lambda: log_group.describe_log_group(
                session.logs, name=f"/aws/lambda/{name}", tags=tags
            ),
            "role": lambda: role.describe_role(session.iam, name=name, tags=tags),
            "function": lambda: function.describe_function(session.lambda_, name=name, tags=tags),
            "mapping": lambda: event_source_mapping.describe_mapping(session.lambda_, **ends, tags=tags),
            "api": lambda: rest_api.describe_rest_api(session.apigateway, name=name, tags=tags),
        }
        return looks[kind]()

    def delete(self, kind: str) -> bool:
        session, name, logs = self.session, self.name, f"/aws/lambda/{self.name}"
        ends = {"function_name": name, "queue_arn": self.arn("sqs", name)}
        deletes: dict[str, Callable[[], bool]] = {
            "table": lambda: table.delete_table(session.dynamodb, name=name, tags=TAGS, wait=session.wait),
            "dlq": lambda: queue.delete_queue(session.sqs, name=f"{name}-dlq", tags=TAGS),
            "queue": lambda: queue.delete_queue(session.sqs, name=name, tags=TAGS),
            "log_group": lambda: log_group.delete_log_group(session.logs, name=logs, tags=TAGS),
            "role": lambda: role.delete_role(session.iam, name=name, tags=TAGS),
            "function": lambda: function.delete_function(session.lambda_, name=name, tags=TAGS),
            "mapping": lambda: event_source_mapping.delete_mapping(session.lambda_, **ends, tags=TAGS),
            "api": lambda: rest_api.delete_rest_api(session.apigateway, name=name, tags=TAGS),
        }
        return deletes[kind]()

    def make_whole(self, kind: str) -> Any:
        """Ensure one kind and all that it needs."""
        for needed in NEEDS.get(kind, ()):
            self.make(needed)
        return self.make(kind)


KINDS = ("table", "dlq", "queue", "log_group", "role", "function", "mapping", "api")
NEEDS = {
    "queue": ("dlq",),
    "function": ("role",),
    "mapping": ("dlq", "queue", "role", "function"),
    "api": ("role", "function"),
}


@pytest.fixture
def pipe(session: Session, name: str) -> Iterator[Pipe]:
    pipe = Pipe(session, name)
    yield pipe
    for kind in reversed(KINDS):
        pipe.delete(kind)


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
        "mapping": 2,
        "api": 5,
    }


def test_everything_is_deleted_once_and_quietly_the_second_time(pipe: Pipe) -> None:
    for kind in KINDS:
        pipe.make(kind)
    assert [pipe.delete(kind) for kind in reversed(KINDS)] == [True] * len(KINDS)
    assert [pipe.delete(kind) for kind in reversed(KINDS)] == [False] * len(KINDS)
    assert [pipe.describe(kind) for kind in KINDS] == [None] * len(KINDS)


def test_deleting_what_never_was_is_quiet_without_tags_too(session: Session, name: str) -> None:
    assert not table.delete_table(session.dynamodb, name=name, wait=session.wait)
    assert not queue.delete_queue(session.sqs, name=name)
    assert not log_group.delete_log_group(session.logs, name=name)
    assert not role.delete_role(session.iam, name=name)
    assert not function.delete_function(session.lambda_, name=name)
    assert not event_source_mapping.delete_mapping(session.lambda_, uuid=str(uuid.uuid4()))
    assert not rest_api.delete_rest_api(session.apigateway, id="0123456789")


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
    trust = {**policies.LAMBDA_TRUST, "Statement": []}
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


def test_a_trust_policy_changed_by_hand_is_restored(pipe: Pipe) -> None:
    pipe.make_role()
    spoil_role(pipe)
    pipe.make_role()
    found = pipe.session.iam.get_role(RoleName=pipe.name)["Role"]["AssumeRolePolicyDocument"]
    assert found == policies.LAMBDA_TRUST


def test_a_filter_set_by_hand_is_taken_off(pipe: Pipe) -> None:
    pipe.make_whole("mapping")
    spoil_mapping(pipe)
    found = pipe.session.lambda_.get_event_source_mapping(UUID=pipe.make_mapping().uuid)
    assert not found.get("FilterCriteria")


def test_a_queue_delay_set_by_hand_is_taken_off(pipe: Pipe) -> None:
    pipe.make_whole("queue")
    spoil_queue(pipe)
    url = pipe.make_queue().url
    found = pipe.session.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["DelaySeconds"])
    assert found["Attributes"] == {"DelaySeconds": "0"}


def test_a_role_without_a_policy_loses_the_one_it_had(pipe: Pipe) -> None:
    pipe.make_role()
    bare = role.ensure_role(pipe.session.iam, name=pipe.name, path=PATH, policy=None, tags=TAGS)
    assert bare.policy is None
    assert pipe.describe("role") == bare


def test_a_function_without_a_reservation_gives_it_back(pipe: Pipe) -> None:
    pipe.make_whole("function")
    assert pipe.make_function(reserved_concurrency=None).reserved_concurrency is None
    assert pipe.describe("function").reserved_concurrency is None


def test_a_policy_added_by_hand_does_not_keep_a_role_alive(pipe: Pipe) -> None:
    pipe.make_role()
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
            table.ensure_table(session.dynamodb, name=name, tags=tags, wait=session.wait)
        case "queue":
            session.sqs.create_queue(QueueName=name, tags=tags)
        case "log_group":
            session.logs.create_log_group(logGroupName=f"/aws/lambda/{name}", tags=tags)
        case "role":
            role.ensure_role(session.iam, name=name, path=PATH, policy=None, tags=tags)
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
                FunctionName=name, EventSourceArn=pipe.arn("sqs", name), Tags=tags
            )


def remove_foreign(pipe: Pipe, kind: str) -> None:
    session, name = pipe.session, pipe.name
    match kind:
        case "table":
            table.delete_table(session.dynamodb, name=name, wait=session.wait)
        case "queue":
            queue.delete_queue(session.sqs, name=name)
        case "log_group":
            log_group.delete_log_group(session.logs, name=f"/aws/lambda/{name}")
        case "role":
            role.delete_role(session.iam, name=name)
        case "function":
            function.delete_function(session.lambda_, name=name)
        case "mapping":
            event_source_mapping.delete_mapping(
                session.lambda_, function_name=name, queue_arn=pipe.arn("sqs", name)
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
        remove_foreign(pipe, kind)


def test_a_role_of_our_name_and_tag_under_another_path_is_foreign(pipe: Pipe) -> None:
    role.ensure_role(pipe.session.iam, name=pipe.name, path="/", policy=None, tags=TAGS)
    with pytest.raises(Foreign):
        pipe.make_role()


def test_a_foreign_api_of_our_name_stands_beside_ours(pipe: Pipe) -> None:
    pipe.make_whole("function")
    theirs = pipe.session.apigateway.create_rest_api(name=pipe.name)["id"]
    try:
        ours = pipe.make_api()
        assert ours.id != theirs
        assert pipe.make_api() == ours
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
        pipe.make_table()


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
    made = pipe.make_api()
    assert pipe.session.apigateway.get_rest_api(restApiId=made.id)["binaryMediaTypes"] == ["*/*"]


def test_the_api_is_deployed_again_only_when_the_stage_serves_something_else(pipe: Pipe) -> None:
    def deployments() -> int:
        return len(pipe.session.apigateway.get_deployments(restApiId=api.id)["items"])

    api = pipe.make_whole("api")
    pipe.make_api()
    assert deployments() == 1
    spoil_api(pipe)
    pipe.make_api()
    assert deployments() == 3  # ours, the one made by hand, ours again


def test_a_permission_left_by_an_earlier_api_is_replaced(pipe: Pipe) -> None:
    first = pipe.make_whole("api")
    rest_api.delete_rest_api(pipe.session.apigateway, id=first.id)
    second = pipe.make_api()
    policy = json.loads(pipe.session.lambda_.get_policy(FunctionName=pipe.name)["Policy"])
    arns = [statement["Condition"]["ArnLike"]["AWS:SourceArn"] for statement in policy["Statement"]]
    assert arns == [pipe.arn("execute-api", f"{second.id}/*/*")]


# Emptying.


def test_an_emptied_queue_holds_nothing_as_often_as_asked(pipe: Pipe) -> None:
    sqs, url = pipe.session.sqs, pipe.make_dlq().url
    for _ in range(2):
        for i in range(23):
            sqs.send_message(QueueUrl=url, MessageBody=str(i))
        assert queue.empty_queue(sqs, url=url) == 23
        assert queue.depth(sqs, url=url) == queue.Depth(0, 0, 0)
    assert queue.empty_queue(sqs, url=url) == 0


def test_a_purge_takes_messages_in_flight_too(pipe: Pipe) -> None:
    sqs, url = pipe.session.sqs, pipe.make_dlq().url
    for _ in range(2):
        sqs.send_message(QueueUrl=url, MessageBody="received and never deleted")
        sqs.receive_message(QueueUrl=url)
        assert queue.depth(sqs, url=url) == queue.Depth(visible=0, in_flight=1, delayed=0)
        assert queue.empty_queue(sqs, url=url) == 0
        assert queue.empty_queue(sqs, url=url, purge=True) == 1
        assert queue.depth(sqs, url=url) == queue.Depth(0, 0, 0)


def test_an_emptied_table_holds_nothing(pipe: Pipe) -> None:
    dynamodb = pipe.session.dynamodb
    pipe.make_table()
    for i in range(30):
        dynamodb.put_item(TableName=pipe.name, Item={"id": {"S": f"lab:{i}"}})
    assert table.empty_table(dynamodb, name=pipe.name) == 30
    assert table.empty_table(dynamodb, name=pipe.name) == 0


def test_the_account_allows_two_executions_to_be_reserved(session: Session) -> None:
    assert function.unreserved_allows(session.lambda_, 2)
    assert not function.unreserved_allows(session.lambda_, 1_000_000)
