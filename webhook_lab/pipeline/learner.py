"""The IAM policy of a learner: every call that the course makes, on names of the learner's own.

The calls are in `calls.json` beside this file, read off the library and the notebooks by
`python -m tools.learner_policy`. Which action IAM asks for, and on what, is the Service Authorization
Reference's (docs.aws.amazon.com/service-authorization/latest/reference).
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

from webhook_lab.pipeline.naming import DEFAULT_PREFIX, Names
from webhook_lab.resources.policies import API_GATEWAY, LAMBDA, VERSION
from webhook_lab.resources.role import ROLE_PATH

CALLS = Path(__file__).with_name("calls.json")

RENAMED = {
    "lambda:Invoke": "lambda:InvokeFunction",
    "resourcegroupstaggingapi:GetResources": "tag:GetResources",
    "s3:DeleteObjects": "s3:DeleteObject",
    "s3:GetBucketEncryption": "s3:GetEncryptionConfiguration",
    "s3:GetBucketLifecycleConfiguration": "s3:GetLifecycleConfiguration",
    "s3:GetPublicAccessBlock": "s3:GetBucketPublicAccessBlock",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:ListBuckets": "s3:ListAllMyBuckets",
    "s3:ListObjectsV2": "s3:ListBucket",
    "s3:PutBucketEncryption": "s3:PutEncryptionConfiguration",
    "s3:PutBucketLifecycleConfiguration": "s3:PutLifecycleConfiguration",
    "s3:PutPublicAccessBlock": "s3:PutBucketPublicAccessBlock",
    "sqs:ChangeMessageVisibilityBatch": "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessageBatch": "sqs:DeleteMessage",
    "sqs:SendMessageBatch": "sqs:SendMessage",
}
"""Operations that IAM knows by another action."""

TAGGING = (
    *("cloudwatch:TagResource", "dynamodb:TagResource", "iam:TagRole", "lambda:TagResource"),
    *("logs:TagResource", "s3:TagResource", "sqs:TagQueue"),
)
"""A create that gives tags needs the right to tag; it is no call of its own."""

BY_CLOUDFORMATION = (
    *("cloudwatch:DeleteDashboards", "cloudwatch:PutDashboard"),
    *("dynamodb:DescribeContinuousBackups", "dynamodb:DescribeContributorInsights"),
    *("dynamodb:DescribeKinesisStreamingDestination", "dynamodb:GetResourcePolicy"),
    *("lambda:GetFunctionCodeSigningConfig", "lambda:GetFunctionConfiguration"),
    *("lambda:GetFunctionRecursionConfig", "lambda:GetRuntimeManagementConfig"),
)
"""What CloudFormation does for chapter 14's stack with its caller's rights, beyond what the lab itself calls.

From the handlers of the resource types in the template (`aws cloudformation describe-type`).
"""

FREE = ("sts:GetCallerIdentity",)
"""What everybody may do, and no policy has to allow."""

_ANYWHERE = frozenset(
    {
        *("cloudformation:DescribeStacks", "cloudwatch:DescribeAlarms", "cloudwatch:ListDashboards"),
        *("dynamodb:ListTables", "iam:ListRoles", "lambda:GetAccountSettings"),
        *("lambda:ListEventSourceMappings", "lambda:ListFunctions", "logs:DescribeLogGroups"),
        *("s3:ListAllMyBuckets", "sqs:ListQueues", "tag:GetResources"),
    }
)
"""Actions that look at all there is, or that know no resource."""

_PLACES = {
    "cloudformation": ("Stacks", ("cloudformation:*:*:stack/{}",)),
    "cloudwatch": ("AlarmsAndDashboards", ("cloudwatch:*:*:alarm:{}", "cloudwatch::*:dashboard/{}")),
    "dynamodb": ("Tables", ("dynamodb:*:*:table/{}",)),
    "iam": ("Roles", (f"iam::*:role{ROLE_PATH}{{}}",)),
    "lambda": ("Functions", ("lambda:*:*:function:{}",)),
    "logs": ("LogGroups", ("logs:*:*:log-group:/aws/lambda/{}",)),
    "s3": ("Buckets", ("s3:::{}",)),
    "sqs": ("Queues", ("sqs:*:*:{}",)),
}
"""By service: what its resources are called here, and where those of a learner are."""

_MAPPINGS = "arn:aws:lambda:*:*:event-source-mapping:*"
_VERBS = ("DELETE", "GET", "PATCH", "POST", "PUT")


def learner_policy(prefix: str = DEFAULT_PREFIX) -> dict[str, Any]:
    """The policy document for whoever calls a lab `prefix`, or anything that begins with it and a hyphen.

    Raises:
        LabError: no lab can be called so.
    """
    own, calls = f"{Names(prefix).prefix}-*", _actions()
    wide = [each for each in calls if each in _ANYWHERE]
    mappings = [each for each in calls if each.endswith("EventSourceMapping")]
    statements = [
        _allow(f"Own{called}", [f"arn:aws:{place.format(own)}" for place in places], _of(service, calls))
        for service, (called, places) in _PLACES.items()
    ]
    whose = {"ArnLike": {"lambda:FunctionArn": f"arn:aws:lambda:*:*:function:{own}"}}
    to_whom = {"StringEquals": {"iam:PassedToService": [API_GATEWAY, LAMBDA]}}
    transform = "arn:aws:cloudformation:*:aws:transform/Serverless-2016-10-31"
    return {
        "Version": VERSION,
        "Statement": [
            *statements,
            {**_allow("OwnMappings", "*", mappings), "Condition": whose},
            _allow("TagsOfMappings", _MAPPINGS, ["lambda:ListTags", "lambda:TagResource"]),
            {**_allow("PassOwnRoles", f"arn:aws:iam::*:role{ROLE_PATH}{own}", ["iam:PassRole"]),
             "Condition": to_whom},
            _allow("RestApis", _REST_APIS, [f"apigateway:{verb}" for verb in _VERBS]),
            _allow("SamTransform", transform, ["cloudformation:CreateChangeSet"]),
            _allow("Looking", "*", wide),
        ],
    }  # fmt: skip


_REST_APIS = ["arn:aws:apigateway:*::/restapis", "arn:aws:apigateway:*::/restapis/*",
              "arn:aws:apigateway:*::/tags/*"]  # fmt: skip


def action_of(call: str) -> str:
    """The IAM action of a call such as ``"sqs:SendMessageBatch"``."""
    return RENAMED.get(call, call)


@cache
def _actions() -> tuple[str, ...]:
    calls: dict[str, list[str]] = json.loads(CALLS.read_text(encoding="utf-8"))
    made = {action_of(f"{service}:{each}") for service, operations in calls.items() for each in operations}
    return tuple(sorted((made | {*TAGGING, *BY_CLOUDFORMATION}) - {*FREE}))


def _of(service: str, calls: tuple[str, ...]) -> list[str]:
    mine = (each for each in calls if each.startswith(f"{service}:"))
    return [each for each in mine if each not in _ANYWHERE and not each.endswith("EventSourceMapping")]


def _allow(sid: str, resource: str | list[str], actions: list[str]) -> dict[str, Any]:
    one = resource[0] if isinstance(resource, list) and len(resource) == 1 else resource
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": one}
