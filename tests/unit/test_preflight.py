"""Preflight says what AWS would say, before AWS is asked."""

from dataclasses import replace
from typing import Any

import pytest

from webhook_lab.aws.errors import LabError, PreflightRefused
from webhook_lab.facts import quotas
from webhook_lab.pipeline.permissions import allows, lets_api_invoke
from webhook_lab.pipeline.plan import Finding, Plan
from webhook_lab.pipeline.preflight import check, refuse
from webhook_lab.resources.policies import MAPPING_ACTIONS, publish_policy, subscribe_policy

QUEUE = "arn:aws:sqs:us-east-1:123456789012:lab-webhooks"
API = "arn:aws:execute-api:us-east-1:123456789012:a1b2c3"


def policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def invoke_permission(source_arn: str | None, **changed: Any) -> dict[str, Any]:
    condition = {"ArnLike": {"AWS:SourceArn": source_arn}} if source_arn else {}
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "apigateway.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": "arn:aws:lambda:us-east-1:123456789012:function:lab-publish",
        "Condition": condition,
    }
    return policy({**statement, **changed})


TOO_LARGE = (
    "InvalidParameterValueException: Lambda was unable to configure your environment variables because the "
    "environment variables you have provided exceeded the 4KB limit."
)
SOUND = Plan(
    account_concurrency=1000,
    unreserved_concurrency=1000,
    queue_arn=QUEUE,
    mapping_policy=policy(allow(list(MAPPING_ACTIONS), QUEUE)),
    api_arn=API,
    function_policy=invoke_permission(f"{API}/*/*"),
    local_python=(3, 13),
)


def only(plan: Plan) -> Finding:
    findings = check(plan)
    assert len(findings) == 1, findings
    return findings[0]


def test_the_default_settings_are_taken_without_a_word() -> None:
    assert check(Plan()) == []
    assert check(SOUND) == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"visibility_timeout": 20},
            (
                "InvalidParameterValueException: Queue visibility timeout: 20 seconds is less than "
                "Function timeout: 30 seconds"
            ),
        ),
        (
            {"batch_size": 11},
            (
                "InvalidParameterValueException: Maximum batch window in seconds must be greater than 0 "
                "if maximum batch size is greater than 10"
            ),
        ),
        (
            {"unreserved_concurrency": 101},
            (
                "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function "
                "decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
            ),
        ),
        (
            {"account_concurrency": 10, "unreserved_concurrency": 10},
            (
                "InvalidParameterValueException: Specified ReservedConcurrentExecutions for function "
                "decreases account's UnreservedConcurrentExecution below its minimum value of [10]."
            ),
        ),
        (
            {"function_timeout": 901, "visibility_timeout": 6000},
            (
                "ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to "
                "satisfy constraint: Member must have value less than or equal to 900"
            ),
        ),
        (
            {"visibility_timeout": 43_201},
            "InvalidAttributeValue: Invalid value for the parameter VisibilityTimeout.",
        ),
        (
            {"runtime": "python3.7"},
            (
                "InvalidParameterValueException: The runtime parameter of python3.7 is no longer supported "
                "for creating or updating AWS Lambda functions. We recommend you use a supported runtime "
                "while creating or updating functions."
            ),
        ),
        (
            {"receive_wait": 21},
            "InvalidAttributeValue: Invalid value for the parameter ReceiveMessageWaitTimeSeconds.",
        ),
        (
            {"memory": 10_241},
            (
                "ValidationException: 1 validation error detected: Value '10241' at 'memorySize' failed to "
                "satisfy constraint: Member must have value less than or equal to 10240"
            ),
        ),
        (
            {"log_retention_days": 2},
            (
                "InvalidParameterException: 1 validation error detected: Value '2' at 'retentionInDays' "
                "failed to satisfy constraint: Member must satisfy enum value set: "
                f"{list(quotas.LOGS_RETENTION_DAYS.value)}"
            ),
        ),
        ({"signing_secret": "x" * 4_096}, TOO_LARGE),
        ({"environments": ({"A": "x" * (4_096 - len('{"A":""}') + 1)},)}, TOO_LARGE),
        ({"environments": ({"A": "é" * 2_047},)}, TOO_LARGE),
        (
            {"max_receive_count": 1001},
            (
                "InvalidParameterValue: Value for parameter RedrivePolicy is invalid. Reason: Invalid "
                "value for maxReceiveCount: 1001, valid values are from 1 to 1000 both inclusive."
            ),
        ),
    ],
)
def test_what_aws_refuses_is_refused_in_its_own_words(changed: dict[str, Any], said: str) -> None:
    finding = only(replace(SOUND, local_python=None, **changed))
    assert (finding.level, finding.said) == ("refused", said)
    assert finding.try_this
    assert finding.source.startswith("https://docs.aws.amazon.com/")


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"visibility_timeout": 179}, "visibility timeout"),
        ({"max_receive_count": 4}, "maxReceiveCount"),
        ({"maximum_concurrency": None}, "over-pull"),
        ({"maximum_concurrency": 3}, "over-pull"),
        ({"dlq_retention": 345_600}, "DLQ retention"),
        ({"max_receive_count": None}, "dead-letter queue"),
        ({"report_batch_item_failures": False}, "partial batch response"),
        ({"runtime": "python3.12", "local_python": (3, 12)}, "runtime"),
        ({"local_python": (3, 11)}, "runtime here"),
        ({"other_mappings": (2,)}, "over-pull"),
        ({"reserved_concurrency": 4, "other_mappings": (None,)}, "over-pull"),
        ({"undeployed": ["GET /orders"]}, "API deployment"),
        ({"queue_deleted_ago": 59.0}, "queue name"),
    ],
)
def test_what_aws_takes_and_makes_one_regret_is_a_warning(changed: dict[str, Any], rule: str) -> None:
    finding = only(replace(SOUND, **changed))
    assert (finding.level, finding.rule) == ("warning", rule)
    refuse([finding])


@pytest.mark.parametrize(
    "changed",
    [
        {"visibility_timeout": 180},
        {"unreserved_concurrency": 102},
        {"unreserved_concurrency": 100, "already_reserved": 2},
        {"reserved_concurrency": None, "account_concurrency": 10, "unreserved_concurrency": 10},
        {"reserved_concurrency": 5, "maximum_concurrency": 5},
        {"reserved_concurrency": 5, "other_mappings": (3,)},
        {"queue_deleted_ago": 60.0},
        {"max_receive_count": 1000},
        {"receive_wait": 20, "memory": 10_240, "log_retention_days": 3653},
        {"log_retention_days": None},
        {"environments": ({"A": "x" * (4_096 - len('{"A":""}'))},)},
        {"runtime": "python3.14", "local_python": (3, 14)},
    ],
)
def test_settings_at_the_edge_of_a_rule_pass(changed: dict[str, Any]) -> None:
    assert check(replace(SOUND, **changed)) == []


@pytest.mark.parametrize(
    "field", ["visibility_timeout", "max_receive_count", "batch_size", "reserved_concurrency"]
)
def test_what_is_no_whole_number_is_refused_before_any_rule_compares_it(field: str) -> None:
    for value in ("2", 2.5, True):
        assert only(replace(SOUND, **{field: value})).said == f"{field} is {value!r}"  # type: ignore[arg-type]


def test_a_runtime_that_does_not_exist_is_refused_with_those_that_do() -> None:
    said = only(replace(SOUND, runtime="python4.0", local_python=None)).said
    assert said.startswith("InvalidParameterValueException: Value python4.0 at 'runtime' failed to satisfy")
    assert "python3.13, python3.14" in said


@pytest.mark.parametrize("action", MAPPING_ACTIONS)
def test_a_mapping_role_without_one_of_its_three_actions_is_refused(action: str) -> None:
    others = [other for other in MAPPING_ACTIONS if other != action]
    finding = only(replace(SOUND, mapping_policy=policy(allow(others, QUEUE))))
    assert finding.level == "refused"
    call = action.removeprefix("sqs:")
    assert finding.said == (
        "InvalidParameterValueException: The function execution role does not have permissions "
        f"to call {call} on SQS"
    )


def test_the_policy_that_the_lab_writes_is_enough_for_its_mapping_and_the_publishers_is_not() -> None:
    table, logs = "arn:aws:dynamodb:us-east-1:123456789012:table/t", "arn:aws:logs:us-east-1:123456789012:g"
    enough = subscribe_policy(queue_arn=QUEUE, table_arn=table, log_group_arn=logs)
    assert check(replace(SOUND, mapping_policy=enough)) == []
    other = publish_policy(queue_arn=QUEUE, log_group_arn=logs)
    assert [finding.rule for finding in check(replace(SOUND, mapping_policy=other))] == ["mapping role"] * 3


@pytest.mark.parametrize(
    "function_policy",
    [
        None,
        invoke_permission("arn:aws:execute-api:us-east-1:123456789012:other/*/*"),
        invoke_permission(f"{API}/*/GET/*"),
        invoke_permission(f"{API}/test/*/*"),
        invoke_permission(f"{API}/*/*", Principal={"Service": "events.amazonaws.com"}),
        invoke_permission(f"{API}/*/*", Action="lambda:GetFunction"),
        invoke_permission(f"{API}/*/*", Effect="Deny"),
    ],
)
def test_an_api_that_may_not_invoke_its_function_is_refused(function_policy: dict[str, Any] | None) -> None:
    finding = only(replace(SOUND, function_policy=function_policy))
    assert (finding.level, finding.rule) == ("refused", "API permission")
    assert "Invalid permissions on Lambda function" in finding.said


@pytest.mark.parametrize("source_arn", [f"{API}/*/*", f"{API}/prod/*/*", f"{API}/*/*/*", f"{API}/*", None])
def test_an_api_permission_may_be_as_wide_as_one_likes(source_arn: str | None) -> None:
    assert lets_api_invoke(invoke_permission(source_arn), API, "prod")


def test_two_permissions_may_cover_the_root_and_the_rest_of_an_api() -> None:
    root, rest = invoke_permission(f"{API}/*/*/"), invoke_permission(f"{API}/*/*/any/*")
    assert lets_api_invoke(policy(*root["Statement"], *rest["Statement"]), API, "prod")
    assert not lets_api_invoke(rest, API, "prod")


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([allow("sqs:SendMessage", QUEUE)], True),
        ([allow("SQS:sendmessage", QUEUE)], True),
        ([allow(["sqs:Get*", "sqs:Send*"], "*")], True),
        ([allow("*", "arn:aws:sqs:*:*:lab-?ebhooks")], True),
        ([allow("sqs:SendMessageBatch", QUEUE)], False),
        ([allow("sqs:SendMessage", QUEUE + "-dlq")], False),
        ([allow("sqs:SendMessage", QUEUE.replace("lab", "[a-z]ab"))], False),
        ([allow("sqs:SendMessage", QUEUE), allow("sqs:*", "*") | {"Effect": "Deny"}], False),
        ([allow("sqs:SendMessage", QUEUE, Condition={"Bool": {"aws:SecureTransport": "true"}})], False),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], False),
        ([allow("*", "*"), {"Effect": "Deny", "NotAction": "iam:*", "Resource": "*"}], False),
        ([], False),
    ],
)
def test_a_policy_allows_what_some_allow_covers_and_no_deny_does(
    statements: list[dict[str, Any]], answer: bool
) -> None:
    assert allows(policy(*statements), "sqs:SendMessage", QUEUE) is answer


def test_refusals_come_first_and_the_first_one_stops_everything() -> None:
    findings = check(replace(SOUND, max_receive_count=4, batch_size=11, report_batch_item_failures=False))
    assert [finding.level for finding in findings] == ["refused", "warning", "warning"]
    with pytest.raises(PreflightRefused) as refused:
        refuse(findings)
    assert isinstance(refused.value, LabError)
    assert "Maximum batch window" in refused.value.said
    assert "https://docs.aws.amazon.com/" in refused.value.try_this


def test_a_batching_window_lets_a_batch_be_large_and_hides_it_for_as_much_longer() -> None:
    assert check(Plan(batch_size=100, batching_window=1, visibility_timeout=181)) == []
    found = only(Plan(batching_window=1))
    assert (found.rule, found.try_this) == ("visibility timeout", "Set the visibility timeout to 181 s.")
    refused = only(Plan(batching_window=301, visibility_timeout=600))
    assert (refused.level, refused.try_this) == ("refused", "Choose 300 or less.")
