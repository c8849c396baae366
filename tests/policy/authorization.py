"""What AWS asks of a caller for each call: which actions, on which resources, under which condition keys.

From the Service Authorization Reference, and from what the API's own pages say beyond it; none of it is from
the library, whose policy is judged by this.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from botocore.model import OperationModel

REGION, ACCOUNT = "us-east-1", "000000000000"
ROLE_PATH = "/webhook-lab/"
Params = Mapping[str, Any]


class Need(NamedTuple):
    """One action on one resource, with the condition keys that the request carries."""

    action: str
    resource: str = "*"
    context: tuple[tuple[str, str], ...] = ()


def needs(service: str, model: OperationModel, params: Params, function_of: Mapping[str, str]) -> list[Need]:
    """What a call needs to be allowed; the first is the call's own action.

    Args:
        function_of: the ARN of the function of each event source mapping, by its UUID.
    """
    if service == "lambda":
        return list(_lambda(model.name, params, function_of))
    if service == "apigateway":
        return list(_apigateway(model, params))
    return list(_OF[service](model.name, params)) if service in _OF else []


def _arn(service: str, rest: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{rest}"


def _sqs(operation: str, params: Params) -> Iterator[Need]:
    action = f"sqs:{operation.removesuffix('Batch')}"
    if operation == "ListQueues":
        yield Need(action)
    elif operation in ("StartMessageMoveTask", "ListMessageMoveTasks"):  # API_StartMessageMoveTask
        source = params["SourceArn"]
        for each in (action, "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"):
            yield Need(each, source)
        if operation == "StartMessageMoveTask":
            yield Need("sqs:SendMessage", params.get("DestinationArn", source.removesuffix("-dlq")))
    else:
        name = params.get("QueueName") or params["QueueUrl"].rpartition("/")[2]
        yield Need(action, _arn("sqs", name))
        if params.get("tags"):
            yield Need("sqs:TagQueue", _arn("sqs", name))


def _dynamodb(operation: str, params: Params) -> Iterator[Need]:
    if operation == "ListTables":
        yield Need("dynamodb:ListTables")
        return
    if operation == "BatchGetItem":
        for name in params["RequestItems"]:
            yield Need("dynamodb:BatchGetItem", _arn("dynamodb", f"table/{name}"))
        return
    table = params.get("ResourceArn") or _arn("dynamodb", f"table/{params['TableName']}")
    yield Need(f"dynamodb:{operation}", table)
    if operation == "CreateTable" and params.get("Tags"):
        yield Need("dynamodb:TagResource", table)


def _iam(operation: str, params: Params) -> Iterator[Need]:
    if operation == "ListRoles":
        yield Need("iam:ListRoles")
        return
    role = f"arn:aws:iam::{ACCOUNT}:role{params.get('Path', ROLE_PATH)}{params['RoleName']}"
    yield Need(f"iam:{operation}", role)
    if operation == "CreateRole" and params.get("Tags"):
        yield Need("iam:TagRole", role)


def _pass(role: str, service: str) -> Need:
    return Need("iam:PassRole", role, (("iam:PassedToService", f"{service}.amazonaws.com"),))


def _lambda(operation: str, params: Params, function_of: Mapping[str, str]) -> Iterator[Need]:
    action = f"lambda:{'InvokeFunction' if operation == 'Invoke' else operation}"
    name = params.get("FunctionName", "").rpartition(":")[2]
    function, mapping = _arn("lambda", f"function:{name}"), _arn("lambda", "event-source-mapping:")
    if operation in ("GetAccountSettings", "ListFunctions", "ListEventSourceMappings"):
        yield Need(action)
    elif operation == "CreateEventSourceMapping":
        yield Need(action, "*", (("lambda:FunctionArn", function),))
        if params.get("Tags"):
            yield Need("lambda:TagResource", f"{mapping}00000000-0000-0000-0000-000000000000")
    elif operation.endswith("EventSourceMapping"):
        whose = (("lambda:FunctionArn", function_of[params["UUID"]]),)
        yield Need(action, mapping + params["UUID"], whose)
    elif operation in ("ListTags", "TagResource"):
        yield Need(action, params["Resource"])
    else:
        yield Need(action, function)
        if operation == "CreateFunction" and params.get("Tags"):
            yield Need("lambda:TagResource", function)
        if "Role" in params:
            yield _pass(params["Role"], "lambda")


def _apigateway(model: OperationModel, params: Params) -> Iterator[Need]:
    members = model.input_shape.members  # a path has names of its own for them
    called = {shape.serialization.get("name", name): name for name, shape in members.items()}
    uri = model.http["requestUri"].partition("?")[0]
    path = re.sub(r"{(\w+)}", lambda found: str(params[called[found[1]]]), uri)
    yield Need(f"apigateway:{model.http['method']}", f"arn:aws:apigateway:{REGION}::{path}")
    if params.get("tags"):  # CreateRestApi with tags is also checked as TagResource is: PUT on /tags
        yield Need("apigateway:PUT", f"arn:aws:apigateway:{REGION}::/tags/*")
    if role := params.get("credentials"):
        yield _pass(role, "apigateway")


def _logs(operation: str, params: Params) -> Iterator[Need]:
    action = f"logs:{operation}"
    if operation == "DescribeLogGroups":
        yield Need(action)
    elif operation == "ListTagsForResource":
        yield Need(action, params["resourceArn"])
    else:
        name = params.get("logGroupName") or params["logGroupIdentifier"].rpartition(":")[2]
        yield Need(action, _arn("logs", f"log-group:{name}"))
        if params.get("tags"):
            yield Need("logs:TagResource", _arn("logs", f"log-group:{name}"))


def _cloudwatch(operation: str, params: Params) -> Iterator[Need]:
    action = f"cloudwatch:{operation}"
    if operation in ("DescribeAlarms", "ListDashboards"):
        yield Need(action)
    elif operation == "GetDashboard":
        yield Need(action, f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{params['DashboardName']}")
    elif operation == "ListTagsForResource":
        yield Need(action, params["ResourceARN"])
    else:
        for name in params.get("AlarmNames") or [params["AlarmName"]]:
            yield Need(action, _arn("cloudwatch", f"alarm:{name}"))
        if params.get("Tags"):
            yield Need("cloudwatch:TagResource", _arn("cloudwatch", f"alarm:{params['AlarmName']}"))


_S3 = {
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "PutBucketEncryption": "PutEncryptionConfiguration",
    "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
    "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
}


def _s3(operation: str, params: Params) -> Iterator[Need]:
    if operation == "ListBuckets":
        yield Need("s3:ListAllMyBuckets")
        return
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    if operation == "DeleteObjects":
        for each in params["Delete"]["Objects"]:
            yield Need("s3:DeleteObject", f"{bucket}/{each['Key']}")
        return
    where = f"{bucket}/{params['Key']}" if "Key" in params else bucket
    yield Need(f"s3:{_S3.get(operation, operation)}", where)
    if params.get("CreateBucketConfiguration", {}).get("Tags"):  # API_CreateBucket
        yield Need("s3:TagResource", bucket)


_ROLES = ("CreateRole", "DeleteRole", "GetRole", "GetRolePolicy", "PutRolePolicy", "TagRole")


def _cloudformation(operation: str, params: Params) -> Iterator[Need]:
    if "StackName" not in params:
        yield Need(f"cloudformation:{operation}")
        return
    stack = params["StackName"]
    yield Need(f"cloudformation:{operation}", _arn("cloudformation", f"stack/{stack}/any"))
    if operation in ("CreateStack", "UpdateStack"):
        transform = f"arn:aws:cloudformation:{REGION}:aws:transform/Serverless-2016-10-31"
        yield Need("cloudformation:CreateChangeSet", transform)
    if operation in ("CreateStack", "UpdateStack", "DeleteStack"):
        yield from _in_a_stack(stack)


def _in_a_stack(stack: str) -> Iterator[Need]:
    """What CloudFormation does in the caller's name, as far as no call of the lab's does the same."""
    for verb in ("Put", "Get", "Delete"):
        dashboards = "s" if verb == "Delete" else ""
        name = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{stack}-pipeline"
        yield Need(f"cloudwatch:{verb}Dashboard{dashboards}", name)
    table = _arn("dynamodb", f"table/{stack}-deliveries")
    for what in ("ContinuousBackups", "ContributorInsights", "KinesisStreamingDestination"):
        yield Need(f"dynamodb:Describe{what}", table)
    yield Need("dynamodb:GetResourcePolicy", table)
    for end in ("publish", "subscribe"):
        role = f"arn:aws:iam::{ACCOUNT}:role{ROLE_PATH}{stack}-{end}"
        yield from (Need(f"iam:{each}", role) for each in _ROLES)
        yield _pass(role, "lambda")
        function = _arn("lambda", f"function:{stack}-{end}")
        for what in ("FunctionCodeSigningConfig", "FunctionConfiguration", "FunctionRecursionConfig"):
            yield Need(f"lambda:Get{what}", function)
        yield Need("lambda:GetRuntimeManagementConfig", function)


def _tagging(operation: str, params: Params) -> Iterator[Need]:
    yield Need(f"tag:{operation}")


_OF = {
    "cloudformation": _cloudformation,
    "cloudwatch": _cloudwatch,
    "dynamodb": _dynamodb,
    "iam": _iam,
    "logs": _logs,
    "resourcegroupstaggingapi": _tagging,
    "s3": _s3,
    "sqs": _sqs,
}
"""Services by boto3's names; sts:GetCallerIdentity needs nothing (API_GetCallerIdentity)."""
