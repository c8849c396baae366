"""The base: what a scenario may do in its three places, and that it holds where it is installed."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.days.clocks import RealClock, VirtualClock
from tests.days.fake_aws import FakeAws, client_of
from tests.days.kernel import environment, holds, named
from tests.days.scenarios import Answer, Call, Day, Scenario, refusal, under
from webhook_lab.aws import target

ROOT = Path(__file__).resolve().parents[2]


class Says(Scenario):
    """Answers every call."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer

    def asked(self, call: Call) -> Answer:
        return dict(self.answer)


class Adds(Scenario):
    """Alters every answer."""

    def answered(self, call: Call, answer: Answer) -> None:
        answer["added"] = answer.get("added", 0) + 1


class Fails(Scenario):
    """Every attempt ends in this."""

    def __init__(self, with_: Exception) -> None:
        self.with_, self.attempts = with_, 0

    def sending(self, call: Call) -> None:
        self.attempts += 1
        raise self.with_


def test_of_a_day_the_first_answer_counts_and_all_alter_it() -> None:
    day = Day(Scenario(), Says({"QueueUrls": ["a"]}), Says({}), Adds(), Adds())
    answer = client_of("sqs", day, None, VirtualClock()).list_queues()
    assert answer == {"QueueUrls": ["a"], "added": 2}


@pytest.mark.parametrize(
    ("service", "method"),
    [
        ("sqs", "list_queues"),
        ("lambda", "list_functions"),
        ("iam", "list_roles"),
        ("s3", "list_buckets"),
        ("apigateway", "get_rest_apis"),
        ("logs", "describe_log_groups"),
        ("dynamodb", "list_tables"),
    ],
)
def test_a_refusal_of_an_attempt_is_read_and_retried_as_aws_words_it(service: str, method: str) -> None:
    fails = Fails(refusal("ThrottlingException", "Rate exceeded", 429))
    config = Config(retries={"mode": "standard", "total_max_attempts": 2})
    client = client_of(service, fails, None, VirtualClock(), config=config)
    with pytest.raises(ClientError, match="Rate exceeded") as error:
        getattr(client, method)()
    assert (error.value.response["Error"]["Code"], fails.attempts) == ("ThrottlingException", 2)


def test_a_connection_that_breaks_is_botocores_own_error() -> None:
    fails = Fails(ConnectionClosedError(endpoint_url="http://127.0.0.1:9"))
    client = client_of("sqs", fails, None, VirtualClock(), config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ConnectionClosedError):
        client.list_queues()


def test_a_refusal_before_the_call_reaches_nobody() -> None:
    class Refuses(Scenario):
        def asked(self, call: Call) -> Answer | None:
            raise refusal("ExpiredToken", "it has")

    aws = FakeAws(ListQueues={})
    with pytest.raises(ClientError, match="ExpiredToken"):
        client_of("sqs", Refuses(), aws, VirtualClock()).list_queues()
    assert aws.calls == []


def test_what_a_scenario_asks_by_itself_passes_every_scenario() -> None:
    class Looks(Scenario):
        def asked(self, call: Call) -> Answer | None:
            return {"QueueUrls": [*call.really("ListQueues")["QueueUrls"], call.params["QueueNamePrefix"]]}

    aws = FakeAws(ListQueues={"QueueUrls": ["real"]})
    answer = client_of("sqs", Day(Looks(), Adds()), aws, VirtualClock()).list_queues(QueueNamePrefix="p")
    assert answer == {"QueueUrls": ["real", "p"], "added": 1}


def test_it_holds_for_sessions_made_under_it_and_for_no_other() -> None:
    def urls() -> Any:
        session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name="us-east-1")
        config = Config(connect_timeout=1, retries={"total_max_attempts": 1})
        return session.client("sqs", endpoint_url="http://127.0.0.1:9", config=config).list_queues()

    with under(Says({"QueueUrls": ["a"]})):
        assert urls() == {"QueueUrls": ["a"]}
    with pytest.raises(Exception, match="Could not connect"):
        urls()


def test_the_local_cloud_passes_for_aws_within_the_block() -> None:
    before = target.LOCAL_CLOUD
    with holds(Scenario()):
        assert target.LOCAL_CLOUD.patience == target.AWS.patience
        assert target.LOCAL_CLOUD.peek_path is None
    assert before is target.LOCAL_CLOUD


def test_what_is_owed_is_done_at_the_exit_in_its_order() -> None:
    clock, done = RealClock(), list[str]()
    clock.later(500, lambda: done.append("second"))
    clock.later(400, lambda: done.append("first"))
    clock.later(300, lambda: done.append("a look"), owed=False)
    clock.settle()
    assert done == ["first", "second"]


def test_a_kernel_that_inherits_the_environment_has_the_day(tmp_path: Path) -> None:
    says = "from webhook_lab.aws.target import LOCAL_CLOUD; print(LOCAL_CLOUD.label, LOCAL_CLOUD.patience)"
    command = [sys.executable, "-m", "IPython", "--no-banner", "--colors=NoColor", "-c", says]
    for day, label in ((environment(tmp_path, "normal"), target.AWS.label), ({}, target.LOCAL_CLOUD.label)):
        environ = {**os.environ, "IPYTHONDIR": str(tmp_path), "PYTHONPATH": str(ROOT), **day}
        out = subprocess.run(command, env=environ, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert out.stdout.startswith(label), out.stdout + out.stderr


def test_a_day_without_a_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        environment(tmp_path, "another")
    assert named("account of 10, normal")
