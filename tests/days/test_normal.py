"""The normal day's scenarios, each on virtual time over an AWS in memory."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.days.clocks import VirtualClock
from tests.days.fake_aws import FakeAws, client_of
from tests.days.normal import (
    Account,
    LateLogs,
    OldDepths,
    OldLists,
    SlowFunctions,
    SlowMappings,
    SlowQueueAttributes,
)

UUID = "8a5b9c3e-0000-4000-8000-000000000001"
URL = "http://127.0.0.1:9/000000000000/webhooks"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_a_log_event_shows_five_seconds_late(clock: VirtualClock) -> None:
    events = [{"timestamp": clock.epoch_ms(), "message": "hello"}]
    logs = client_of("logs", LateLogs(5), FakeAws(FilterLogEvents=lambda **_: {"events": events}), clock)
    clock.advance(4.9)
    assert logs.filter_log_events(logGroupName="g")["events"] == []
    clock.advance(0.1)
    assert logs.filter_log_events(logGroupName="g")["events"] == events


def test_depths_are_of_twenty_seconds_ago(clock: VirtualClock) -> None:
    held = {"ApproximateNumberOfMessages": "0"}
    aws = FakeAws(GetQueueAttributes=lambda **_: {"Attributes": dict(held)}, CreateQueue={"QueueUrl": URL})
    sqs = client_of("sqs", OldDepths(20), aws, clock)

    def shown() -> str:
        answer = sqs.get_queue_attributes(QueueUrl=URL, AttributeNames=["All"])
        return str(answer["Attributes"]["ApproximateNumberOfMessages"])

    sqs.create_queue(QueueName="webhooks")
    clock.advance(30)
    held["ApproximateNumberOfMessages"] = "7"
    clock.advance(19)
    assert shown() == "0"
    clock.advance(2)
    assert shown() == "7"


def test_lists_show_what_is_deleted_and_not_what_is_new_for_twenty_seconds(clock: VirtualClock) -> None:
    roles: list[dict[str, Any]] = [
        {"RoleName": "old", "Path": "/webhook-lab/", "AssumeRolePolicyDocument": {"Statement": []}}
    ]
    aws = FakeAws(ListRoles=lambda **_: {"Roles": list(roles)}, CreateRole={"Role": {}}, DeleteRole={})
    iam = client_of("iam", OldLists(20), aws, clock)

    def listed(path: str = "/") -> list[str]:
        return [role["RoleName"] for role in iam.list_roles(PathPrefix=path)["Roles"]]

    iam.delete_role(RoleName="old")
    roles.clear()
    iam.create_role(RoleName="new", AssumeRolePolicyDocument="{}")
    roles.append({"RoleName": "new", "Path": "/"})
    clock.advance(19)
    assert listed() == ["old"]
    assert listed("/elsewhere/") == []
    clock.advance(2)
    assert listed() == ["new"]
    iam.delete_role(RoleName="new")
    roles.clear()
    assert listed() == ["new"]


def test_a_mapping_keeps_its_old_values_for_fifteen_seconds_and_takes_no_other_change(
    clock: VirtualClock,
) -> None:
    mapping: dict[str, Any] = {"UUID": UUID, "State": "Enabled", "BatchSize": 10}
    aws = FakeAws(
        GetEventSourceMapping=lambda **_: dict(mapping),
        UpdateEventSourceMapping=lambda **params: mapping.update(params) or dict(mapping),
    )
    lambda_ = client_of("lambda", SlowMappings(15), aws, clock)
    assert lambda_.update_event_source_mapping(UUID=UUID, BatchSize=1)["State"] == "Updating"
    with pytest.raises(ClientError) as error:
        lambda_.update_event_source_mapping(UUID=UUID, BatchSize=2)
    assert code_of(error) == "ResourceInUseException"
    clock.advance(14)
    now = lambda_.get_event_source_mapping(UUID=UUID)
    assert (now["State"], now["BatchSize"]) == ("Updating", 10)
    clock.advance(1)
    now = lambda_.get_event_source_mapping(UUID=UUID)
    assert (now["State"], now["BatchSize"]) == ("Enabled", 1)
    assert lambda_.update_event_source_mapping(UUID=UUID, Enabled=False)["State"] == "Disabling"


def test_a_new_mapping_polls_after_fifteen_seconds(clock: VirtualClock) -> None:
    aws = FakeAws(
        CreateEventSourceMapping={"UUID": UUID, "State": "Disabled"}, UpdateEventSourceMapping={"UUID": UUID}
    )
    lambda_ = client_of("lambda", SlowMappings(15), aws, clock)
    made = lambda_.create_event_source_mapping(EventSourceArn="arn", FunctionName="f")
    assert made["State"] == "Creating"
    assert [params["Enabled"] for params in aws.asked("CreateEventSourceMapping")] == [False]
    clock.advance(14)
    assert aws.asked("UpdateEventSourceMapping") == []
    clock.advance(1)
    assert aws.asked("UpdateEventSourceMapping") == [{"UUID": UUID, "Enabled": True}]


def test_queue_attributes_are_in_force_after_thirty_seconds(clock: VirtualClock) -> None:
    aws = FakeAws(GetQueueAttributes={"Attributes": {}}, SetQueueAttributes={})
    sqs = client_of("sqs", SlowQueueAttributes(30), aws, clock)
    sqs.set_queue_attributes(QueueUrl=URL, Attributes={"VisibilityTimeout": "4"})
    clock.advance(29)
    assert aws.asked("SetQueueAttributes") == []
    clock.advance(1)
    assert [params["Attributes"] for params in aws.asked("SetQueueAttributes")] == [
        {"VisibilityTimeout": "4"}
    ]


def test_a_function_is_pending_then_in_progress_and_refuses_meanwhile(clock: VirtualClock) -> None:
    def active(**_: Any) -> dict[str, Any]:
        return {"FunctionName": "f", "State": "Active", "LastUpdateStatus": "Successful"}

    aws = FakeAws(
        CreateFunction=active,
        UpdateFunctionCode=active,
        Invoke={"StatusCode": 200},
        GetFunction=lambda **_: {"Configuration": active()},
    )
    lambda_ = client_of("lambda", SlowFunctions(3), aws, clock)
    created = lambda_.create_function(FunctionName="f", Role="r" * 20, Code={"ZipFile": b""})
    assert created["State"] == "Pending"
    with pytest.raises(ClientError) as error:
        lambda_.invoke(FunctionName="f")
    assert code_of(error) == "ResourceConflictException"
    clock.advance(3)
    assert lambda_.invoke(FunctionName="f")["StatusCode"] == 200
    assert lambda_.update_function_code(FunctionName="f", ZipFile=b"")["LastUpdateStatus"] == "InProgress"
    with pytest.raises(ClientError) as error:
        lambda_.update_function_code(FunctionName="f", ZipFile=b"")
    assert code_of(error) == "ResourceConflictException"
    clock.advance(3)
    assert lambda_.get_function(FunctionName="f")["Configuration"]["LastUpdateStatus"] == "Successful"


@pytest.mark.parametrize(
    ("executions", "reserved", "refused"), [(10, 2, True), (1_000, 2, False), (101, 2, True)]
)
def test_an_account_keeps_its_last_executions(
    executions: int, reserved: int, refused: bool, clock: VirtualClock
) -> None:
    aws = FakeAws(ListFunctions={"Functions": []}, PutFunctionConcurrency={"ReservedConcurrentExecutions": 2})
    lambda_ = client_of("lambda", Account(executions), aws, clock)
    limit = lambda_.get_account_settings()["AccountLimit"]
    assert limit["UnreservedConcurrentExecutions"] == executions
    put = {"FunctionName": "f", "ReservedConcurrentExecutions": reserved}
    if not refused:
        assert lambda_.put_function_concurrency(**put)["ReservedConcurrentExecutions"] == reserved
        return
    with pytest.raises(ClientError, match=f"minimum value of .{min(100, executions)}."):
        lambda_.put_function_concurrency(**put)
