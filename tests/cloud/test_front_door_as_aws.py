"""What a REST API does by itself, and what it makes of its function: on the local cloud as on AWS."""

import base64
import contextlib
import gzip
import http.client
import json
import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError

from tests.cloud.functions import client, run_a_function
from webhook_lab.aws.retry import retry_until
from webhook_lab.local_cloud import Cloud

MIB = 1024 * 1024
GROUP = "/aws/lambda/f"
SECRET = "arn:aws:iam::123456789012:role/hidden may not sqs:SendMessage"
SOURCE = f"""
import base64, json, time
def handler(event, context):
    print("ran", event.get("path"))
    match event.get("path"):
        case "/event":
            return {{"statusCode": 200, "body": json.dumps(event)}}
        case "/size":
            return {{"statusCode": 200, "body": str(len(event["body"]))}}
        case "/raise":
            raise RuntimeError({SECRET!r})
        case "/slow":
            time.sleep(1)
            print("ran on")
            return {{"statusCode": 200, "body": "late"}}
        case "/answer":
            return json.loads(base64.b64decode(event["body"]))
"""


class Said(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Send = Callable[..., Said]


@pytest.fixture(scope="module")
def door(cloud: Cloud) -> Iterator[Send]:
    """Send to a REST API before the function above: `door(path, body, *headers, method=…)`."""
    logs, gateway, functions = (client(cloud, name) for name in ("logs", "apigateway", "lambda"))
    with contextlib.suppress(logs.exceptions.ResourceAlreadyExistsException):  # of a neighbour's function
        logs.create_log_group(logGroupName=GROUP)
    run_a_function(cloud, SOURCE)
    arn = functions.get_function(FunctionName="f")["Configuration"]["FunctionArn"]
    api = gateway.create_rest_api(name="as-aws", binaryMediaTypes=["*/*"])["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    invoke = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"
    for part, milliseconds in (("{proxy+}", 29_000), ("slow", 200)):
        resource = gateway.create_resource(restApiId=api, parentId=root, pathPart=part)["id"]
        where = {"restApiId": api, "resourceId": resource, "httpMethod": "ANY"}
        gateway.put_method(**where, authorizationType="NONE")
        gateway.put_integration(
            **where, type="AWS_PROXY", integrationHttpMethod="POST", uri=invoke, timeoutInMillis=milliseconds
        )
    gateway.create_deployment(restApiId=api, stageName="prod")

    def send(path: str, body: bytes = b"", *headers: tuple[str, str], method: str = "POST") -> Said:
        connection = http.client.HTTPConnection(urlsplit(cloud.endpoint_url).netloc, timeout=30)
        try:
            connection.putrequest(method, f"/restapis/{api}/prod/_user_request_{path}")
            for name, value in (*headers, ("Content-Length", str(len(body)))):
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            told = {name.lower(): value for name, value in answer.getheaders()}
            return Said(answer.status, told, answer.read())
        finally:
            connection.close()

    yield send
    gateway.delete_rest_api(restApiId=api)
    functions.delete_function(FunctionName="f")
    iam = client(cloud, "iam")
    iam.delete_role_policy(RoleName="f", PolicyName="f")
    iam.delete_role(RoleName="f")
    logs.delete_log_group(logGroupName=GROUP)


def lines(cloud: Cloud) -> list[str]:
    events = client(cloud, "logs").filter_log_events(logGroupName=GROUP)["events"]
    return [event["message"] for event in events]


def body_of(event: dict[str, Any]) -> bytes:
    body: str = event["body"]
    return base64.b64decode(body) if event["isBase64Encoded"] else body.encode()


def test_what_is_sent_twice_is_in_the_event_twice(door: Send) -> None:
    twice = ("X-Signature", "sha256=wrong"), ("x-signature", "sha256=right"), ("X-Once", "a, b")
    event = door("/event?tag=a&tag=b+c&once=&%3D=%26", b"x", *twice).json
    assert event["multiValueHeaders"]["x-signature"] == ["sha256=wrong", "sha256=right"]
    assert event["headers"]["x-signature"] == "sha256=right"
    assert (event["headers"]["x-once"], event["multiValueHeaders"]["x-once"]) == ("a, b", ["a, b"])
    assert event["queryStringParameters"] == {"tag": "b c", "once": "", "=": "&"}
    assert event["multiValueQueryStringParameters"] == {"tag": ["a", "b c"], "once": [""], "=": ["&"]}


def test_an_event_has_no_version_and_its_headers_are_one_set(door: Send) -> None:
    event = door("/event", b"x").json
    assert "version" not in event
    assert event["headers"].keys() == event["multiValueHeaders"].keys()
    assert event["queryStringParameters"] is event["multiValueQueryStringParameters"] is None


@pytest.mark.parametrize("method", ["TRACE", "CONNECTED", "PROPFIND", "PURGE"])
def test_a_method_that_no_api_can_have_is_refused_before_the_function(
    cloud: Cloud, door: Send, method: str
) -> None:
    answer = door(f"/method-{method}", b"", method=method)
    assert (answer.status, answer.json) == (403, {"message": "Missing Authentication Token"})
    assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
    assert f"ran /method-{method}" not in lines(cloud)


def test_what_a_function_raises_is_not_told_to_the_sender(door: Send) -> None:
    answer = door("/raise", b"x")
    assert (answer.status, answer.json) == (502, {"message": "Internal server error"})
    assert "hidden" not in str(answer)


MALFORMED = (
    None, [], "text", 7, {}, {"body": "no status"}, {"statusCode": None}, {"statusCode": "no number"},
    {"statusCode": 42}, {"statusCode": True}, {"statusCode": 200.5}, {"statusCode": 200, "body": {"a": 1}},
    {"statusCode": 200, "body": 7}, {"statusCode": 200, "headers": ["a"]},
    {"statusCode": 200, "headers": "a"},
    {"statusCode": 200, "multiValueHeaders": {"a": "b"}}, {"statusCode": 200, "multiValueHeaders": ["a"]},
)  # fmt: skip


@pytest.mark.parametrize("returned", MALFORMED, ids=str)
def test_a_malformed_answer_is_a_502(door: Send, returned: Any) -> None:
    answer = door("/answer", json.dumps(returned).encode())
    assert (answer.status, answer.json) == (502, {"message": "Internal server error"})


def test_a_well_formed_answer_is_passed_on(door: Send) -> None:
    returned = {"statusCode": "201", "headers": {"X-Count": 7}, "multiValueHeaders": {"X-Both": ["a", "b"]}}
    answer = door("/answer", json.dumps(returned).encode())
    assert (answer.status, answer.body, answer.headers["x-count"]) == (201, b"", "7")
    assert answer.headers["x-both"] in ("a", "b", "a, b")  # as the client joins them
    assert door("/answer", b'{"statusCode": 200, "body": null}').body == b""


def test_base64_that_is_none_shows_nothing_of_the_inside(door: Send) -> None:
    returned = {"statusCode": 200, "body": "x", "isBase64Encoded": True}
    answer = door("/answer", json.dumps(returned).encode(), ("Accept", "*/*"))
    assert answer.status == 500
    assert answer.json == {"message": "Internal server error"}


def test_a_throttled_function_is_a_500(cloud: Cloud, door: Send) -> None:
    functions = client(cloud, "lambda")
    functions.put_function_concurrency(FunctionName="f", ReservedConcurrentExecutions=0)
    try:
        answer = door("/event", b"x")
    finally:
        functions.delete_function_concurrency(FunctionName="f")
    assert (answer.status, answer.json) == (500, {"message": "Internal server error"})


def test_a_function_that_takes_too_long_is_a_504_and_runs_on(cloud: Cloud, door: Send) -> None:
    answer = door("/slow")
    assert (answer.status, answer.json) == (504, {"message": "Endpoint request timed out"})
    assert "ran on" not in lines(cloud)
    retry_until(lambda: "ran on" in lines(cloud) or None, seconds=20, reason="the function to run on")


def test_ten_megabytes_are_the_gateways_limit_to_the_byte(cloud: Cloud, door: Send) -> None:
    beyond = door("/beyond", b"x" * (10 * MIB + 1))
    assert (beyond.status, beyond.body) == (413, b"HTTP content length exceeded 10485760 bytes.")
    packed = door("/beyond", gzip.compress(b"x" * (10 * MIB + 1)), ("Content-Encoding", "gzip"))
    assert packed.status == 413
    assert "ran /beyond" not in lines(cloud)
    assert door("/beyond", b"x" * (10 * MIB)).json == {"message": "Request Too Long"}, "Lambda's, not its own"


def test_what_is_too_large_as_an_event_is_a_413(cloud: Cloud, door: Send) -> None:
    answer = door("/binary", b"x" * (5 * MIB))  # a third more as base64
    assert (answer.status, answer.json) == (413, {"message": "Request Too Long"})
    assert answer.headers["x-amzn-errortype"] == "BadRequestException"
    assert "ran /binary" not in lines(cloud)
    assert door("/size", b"x" * (3 * MIB)).json == 4 * MIB


def test_lambda_refuses_an_event_of_more_than_6_mb(cloud: Cloud, door: Send) -> None:
    invoke = client(cloud, "lambda").invoke
    event = json.dumps({"path": "/size", "body": ""}).encode()
    fits = event.replace(b'""', b'"%s"' % (b"x" * (6 * MIB - len(event))))
    assert len(fits) == 6 * MIB
    assert json.loads(invoke(FunctionName="f", Payload=fits)["Payload"].read())["statusCode"] == 200
    for beyond in (fits + b" ", b'"%s"' % (b"x" * 7 * MIB)):
        with pytest.raises(ClientError) as caught:
            invoke(FunctionName="f", Payload=beyond)
        error = caught.value.response
        assert error["ResponseMetadata"]["HTTPStatusCode"] == 413
        assert error["Error"]["Code"] == "RequestEntityTooLargeException"
        assert "smaller than 6291456 bytes for the InvokeFunction" in error["Error"]["Message"]


HELLO = b'{"hello": "\xc3\xa9"}'


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(HELLO, mtime=0)),
        ("GZIP", gzip.compress(HELLO, mtime=0)),
        ("deflate", zlib.compress(HELLO)),
        ("identity", HELLO),
        ("deflate, gzip", gzip.compress(zlib.compress(HELLO), mtime=0)),
        ("gzip", gzip.compress(HELLO[:5], mtime=0) + gzip.compress(HELLO[5:], mtime=0)),
    ],
)
def test_a_compressed_body_reaches_the_function_decompressed(door: Send, coding: str, body: bytes) -> None:
    event = door("/event", body, ("Content-Encoding", coding), ("Content-Type", "application/json")).json
    assert body_of(event) == HELLO
    assert event["headers"]["content-encoding"] == coding, "the header stays"


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("br", HELLO),
        ("zstd", HELLO),
        ("gzip", HELLO),
        ("gzip", gzip.compress(HELLO, mtime=0)[:-4]),
        ("gzip", gzip.compress(HELLO, mtime=0) + b"more"),
        ("deflate", gzip.compress(HELLO, mtime=0)),
        ("br, gzip", gzip.compress(HELLO, mtime=0)),
    ],
)
def test_a_body_in_an_unknown_coding_or_in_another_than_it_says_is_a_415(
    cloud: Cloud, door: Send, coding: str, body: bytes
) -> None:
    answer = door("/coded", body, ("Content-Encoding", coding))
    assert (answer.status, answer.json) == (415, {"message": "Unsupported Media Type"})
    assert "ran /coded" not in lines(cloud)
