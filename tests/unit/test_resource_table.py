"""The table's calls to DynamoDB, one by one."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import Foreign, LabError
from webhook_lab.resources.table import Table, delete_table, describe_table, empty_table, ensure_table

NAME = "lab-deliveries"
ARN = f"arn:aws:dynamodb:us-east-1:123456789012:table/{NAME}"
TAGS = {"webhook-lab": "lab"}
MADE = Table(NAME, ARN)
THE_TABLE = {"TableName": NAME}
ENABLE = {**THE_TABLE, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "expires_at"}}


def description(status: str = "ACTIVE", billing: str = "PAY_PER_REQUEST", key: str = "id") -> dict[str, Any]:
    return {
        "TableName": NAME,
        "TableArn": ARN,
        "TableStatus": status,
        "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
        "BillingModeSummary": {"BillingMode": billing},
    }


def script_look(script: Any, tags: dict[str, str] = TAGS, ttl: str | None = "ENABLED", **found: str) -> None:
    """Someone looks: the table is there, has these tags, and (ttl not None) this time to live."""
    script.add_response("describe_table", {"Table": description(**found)}, THE_TABLE)
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    script.add_response("list_tags_of_resource", {"Tags": pairs}, {"ResourceArn": ARN})
    if ttl is not None:
        script_ttl(script, ttl)


def script_ttl(script: Any, status: str, attribute: str = "expires_at") -> None:
    answer = {"TimeToLiveStatus": status, "AttributeName": attribute}
    script.add_response("describe_time_to_live", {"TimeToLiveDescription": answer}, THE_TABLE)


def script_create(script: Any) -> None:
    script.add_response(
        "create_table",
        {"TableDescription": description("CREATING")},
        {
            **THE_TABLE,
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "BillingMode": "PAY_PER_REQUEST",
            "Tags": [{"Key": "webhook-lab", "Value": "lab"}],
        },
    )
    script.add_response("update_time_to_live", {}, ENABLE)


def test_an_absent_table_is_created_with_its_tags_and_awaited(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script.add_client_error("describe_table", "ResourceNotFoundException", expected_params=THE_TABLE)
    script_create(script)
    assert ensure_table(dynamodb, name=NAME, tags=TAGS, wait=wait) == MADE
    assert wait == [("dynamodb", "table_exists", THE_TABLE)]


def test_a_table_as_wanted_is_left_alone(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script_look(script)
    assert ensure_table(dynamodb, name=NAME, tags=TAGS, wait=wait) == MADE
    assert wait == []


def test_a_table_that_is_being_created_is_awaited(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script_look(script, ttl="ENABLING", status="CREATING")
    ensure_table(dynamodb, name=NAME, tags=TAGS, wait=wait)
    assert [waiter for _, waiter, _ in wait] == ["table_exists"]


def test_a_table_that_is_being_deleted_is_awaited_and_made_anew(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script.add_response("describe_table", {"Table": description("DELETING")}, THE_TABLE)
    script_create(script)
    assert ensure_table(dynamodb, name=NAME, tags=TAGS, wait=wait) == MADE
    assert [waiter for _, waiter, _ in wait] == ["table_not_exists", "table_exists"]


def test_billing_and_time_to_live_are_restored(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script_look(script, ttl="DISABLED", billing="PROVISIONED")
    script.add_response("update_table", {}, {**THE_TABLE, "BillingMode": "PAY_PER_REQUEST"})
    script.add_response("update_time_to_live", {}, ENABLE)
    assert ensure_table(dynamodb, name=NAME, tags=TAGS, wait=wait) == MADE
    assert [waiter for _, waiter, _ in wait] == ["table_exists"]


def test_a_second_change_of_time_to_live_within_the_hour_is_said_as_aws_says_it(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script_look(script, ttl="DISABLED")
    script.add_client_error("update_time_to_live", "ValidationException", "Time to live has been modified")
    with pytest.raises(ClientError, match="Time to live has been modified"):
        ensure_table(dynamodb, name=NAME, tags=TAGS, wait=wait)


@pytest.mark.parametrize("tags", [{}, {"webhook-lab": "another"}])
def test_a_foreign_table_is_refused(stub: Any, wait: Any, tags: dict[str, str]) -> None:
    dynamodb, script = stub("dynamodb")
    script_look(script, tags, ttl=None)
    with pytest.raises(Foreign):
        ensure_table(dynamodb, name=NAME, tags=TAGS, wait=wait)


def test_our_table_with_another_key_is_refused(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script_look(script, ttl=None, key="pk")
    with pytest.raises(LabError, match="its key is 'pk', not 'id'"):
        ensure_table(dynamodb, name=NAME, tags=TAGS, wait=wait)


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "LimitExceededException", "ResourceInUseException"]
)
def test_what_create_table_refuses_comes_out_as_aws_said_it(stub: Any, wait: Any, code: str) -> None:
    dynamodb, script = stub("dynamodb")
    script.add_client_error("describe_table", "ResourceNotFoundException")
    script.add_client_error("create_table", code)
    with pytest.raises(ClientError, match=code):
        ensure_table(dynamodb, name=NAME, tags=TAGS, wait=wait)


def test_a_description_says_what_is_there(stub: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script.add_response("describe_table", {"Table": description(billing="PROVISIONED", key="pk")}, THE_TABLE)
    script_ttl(script, "DISABLED")
    assert describe_table(dynamodb, name=NAME) == Table(NAME, ARN, "pk", "PROVISIONED", None)


def test_there_is_no_description_of_an_absent_or_foreign_table(stub: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script.add_client_error("describe_table", "ResourceNotFoundException")
    assert describe_table(dynamodb, name=NAME) is None
    script_look(script, {}, ttl=None)
    assert describe_table(dynamodb, name=NAME, tags=TAGS) is None


def test_a_deletion_is_awaited(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script.add_response("delete_table", {}, THE_TABLE)
    assert delete_table(dynamodb, name=NAME, wait=wait)
    assert wait == [("dynamodb", "table_not_exists", THE_TABLE)]


def test_a_table_in_use_is_deleted_once_it_is_free(stub: Any, wait: Any, pauses: list[float]) -> None:
    dynamodb, script = stub("dynamodb")
    script.add_client_error("delete_table", "ResourceInUseException")
    script.add_response("delete_table", {}, THE_TABLE)
    assert delete_table(dynamodb, name=NAME, wait=wait)
    assert len(pauses) == 1


def test_deleting_an_absent_table_is_quiet(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script.add_client_error("delete_table", "ResourceNotFoundException")
    assert not delete_table(dynamodb, name=NAME, wait=wait)
    assert wait == []


def test_a_foreign_table_is_not_deleted(stub: Any, wait: Any) -> None:
    dynamodb, script = stub("dynamodb")
    script_look(script, {"webhook-lab": "another"}, ttl=None)
    assert not delete_table(dynamodb, name=NAME, tags=TAGS, wait=wait)


def test_emptying_repeats_what_dynamodb_did_not_take(stub: Any, pauses: list[float]) -> None:
    dynamodb, script = stub("dynamodb")
    keys = [{"id": {"S": f"lab:{i}"}} for i in range(27)]
    requests = [{"DeleteRequest": {"Key": key}} for key in keys]
    scan = {**THE_TABLE, "ProjectionExpression": "id", "ConsistentRead": True}
    script.add_response("scan", {"Items": keys}, scan)
    left = {NAME: requests[20:25]}
    script.add_response(
        "batch_write_item", {"UnprocessedItems": left}, {"RequestItems": {NAME: requests[:25]}}
    )
    script.add_response("batch_write_item", {"UnprocessedItems": {}}, {"RequestItems": left})
    script.add_response("batch_write_item", {"UnprocessedItems": {}}, {"RequestItems": {NAME: requests[25:]}})
    assert empty_table(dynamodb, name=NAME) == 27
    assert len(pauses) == 1
