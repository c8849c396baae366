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

from webhook_lab.aws.boto3_code import render
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
    *calls: Call, zips: Mapping[str, tuple[str, ...]] | None = None, secrets: Mapping[str, str] | None = None
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


URL_LOOK_UP = call("sqs", "GetQueueUrl", {"QueueName": "lab-webhooks"}, {"QueueUrl": QUEUE_URL})
HANDLE = "AQEB" * 10
LOG_GROUP = [
    call("logs", "CreateLogGroup", {"logGroupName": "/aws/lambda/lab-publish"}),
    call("logs", "PutRetentionPolicy", {"logGroupName": "/aws/lambda/lab-publish", "retentionInDays": 1}),
]
CREATE_MAPPING = call(
    "lambda",
    "CreateEventSourceMapping",
    {"EventSourceArn": QUEUE_ARN},
    {"UUID": "6f2c-1", "EventSourceArn": QUEUE_ARN},
)
REDRIVE = json.dumps({"deadLetterTargetArn": f"{QUEUE_ARN}-dlq", "maxReceiveCount": 5})
QUEUE_WITH_DLQ = call(
    "sqs",
    "CreateQueue",
    {"QueueName": "lab-webhooks", "Attributes": {"RedrivePolicy": REDRIVE}},
    {"QueueUrl": QUEUE_URL},
)
SOURCE_ARN = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:a1b2c3d4e5/*/*"


# --- what is printed, beyond what the notebooks and tests/cloud/test_calls_run.py show


@pytest.mark.parametrize(
    ("calls", "printed"),
    [
        pytest.param(
            [
                URL_LOOK_UP,
                call("sqs", "DeleteQueue", {"QueueUrl": QUEUE_URL}),
                CREATE_QUEUE,
                call("sqs", "PurgeQueue", {"QueueUrl": QUEUE_URL}),
            ],
            [
                'sqs.delete_queue(QueueUrl=queue["QueueUrl"])',
                'sqs.purge_queue(QueueUrl=queue_2["QueueUrl"])',
            ],
            id="the creation is preferred to an earlier look-up of the same, and variables are unique",
        ),
        pytest.param(
            [
                call("apigateway", "GetRestApis", {"limit": 500}, {"items": [{"id": "a1b2c3d4e5"}]}),
                call("apigateway", "DeleteRestApi", {"restApiId": "a1b2c3d4e5"}),
            ],
            ['\napigateway.delete_rest_api(restApiId="a1b2c3d4e5")\n'],
            id="nothing is taken from a place in a list that was looked up",
        ),
        pytest.param(
            [
                CREATE_QUEUE,
                call(
                    "sqs",
                    "ReceiveMessage",
                    {"QueueUrl": QUEUE_URL},
                    {"Messages": [{"ReceiptHandle": HANDLE}]},
                ),
                call("sqs", "DeleteMessage", {"QueueUrl": QUEUE_URL, "ReceiptHandle": HANDLE}),
            ],
            ['ReceiptHandle=received["Messages"][0]["ReceiptHandle"]'],
            id="a received message is deleted by the handle that it came with",
        ),
        pytest.param(
            [
                call("iam", "GetRole", {"RoleName": "lab-publish"}, dict(CREATE_ROLE.response or {})),
                call("iam", "GetRolePolicy", {"PolicyName": "webhook-lab"}, {"PolicyName": "webhook-lab"}),
                create_function(TAG="webhook-lab"),
            ],
            [
                'publish_role = iam.get_role(RoleName="lab-publish")',
                'FunctionName="lab-publish"',
                'Role=publish_role["Role"]["Arn"]',
                '"TAG": "webhook-lab"',
            ],
            id="a look-up is not where a name is from",
        ),
        pytest.param(
            [
                CREATE_ROLE,
                call("lambda", "UpdateFunctionConfiguration", {"FunctionName": "lab-publish", "Timeout": 20}),
                call("iam", "DeleteRole", {"RoleName": "lab-publish"}),
            ],
            [
                'update_function_configuration(FunctionName="lab-publish", Timeout=20)',
                'delete_role(RoleName=publish_role["Role"]["RoleName"])',
            ],
            id="a role and a function of the same name are not taken for one another",
        ),
        pytest.param(
            [
                CREATE_QUEUE,
                QUEUE_ATTRIBUTES,
                CREATE_MAPPING,
                call("sqs", "AddPermission", {"Label": QUEUE_ARN}),
            ],
            ['Label=queue_attributes["Attributes"]["QueueArn"]'],
            id="an answer that repeats what was asked is not where a value is from",
        ),
        pytest.param(
            [
                call("dynamodb", "CreateTable", {"TableName": "orders"}, {"Table": {"TableName": "orders"}}),
                create_function(TABLE_NAME="orders"),
                call("sqs", "SendMessage", {"MessageBody": "orders"}),
            ],
            ['"TABLE_NAME": table["Table"]["TableName"]', 'MessageBody="orders"'],
            id="a name is followed where the parameter says so, and not in a text",
        ),
        pytest.param(LOG_GROUP[:1], ['(logGroupName="/aws/lambda/lab-publish")'], id="and none where not"),
    ],
)
def test_a_value_is_taken_from_the_call_that_it_is_from(calls: list[Call], printed: list[str]) -> None:
    code = code_of(*calls)
    assert [part for part in printed if part not in code] == [], code


def test_what_failed_and_what_nothing_needs_is_left_out() -> None:
    refused = call("lambda", "CreateFunction", dict(create_function().params), error="InvalidParameterValue")
    described = call(
        "lambda", "GetFunction", {"FunctionName": "lab-publish"}, {"FunctionName": "lab-publish"}
    )
    code = code_of(CREATE_ROLE, refused, create_function(), described)
    assert code.count("create_function(") == 1
    assert "get_function" not in code
    for calls in ([], [URL_LOOK_UP, QUEUE_ATTRIBUTES]):
        assert code_of(*calls) == "# No call changed anything.\n"


def test_a_function_whose_role_is_new_says_what_aws_may_answer() -> None:
    assert "a new role cannot be assumed for some seconds" in code_of(CREATE_ROLE, create_function())
    assert "a new role" not in code_of(create_function())


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "a": 2}', '{"price": 1.10}', "{not json}", "[" * 20_000, "[" * 150 + "]" * 150, '{"a":  1}'],
)
def test_text_that_a_document_would_change_stays_text(text: str) -> None:
    tree = ast.parse(code_of(call("sqs", "SendMessage", {"MessageBody": text})))
    assert text in [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]


@pytest.mark.parametrize(
    ("params", "printed"),
    [
        ({"stageName": "prod"}, 'stageName="prod"'),
        ({"httpMethod": "ANY", "cacheKey": True, "size": 128}, 'httpMethod="ANY", cacheKey=True, size=128'),
        ({"StatementId": "lab-front-door"}, 'StatementId="lab-front-door"'),
        ({"note": "prefix-a1b2c3d4e5"}, 'note="prefix-a1b2c3d4e5"'),
        ({"note": "an orders event"}, 'note="an orders event"'),
        ({"Entries": [{"Id": "0"}]}, '"Id": "0"'),
    ],
)
def test_what_only_looks_like_a_returned_value_is_printed_as_it_is(
    params: dict[str, Any], printed: str
) -> None:
    stage = call("apigateway", "CreateDeployment", {}, {"id": "ANY", "label": "prod", "userName": "orders"})
    sent = call("sqs", "SendMessageBatch", {}, {"Successful": [{"Id": "0", "MessageId": "m"}]})
    assert printed in code_of(CREATE_API, stage, sent, call("apigateway", "UpdateThing", params))


# --- bytes and secrets


@pytest.mark.parametrize("handler", ["publish", "subscribe"])
def test_a_zip_is_printed_as_code_that_builds_the_same_bytes(
    handler: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = package(handler)
    code = code_of(
        create_function(packed.zip_bytes),
        zips={packed.sha256: ("handlers/shared", f"handlers/{handler}")},
    )
    assert f'Code={{"ZipFile": zip_folders("handlers/shared", "handlers/{handler}")}}' in code
    shutil.copytree(source_folder(handler).parent, tmp_path / "handlers")
    monkeypatch.chdir(tmp_path)
    space: dict[str, Any] = {}
    exec(code.partition("\nlambda_ =")[0], space)
    assert (
        hashlib.sha256(space["zip_folders"]("handlers/shared", f"handlers/{handler}")).hexdigest()
        == packed.sha256
    )


@pytest.mark.parametrize(
    ("payload", "printed"),
    [(b"\x00\xff", r"b'\x00\xff'"), (b'{"path": "/hello"}', 'json.dumps({"path": "/hello"}).encode()')],
)
def test_short_bytes_are_printed_as_they_are_and_text_as_text(payload: bytes, printed: str) -> None:
    invoke = call("lambda", "Invoke", {"FunctionName": "lab-publish", "Payload": payload})
    assert f"Payload={printed}" in code_of(invoke)


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
POLICY = json.dumps(
    {
        "Statement": [
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": QUEUE_ARN},
            {"Effect": "Allow", "Action": ["logs:PutLogEvents"], "Resource": LOG_GROUP_ARN},
        ]
    }
)
PIPELINE = [
    CREATE_TABLE,
    CREATE_DLQ,
    DLQ_ATTRIBUTES,
    QUEUE_WITH_DLQ,
    QUEUE_ATTRIBUTES,
    *LOG_GROUP,
    CREATE_ROLE,
    call("iam", "PutRolePolicy", {"RoleName": "lab-publish", "PolicyName": "lab", "PolicyDocument": POLICY}),
    create_function(QUEUE_URL=QUEUE_URL, TABLE_NAME="lab-deliveries"),
    CREATE_API,
    call("lambda", "AddPermission", {"FunctionName": "lab-publish", "SourceArn": SOURCE_ARN}),
]


def test_the_printed_code_makes_the_same_calls(replay: Replay) -> None:
    assert replay(*PIPELINE) == [(c.service, c.method, dict(c.params)) for c in PIPELINE]


def test_where_boto3_would_go_elsewhere_each_client_names_the_region() -> None:
    code = render(PIPELINE, zip_sources={}, secrets={}, region="eu-west-1")
    clients = [line for line in code.splitlines() if "boto3.client(" in line]
    assert len(clients) > 4
    assert [line for line in clients if 'region_name="eu-west-1"' not in line] == []
    assert 'region = "eu-west-1"' in code
    assert "region_name" not in render([CREATE_TABLE], zip_sources={}, secrets={})


def test_the_printed_code_is_formatted(tmp_path: Path) -> None:
    packed = package("publish")
    update = call(
        "lambda", "UpdateFunctionCode", {"FunctionName": "lab-publish", "ZipFile": packed.zip_bytes}
    )
    file = tmp_path / "printed.py"
    zips = {packed.sha256: ("handlers/shared", "handlers/publish")}
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


def test_a_long_text_that_is_sent_again_is_written_once(replay: Replay) -> None:
    text = "Action=SendMessage&MessageBody=$util.urlEncode($input.body)" * 10
    calls = [
        call(
            "apigateway",
            "PutIntegration",
            {"httpMethod": verb, "requestTemplates": {"a/b": text, "c/d": text}},
        )
        for verb in ("GET", "POST")
    ]
    code = code_of(*calls)
    assert code.count(text) == 1
    assert f'request_templates = "{text}"' in code
    assert replay(*calls) == [(c.service, c.method, dict(c.params)) for c in calls]


def test_the_account_in_the_path_of_an_arn_is_looked_up() -> None:
    uri = "arn:aws:apigateway:us-east-1:sqs:path/123456789012/orders"
    code = code_of(
        call(
            "apigateway",
            "PutIntegration",
            {"uri": uri, "credentials": "arn:aws:iam:us-east-1:123456789012:role/a"},
        )
    )
    assert "sqs:path/{account}/orders" in code
