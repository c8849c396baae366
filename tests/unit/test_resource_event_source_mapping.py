"""The event source mapping's calls to Lambda, one by one."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from webhook_lab.resources.event_source_mapping import (
    Mapping,
    delete_mapping,
    describe_mapping,
    ensure_mapping,
)

from webhook_lab.aws.errors import Foreign, LabError

UUID = "a1b2c3d4-5678-90ab-cdef-111111111111"
ARN = f"arn:aws:lambda:us-east-1:123456789012:event-source-mapping:{UUID}"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:lab-webhooks"
FUNCTION = "lab-subscribe"
TAGS = {"webhook-lab": "lab"}
MADE = Mapping(UUID, FUNCTION, QUEUE, 10, 2, True, "Enabled")
ENDS = {"function_name": FUNCTION, "queue_arn": QUEUE}
WANTED: dict[str, Any] = {**ENDS, "batch_size": 10, "maximum_concurrency": 2, "tags": TAGS}
THE_MAPPING = {"UUID": UUID}
CREATE = {
    "EventSourceArn": QUEUE,
    "FunctionName": FUNCTION,
    "Enabled": True,
    "Tags": TAGS,
    "BatchSize": 10,
    "ScalingConfig": {"MaximumConcurrency": 2},
    "FunctionResponseTypes": ["ReportBatchItemFailures"],
}
NO_PERMISSION = "The provided execution role does not have permissions to call ReceiveMessage on SQS"


def row(state: str = "Enabled", function: str = FUNCTION, **changed: Any) -> dict[str, Any]:
    return {
        "UUID": UUID,
        "EventSourceMappingArn": ARN,
        "EventSourceArn": QUEUE,
        "FunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{function}",
        "State": state,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "ScalingConfig": {"MaximumConcurrency": 2},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        **changed,
    }


def script_list(script: Any, *rows: dict[str, Any]) -> None:
    answer = {"EventSourceMappings": list(rows)}
    script.add_response("list_event_source_mappings", answer, {"EventSourceArn": QUEUE})


def script_look(script: Any, found: dict[str, Any], tags: dict[str, str] = TAGS) -> None:
    script_list(script, found)
    script.add_response("list_tags", {"Tags": tags}, {"Resource": ARN})


def script_get(script: Any, *states: str) -> None:
    for state in states:
        script.add_response("get_event_source_mapping", row(state), THE_MAPPING)


def script_gone(script: Any) -> None:
    script.add_client_error(
        "get_event_source_mapping", "ResourceNotFoundException", expected_params=THE_MAPPING
    )


def test_an_absent_mapping_is_created_with_its_tags_and_awaited(stub: Any, pauses: list[float]) -> None:
    lambda_, script = stub("lambda")
    script_list(script)
    script.add_response("create_event_source_mapping", row("Creating"), CREATE)
    script_get(script, "Creating", "Enabling", "Enabled")
    assert ensure_mapping(lambda_, **WANTED) == MADE
    assert len(pauses) == 2


def test_a_mapping_of_the_queue_to_another_function_is_another_mapping(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script_list(script, row(function="audit"))
    script.add_response("create_event_source_mapping", row(), CREATE)
    assert ensure_mapping(lambda_, **WANTED) == MADE


def test_what_is_not_wanted_is_not_asked_for(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script_list(script)
    bare = {key: CREATE[key] for key in ("EventSourceArn", "FunctionName", "Enabled", "Tags", "BatchSize")}
    made = row(ScalingConfig={}, FunctionResponseTypes=[])
    script.add_response("create_event_source_mapping", made, bare)
    less = {**WANTED, "maximum_concurrency": None, "report_batch_item_failures": False}
    assert ensure_mapping(lambda_, **less) == Mapping(UUID, FUNCTION, QUEUE, 10, None, False, "Enabled")


def test_a_mapping_may_be_made_to_stand_still(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script_list(script)
    script.add_response("create_event_source_mapping", row("Disabled"), {**CREATE, "Enabled": False})
    assert ensure_mapping(lambda_, **WANTED, enabled=False).state == "Disabled"


def test_a_role_whose_policy_is_too_new_is_given_time(stub: Any, pauses: list[float]) -> None:
    lambda_, script = stub("lambda")
    script_list(script)
    script.add_client_error("create_event_source_mapping", "InvalidParameterValueException", NO_PERMISSION)
    script.add_response("create_event_source_mapping", row(), CREATE)
    assert ensure_mapping(lambda_, **WANTED) == MADE
    assert len(pauses) == 1


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (
            "InvalidParameterValueException",
            "Queue visibility timeout: 10 seconds is less than Function timeout: 30 seconds",
        ),
        ("ResourceConflictException", "An event source mapping with SQS arn and function already exists"),
        ("AccessDeniedException", "is not authorized to perform: lambda:CreateEventSourceMapping"),
    ],
)
def test_what_is_refused_comes_out_as_aws_said_it(
    stub: Any, pauses: list[float], code: str, message: str
) -> None:
    lambda_, script = stub("lambda")
    script_list(script)
    script.add_client_error("create_event_source_mapping", code, message)
    with pytest.raises(ClientError, match=code):
        ensure_mapping(lambda_, **WANTED)
    assert pauses == []


def test_a_mapping_as_wanted_is_left_alone(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script_look(script, row())
    assert ensure_mapping(lambda_, **WANTED) == MADE


@pytest.mark.parametrize("tags", [{}, {"webhook-lab": "another"}])
def test_a_foreign_mapping_is_refused(stub: Any, tags: dict[str, str]) -> None:
    lambda_, script = stub("lambda")
    script_look(script, row(), tags)
    with pytest.raises(Foreign):
        ensure_mapping(lambda_, **WANTED)


@pytest.mark.parametrize(
    ("found", "restored"),
    [
        ({"BatchSize": 1}, {"BatchSize": 10}),
        ({"ScalingConfig": {}}, {"ScalingConfig": {"MaximumConcurrency": 2}}),
        ({"FunctionResponseTypes": []}, {"FunctionResponseTypes": ["ReportBatchItemFailures"]}),
        ({"State": "Disabled"}, {"Enabled": True}),
        ({"MaximumBatchingWindowInSeconds": 5}, {"MaximumBatchingWindowInSeconds": 0}),
        ({"FilterCriteria": {"Filters": [{"Pattern": "{}"}]}}, {"FilterCriteria": {}}),
    ],
)
def test_only_what_differs_is_restored(stub: Any, found: dict[str, Any], restored: dict[str, Any]) -> None:
    lambda_, script = stub("lambda")
    script_look(script, row(**found))
    script.add_response("update_event_source_mapping", row("Updating"), {**THE_MAPPING, **restored})
    script_get(script, "Enabled")
    assert ensure_mapping(lambda_, **WANTED) == MADE


def test_a_change_waits_until_the_mapping_has_settled(stub: Any, pauses: list[float]) -> None:
    lambda_, script = stub("lambda")
    script_look(script, row("Updating"))
    script_get(script, "Updating", "Disabled")
    script.add_client_error("update_event_source_mapping", "ResourceInUseException")
    script.add_response("update_event_source_mapping", row("Enabling"), {**THE_MAPPING, "Enabled": True})
    script_get(script, "Enabled")
    assert ensure_mapping(lambda_, **WANTED) == MADE
    assert len(pauses) == 2


def test_a_mapping_that_never_settles_is_said(stub: Any, pauses: list[float]) -> None:
    lambda_, script = stub("lambda")
    script_look(script, row("Creating"))
    script_get(script, *["Creating"] * 186)
    with pytest.raises(LabError, match="to be enabled or disabled"):
        ensure_mapping(lambda_, **WANTED)


def test_a_mapping_that_is_being_deleted_is_awaited_and_made_anew(stub: Any, pauses: list[float]) -> None:
    lambda_, script = stub("lambda")
    script_look(script, row("Deleting"))
    script_get(script, "Deleting")
    script_gone(script)
    script.add_response("create_event_source_mapping", row(), CREATE)
    assert ensure_mapping(lambda_, **WANTED) == MADE
    assert len(pauses) == 1


def test_there_is_no_description_of_an_absent_or_foreign_mapping(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script_list(script, row(function="audit"))
    assert describe_mapping(lambda_, **ENDS) is None
    script_look(script, row(), {})
    assert describe_mapping(lambda_, **ENDS, tags=TAGS) is None
    script_list(script, row("Updating"))
    assert describe_mapping(lambda_, **ENDS) == Mapping(UUID, FUNCTION, QUEUE, 10, 2, True, "Updating")


def test_a_deletion_is_awaited_until_the_mapping_is_gone(stub: Any, pauses: list[float]) -> None:
    lambda_, script = stub("lambda")
    script_look(script, row())
    script.add_client_error("delete_event_source_mapping", "ResourceInUseException")
    script.add_response("delete_event_source_mapping", row("Deleting"), THE_MAPPING)
    script_get(script, "Deleting", "Deleting")
    script_gone(script)
    assert delete_mapping(lambda_, **ENDS, tags=TAGS)
    assert len(pauses) == 3


def test_a_mapping_can_be_deleted_by_its_uuid(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script.add_response("delete_event_source_mapping", row("Deleting"), THE_MAPPING)
    script_gone(script)
    assert delete_mapping(lambda_, uuid=UUID)


def test_deleting_an_absent_or_foreign_mapping_is_quiet(stub: Any) -> None:
    lambda_, script = stub("lambda")
    script_list(script)
    assert not delete_mapping(lambda_, **ENDS)
    script_look(script, row(), {"webhook-lab": "another"})
    assert not delete_mapping(lambda_, **ENDS, tags=TAGS)
    script.add_client_error("delete_event_source_mapping", "ResourceNotFoundException")
    assert not delete_mapping(lambda_, uuid=UUID)
