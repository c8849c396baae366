"""What each function may do, and the direct door, as IAM policies: own actions on own resources, no more.

None allows logs:CreateLogGroup: with it, a line that arrives after teardown would bring the log group back.
"""

from typing import Any

VERSION = "2012-10-17"
"""The version of the policy language; IAM has had no newer one."""

MAPPING_ACTIONS = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
"""What an event source mapping does on its queue, with the function's execution role."""

LAMBDA, API_GATEWAY = "lambda.amazonaws.com", "apigateway.amazonaws.com"
"""Services that assume a role, by the names that policies have for them."""


def trust_policy(service: str) -> dict[str, Any]:
    """Lets this service, and nobody else, assume a role."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": VERSION, "Statement": [statement]}


def publish_policy(*, queue_arn: str, log_group_arn: str, bucket_arn: str | None = None) -> dict[str, Any]:
    """What the publish function needs: send to the queue, keep large bodies if so set, write its log.

    Args:
        log_group_arn: without ``:*`` at its end.
        bucket_arn: where large bodies go; None: nowhere.
    """
    return _policy(
        _allow("SendToTheQueue", queue_arn, "sqs:SendMessage"),
        *_bodies("KeepBodies", bucket_arn, "s3:PutObject"),
        _write_log(log_group_arn),
    )


def direct_policy(*, queue_arn: str) -> dict[str, Any]:
    """What an API needs that puts deliveries on the queue itself."""
    return _policy(_allow("SendToTheQueue", queue_arn, "sqs:SendMessage"))


def subscribe_policy(
    *, queue_arn: str, table_arn: str, log_group_arn: str, bucket_arn: str | None = None
) -> dict[str, Any]:
    """What the subscribe function and its mapping need: read the queue and what it refers to, store, log.

    Args:
        log_group_arn: without ``:*`` at its end.
        bucket_arn: where large bodies are; None: nowhere.
    """
    return _policy(
        _allow("ReadTheQueue", queue_arn, *MAPPING_ACTIONS),
        _allow("StoreDeliveries", table_arn, "dynamodb:PutItem", "dynamodb:UpdateItem"),
        *_bodies("ReadBodies", bucket_arn, "s3:GetObject"),
        _write_log(log_group_arn),
    )


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": list(statements)}


def _allow(sid: str, resource: str, *actions: str) -> dict[str, Any]:
    return {"Sid": sid, "Effect": "Allow", "Action": list(actions), "Resource": resource}


def _bodies(sid: str, bucket_arn: str | None, action: str) -> list[dict[str, Any]]:
    return [_allow(sid, f"{bucket_arn}/*", action)] if bucket_arn else []


def _write_log(log_group_arn: str) -> dict[str, Any]:
    return _allow("WriteTheLog", f"{log_group_arn}:*", "logs:CreateLogStream", "logs:PutLogEvents")
