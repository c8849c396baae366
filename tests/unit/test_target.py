import os
import socket
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from tests.unit.odd_server import always, answer, serving
from webhook_lab.aws import target
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session

ACCOUNT = "123456789012"
NO_PORTS = (
    *("http://127.0.0.1:99999", "http://127.0.0.1:no", "http://[::1", "http://127.0.0.1:0"),
    *(
        "http://x y",
        "http://.",
        "http://x..y",
        "http://x/a b",
        f"http://{'x' * 64}.y",
        f"http://{'x.' * 200}y",
    ),
)
AWS = {"WEBHOOK_LAB_TARGET": "aws", "WEBHOOK_LAB_AWS_ACCOUNT": ACCOUNT}


LOCAL = target.Target("local", "http://127.0.0.1:1", "us-east-1", ACCOUNT, "k", "s", "i", target.LOCAL_CLOUD)
CLIENTS = list(Session.__annotations__)


@pytest.fixture(autouse=True)
def no_aws_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The learner's AWS configuration file: not there, unless a test writes it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return tmp_path / "config"


def caller_is(
    monkeypatch: pytest.MonkeyPatch, answer: str | Exception, partition: str = "aws"
) -> list[BaseClient]:
    """Answer GetCallerIdentity; what comes back fills with the clients that asked."""
    asked: list[BaseClient] = []

    def call(client: BaseClient, *_: Any) -> dict[str, str]:
        asked.append(client)
        if isinstance(answer, Exception):
            raise answer
        return {"Account": answer, "Arn": f"arn:{partition}:sts::{answer}:assumed-role/learner/me"}

    monkeypatch.setattr(BaseClient, "_make_api_call", call)
    return asked


def test_the_account_that_was_named_and_that_calls_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    caller_is(monkeypatch, ACCOUNT)
    found = target.resolve({**AWS, "AWS_REGION": "eu-west-1"})
    assert (found.name, found.account, found.region) == ("aws", ACCOUNT, "eu-west-1")
    assert found.endpoint_url is None
    assert found.instance == f"aws-{ACCOUNT}-eu-west-1"
    assert found.invoke_url("abc", "prod") == "https://abc.execute-api.eu-west-1.amazonaws.com/prod"
    assert found.console_page_url("dynamodbv2/home") is not None


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


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SQS", "AWS_ENDPOINT_URL_API_GATEWAY"])
def test_aws_is_refused_while_the_environment_sends_boto3_elsewhere(name: str) -> None:
    with pytest.raises(LabError, match=f"Unset {name}"):
        target.resolve({**AWS, name: "http://127.0.0.1:4566"})


ELSEWHERE = "http://127.0.0.1:4566"
SERVICES = {"lambda_": "lambda", "tagging": "resourcegroupstaggingapi"}
KEYS = "aws_access_key_id = key\naws_secret_access_key = secret\n"


@pytest.mark.parametrize("way", ["profile", "services", "environment"])
def test_no_configuration_sends_a_call_past_the_account_check(
    way: str, monkeypatch: pytest.MonkeyPatch, no_aws_files: Path
) -> None:
    services = [*(SERVICES.get(name, name) for name in CLIENTS), "sts"]
    ids = [
        botocore.session.get_session().get_service_model(service).service_id.replace(" ", "_")
        for service in services
    ]
    sections = "".join(f"{each.lower()} =\n  endpoint_url = {ELSEWHERE}\n" for each in ids)
    more = {
        "profile": f"endpoint_url = {ELSEWHERE}\n",
        "services": f"services = all\n[services all]\n{sections}",
    }
    no_aws_files.write_text(f"[default]\n{KEYS}{more.get(way, '')}")
    for each in ids if way == "environment" else []:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{each.upper()}", ELSEWHERE)
    learners = boto3.Session(region_name="us-east-1")
    by_itself = {learners.client(service).meta.endpoint_url for service in services}  # type: ignore[call-overload]
    assert by_itself == {ELSEWHERE}

    asked = caller_is(monkeypatch, ACCOUNT)
    session = Session(target.resolve(AWS))
    urls = [client.meta.endpoint_url for client in (*asked, *(getattr(session, name) for name in CLIENTS))]
    assert len(urls) == len(services)
    assert [url for url in urls if ".amazonaws.com" not in url] == []


@pytest.mark.parametrize(
    ("partition", "region", "host", "console"),
    [
        ("aws", "eu-west-1", "amazonaws.com", "https://eu-west-1.console.aws.amazon.com/"),
        (
            "aws-us-gov",
            "us-gov-west-1",
            "amazonaws.com",
            "https://us-gov-west-1.console.amazonaws-us-gov.com/",
        ),
        ("aws-cn", "cn-north-1", "amazonaws.com.cn", "https://cn-north-1.console.amazonaws.cn/"),
        ("aws-iso", "us-iso-east-1", "c2s.ic.gov", None),
    ],
)
def test_arns_and_host_names_are_those_of_the_callers_partition(
    partition: str, region: str, host: str, console: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller_is(monkeypatch, ACCOUNT, partition)
    found = target.resolve({**AWS, "AWS_REGION": region})
    assert found.arn("sqs", "orders") == f"arn:{partition}:sqs:{region}:{ACCOUNT}:orders"
    assert found.invoke_url("abc", "prod") == f"https://abc.execute-api.{region}.{host}/prod"
    assert found.console_page_url("iam/home") == (console and f"{console}iam/home")


def test_the_region_of_the_profile_counts_where_the_environment_names_none(
    monkeypatch: pytest.MonkeyPatch, no_aws_files: Path
) -> None:
    no_aws_files.write_text("[default]\nregion = eu-north-1\n")
    caller_is(monkeypatch, ACCOUNT)
    assert target.resolve(AWS).region == "eu-north-1"
    assert target.resolve({**AWS, "AWS_REGION": "eu-west-1"}).region == "eu-west-1"


@pytest.mark.parametrize(
    ("profile", "environment", "named"),
    [
        ("region = eu-north-1", {}, None),
        ("region = eu-north-1", {"AWS_REGION": "eu-north-1"}, None),
        ("region = eu-north-1", {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ("", {"AWS_REGION": "eu-west-1"}, "eu-west-1"),
        ("", {}, target.DEFAULT_REGION),
    ],
)
def test_printed_code_names_the_region_that_boto3_would_not_find(
    profile: str,
    environment: dict[str, str],
    named: str | None,
    monkeypatch: pytest.MonkeyPatch,
    no_aws_files: Path,
) -> None:
    no_aws_files.write_text(f"[default]\n{profile}\n")
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    caller_is(monkeypatch, ACCOUNT)
    found = target.resolve({**AWS, **environment})
    assert found.region_to_name == named
    assert (named or boto3.Session().region_name) == found.region


def test_the_account_and_the_lab_ask_for_credentials_once(
    monkeypatch: pytest.MonkeyPatch, no_aws_files: Path
) -> None:
    no_aws_files.write_text(f"[default]\n{KEYS}")
    caller_is(monkeypatch, ACCOUNT)
    session = Session(target.resolve(AWS))
    no_aws_files.unlink()
    assert session.credentials.access_key == "key"


@pytest.mark.parametrize("asked", ["prod", "AWS!", "ftp://x", "http://", "127.0.0.1:4566", *NO_PORTS])
def test_a_target_that_is_none_is_refused_with_the_three_that_are(asked: str) -> None:
    with pytest.raises(LabError, match="Use 'local', 'aws', or an address") as refused:
        target.resolve({"WEBHOOK_LAB_TARGET": asked})
    assert asked[:80] in str(refused.value)


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


def test_clients_are_made_once_and_when_asked_for_and_show_in_completion() -> None:
    session = Session(LOCAL)
    assert set(CLIENTS) <= set(dir(session))
    assert not set(CLIENTS) & set(vars(session))
    assert session.sqs is session.sqs
    with pytest.raises(AttributeError, match="sqss"):
        session.sqss  # noqa: B018


@pytest.mark.parametrize(
    "config", ["", "[profile other]\n", "not a configuration", "[default]\nregion = x\n"]
)
def test_what_is_wrong_in_the_learners_aws_files_stops_aws_and_nothing_else(
    config: str, monkeypatch: pytest.MonkeyPatch, no_aws_files: Path
) -> None:
    no_aws_files.write_text(config)
    monkeypatch.setenv("AWS_PROFILE", "gone")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    sqs = Session(LOCAL).sqs
    assert (sqs.meta.endpoint_url, sqs.meta.region_name) == ("http://127.0.0.1:1", "us-east-1")
    with pytest.raises(EndpointConnectionError):
        sqs.list_queues()
    with pytest.raises(
        LabError, match="AWS_PROFILE" if config != "not a configuration" else "Mend that file"
    ):
        target.resolve(AWS)


def test_an_address_of_any_length_is_said_in_one_short_message() -> None:
    with pytest.raises(LabError) as refused:
        target.resolve({"WEBHOOK_LAB_TARGET": f"http://{'x.' * 5_000}y"})
    assert len(str(refused.value)) < 300


def test_the_instance_of_a_long_address_is_a_files_name_and_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    caller_is(monkeypatch, ACCOUNT)
    monkeypatch.setattr(target.local_cloud, "identify", lambda _: None)
    long = "http://127.0.0.1:1/" + "x" * 300
    instances = {target.resolve({"WEBHOOK_LAB_TARGET": f"{long}{n}"}).instance for n in (1, 2)}
    assert len(instances) == 2
    assert all(len(instance) < 150 for instance in instances)


def test_a_file_that_may_not_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied", "/home/me/.aws/config")

    monkeypatch.setattr(boto3, "Session", refuse)
    with pytest.raises(
        LabError, match=r"Permission denied: '/home/me/.aws/config'\n.*Make that file readable"
    ):
        target.resolve(AWS)
