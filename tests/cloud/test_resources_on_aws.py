"""What AWS does and the local cloud does not: new roles, names still taken, changes under way, slow lists.

Each is put into the local cloud's answers, by botocore's own events: the first few are AWS's, then its own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.pipe import NEEDS, TAGS, Pipe
from tests.cloud.test_resources import SPOILERS
from webhook_lab.aws.errors import LabError
from webhook_lab.resources.function import ReservationRefused, set_reserved_concurrency
from webhook_lab.resources.queue import Depth, depth, empty_queue

TOO_NEW = "The role defined for the function cannot be assumed by Lambda."
NO_KEY = "Lambda was unable to configure access to your variables: the KMS key is invalid for CreateGrant."
NO_RIGHTS = "The provided execution role does not have permissions to call ReceiveMessage on SQS"
TOO_FEW = (
    "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
    "below its minimum value of [100]."
)


@contextmanager
def hooked(pipe: Pipe, event: str, operation: str, handler: Callable[..., Any]) -> Iterator[None]:
    """The handler is called at that botocore event of every call of one operation."""
    session = pipe.session
    clients: list[Any] = [session.dynamodb, session.sqs, session.logs, session.iam, session.lambda_]
    for client in (*clients, session.apigateway):
        client.meta.events.register(f"{event}.*.{operation}", handler)
    try:
        yield
    finally:
        for client in (*clients, session.apigateway):
            client.meta.events.unregister(f"{event}.*.{operation}", handler)


@contextmanager
def refused(pipe: Pipe, operation: str, code: str, message: str = "", times: int = 1) -> Iterator[list[str]]:
    """So many calls of the operation are refused; yields how often that has happened, as a list."""
    happened: list[str] = []

    def refuse(**_: Any) -> Any:
        if len(happened) == times:
            return None
        happened.append(code)
        return SimpleNamespace(status_code=400, headers={}), {"Error": {"Code": code, "Message": message}}

    with hooked(pipe, "before-call", operation, refuse):
        yield happened


@contextmanager
def answered(
    pipe: Pipe, operation: str, alter: Callable[[Any], object], times: int = 1
) -> Iterator[list[str]]:
    """So many answers to the operation are altered on their way; yields how often that has happened."""
    happened: list[str] = []

    def change(parsed: Any, **_: Any) -> None:
        if len(happened) < times and "Error" not in parsed:
            happened.append(operation)
            alter(parsed)

    with hooked(pipe, "after-call", operation, change):
        yield happened


@pytest.mark.parametrize(
    ("kind", "operation", "code", "message", "times"),
    [
        ("queue", "CreateQueue", "AWS.SimpleQueueService.QueueDeletedRecently", "", 8),
        ("queue", "CreateQueue", "QueueDeletedRecently", "", 8),
        ("dlq", "GetQueueAttributes", "QueueDoesNotExist", "", 1),
        ("role", "PutRolePolicy", "NoSuchEntity", "", 2),
        ("function", "CreateFunction", "InvalidParameterValueException", TOO_NEW, 3),
        ("function", "CreateFunction", "InvalidParameterValueException", NO_KEY, 1),
        ("function", "PutFunctionConcurrency", "ResourceConflictException", "", 1),
        ("mapping", "CreateEventSourceMapping", "InvalidParameterValueException", NO_RIGHTS, 3),
        ("api", "CreateRestApi", "TooManyRequestsException", "", 3),
        ("api", "CreateDeployment", "TooManyRequestsException", "", 4),
    ],
)
def test_a_creation_that_aws_refuses_for_a_while_is_asked_for_again(
    pipe: Pipe, pauses: list[float], kind: str, operation: str, code: str, message: str, times: int
) -> None:
    for needed in NEEDS.get(kind, ()):
        pipe.make(needed)
    with refused(pipe, operation, code, message, times) as happened:
        made = pipe.make(kind)
    assert len(happened) == times == len(pauses)
    assert pipe.describe(kind) == made


@pytest.mark.parametrize(
    ("kind", "operation", "code"),
    [
        ("function", "UpdateFunctionCode", "ResourceConflictException"),
        ("function", "UpdateFunctionConfiguration", "ResourceConflictException"),
        ("mapping", "UpdateEventSourceMapping", "ResourceInUseException"),
    ],
)
def test_a_change_waits_for_the_one_that_is_under_way(
    pipe: Pipe, pauses: list[float], kind: str, operation: str, code: str
) -> None:
    made = pipe.make_whole(kind)
    SPOILERS[kind](pipe)
    before = len(pauses)
    with refused(pipe, operation, code, times=2):
        assert pipe.make(kind) == made
    assert len(pauses) >= before + 2
    assert pipe.describe(kind) == made


@pytest.mark.parametrize(
    ("kind", "operation", "code"),
    [
        ("table", "DeleteTable", "ResourceInUseException"),
        ("function", "DeleteFunction", "ResourceConflictException"),
        ("mapping", "DeleteEventSourceMapping", "ResourceInUseException"),
    ],
)
def test_a_deletion_waits_for_its_turn(
    pipe: Pipe, pauses: list[float], kind: str, operation: str, code: str
) -> None:
    pipe.make_whole(kind)
    with refused(pipe, operation, code, times=3) as happened:
        assert pipe.delete(kind)
    assert len(happened) == 3 <= len(pauses)
    assert pipe.describe(kind) is None


@pytest.mark.parametrize(
    ("kind", "operation", "code"),
    [
        ("table", "CreateTable", "LimitExceededException"),
        ("table", "UpdateTimeToLive", "ValidationException"),
        ("queue", "CreateQueue", "InvalidAttributeValue"),
        ("log_group", "CreateLogGroup", "AccessDeniedException"),
        ("role", "CreateRole", "LimitExceeded"),
        ("function", "CreateFunction", "InvalidParameterValueException"),
        ("mapping", "CreateEventSourceMapping", "InvalidParameterValueException"),
        ("api", "CreateRestApi", "LimitExceededException"),
    ],
)
def test_what_is_refused_comes_out_as_aws_said_it(
    pipe: Pipe, pauses: list[float], kind: str, operation: str, code: str
) -> None:
    with (
        refused(pipe, operation, code, "for good", 100),
        pytest.raises(ClientError, match=f"{code}.*for good"),
    ):
        pipe.make_whole(kind)
    assert pauses == []


def test_a_name_that_stays_taken_is_not_waited_for_for_ever(pipe: Pipe, pauses: list[float]) -> None:
    pipe.make("dlq")
    with refused(pipe, "CreateQueue", "QueueDeletedRecently", times=1_000), pytest.raises(ClientError):
        pipe.make("queue")
    assert 75 <= sum(pauses) <= 80


def test_a_new_log_group_is_awaited_until_it_is_listed(pipe: Pipe, pauses: list[float]) -> None:
    with answered(pipe, "DescribeLogGroups", lambda parsed: parsed.update(logGroups=[]), times=3):
        made = pipe.make("log_group")
    assert pipe.describe("log_group") == made
    assert len(pauses) == 2


def test_a_table_that_is_being_deleted_is_awaited_and_made_anew(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, waited = pipe.make("table"), []

    def wait(_service: str, waiter: str, **_: Any) -> None:
        waited.append(waiter)
        if waiter == "table_not_exists":
            pipe.session.dynamodb.delete_table(TableName=pipe.name)

    monkeypatch.setattr(pipe.session, "wait", wait)
    with answered(pipe, "DescribeTable", lambda parsed: parsed["Table"].update(TableStatus="DELETING")):
        assert pipe.make("table") == made
    assert waited == ["table_not_exists", "table_exists"]


def test_one_change_of_a_function_is_awaited_before_the_next(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, waited = pipe.make_whole("function"), []
    SPOILERS["function"](pipe)
    monkeypatch.setattr(pipe.session, "wait", lambda _service, waiter, **_: waited.append(waiter))

    def pending(parsed: Any) -> None:
        parsed["Configuration"].update(State="Pending", LastUpdateStatus="InProgress")

    with answered(pipe, "GetFunction", pending):
        assert pipe.make("function") == made
    assert waited == ["function_active_v2", *["function_updated_v2"] * 3]


def test_an_update_of_a_function_that_failed_is_made_again(pipe: Pipe) -> None:
    pipe.make_whole("function")

    def failed(parsed: Any) -> None:
        parsed["Configuration"].update(LastUpdateStatus="Failed")

    mark = pipe.calls.mark()
    with answered(pipe, "GetFunction", failed):
        pipe.make("function")
    assert "update_function_configuration" in {call.method for call in pipe.calls.since(mark)}


def test_a_mapping_is_changed_when_it_has_settled(pipe: Pipe, pauses: list[float]) -> None:
    made = pipe.make_whole("mapping")
    pauses.clear()

    def updating(parsed: Any) -> None:
        for each in parsed.get("EventSourceMappings", [parsed]):
            each["State"] = "Updating"

    listed = answered(pipe, "ListEventSourceMappings", updating)
    with listed, answered(pipe, "GetEventSourceMapping", updating, times=3):
        assert pipe.make("mapping") == made
    assert len(pauses) == 2
    with listed_again(pipe, updating), pytest.raises(LabError, match="to be enabled or disabled"):
        pipe.make("mapping")


@contextmanager
def listed_again(pipe: Pipe, alter: Callable[[Any], object]) -> Iterator[None]:
    """From now on every look at a mapping is altered."""
    with (
        answered(pipe, "ListEventSourceMappings", alter, times=10_000),
        answered(pipe, "GetEventSourceMapping", alter, times=10_000),
    ):
        yield


def test_a_queue_deleted_between_two_looks_is_none(pipe: Pipe) -> None:
    pipe.make("dlq")
    for operation in ("ListQueueTags", "GetQueueAttributes"):
        with refused(pipe, operation, "AWS.SimpleQueueService.NonExistentQueue"):
            assert pipe.describe("dlq", tags=TAGS) is None


def test_a_deletion_of_a_queue_is_awaited_until_sqs_denies_it(pipe: Pipe, pauses: list[float]) -> None:
    url = pipe.make("dlq").url
    still = SimpleNamespace(status_code=200, headers={}), {"QueueUrl": url}
    asked: list[object] = []

    def there(**_: Any) -> Any:
        asked.append(_)
        return still if len(asked) <= 4 else None

    with hooked(pipe, "before-call", "GetQueueUrl", there):
        assert pipe.delete("dlq")
    assert len(asked) == 5


@pytest.mark.parametrize(("told", "there"), [("3", 3), ("0", 13)], ids=["too many", "none yet"])
def test_a_depth_that_lags_neither_prolongs_nor_ends_the_emptying(pipe: Pipe, told: str, there: int) -> None:
    sqs, url = pipe.session.sqs, pipe.make("dlq").url
    for number in range(there):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    shown = {"ApproximateNumberOfMessages": told}
    with answered(pipe, "GetQueueAttributes", lambda parsed: parsed["Attributes"].update(shown), times=9):
        assert empty_queue(sqs, url=url) == there


def test_a_purge_that_is_refused_goes_on_message_by_message(pipe: Pipe) -> None:
    sqs, url = pipe.session.sqs, pipe.make("dlq").url
    sqs.send_message(QueueUrl=url, MessageBody="left over")
    with refused(pipe, "PurgeQueue", "AWS.SimpleQueueService.PurgeQueueInProgress"):
        assert empty_queue(sqs, url=url, purge=True) == 1
    assert depth(sqs, url=url) == Depth(0, 0, 0)


def test_an_account_that_is_too_small_to_reserve_is_told_what_to_do(pipe: Pipe) -> None:
    pipe.make_whole("function")
    refusal = refused(pipe, "PutFunctionConcurrency", "InvalidParameterValueException", TOO_FEW)
    with refusal, pytest.raises(ReservationRefused) as raised:
        set_reserved_concurrency(pipe.session, name=pipe.name, reserved=2)
    assert raised.value.said == TOO_FEW
    assert "reserved_concurrency=None" in raised.value.try_this
    other = refused(pipe, "PutFunctionConcurrency", "InvalidParameterValueException", "another reason")
    with other, pytest.raises(ClientError, match="another reason"):
        set_reserved_concurrency(pipe.session, name=pipe.name, reserved=2)


def test_an_api_that_cannot_take_bytes_again_is_made_anew(pipe: Pipe) -> None:
    first = pipe.make_whole("api")

    def spoil(parsed: Any) -> None:
        for each in parsed.get("items", [parsed]):
            each["binaryMediaTypes"] = ["*~1*"]

    with answered(pipe, "GetRestApi", spoil), answered(pipe, "UpdateRestApi", spoil):
        second = pipe.make("api")
    assert second.id != first.id
    assert pipe.describe("api") == second


def test_the_url_is_that_of_our_stage_whatever_others_there_are(pipe: Pipe) -> None:
    api = pipe.make_whole("api")
    for stage in ("a-test", "zz-test"):
        pipe.session.apigateway.create_deployment(restApiId=api.id, stageName=stage)
    assert pipe.describe("api").stage == "prod"
    pipe.session.apigateway.delete_stage(restApiId=api.id, stageName="prod")
    assert pipe.describe("api").stage is None
    assert pipe.make("api").stage == "prod"
