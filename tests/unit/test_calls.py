"""Every call that a client makes is recorded once, as it was when it was made."""

import threading
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, WaiterError
from botocore.stub import Stubber

from webhook_lab.aws.calls import CallLog


def client(service: str, **more: Any) -> Any:
    return boto3.client(
        service,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2),
        **more,
    )


@pytest.fixture
def log() -> CallLog:
    return CallLog()


@pytest.fixture
def sqs(log: CallLog) -> Any:
    sqs = client("sqs")
    log.attach(sqs)
    return sqs


@pytest.fixture
def dynamodb(log: CallLog) -> Any:
    dynamodb = client("dynamodb")
    log.attach(dynamodb)
    return dynamodb


def test_a_call_is_recorded_with_what_was_asked_and_answered(log: CallLog, sqs: Any) -> None:
    with Stubber(sqs) as stub:
        stub.add_response(
            "create_queue", {"QueueUrl": "https://sqs/1/q", "ResponseMetadata": {"RequestId": "x"}}
        )
        sqs.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "180"})
    [call] = log.since(0)
    assert (call.service, call.operation, call.method, call.kind) == (
        "sqs",
        "CreateQueue",
        "create_queue",
        "call",
    )
    assert call.params == {"QueueName": "q", "Attributes": {"VisibilityTimeout": "180"}}
    assert call.response == {"QueueUrl": "https://sqs/1/q"}
    assert call.error is None
    assert call.at > 0
    assert call.seconds >= 0


def test_a_refused_call_is_recorded_with_the_aws_error_code(log: CallLog, dynamodb: Any) -> None:
    with Stubber(dynamodb) as stub:
        stub.add_client_error("describe_table", "ResourceNotFoundException", http_status_code=400)
        with pytest.raises(ClientError):
            dynamodb.describe_table(TableName="orders")
    [call] = log.since(0)
    assert (call.error, call.response) == ("ResourceNotFoundException", None)


def test_a_call_that_nobody_answers_is_recorded_with_the_name_of_the_exception(log: CallLog) -> None:
    sqs = client("sqs", endpoint_url="http://127.0.0.1:9")
    log.attach(sqs)
    with pytest.raises(EndpointConnectionError):
        sqs.list_queues()
    [call] = log.since(0)
    assert (call.operation, call.error, call.response) == ("ListQueues", "EndpointConnectionError", None)


def test_a_later_change_of_the_arguments_or_the_answer_does_not_reach_the_record(
    log: CallLog, sqs: Any
) -> None:
    attributes = {"VisibilityTimeout": "180"}
    with Stubber(sqs) as stub:
        stub.add_response("create_queue", {"QueueUrl": "https://sqs/1/q"})
        answer = sqs.create_queue(QueueName="q", Attributes=attributes)
    attributes["VisibilityTimeout"] = "1"
    answer["QueueUrl"] = "elsewhere"
    [call] = log.since(0)
    assert call.params["Attributes"] == {"VisibilityTimeout": "180"}
    assert call.response == {"QueueUrl": "https://sqs/1/q"}


def test_a_body_that_streams_is_left_to_its_reader(log: CallLog) -> None:
    lambda_ = client("lambda")
    log.attach(lambda_)

    class Stream:
        def read(self) -> bytes:
            return b"{}"

    with Stubber(lambda_) as stub:
        stub.add_response("invoke", {"StatusCode": 200, "Payload": Stream()})
        answer = lambda_.invoke(FunctionName="publish", Payload=b"{}")
    assert answer["Payload"].read() == b"{}"
    [call] = log.since(0)
    assert call.params["Payload"] == b"{}"
    assert call.response == {"StatusCode": 200, "Payload": "<Stream>"}


def test_a_wait_is_one_record_and_its_own_calls_are_none(log: CallLog, dynamodb: Any) -> None:
    with Stubber(dynamodb) as stub:
        stub.add_response("describe_table", {"Table": {"TableStatus": "CREATING"}})
        stub.add_response("describe_table", {"Table": {"TableStatus": "ACTIVE"}})
        with log.waiting("dynamodb", "table_exists", {"TableName": "orders"}):
            dynamodb.get_waiter("table_exists").wait(TableName="orders", WaiterConfig={"Delay": 0})
        stub.add_response("describe_table", {"Table": {"TableStatus": "ACTIVE"}})
        dynamodb.describe_table(TableName="orders")
    wait, call = log.since(0)
    assert (wait.kind, wait.method, wait.params, wait.error) == (
        "wait",
        "table_exists",
        {"TableName": "orders"},
        None,
    )
    assert call.method == "describe_table"


def test_a_wait_that_gives_up_is_recorded_as_failed(log: CallLog, dynamodb: Any) -> None:
    with Stubber(dynamodb) as stub:
        stub.add_client_error("describe_table", "AccessDeniedException", http_status_code=400)
        with pytest.raises(WaiterError), log.waiting("dynamodb", "table_exists", {"TableName": "orders"}):
            dynamodb.get_waiter("table_exists").wait(TableName="orders")
    [wait] = log.since(0)
    assert wait.error == "WaiterError"


def test_another_threads_calls_are_recorded_while_one_waits(log: CallLog, sqs: Any) -> None:
    def call() -> None:
        with Stubber(sqs) as stub:
            stub.add_response("list_queues", {})
            sqs.list_queues()

    with log.waiting("dynamodb", "table_exists", {"TableName": "orders"}):
        thread = threading.Thread(target=call)
        thread.start()
        thread.join()
    assert [call.method for call in log.since(0)] == ["list_queues", "table_exists"]


def test_since_gives_what_came_after_the_mark(log: CallLog, sqs: Any) -> None:
    with Stubber(sqs) as stub:
        for _ in range(3):
            stub.add_response("list_queues", {})
        sqs.list_queues(QueueNamePrefix="before")
        mark = log.mark()
        assert log.since(mark) == []
        sqs.list_queues(QueueNamePrefix="after")
        sqs.list_queues(QueueNamePrefix="last")
    assert [call.params["QueueNamePrefix"] for call in log.since(mark)] == ["after", "last"]


def test_the_oldest_calls_go_first_when_the_log_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook_lab.aws.calls.LIMIT", 2)
    log, sqs = CallLog(), client("sqs")
    log.attach(sqs)
    with Stubber(sqs) as stub:
        for name in "abc":
            stub.add_response("list_queues", {})
            sqs.list_queues(QueueNamePrefix=name)
    assert [call.params["QueueNamePrefix"] for call in log.since(0)] == ["b", "c"]
    assert [call.params["QueueNamePrefix"] for call in log.since(2)] == ["c"]
    assert log.mark() == 3


def test_calls_from_many_threads_are_all_kept(log: CallLog) -> None:
    def call() -> None:
        sqs = client("sqs")
        log.attach(sqs)
        with Stubber(sqs) as stub:
            for _ in range(20):
                stub.add_response("list_queues", {})
                sqs.list_queues()

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(log.since(0)) == log.mark() == 80
