"""Who may talk to a local cloud: its owner, the functions that it runs, its APIs' callers. Nobody else."""

import hashlib
import http.client
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.cloud.functions import client, run_a_function
from webhook_lab.local_cloud import Cloud

LIST_QUEUES = {"X-Amz-Target": "AmazonSQS.ListQueues", "Content-Type": "application/x-amz-json-1.0"}


def send(
    cloud: Cloud, method: str, path: str, headers: dict[str, str] | None = None, body: Any = b""
) -> tuple[int, bytes]:
    """A plain HTTP request, with nothing added but a Host where none is given."""
    connection = http.client.HTTPConnection(urlsplit(cloud.endpoint_url).netloc, timeout=30)
    try:
        chunked = not isinstance(body, bytes)
        connection.request(method, path, body, headers or {}, encode_chunked=chunked)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def signed(
    cloud: Cloud,
    method: str,
    path: str,
    headers: dict[str, str] | None = None,
    body: bytes = b"",
    *,
    key: str = "",
    secret: str = "",
    service: str = "sqs",
) -> dict[str, str]:
    """The headers of a request, signed as botocore signs it."""
    request = AWSRequest(method, cloud.endpoint_url + path, dict(headers or {}), body)
    credentials = Credentials(key or cloud.access_key_id, secret or cloud.secret_access_key)
    SigV4Auth(credentials, service, cloud.region).add_auth(request)
    return {**dict(request.headers), "Host": urlsplit(cloud.endpoint_url).netloc}


def list_queues(cloud: Cloud, **signing: str) -> dict[str, str]:
    return signed(cloud, "POST", "/", LIST_QUEUES, b"{}", **signing)


@pytest.fixture
def queue(cloud: Cloud) -> Iterator[str]:
    """The URL of a queue; its being there shows that nothing was wiped."""
    sqs = client(cloud, "sqs")
    url = str(sqs.create_queue(QueueName="guarded")["QueueUrl"])
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def api_path(cloud: Cloud) -> Iterator[str]:
    """The public path of a deployed REST API that answers 200 by itself."""
    gateway = client(cloud, "apigateway")
    api = gateway.create_rest_api(name="guarded")["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    resource = gateway.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    where = {"restApiId": api, "resourceId": resource, "httpMethod": "ANY"}
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_integration(
        **where, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )
    gateway.put_method_response(**where, statusCode="200")
    gateway.put_integration_response(**where, statusCode="200")
    gateway.create_deployment(restApiId=api, stageName="prod")
    yield f"/restapis/{api}/prod/_user_request_"
    gateway.delete_rest_api(restApiId=api)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def user(cloud: Cloud) -> Iterator[dict[str, str]]:
    """The key and the secret of one who may use queues."""
    iam, name = client(cloud, "iam"), "poller"
    iam.create_user(UserName=name)
    may = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    iam.put_user_policy(
        UserName=name,
        PolicyName="sqs",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [may]}),
    )
    made = iam.create_access_key(UserName=name)["AccessKey"]
    yield {"key": made["AccessKeyId"], "secret": made["SecretAccessKey"]}
    iam.delete_access_key(UserName=name, AccessKeyId=made["AccessKeyId"])
    iam.delete_user_policy(UserName=name, PolicyName="sqs")
    iam.delete_user(UserName=name)


@pytest.mark.parametrize("whose", ["the owner's", "a user's"])
@pytest.mark.parametrize("protocol", ["json", "form", "query"])
def test_a_poll_that_its_caller_has_given_up_takes_no_message(
    cloud: Cloud, queue: str, user: dict[str, str], protocol: str, whose: str
) -> None:
    sqs = client(cloud, "sqs")
    asked = {"QueueUrl": queue, "WaitTimeSeconds": 20}
    form = urlencode({"Action": "ReceiveMessage", "Version": "2012-11-05", **asked})
    method, path, kind, poll = {
        "json": ("POST", "/", {**LIST_QUEUES, "X-Amz-Target": "AmazonSQS.ReceiveMessage"}, json.dumps(asked)),
        "form": ("POST", "/", FORM, form),
        "query": ("GET", f"/?{form}", {}, ""),
    }[protocol]
    signing = user if whose == "a user's" else {}
    headers = signed(cloud, method, path, kind, poll.encode(), **signing)
    for _ in range(3):
        given_up = http.client.HTTPConnection(urlsplit(cloud.endpoint_url).netloc)
        given_up.request(method, path, poll.encode(), headers)
        sqs.list_queues()  # answered after it: by now, it waits
        given_up.close()
    sqs.list_queues()
    sqs.send_message(QueueUrl=queue, MessageBody="mine")
    other = sqs.create_queue(QueueName="guarded-empty")["QueueUrl"]
    assert "Messages" not in sqs.receive_message(QueueUrl=other, WaitTimeSeconds=1)  # a second goes by there
    sqs.delete_queue(QueueUrl=other)
    received = sqs.receive_message(QueueUrl=queue, AttributeNames=["ApproximateReceiveCount"])["Messages"]
    assert [each["Attributes"]["ApproximateReceiveCount"] for each in received] == ["1"]


@pytest.mark.parametrize("seconds", [-1, 21])
def test_a_poll_longer_than_aws_allows_is_refused_in_its_words(
    cloud: Cloud, queue: str, seconds: int
) -> None:
    with pytest.raises(ClientError, match=f"Value {seconds} for parameter WaitTimeSeconds is invalid"):
        client(cloud, "sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=seconds)


def test_the_identity_needs_no_credentials(cloud: Cloud) -> None:
    status, body = send(cloud, "GET", "/_webhook_lab/identity")
    assert (status, json.loads(body)) == (200, {"nonce": cloud.nonce, "emulator": "ministack 1.5.33"})


@pytest.mark.parametrize(
    "from_a_page",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1.evil.example:{port}"},
        {"Host": "abcdef01.execute-api.localhost:{port}"},
    ],
    ids=str,
)
@pytest.mark.parametrize("path", ["/", "/_webhook_lab/identity", "api"])
def test_what_a_web_page_can_send_is_refused_whatever_else_is_right(
    cloud: Cloud, api_path: str, from_a_page: dict[str, str], path: str
) -> None:
    port = str(urlsplit(cloud.endpoint_url).port)
    extra = {name: value.replace("{port}", port) for name, value in from_a_page.items()}
    headers = {**list_queues(cloud), **extra}
    assert send(cloud, "POST", "/", list_queues(cloud), b"{}")[0] == 200
    method, path = ("GET", path) if "identity" in path else ("POST", path.replace("api", f"{api_path}/x"))
    assert send(cloud, method, path, headers, b"{}")[0] == 403


def test_an_address_typed_into_a_browser_is_answered(cloud: Cloud, api_path: str) -> None:
    assert send(cloud, "GET", f"{api_path}/hello", {"Sec-Fetch-Site": "none"})[0] == 200


@pytest.mark.parametrize(
    "headers", [{}, LIST_QUEUES, {"Authorization": "Basic eDp5"}, {"Authorization": "AWS a:b"}]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/"),
        ("OPTIONS", "/"),
        ("POST", "/_ministack/reset"),
        ("POST", "/_ministack/config"),
        ("GET", "/_ministack/health"),
        ("GET", "/_localstack/health"),
        ("GET", "/health"),
        ("POST", "/_ministack/rds/iam-auth"),
        ("POST", "//_ministack/reset"),
        ("POST", "/restapis"),
        ("POST", "/restapis/x/prod/_user_request_x/y"),
        ("POST", "/x/restapis/x/prod/_user_request_/y"),
        ("POST", "/%72estapis/x/prod/_user_request_/y"),
        ("POST", "/restapis%2Fx%2Fprod%2F_user_request_%2Fy"),
        ("POST", "/restapis/x/prod/%5fuser_request_/y"),
        ("GET", "/_aws/execute-api/x/prod/y"),
        ("GET", "/oauth2/authorize"),
        ("GET", "/iceberg/v1/config"),
        ("GET", "/?AWSAccessKeyId=test&Signature=x&Expires=9999999999"),
        ("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x&X-Amz-Signature=x"),
        ("POST", "/_webhook_lab/identity"),
    ],
)
def test_nothing_is_done_without_a_signature(
    cloud: Cloud, queue: str, method: str, path: str, headers: dict[str, str]
) -> None:
    status, body = send(cloud, method, path, headers, b"{}")
    assert status == 403
    assert json.loads(body)["__type"] in ("MissingAuthenticationToken", "IncompleteSignature")
    assert client(cloud, "sqs").list_queues()["QueueUrls"] == [queue]


def test_a_public_path_cannot_climb_out_of_its_api(cloud: Cloud, queue: str, api_path: str) -> None:
    for climb in (
        "/../../../../../_ministack/reset",
        "/%2e%2e/%2e%2e/_ministack/reset",
        "//_ministack/reset",
    ):
        send(cloud, "POST", api_path + climb)
    assert client(cloud, "sqs").list_queues()["QueueUrls"] == [queue]


def test_the_emulators_own_paths_are_the_owners(cloud: Cloud) -> None:
    path = "/_ministack/health"
    status, body = send(cloud, "GET", path, signed(cloud, "GET", path))
    assert status == 200
    assert json.loads(body)["auth"] == "enabled"
    assert send(cloud, "GET", path, signed(cloud, "GET", path, key="ASIAIOSFODNN7EXAMPLE"))[0] == 403


@pytest.mark.parametrize("key", ["test", "000000000000", "123456789012", "AKIAIOSFODNN7EXAMPLE"])
@pytest.mark.parametrize("secret", ["", "test"])
def test_a_key_that_is_not_the_clouds_is_refused(cloud: Cloud, key: str, secret: str) -> None:
    status, _ = send(cloud, "POST", "/", list_queues(cloud, key=key, secret=secret), b"{}")
    assert status in (400, 403)


@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("iam", "list_roles"),
        ("sts", "get_caller_identity"),
        ("sqs", "list_queues"),
        ("dynamodb", "list_tables"),
        ("lambda", "list_functions"),
        ("apigateway", "get_rest_apis"),
        ("logs", "describe_log_groups"),
        ("resourcegroupstaggingapi", "get_resources"),
    ],
)
def test_a_wrong_secret_is_an_error_that_boto3_can_read(cloud: Cloud, service: str, call: str) -> None:
    getattr(client(cloud, service), call)()
    with pytest.raises(ClientError) as caught:
        getattr(client(cloud, service, secret="wrong"), call)()
    error = caught.value.response["Error"]
    assert error["Code"] == "SignatureDoesNotMatch"
    assert "`webhook-lab env`" in error["Message"]


@pytest.mark.parametrize("declared", [None, "of the sent body", "of the signed body", "UNSIGNED-PAYLOAD"])
def test_another_body_than_the_signed_one_is_refused(cloud: Cloud, declared: str | None) -> None:
    headers = list_queues(cloud)
    body = b'{"MaxResults": 1}'
    if declared:
        digests = {"of the sent body": hashlib.sha256(body), "of the signed body": hashlib.sha256(b"{}")}
        headers["X-Amz-Content-SHA256"] = digests[declared].hexdigest() if declared in digests else declared
    status, answer = send(cloud, "POST", "/", headers, body)
    assert (status, json.loads(answer)["__type"]) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("minutes", [-20, 20])
def test_a_signature_of_another_hour_is_refused(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, minutes: int
) -> None:
    now = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=minutes)
    monkeypatch.setattr(botocore.auth, "get_current_datetime", lambda: now)
    status, answer = send(cloud, "POST", "/", list_queues(cloud), b"{}")
    assert (status, json.loads(answer)["__type"]) == (403, "RequestTimeTooSkewed")


def test_a_request_that_names_two_callers_is_refused(cloud: Cloud) -> None:
    role = "ASIAIOSFODNN7EXAMPLE"
    headers = list_queues(cloud)
    own, other = headers["Authorization"], list_queues(cloud, key=role, secret="theirs")["Authorization"]
    scope = "/20260101/us-east-1/sqs/aws4_request"
    role_then_own = own.replace("Credential=", f"Credential={role}{scope}, Credential=", 1)
    own_then_role = other.replace("Credential=", f"Credential={cloud.access_key_id}{scope}, Credential=", 1)
    for authorization in (role_then_own, own_then_role, f"{own}, {other}", f"{other}, {own}"):
        assert send(cloud, "POST", "/", {**headers, "Authorization": authorization}, b"{}")[0] == 403
    twice = f"/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={cloud.access_key_id}{scope}"
    assert send(cloud, "POST", twice, signed(cloud, "POST", twice, LIST_QUEUES, b"{}"), b"{}")[0] == 403


def test_the_host_must_be_signed(cloud: Cloud) -> None:
    headers = list_queues(cloud)
    authorization = headers["Authorization"]
    assert ";host;" in authorization
    headers["Authorization"] = authorization.replace(";host;", ";")
    assert send(cloud, "POST", "/", headers, b"{}")[0] == 403


def test_a_websocket_is_refused(cloud: Cloud, api_path: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
               "Sec-WebSocket-Key": "MDEyMzQ1Njc4OWFiY2RlZg=="}  # fmt: skip
    assert send(cloud, "GET", f"{api_path}/x", headers)[0] == 403


def test_ten_megabytes_pass_unsigned_to_an_api_and_signed_to_aws(cloud: Cloud, api_path: str) -> None:
    body = os.urandom(10 * 1024 * 1024 - 1024)
    pieces = (body[start : start + 65536] for start in range(0, len(body), 65536))
    chunked = {"Transfer-Encoding": "chunked", "Content-Type": "application/octet-stream"}
    assert send(cloud, "POST", f"{api_path}/big", chunked, pieces)[0] == 200
    s3 = client(cloud, "s3")
    s3.create_bucket(Bucket="guarded")
    s3.put_object(Bucket="guarded", Key="big", Body=body)
    assert s3.get_object(Bucket="guarded", Key="big")["Body"].read() == body
    s3.delete_object(Bucket="guarded", Key="big")
    s3.delete_bucket(Bucket="guarded")


def test_a_function_has_its_roles_rights_and_nothing_of_the_owners(cloud: Cloud, queue: str) -> None:
    source = (
        "import boto3, json, os\n"
        "def handler(event, context):\n"
        "    sqs = boto3.client('sqs')\n"
        "    sent = sqs.send_message(QueueUrl=event['queue'], MessageBody='from the function')\n"
        "    try:\n"
        "        sqs.purge_queue(QueueUrl=event['queue'])\n"
        "    except Exception as error:\n"
        "        return {'sent': sent['MessageId'], 'refused': str(error), 'environment': dict(os.environ)}\n"
    )
    said = run_a_function(cloud, source, "sqs:SendMessage", queue=queue)
    iam = client(cloud, "iam")
    client(cloud, "lambda").delete_function(FunctionName="f")
    iam.delete_role_policy(RoleName="f", PolicyName="f")
    iam.delete_role(RoleName="f")

    assert "AccessDenied" in said["refused"]
    assert client(cloud, "sqs").receive_message(QueueUrl=queue)["Messages"][0]["MessageId"] == said["sent"]
    environment: dict[str, str] = said["environment"]
    assert cloud.secret_access_key not in environment.values()
    assert cloud.access_key_id not in environment.values()
    assert "PYTHONPATH" not in environment
    assert environment["AWS_ENDPOINT_URL"] == cloud.endpoint_url

    role_client = client(
        cloud, "sqs", environment["AWS_ACCESS_KEY_ID"], "wrong", environment["AWS_SESSION_TOKEN"]
    )
    with pytest.raises(ClientError, match="signature"):
        role_client.send_message(QueueUrl=queue, MessageBody="forged")
