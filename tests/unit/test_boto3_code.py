"""Recorded calls are printed as code that makes the same calls, and that a learner likes to read."""

import ast
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore import xform_name

from webhook_lab.aws.boto3_code import ZipSource, render
from webhook_lab.aws.boto3_values import Values
from webhook_lab.aws.calls import Call
from webhook_lab.pipeline.packaging import package, source_folder

ACCOUNT, REGION = "123456789012", "eu-north-1"
QUEUE_ARN = f"arn:aws:sqs:{REGION}:{ACCOUNT}:lab-webhooks"
QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/lab-webhooks"
ROLE_ARN = f"arn:aws:iam::{ACCOUNT}:role/webhook-lab/lab-publish"
FUNCTION_ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:lab-publish"


def call(
    service: str,
    operation: str,
    params: dict[str, Any],
    response: dict[str, Any] | None = None,
    error: str | None = None,
) -> Call:
    answer = None if error else response or {}
    return Call(service, operation, xform_name(operation), params, answer, error, 0.0, 0.0)


def wait(service: str, waiter: str, **params: Any) -> Call:
    return Call(service, waiter, waiter, params, None, None, 0.0, 0.0, "wait")


def code_of(
    *calls: Call, zips: Mapping[str, ZipSource] | None = None, secrets: Mapping[str, str] | None = None
) -> str:
    code = render(calls, zip_sources=zips or {}, secrets=secrets or {})
    ast.parse(code)
    return code


CREATE_TABLE = call(
    "dynamodb",
    "CreateTable",
    {"TableName": "lab-deliveries", "BillingMode": "PAY_PER_REQUEST"},
    {
        "TableDescription": {
            "TableName": "lab-deliveries",
            "TableArn": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/lab-deliveries",
        }
    },
)
CREATE_QUEUE = call("sqs", "CreateQueue", {"QueueName": "lab-webhooks"}, {"QueueUrl": QUEUE_URL})
QUEUE_ATTRIBUTES = call(
    "sqs",
    "GetQueueAttributes",
    {"QueueUrl": QUEUE_URL, "AttributeNames": ["QueueArn"]},
    {"Attributes": {"QueueArn": QUEUE_ARN, "VisibilityTimeout": "180"}},
)
CREATE_DLQ = call("sqs", "CreateQueue", {"QueueName": "lab-webhooks-dlq"}, {"QueueUrl": f"{QUEUE_URL}-dlq"})
DLQ_ATTRIBUTES = call(
    "sqs",
    "GetQueueAttributes",
    {"QueueUrl": f"{QUEUE_URL}-dlq", "AttributeNames": ["QueueArn"]},
    {"Attributes": {"QueueArn": f"{QUEUE_ARN}-dlq"}},
)
CREATE_ROLE = call(
    "iam",
    "CreateRole",
    {"RoleName": "lab-publish", "Path": "/webhook-lab/"},
    {"Role": {"RoleName": "lab-publish", "Arn": ROLE_ARN}},
)
CREATE_API = call(
    "apigateway", "CreateRestApi", {"name": "lab-front-door"}, {"id": "a1b2c3d4e5", "name": "lab-front-door"}
)


def create_function(zip_bytes: bytes = b"PK", **variables: str) -> Call:
    return call(
        "lambda",
        "CreateFunction",
        {
            "FunctionName": "lab-publish",
            "Role": ROLE_ARN,
            "Code": {"ZipFile": zip_bytes},
            "Environment": {"Variables": variables},
        },
        {"FunctionName": "lab-publish", "FunctionArn": FUNCTION_ARN, "Role": ROLE_ARN},
    )


# --- clients and imports


def test_each_client_is_made_once_and_on_top() -> None:
    code = code_of(CREATE_QUEUE, CREATE_TABLE, CREATE_DLQ)
    assert code.startswith(
        'import boto3\n\nsqs = boto3.client("sqs")\ndynamodb = boto3.client("dynamodb")\n\n'
        'queue = sqs.create_queue(QueueName="lab-webhooks")\n'
    )
    assert code.count("boto3.client") == 2


def test_the_lambda_client_does_not_take_the_keywords_name() -> None:
    code = code_of(call("lambda", "DeleteFunction", {"FunctionName": "lab-publish"}))
    assert 'lambda_ = boto3.client("lambda")' in code
    assert 'lambda_.delete_function(FunctionName="lab-publish")' in code


def test_nothing_to_show_is_said() -> None:
    assert code_of() == "# No call changed anything.\n"
    assert code_of(QUEUE_ATTRIBUTES) == "# No call changed anything.\n"


# --- what is left out


def test_failed_calls_are_left_out() -> None:
    refused = call(
        "lambda", "CreateFunction", create_function().params, error="InvalidParameterValueException"
    )
    code = code_of(CREATE_ROLE, refused, refused, create_function())
    assert code.count("create_function(") == 1


def test_a_function_whose_role_is_new_says_what_aws_may_answer() -> None:
    assert "a new role cannot be assumed for some seconds" in code_of(CREATE_ROLE, create_function())
    assert "a new role" not in code_of(create_function())


def test_look_ups_that_nothing_uses_are_left_out() -> None:
    described = call(
        "dynamodb",
        "DescribeTable",
        {"TableName": "lab-deliveries"},
        {"Table": {"TableName": "lab-deliveries"}},
    )
    assert "describe_table" not in code_of(CREATE_TABLE, described)


def test_look_ups_that_a_look_up_uses_are_kept_when_that_one_is_used() -> None:
    url = call("sqs", "GetQueueUrl", {"QueueName": "lab-webhooks"}, {"QueueUrl": QUEUE_URL})
    mapping = call("lambda", "CreateEventSourceMapping", {"EventSourceArn": QUEUE_ARN}, {"UUID": "6f2c-1"})
    code = code_of(url, QUEUE_ATTRIBUTES, mapping)
    assert 'queue = sqs.get_queue_url(QueueName="lab-webhooks")' in code
    assert 'queue_attributes = sqs.get_queue_attributes(QueueUrl=queue["QueueUrl"], ' in code
    assert 'EventSourceArn=queue_attributes["Attributes"]["QueueArn"]' in code
    assert code_of(url, QUEUE_ATTRIBUTES) == "# No call changed anything.\n"


def test_waits_are_printed_as_waiters() -> None:
    code = code_of(CREATE_TABLE, wait("dynamodb", "table_exists", TableName="lab-deliveries"))
    assert (
        'dynamodb.get_waiter("table_exists").wait(TableName=table["TableDescription"]["TableName"])' in code
    )


# --- values that earlier calls returned


def test_a_returned_value_is_printed_as_the_variable_of_its_call() -> None:
    put = call("apigateway", "PutMethod", {"restApiId": "a1b2c3d4e5", "httpMethod": "ANY"})
    code = code_of(CREATE_API, put)
    assert 'api = apigateway.create_rest_api(name="lab-front-door")' in code
    assert 'apigateway.put_method(restApiId=api["id"], httpMethod="ANY")' in code


def test_a_returned_value_inside_longer_text_makes_an_f_string() -> None:
    code = code_of(
        CREATE_ROLE,
        create_function(),
        CREATE_API,
        call(
            "apigateway",
            "PutIntegration",
            {
                "restApiId": "a1b2c3d4e5",
                "uri": f"arn:aws:apigateway:{REGION}:lambda:path/functions/{FUNCTION_ARN}/invocations",
            },
        ),
    )
    uri = "arn:aws:apigateway:{region}:lambda:path/functions/{publish_function['FunctionArn']}/invocations"
    assert f'uri=f"{uri}"' in code
    assert "region = boto3.Session().region_name" in code
    assert "account =" not in code


def test_region_and_account_of_an_arn_of_our_own_are_asked_for() -> None:
    source = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5/*/*"
    permission = call("lambda", "AddPermission", {"SourceArn": source, "SourceAccount": ACCOUNT})
    code = code_of(CREATE_QUEUE, CREATE_API, permission)
    assert "SourceArn=f\"arn:aws:execute-api:{region}:{account}:{api['id']}/*/*\"" in code
    assert "SourceAccount=account" in code
    assert 'account = boto3.client("sts").get_caller_identity()["Account"]' in code


def test_the_callers_identity_is_asked_for_once_only() -> None:
    identity = call("sts", "GetCallerIdentity", {}, {"Account": ACCOUNT})
    code = code_of(
        identity, call("lambda", "AddPermission", {"SourceArn": QUEUE_ARN, "SourceAccount": ACCOUNT})
    )
    assert code.count("get_caller_identity") == 1


def test_json_passed_as_text_is_printed_as_the_document_with_variables_inside() -> None:
    code = code_of(CREATE_DLQ, DLQ_ATTRIBUTES, QUEUE_WITH_DLQ)
    assert "json.dumps(" in code
    assert '{"deadLetterTargetArn": dlq_attributes["Attributes"]["QueueArn"], "maxReceiveCount": 5}' in code
    assert code.startswith("import json\n\nimport boto3\n")


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '{"price": 1.10}', "{not json}", "[" * 20_000, "[" * 150 + "]" * 150, '{"a":  1}'],
)
def test_text_that_a_document_would_change_stays_text(text: str) -> None:
    tree = ast.parse(code_of(call("sqs", "SendMessage", {"MessageBody": text})))
    assert text in [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]


def test_a_name_given_to_a_create_call_is_taken_from_its_answer_later_on() -> None:
    code = code_of(CREATE_TABLE, create_function(TABLE_NAME="lab-deliveries"))
    assert '"TABLE_NAME": table["TableDescription"]["TableName"]' in code
    assert code.count("lab-deliveries") == 1


def test_a_name_that_is_a_key_of_a_request_follows_too() -> None:
    write = call("dynamodb", "BatchWriteItem", {"RequestItems": {"lab-deliveries": []}})
    assert 'RequestItems={table["TableDescription"]["TableName"]: []}' in code_of(CREATE_TABLE, write)


def test_the_creation_is_preferred_to_an_earlier_look_up_of_the_same() -> None:
    url = call("sqs", "GetQueueUrl", {"QueueName": "lab-webhooks"}, {"QueueUrl": QUEUE_URL})
    delete = call("sqs", "DeleteQueue", {"QueueUrl": QUEUE_URL})
    purge = call("sqs", "PurgeQueue", {"QueueUrl": QUEUE_URL})
    code = code_of(url, delete, CREATE_QUEUE, purge)
    assert (
        'queue = sqs.get_queue_url(QueueName=queue_name)\nsqs.delete_queue(QueueUrl=queue["QueueUrl"])'
        in code
    )
    assert 'sqs.purge_queue(QueueUrl=queue_2["QueueUrl"])' in code


def test_nothing_is_taken_from_a_place_in_a_list_that_was_looked_up() -> None:
    listed = call("apigateway", "GetRestApis", {"limit": 500}, {"items": [{"id": "a1b2c3d4e5"}]})
    delete = call("apigateway", "DeleteRestApi", {"restApiId": "a1b2c3d4e5"})
    assert code_of(listed, delete).endswith('\napigateway.delete_rest_api(restApiId="a1b2c3d4e5")\n')


def test_a_received_message_is_deleted_by_the_handle_that_it_came_with() -> None:
    handle = "AQEB" * 10
    messages = {"Messages": [{"MessageId": "0", "ReceiptHandle": handle, "Body": "{}"}]}
    receive = call("sqs", "ReceiveMessage", {"QueueUrl": QUEUE_URL}, messages)
    delete = call("sqs", "DeleteMessage", {"QueueUrl": QUEUE_URL, "ReceiptHandle": handle})
    assert 'ReceiptHandle=received["Messages"][0]["ReceiptHandle"]' in code_of(CREATE_QUEUE, receive, delete)


def test_a_look_up_is_not_where_a_name_is_from() -> None:
    role = call("iam", "GetRole", {"RoleName": "lab-publish"}, dict(CREATE_ROLE.response or {}))
    policy = call("iam", "GetRolePolicy", {"PolicyName": "webhook-lab"}, {"PolicyName": "webhook-lab"})
    code = code_of(role, policy, create_function(TAG="webhook-lab"))
    assert 'publish_role = iam.get_role(RoleName="lab-publish")' in code
    assert 'FunctionName="lab-publish"' in code
    assert 'Role=publish_role["Role"]["Arn"]' in code
    assert '"TAG": "webhook-lab"' in code


def test_a_role_and_a_function_of_the_same_name_are_not_taken_for_one_another() -> None:
    update = call("lambda", "UpdateFunctionConfiguration", {"FunctionName": "lab-publish", "Timeout": 20})
    delete = call("iam", "DeleteRole", {"RoleName": "lab-publish"})
    code = code_of(CREATE_ROLE, update, delete)
    assert 'update_function_configuration(FunctionName="lab-publish", Timeout=20)' in code
    assert 'delete_role(RoleName=publish_role["Role"]["RoleName"])' in code


def test_an_answer_that_repeats_what_was_asked_is_not_where_a_value_is_from() -> None:
    mapping = call(
        "lambda",
        "CreateEventSourceMapping",
        {"EventSourceArn": QUEUE_ARN},
        {"UUID": "6f2c-1", "EventSourceArn": QUEUE_ARN},
    )
    policy = call("sqs", "AddPermission", {"Label": QUEUE_ARN})
    code = code_of(CREATE_QUEUE, QUEUE_ATTRIBUTES, mapping, policy)
    assert 'Label=queue_attributes["Attributes"]["QueueArn"]' in code


@pytest.mark.parametrize(
    ("params", "printed"),
    [
        ({"stageName": "prod"}, 'stageName="prod"'),
        ({"httpMethod": "ANY", "cacheKey": True, "size": 128}, 'httpMethod="ANY", cacheKey=True, size=128'),
        ({"StatementId": "lab-front-door"}, 'StatementId="lab-front-door"'),
        ({"note": "prefix-a1b2c3d4e5"}, 'note="prefix-a1b2c3d4e5"'),
        ({"note": "an orders event"}, 'note="an orders event"'),
    ],
)
def test_what_only_looks_like_a_returned_value_is_printed_as_it_is(
    params: dict[str, Any], printed: str
) -> None:
    stage = call("apigateway", "CreateDeployment", {}, {"id": "ANY", "label": "prod", "userName": "orders"})
    assert printed in code_of(CREATE_API, stage, call("apigateway", "UpdateThing", params))


def test_short_ids_of_batches_are_not_taken_for_one_another() -> None:
    batch = {"QueueUrl": QUEUE_URL, "Entries": [{"Id": "0", "MessageBody": "one"}]}
    sent = call("sqs", "SendMessageBatch", batch, {"Successful": [{"Id": "0", "MessageId": "m"}]})
    assert code_of(CREATE_QUEUE, sent, sent).count('"Id": "0"') == 2


def test_a_plain_word_as_a_name_is_followed_where_the_parameter_says_so() -> None:
    table = call(
        "dynamodb", "CreateTable", {"TableName": "orders"}, {"TableDescription": {"TableName": "orders"}}
    )
    send = call("sqs", "SendMessage", {"MessageBody": "orders"})
    code = code_of(table, create_function(TABLE_NAME="orders"), send)
    assert '"TABLE_NAME": table["TableDescription"]["TableName"]' in code
    assert 'MessageBody="orders"' in code


# --- names that no answer returns, or that several things bear


def log_group(name: str) -> list[Call]:
    return [
        call("logs", "CreateLogGroup", {"logGroupName": name}),
        call("logs", "PutRetentionPolicy", {"logGroupName": name, "retentionInDays": 1}),
    ]


def test_a_name_that_no_answer_repeats_gets_a_variable_where_it_is_used_again() -> None:
    code = code_of(*log_group("/aws/lambda/lab-publish"))
    assert 'publish_log_group_name = "/aws/lambda/lab-publish"' in code
    assert code.count("lab-publish") == 1
    assert "_name" not in code_of(log_group("/aws/lambda/lab-publish")[0])


def test_a_name_that_several_things_bear_is_said_once() -> None:
    code = code_of(*log_group("/aws/lambda/lab-publish"), CREATE_ROLE, create_function())
    assert 'publish_name = "lab-publish"\npublish_log_group_name = f"/aws/lambda/{publish_name}"\n' in code
    assert "RoleName=publish_name" in code
    assert "FunctionName=publish_name" in code
    assert code.count("lab-publish") == 1


def test_a_queue_and_its_dead_letter_queue_keep_their_own_names() -> None:
    code = code_of(CREATE_DLQ, CREATE_QUEUE)
    assert 'dlq = sqs.create_queue(QueueName="lab-webhooks-dlq")' in code
    assert 'queue = sqs.create_queue(QueueName="lab-webhooks")' in code


def test_variables_are_unique() -> None:
    other = call("sqs", "CreateQueue", {"QueueName": "lab-more"}, {"QueueUrl": "https://sqs/lab-more"})
    purge = call("sqs", "PurgeQueue", {"QueueUrl": "https://sqs/lab-more"})
    code = code_of(CREATE_QUEUE, other, purge)
    assert 'queue_2 = sqs.create_queue(QueueName="lab-more")' in code
    assert 'purge_queue(QueueUrl=queue_2["QueueUrl"])' in code


# --- bytes and secrets


@pytest.mark.parametrize("handler", ["publish", "subscribe"])
def test_a_zip_is_printed_as_code_that_builds_the_same_bytes(
    handler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = package(handler)
    code = code_of(
        create_function(packed.zip_bytes), zips={packed.sha256: ZipSource(handler, f"handlers/{handler}")}
    )
    assert f'Code={{"ZipFile": zip_folder("handlers/{handler}")}}' in code
    shutil.copytree(source_folder(handler), tmp_path / "handlers" / handler)
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    exec(code.partition("\nlambda_ =")[0], space)
    assert hashlib.sha256(space["zip_folder"](f"handlers/{handler}")).hexdigest() == packed.sha256


def test_short_bytes_are_printed_as_they_are() -> None:
    invoke = call("lambda", "Invoke", {"FunctionName": "lab-publish", "Payload": b"\x00\xff"})
    assert r"Payload=b'\x00\xff'" in code_of(invoke)


def test_bytes_of_text_are_printed_as_text() -> None:
    invoke = call("lambda", "Invoke", {"FunctionName": "lab-publish", "Payload": b'{"path": "/hello"}'})
    assert 'Payload=json.dumps({"path": "/hello"}).encode()' in code_of(invoke)


def test_long_bytes_from_nowhere_are_refused_with_a_comment() -> None:
    update = call("lambda", "UpdateFunctionCode", {"FunctionName": "lab-publish", "ZipFile": b"PK" * 5_000})
    code = code_of(CREATE_QUEUE, update)
    assert (
        "# lambda_.update_function_code() is left out: it sent 10,000 bytes that no file here holds." in code
    )


@pytest.mark.parametrize(
    ("params", "printed"),
    [
        (
            {"Environment": {"SIGNING_SECRET": "whsec_abc="}},
            '{"SIGNING_SECRET": os.environ["SIGNING_SECRET"]}',
        ),
        ({"Note": "key=whsec_abc=;"}, "Note=f\"key={os.environ['SIGNING_SECRET']};\""),
        ({"Body": '{"s": "whsec_abc="}'}, 'Body=json.dumps({"s": os.environ["SIGNING_SECRET"]})'),
        ({"Body": b"whsec_abc="}, 'Body=os.environ["SIGNING_SECRET"].encode()'),
        ({"Tags": {"whsec_abc=": 1}}, 'Tags={os.environ["SIGNING_SECRET"]: 1}'),
        ({"Body": b"\xffwhsec_abc="}, "# x.update_y() is left out"),
    ],
)
def test_a_secret_is_never_printed(params: dict[str, Any], printed: str) -> None:
    code = code_of(call("x", "UpdateY", params), secrets={"whsec_abc=": "SIGNING_SECRET", "": "EMPTY"})
    assert printed in code
    assert "whsec_abc" not in code


# --- how it reads


def test_a_long_call_has_one_parameter_a_line() -> None:
    attributes = {
        "VisibilityTimeout": "180",
        "ReceiveMessageWaitTimeSeconds": "20",
        "MessageRetentionPeriod": "345600",
    }
    code = code_of(
        call(
            "sqs",
            "CreateQueue",
            {"QueueName": "lab-webhooks", "Attributes": attributes},
            {"QueueUrl": QUEUE_URL},
        )
    )
    assert code.endswith(
        """queue = sqs.create_queue(
    QueueName="lab-webhooks",
    Attributes={
        "VisibilityTimeout": "180",
        "ReceiveMessageWaitTimeSeconds": "20",
        "MessageRetentionPeriod": "345600",
    },
)
"""
    )


AWKWARD = [
    'say "hi"',
    "it's",
    "both ' and \"",
    "back\\slash {braces}",
    "new\nline\ttab",
    "naïve ☃",
    "\x00\ud800",
    "{}",
    "",
]


@pytest.mark.parametrize("text", AWKWARD)
def test_any_text_comes_back_as_it_was(text: str, replay: "Replay") -> None:
    around = f"{text} {QUEUE_ARN} {text}"
    send = call("sqs", "SendMessage", {"QueueUrl": QUEUE_URL, "MessageBody": text, "Note": around})
    assert replay(CREATE_QUEUE, QUEUE_ATTRIBUTES, send)[-1] == ("sqs", "send_message", dict(send.params))


Replay = Callable[..., list[tuple[str, str, dict[str, Any]]]]


@pytest.fixture
def replay(monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Run the printed code against clients that answer as recorded; what they were asked is returned."""

    def run(*calls: Call) -> list[tuple[str, str, dict[str, Any]]]:
        asked: list[tuple[str, str, dict[str, Any]]] = []

        class Client:
            def __init__(self, service: str) -> None:
                self.service = service

            def __getattr__(self, method: str) -> Any:
                def answer(**params: Any) -> Any:
                    asked.append((self.service, method, params))
                    known = [
                        c
                        for c in calls
                        if (c.service, c.method) == (self.service, method) and c.params == params
                    ]
                    return known[0].response

                return answer

            def get_caller_identity(self) -> dict[str, str]:
                return {"Account": ACCOUNT}

        fake = SimpleNamespace(client=Client, Session=lambda: SimpleNamespace(region_name=REGION))
        monkeypatch.setitem(sys.modules, "boto3", fake)
        exec(code_of(*calls), {})
        return asked

    return run


LOG_GROUP_ARN = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/lab-publish:*"
SOURCE_ARN = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5/*/*"
REDRIVE = json.dumps({"deadLetterTargetArn": f"{QUEUE_ARN}-dlq", "maxReceiveCount": 5})
POLICY = json.dumps(
    {
        "Statement": [
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE_ARN},
            {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": LOG_GROUP_ARN},
        ]
    }
)
QUEUE_WITH_DLQ = call(
    "sqs",
    "CreateQueue",
    {"QueueName": "lab-webhooks", "Attributes": {"RedrivePolicy": REDRIVE}},
    {"QueueUrl": QUEUE_URL},
)
PIPELINE = [
    CREATE_TABLE,
    CREATE_DLQ,
    DLQ_ATTRIBUTES,
    QUEUE_WITH_DLQ,
    QUEUE_ATTRIBUTES,
    *log_group("/aws/lambda/lab-publish"),
    CREATE_ROLE,
    call("iam", "PutRolePolicy", {"RoleName": "lab-publish", "PolicyName": "lab", "PolicyDocument": POLICY}),
    create_function(QUEUE_URL=QUEUE_URL, TABLE_NAME="lab-deliveries"),
    CREATE_API,
    call("lambda", "AddPermission", {"FunctionName": "lab-publish", "SourceArn": SOURCE_ARN}),
]


def test_the_printed_code_makes_the_same_calls(replay: Replay) -> None:
    assert replay(*PIPELINE) == [(c.service, c.method, dict(c.params)) for c in PIPELINE]


def test_the_printed_code_is_formatted(tmp_path: Path) -> None:
    packed = package("publish")
    update = call(
        "lambda", "UpdateFunctionCode", {"FunctionName": "lab-publish", "ZipFile": packed.zip_bytes}
    )
    file = tmp_path / "printed.py"
    zips = {packed.sha256: ZipSource("publish", "handlers/publish")}
    file.write_text(code_of(*PIPELINE, update, zips=zips, secrets={"lab": "LAB"}), encoding="utf-8")
    ruff = [sys.executable, "-m", "ruff"]
    subprocess.run([*ruff, "format", "--isolated", "--line-length", "100", "--check", file], check=True)
    subprocess.run([*ruff, "check", "--isolated", "--select", "E4,E7,E9,F,I", file], check=True)


def test_what_passes_through_by_the_thousand_is_not_looked_for_in_every_text(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled, find = [], Values._any_of
    monkeypatch.setattr(Values, "_any_of", lambda *args: compiled.append(1) or find(*args))
    sends = [
        call("sqs", "SendMessage", {"QueueUrl": QUEUE_URL, "MessageBody": f"{n}"}, {"MessageId": f"{n:032d}"})
        for n in range(500)
    ]
    events = {"events": [{"eventId": f"{n:056d}"} for n in range(500)]}
    looks = [call("logs", "FilterLogEvents", {"logGroupName": f"group-{n}"}, events) for n in range(100)]
    code_of(*PIPELINE, *sends, *looks)
    assert len(compiled) < 50
