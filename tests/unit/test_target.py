import socket

import boto3
import pytest
from botocore.exceptions import ClientError, NoCredentialsError

from tests.unit.odd_server import always, answer, serving
from webhook_lab.aws import target
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session

ACCOUNT = "123456789012"
NO_PORTS = ("http://127.0.0.1:99999", "http://127.0.0.1:no", "http://[::1")
AWS = {"WEBHOOK_LAB_TARGET": "aws", "WEBHOOK_LAB_AWS_ACCOUNT": ACCOUNT}


class FakeSts:
    def __init__(self, answer: str | Exception) -> None:
        self.answer = answer

    def get_caller_identity(self) -> dict[str, str]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return {"Account": self.answer}


def caller_is(monkeypatch: pytest.MonkeyPatch, answer: str | Exception) -> None:
    monkeypatch.setattr(boto3.Session, "client", lambda *_, **__: FakeSts(answer))


def test_the_account_that_was_named_and_that_calls_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    caller_is(monkeypatch, ACCOUNT)
    found = target.resolve({**AWS, "AWS_REGION": "eu-west-1"})
    assert (found.name, found.account, found.region) == ("aws", ACCOUNT, "eu-west-1")
    assert found.endpoint_url is None
    assert found.instance == f"aws-{ACCOUNT}-eu-west-1"
    assert found.invoke_url("abc", "prod") == "https://abc.execute-api.eu-west-1.amazonaws.com/prod"
    assert found.console_url("table", "lab-deliveries") is not None


@pytest.mark.parametrize("named", ["", "1234", "12345678901x", "1234567890123"])
def test_aws_without_twelve_digits_is_refused_before_anything_is_asked(named: str) -> None:
    with pytest.raises(LabError, match="12 digits"):
        target.resolve({"WEBHOOK_LAB_TARGET": "aws", "WEBHOOK_LAB_AWS_ACCOUNT": named})


def test_another_account_than_the_one_named_is_refused_naming_both(monkeypatch: pytest.MonkeyPatch) -> None:
    caller_is(monkeypatch, "999999999999")
    with pytest.raises(LabError, match=f"999999999999, not {ACCOUNT}"):
        target.resolve(AWS)


def test_absent_and_expired_credentials_say_how_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    caller_is(monkeypatch, NoCredentialsError())
    with pytest.raises(LabError, match="Sign in"):
        target.resolve(AWS)
    caller_is(monkeypatch, ClientError({"Error": {"Code": "ExpiredToken", "Message": "expired"}}, "x"))
    with pytest.raises(LabError, match="Sign in again"):
        target.resolve(AWS)


def test_aws_is_refused_while_boto3_is_sent_elsewhere() -> None:
    with pytest.raises(LabError, match="Unset AWS_ENDPOINT_URL"):
        target.resolve({**AWS, "AWS_ENDPOINT_URL": "http://127.0.0.1:4566"})


@pytest.mark.parametrize("asked", ["prod", "AWS!", "ftp://x", "http://", "127.0.0.1:4566", *NO_PORTS])
def test_a_target_that_is_none_is_refused_with_the_three_that_are(asked: str) -> None:
    with pytest.raises(LabError, match="Use 'local', 'aws', or an address") as refused:
        target.resolve({"WEBHOOK_LAB_TARGET": asked})
    assert asked in str(refused.value)


def test_an_endpoint_where_nobody_answers_is_one_clear_message() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(LabError, match="nobody answers there"):
        target.resolve({"WEBHOOK_LAB_TARGET": f"http://127.0.0.1:{port}"})


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"OK"), (200, b""), (200, b"<a/>"), (404, b"<b>no</b>"), (501, b"<p>No<br></p>")],
)
def test_an_endpoint_that_is_no_aws_is_one_clear_message(status: int, body: bytes) -> None:
    with (
        serving(always(answer(status, body, Content_Type="text/html"))) as web,
        pytest.raises(LabError) as said,
    ):
        target.resolve({"WEBHOOK_LAB_TARGET": f"http://127.0.0.1:{web.port}"})
    assert f"127.0.0.1:{web.port}" in said.value.where


def test_only_aws_has_a_console() -> None:
    local = target.Target(
        "local", "http://127.0.0.1:1", "us-east-1", ACCOUNT, "k", "s", "i", target.LOCAL_CLOUD
    )
    assert local.console_url("table", "t") is None


def test_a_profile_that_does_not_exist_stops_aws_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "gone")
    local = target.Target(
        "local", "http://127.0.0.1:1", "us-east-1", ACCOUNT, "k", "s", "i", target.LOCAL_CLOUD
    )
    assert Session(local).sqs.meta.endpoint_url == "http://127.0.0.1:1"
    with pytest.raises(LabError, match="AWS_PROFILE"):
        target.resolve(AWS)
