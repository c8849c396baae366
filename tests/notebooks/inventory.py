"""What stands in the cloud that the environment points to, asked of boto3 and not of the library."""

import boto3

from webhook_lab.pipeline.naming import DEFAULT_PREFIX, Names


def inventory() -> set[str]:
    """Kind and name of each resource, as in ``"queue webhook-lab-webhooks"``; mappings by their function."""
    aws = boto3.Session()  # a new one: the default session keeps the credentials that it first met
    sqs, tables, functions = aws.client("sqs"), aws.client("dynamodb"), aws.client("lambda")
    apis, roles, logs = aws.client("apigateway"), aws.client("iam"), aws.client("logs")
    mappings = functions.list_event_source_mappings()["EventSourceMappings"]
    return {
        *(f"queue {url.rsplit('/', 1)[1]}" for url in sqs.list_queues().get("QueueUrls", [])),
        *(f"table {name}" for name in tables.list_tables()["TableNames"]),
        *(f"function {each['FunctionName']}" for each in functions.list_functions()["Functions"]),
        *(f"mapping of {each['FunctionArn'].rsplit(':', 1)[1]}" for each in mappings),
        *(f"api {each['name']}" for each in apis.get_rest_apis()["items"]),
        *(f"role {each['RoleName']}" for each in roles.list_roles()["Roles"]),
        *(f"log group {each['logGroupName']}" for each in logs.describe_log_groups()["logGroups"]),
    }


def of_the_pipeline() -> set[str]:
    """What may stand between chapters: the pipeline's own resources, the direct door, and nothing else."""
    names = Names(DEFAULT_PREFIX)
    pipeline = {f"table {names.table}", f"queue {names.queue}", f"queue {names.dlq}", f"api {names.api}"}
    pipeline |= {f"api {names.direct}", f"role {names.direct}"}
    for handler in ("publish", "subscribe"):
        function = names.function(handler)
        pipeline |= {f"function {function}", f"role {function}", f"log group {names.log_group(handler)}"}
    return pipeline | {f"mapping of {names.function('subscribe')}"}
