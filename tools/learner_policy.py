"""Print the IAM policy that a learner of a shared account needs: `python -m tools.learner_policy [PREFIX]`.

It is read off the boto3 calls in the library and in the notebooks, so it grows with them. PREFIX (by default
"lab-") is what every learner's WEBHOOK_LAB_NAME begins with: what has another name cannot be changed.
"""

import ast
import contextlib
import json
import sys
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import nbformat
from botocore.exceptions import DataNotFoundError, UnknownServiceError
from IPython.core.inputtransformer2 import TransformerManager

from tools.refresh import NOTEBOOKS
from webhook_lab.resources.policies import VERSION

CLIENTS = {
    "sqs": "sqs", "lambda_": "lambda", "dynamodb": "dynamodb", "iam": "iam", "apigateway": "apigateway",
    "logs": "logs", "cloudwatch": "cloudwatch", "tagging": "resourcegroupstaggingapi", "sts": "sts",
    "s3": "s3", "cloudformation": "cloudformation",
}  # fmt: skip
"""What a client is called in code, and its service in boto3."""

RENAMED = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
}
"""Actions that IAM calls otherwise than the operation."""

TAGS = ("sqs:TagQueue", "dynamodb:TagResource", "lambda:TagResource", "iam:TagRole", "logs:TagResource",
        "cloudwatch:TagResource")  # fmt: skip
"""A create that gives tags needs the right to tag; it is no call of its own."""

BATCHES = {"sqs:SendMessageBatch": "sqs:SendMessage", "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
           "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
           "s3:DeleteObjects": "s3:DeleteObject"}  # fmt: skip
"""Operations on several messages are allowed by the action on one."""

EVERYWHERE = (
    "List", "GetAccountSettings", "GetCallerIdentity", "tag:", "DescribeLogGroups", "DescribeAlarms",
    "DescribeStacks", "EventSourceMapping",
)  # fmt: skip
"""Actions that AWS allows on all resources or on none, and mappings, which have no name of ours."""


def calls_in(source: str) -> Iterator[tuple[str, str]]:
    """Service and operation of each boto3 call in the source, paginators and waiters too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Attribute) and (service := _service(node.value)):
            yield from operations(service, node.attr)
        if isinstance(node, ast.Call):
            words = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            owner = node.func.value if isinstance(node.func, ast.Attribute) else None
            for service in filter(None, map(_service, [owner, *node.args])):  # get_paginator, pages, wait
                for word in words:
                    yield from operations(service, str(word))


def _service(node: ast.AST | None) -> str | None:
    name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")
    return CLIENTS.get(name)


@cache
def operations(service: str, wanted: str) -> tuple[tuple[str, str], ...]:
    """What the service calls an operation, or what a waiter asks, by boto3's name of it."""
    return tuple(_operation(service, wanted))


def _operation(service: str, wanted: str) -> Iterator[tuple[str, str]]:
    core = botocore.session.get_session()
    for operation in core.get_service_model(service).operation_names:
        if botocore.xform_name(operation) == wanted:
            yield service, operation
    with contextlib.suppress(UnknownServiceError, DataNotFoundError):  # a service without waiters
        waits = core.get_waiter_model(service)
        for waiter in waits.waiter_names:
            if botocore.xform_name(waiter) == wanted:
                yield service, waits.get_waiter(waiter).operation


def sources() -> Iterator[str]:
    """The code of the library that speaks to AWS, and of the notebooks."""
    library = NOTEBOOKS.parent / "webhook_lab"
    for path in sorted(library.rglob("*.py")):
        if not {"local_cloud", "database"} & set(path.relative_to(library).parts):
            yield path.read_text(encoding="utf-8")
    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                yield TransformerManager().transform_cell(cell.source)


def actions() -> list[str]:
    """Every IAM action that the lab needs, but for API Gateway's, which are verbs on paths."""
    found = set(TAGS)
    for service, operation in {call for source in sources() for call in calls_in(source)}:
        action = f"{service}:{operation}"
        if service != "apigateway":
            found.add(RENAMED.get(action, BATCHES.get(action, action)))
    return sorted(found)


def policy(prefix: str) -> dict[str, Any]:
    """The policy document."""
    every = actions()
    wide = [each for each in every if any(part in each for part in EVERYWHERE)]
    named = [each for each in every if each not in wide]
    places = [
        f"arn:aws:sqs:*:*:{prefix}*", f"arn:aws:lambda:*:*:function:{prefix}*",
        f"arn:aws:dynamodb:*:*:table/{prefix}*", f"arn:aws:logs:*:*:log-group:/aws/lambda/{prefix}*",
        f"arn:aws:cloudwatch:*:*:alarm:{prefix}*", f"arn:aws:s3:::{prefix}*",
        f"arn:aws:cloudformation:*:*:stack/{prefix}*", f"arn:aws:iam::*:role/webhook-lab/{prefix}*",
    ]  # fmt: skip
    lambdas = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    return {
        "Version": VERSION,
        "Statement": [
            {"Sid": "OwnResources", "Effect": "Allow", "Action": named, "Resource": places},
            {"Sid": "Looking", "Effect": "Allow", "Action": wide, "Resource": "*"},
            {"Sid": "OwnRolesForLambda", "Effect": "Allow", "Action": "iam:PassRole",
             "Resource": places[-1], "Condition": lambdas},
            {"Sid": "RestApis", "Effect": "Allow", "Action": "apigateway:*",
             "Resource": ["arn:aws:apigateway:*::/restapis*", "arn:aws:apigateway:*::/tags/*"]},
        ],
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(policy(sys.argv[1] if len(sys.argv) > 1 else "lab-"), indent=2))
