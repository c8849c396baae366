"""The function's calls to Lambda, one by one."""

import base64
import hashlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import Foreign
from webhook_lab.resources.function import (
    Function,
    ReservationRefused,
    delete_function,
    describe_function,
    ensure_function,
    set_reserved_concurrency,
    unreserved_allows,
)

NAME = "lab-subscribe"
ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{NAME}"
ROLE = f"arn:aws:iam::123456789012:role/webhook-lab/{NAME}"
ZIP = b"PK and so on"
SHA256 = base64.b64encode(hashlib.sha256(ZIP).digest()).decode()
TAGS = {"webhook-lab": "lab"}
ENVIRONMENT = {"TABLE_NAME": "lab-deliveries"}
MADE = Function(NAME, ARN, "python3.13", 30, 128, ENVIRONMENT, 2, SHA256, ROLE)
WANTED: dict[str, Any] = {
    "name": NAME,
    "role_arn": ROLE,
    "zip_bytes": ZIP,
    "runtime": "python3.13",
    "timeout": 30,
    "memory": 128,
    "environment": ENVIRONMENT,
    "tags": TAGS,
    "reserved_concurrency": 2,
}
CONFIGURATION = {
    "Role": ROLE,
    "Runtime": "python3.13",
    "Handler": "app.handler",
    "Timeout": 30,
    "MemorySize": 128,
    "Environment": {"Variables": ENVIRONMENT},
}
THE_FUNCTION = {"FunctionName": NAME}
CREATE = {**THE_FUNCTION, **CONFIGURATION, "Code": {"ZipFile": ZIP}, "Tags": TAGS}
ACTIVE = ("lambda", "function_active_v2", THE_FUNCTION)
UPDATED = ("lambda", "function_updated_v2", THE_FUNCTION)
NOT_YET = "The role defined for the function cannot be assumed by Lambda."
TOO_FEW = (
    "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
    "below its minimum value of [100]."
)


def script_absent(script: Any) -> None:
    script.add_client_error("get_function", "ResourceNotFoundException", expected_params=THE_FUNCTION)


def script_look(
    script: Any, tags: dict[str, str] = TAGS, reserved: int | None = 2, **configuration: Any
) -> None:
    found = {
        "FunctionName": NAME,
        "FunctionArn": ARN,
        "CodeSha256": SHA256,
        "State": "Active",
        **CONFIGURATION,
    }
    answer: dict[str, Any] = {"Configuration": {**found, **configuration}, "Tags": tags}
    if reserved is not None:
        answer["Concurrency"] = {"ReservedConcurrentExecutions": reserved}
    script.add_response("get_function", answer, THE_FUNCTION)


def script_create(script: Any) -> None:
    script.add_response("create_function", {"FunctionArn": ARN, "State": "Pending"}, CREATE)


def script_reserve(script: Any, reserved: int = 2) -> None:
    asked = {**THE_FUNCTION, "ReservedConcurrentExecutions": reserved}
    script.add_response("put_function_concurrency", {"ReservedConcurrentExecutions": reserved}, asked)


def test_an_absent_function_is_created_with_its_tags_and_awaited(stub: Any, wait: Any) -> None:
    lambda_, script = stub("lambda")
    script_absent(script)
    script_create(script)
    script_reserve(script)
    assert ensure_function(lambda_, **WANTED, wait=wait) == MADE
    assert wait == [ACTIVE]


def test_without_a_reservation_none_is_asked_for(stub: Any, wait: Any) -> None:
    lambda_, script = stub("lambda")
    script_absent(script)
    script_create(script)
    made = ensure_function(lambda_, **{**WANTED, "reserved_concurrency": None}, wait=wait)
    assert made.reserved_concurrency is None


def test_a_role_that_is_too_new_is_given_time(stub: Any, wait: Any, pauses: list[float]) -> None:
    lambda_, script = stub("lambda")
    script_absent(script)
    script.add_client_error("create_function", "InvalidParameterValueException", NOT_YET)
    script_create(script)
    script_reserve(script)
    assert ensure_function(lambda_, **WANTED, wait=wait) == MADE
    assert len(pauses) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("InvalidParameterValueException", "Value python2.7 at 'runtime' failed to satisfy constraint"),
        ("ResourceConflictException", "Function already exist"),
        ("CodeStorageExceededException", "Code storage limit exceeded"),
        ("AccessDeniedException", "is not authorized to perform: lambda:CreateFunction"),
    ],
)
def test_what_is_refused_comes_out_as_aws_said_it(
    stub: Any, wait: Any, pauses: list[float], code: str, message: str
) -> None:
    lambda_, script = stub("lambda")
    script_absent(script)
    script.add_client_error("create_function", code, message)
    with pytest.raises(ClientError, match=code):
        ensure_function(lambda_, **WANTED, wait=wait)
    assert pauses == []


def test_a_function_as_wanted_is_left_alone(stub: Any, wait: Any) -> None:
    lambda_, script = stub("lambda")
    script_look(script)
    assert ensure_function(lambda_, **WANTED, wait=wait) == MADE
    assert wait == []


@pytest.mark.parametrize("tags", [{}, {"webhook-lab": "another"}])
def test_a_foreign_function_is_refused(stub: Any, wait: Any, tags: dict[str, str]) -> None:
    lambda_, script = stub("lambda")
    script_look(script, tags)
    with pytest.raises(Foreign):
        ensure_function(lambda_, **WANTED, wait=wait)


def test_other_code_is_replaced_and_awaited(stub: Any, wait: Any) -> None:
    lambda_, script = stub("lambda")
    script_look(script, CodeSha256="another")
    script.add_response("update_function_code", {}, {**THE_FUNCTION, "ZipFile": ZIP})
    assert ensure_function(lambda_, **WANTED, wait=wait) == MADE
    assert wait == [UPDATED]


@pytest.mark.parametrize(
    ("key", "found"),
    [
        ("Timeout", 3),
        ("MemorySize", 512),
        ("Runtime", "python3.9"),
        ("Handler", "other.handler"),
        ("Role", ROLE + "-2"),
        ("Environment", {"Variables": {"TABLE_NAME": "another"}}),
    ],
)
def test_only_what_differs_is_restored(stub: Any, wait: Any, key: str, found: Any) -> None:
    lambda_, script = stub("lambda")
    script_look(script, **{key: found})
    restored = {**THE_FUNCTION, key: CONFIGURATION[key]}
    script.add_response("update_function_configuration", {}, restored)
    assert ensure_function(lambda_, **WANTED, wait=wait) == MADE
    assert wait == [UPDATED]


def test_one_change_is_awaited_before_the_next(stub: Any, wait: Any) -> None:
    lambda_, script = stub("lambda")
    script_look(script, CodeSha256="another", Timeout=3, State="Pending", LastUpdateStatus="InProgress")
    script.add_response("update_function_code", {})
    script.add_response("update_function_configuration", {})
    assert ensure_function(lambda_, **WANTED, wait=wait) == MADE
    assert wait == [ACTIVE, UPDATED, UPDATED, UPDATED]


def test_an_update_that_failed_is_made_again(stub: Any, wait: Any) -> None:
    lambda_, script = stub("lambda")
    script_look(script, LastUpdateStatus="Failed")
    script.add_response("update_function_configuration", {}, {**THE_FUNCTION, **CONFIGURATION})
    assert ensure_function(lambda_, **WANTED, wait=wait) == MADE


def test_a_function_that_is_taking_another_change_is_given_time(
    stub: Any, wait: Any, pauses: list[float]
) -> None:
    lambda_, script = stub("lambda")
    script_look(script, Timeout=3, reserved=None)
    script.add_client_error(
        "update_function_configuration", "ResourceConflictException", "An update is in progress"
    )
    script.add_response("update_function_configuration", {}, {**THE_FUNCTION, "Timeout": 30})
    script.add_client_error("put_function_concurrency", "ResourceConflictException")
    script_reserve(script)
    assert ensure_function(lambda_, **WANTED, wait=wait) == MADE
    assert len(pauses) == 2


def test_a_reservation_is_restored_and_given_back(stub: Any, wait: Any) -> None:
    lambda_, script = stub("lambda")
    script_look(script, reserved=50)
    script_reserve(script)
    assert ensure_function(lambda_, **WANTED, wait=wait) == MADE
    script_look(script, reserved=0)
    script.add_response("delete_function_concurrency", {}, THE_FUNCTION)
    unreserved = ensure_function(lambda_, **{**WANTED, "reserved_concurrency": None}, wait=wait)
    assert unreserved.reserved_concurrency is None


def test_an_account_that_is_too_small_to_reserve_is_told_what_to_do(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script.add_client_error("put_function_concurrency", "InvalidParameterValueException", TOO_FEW)
    with pytest.raises(ReservationRefused) as raised:
        set_reserved_concurrency(lambda_, name=NAME, reserved=2)
    assert raised.value.said == TOO_FEW
    assert "reserved_concurrency=None" in raised.value.try_this


@pytest.mark.parametrize("code", ["TooManyRequestsException", "InvalidParameterValueException"])
def test_a_reservation_refused_for_another_reason_comes_out_as_aws_said_it(stub: Any, code: str) -> None:
    lambda_, script = stub("lambda")
    script.add_client_error("put_function_concurrency", code, "for another reason")
    with pytest.raises(ClientError, match="for another reason"):
        set_reserved_concurrency(lambda_, name=NAME, reserved=2)


@pytest.mark.parametrize(
    ("unreserved", "held", "allows"),
    [(1000, 0, True), (102, 0, True), (101, 0, False), (100, 2, True), (10, 0, False)],
)
def test_a_reservation_is_allowed_while_a_hundred_stay_unreserved(
    stub: Any, unreserved: int, held: int, allows: bool
) -> None:
    lambda_, script = stub("lambda")
    limit = {"AccountLimit": {"UnreservedConcurrentExecutions": unreserved}}
    script.add_response("get_account_settings", limit, {})
    assert unreserved_allows(lambda_, 2, held=held) is allows


def test_a_description_says_what_is_there(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script_look(script)
    assert describe_function(lambda_, name=NAME) == MADE
    script_look(script, reserved=None, Environment={})
    assert describe_function(lambda_, name=NAME, tags=TAGS) == Function(
        NAME, ARN, "python3.13", 30, 128, {}, None, SHA256, ROLE
    )


def test_there_is_no_description_of_an_absent_or_foreign_function(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script_absent(script)
    assert describe_function(lambda_, name=NAME) is None
    script_look(script, {})
    assert describe_function(lambda_, name=NAME, tags=TAGS) is None


def test_deleting_is_quiet_when_it_is_gone_or_foreign(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script.add_response("delete_function", {}, THE_FUNCTION)
    assert delete_function(lambda_, name=NAME)
    script.add_client_error("delete_function", "ResourceNotFoundException")
    assert not delete_function(lambda_, name=NAME)
    script_look(script, {"webhook-lab": "another"})
    assert not delete_function(lambda_, name=NAME, tags=TAGS)
