"""The log group's calls to CloudWatch Logs, one by one."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import Foreign
from webhook_lab.resources.log_group import LogGroup, delete_log_group, describe_log_group, ensure_log_group

NAME = "/aws/lambda/lab-publish"
ARN = f"arn:aws:logs:us-east-1:123456789012:log-group:{NAME}"
TAGS = {"webhook-lab": "lab"}
MADE = LogGroup(NAME, ARN, 1)
WANTED: dict[str, Any] = {"name": NAME, "retention_days": 1, "tags": TAGS}


def script_list(script: Any, *groups: tuple[str, int | None]) -> None:
    rows = [
        {"logGroupName": name, "arn": f"{ARN}:*", **({"retentionInDays": days} if days else {})}
        for name, days in groups
    ]
    script.add_response("describe_log_groups", {"logGroups": rows}, {"logGroupNamePrefix": NAME})


def script_tags(script: Any, tags: dict[str, str]) -> None:
    script.add_response("list_tags_for_resource", {"tags": tags}, {"resourceArn": ARN})


def script_retention(script: Any) -> None:
    script.add_response("put_retention_policy", {}, {"logGroupName": NAME, "retentionInDays": 1})


def test_an_absent_group_is_created_with_its_tags(stub: Any) -> None:
    logs, script = stub("logs")
    script_list(script, (f"{NAME}-too", 7))
    script.add_response("create_log_group", {}, {"logGroupName": NAME, "tags": TAGS})
    script_retention(script)
    script_list(script, (NAME, 1), (f"{NAME}-too", 7))
    assert ensure_log_group(logs, **WANTED) == MADE


def test_a_new_group_is_awaited_until_it_is_listed(stub: Any, pauses: list[float]) -> None:
    logs, script = stub("logs")
    script_list(script)
    script.add_response("create_log_group", {})
    script_retention(script)
    script_list(script)
    script_list(script, (NAME, 1))
    assert ensure_log_group(logs, **WANTED) == MADE
    assert len(pauses) == 1


def test_a_group_as_wanted_is_left_alone(stub: Any) -> None:
    logs, script = stub("logs")
    script_list(script, (NAME, 1))
    script_tags(script, TAGS)
    assert ensure_log_group(logs, **WANTED) == MADE


@pytest.mark.parametrize("days", [None, 14])
def test_retention_is_restored(stub: Any, days: int | None) -> None:
    logs, script = stub("logs")
    script_list(script, (NAME, days))
    script_tags(script, TAGS)
    script_retention(script)
    assert ensure_log_group(logs, **WANTED) == MADE


def test_a_foreign_group_is_refused(stub: Any) -> None:
    logs, script = stub("logs")
    script_list(script, (NAME, 1))
    script_tags(script, {})
    with pytest.raises(Foreign):
        ensure_log_group(logs, **WANTED)


@pytest.mark.parametrize("code", ["ResourceAlreadyExistsException", "LimitExceededException"])
def test_what_is_refused_comes_out_as_aws_said_it(stub: Any, code: str) -> None:
    logs, script = stub("logs")
    script_list(script)
    script.add_client_error("create_log_group", code)
    with pytest.raises(ClientError, match=code):
        ensure_log_group(logs, **WANTED)


def test_there_is_no_description_of_an_absent_or_foreign_group(stub: Any) -> None:
    logs, script = stub("logs")
    script_list(script)
    assert describe_log_group(logs, name=NAME) is None
    script_list(script, (NAME, 3))
    assert describe_log_group(logs, name=NAME) == LogGroup(NAME, ARN, 3)
    script_list(script, (NAME, 3))
    script_tags(script, {})
    assert describe_log_group(logs, name=NAME, tags=TAGS) is None


def test_deleting_is_quiet_when_it_is_gone(stub: Any) -> None:
    logs, script = stub("logs")
    script.add_response("delete_log_group", {}, {"logGroupName": NAME})
    assert delete_log_group(logs, name=NAME)
    script.add_client_error("delete_log_group", "ResourceNotFoundException")
    assert not delete_log_group(logs, name=NAME)


def test_a_foreign_group_is_not_deleted(stub: Any) -> None:
    logs, script = stub("logs")
    script_list(script, (NAME, 1))
    script_tags(script, {})
    assert not delete_log_group(logs, name=NAME, tags=TAGS)
