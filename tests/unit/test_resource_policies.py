"""The policies: each function's own actions on its own resources, and nothing else."""

from typing import Any

from webhook_lab.resources.policies import LAMBDA, publish_policy, subscribe_policy, trust_policy

QUEUE = "arn:aws:sqs:us-east-1:123456789012:lab-webhooks"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/lab-deliveries"
LOGS = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/lab-publish"

PUBLISH = publish_policy(queue_arn=QUEUE, log_group_arn=LOGS)
SUBSCRIBE = subscribe_policy(queue_arn=QUEUE, table_arn=TABLE, log_group_arn=LOGS)


def allowed(policy: dict[str, Any]) -> dict[str, set[str]]:
    assert all(statement["Effect"] == "Allow" for statement in policy["Statement"])
    return {statement["Resource"]: set(statement["Action"]) for statement in policy["Statement"]}


def test_publish_may_send_and_log() -> None:
    assert allowed(PUBLISH) == {
        QUEUE: {"sqs:SendMessage"},
        f"{LOGS}:*": {"logs:CreateLogStream", "logs:PutLogEvents"},
    }


def test_subscribe_may_read_the_queue_store_and_log() -> None:
    assert allowed(SUBSCRIBE) == {
        QUEUE: {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"},
        TABLE: {"dynamodb:PutItem", "dynamodb:UpdateItem"},
        f"{LOGS}:*": {"logs:CreateLogStream", "logs:PutLogEvents"},
    }


def test_only_lambda_may_assume_a_role() -> None:
    (statement,) = trust_policy(LAMBDA)["Statement"]
    assert statement["Principal"] == {"Service": "lambda.amazonaws.com"}
    assert statement["Action"] == "sts:AssumeRole"
