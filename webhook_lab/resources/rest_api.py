"""The front door: a REGIONAL REST API that hands any method, path and body to one function, byte for byte.

Calls: GetRestApis, GetResources, GetPolicy, GetStage, GetDeployment; CreateRestApi, UpdateRestApi,
CreateResource, PutMethod, PutIntegration, AddPermission, CreateDeployment; DeleteRestApi. API Gateway allows
some of these only every few seconds (see facts.quotas): they are repeated while it says TooManyRequests.
Account-wide settings are never touched. Names of APIs are not unique: one without our tags is another API.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.retry import retry_on
from webhook_lab.resources.ownership import Tags, absent_is_none, existed, is_ours

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_lambda import LambdaClient

ROOT, ANY_PATH = "/", "/{proxy+}"
REGIONAL: Any = {"types": ["REGIONAL"]}
BINARY = ["*/*"]
"""Every body is taken as bytes; without it API Gateway reads them as text and alters what is not UTF-8."""
STATEMENT_ID = "webhook-lab-front-door"
_GONE = "NotFoundException"


@dataclass(frozen=True)
class RestApi:
    """A REST API; `stage` is None until it is deployed, `function_arn` is what ``ANY /`` invokes."""

    id: str
    name: str
    stage: str | None
    paths: tuple[str, ...]
    function_arn: str | None


def ensure_rest_api(
    apigateway: "APIGatewayClient",
    lambda_: "LambdaClient",
    *,
    name: str,
    function_arn: str,
    function_name: str,
    region: str,
    account: str,
    tags: Tags,
    stage: str = "prod",
) -> RestApi:
    """Create the API and deploy it, or restore its methods, its permission to invoke and its deployment."""
    api: Any = next(_named(apigateway, name, tags), None)
    if api is not None and api.get("binaryMediaTypes") != BINARY:
        api = _restore_binary(apigateway, api)
    if api is None:
        api = _patiently(
            lambda: apigateway.create_rest_api(
                name=name, endpointConfiguration=REGIONAL, binaryMediaTypes=BINARY, tags=dict(tags)
            )
        )
    uri = f"arn:aws:apigateway:{region}:lambda:path/2015-03-31/functions/{function_arn}/invocations"
    _restore_methods(apigateway, api["id"], uri)
    _allow(lambda_, function_name, f"arn:aws:execute-api:{region}:{account}:{api['id']}/*/*")
    _deploy(apigateway, api["id"], stage, uri)
    return RestApi(api["id"], name, stage, (ROOT, ANY_PATH), function_arn)


def describe_rest_api(
    apigateway: "APIGatewayClient", *, name: str, tags: Tags | None = None
) -> RestApi | None:
    """The API as it is now, or None; without tags the first of that name."""
    if (api := next(_named(apigateway, name, tags), None)) is None:
        return None
    resources = _resources(apigateway, api["id"])
    stages = apigateway.get_stages(restApiId=api["id"])["item"]
    uri = _any_method(resources[ROOT]).get("methodIntegration", {}).get("uri", "")
    return RestApi(
        api["id"],
        name,
        stages[0]["stageName"] if stages else None,
        tuple(sorted(path for path, resource in resources.items() if resource.get("resourceMethods"))),
        uri.partition("/functions/")[2].removesuffix("/invocations") or None,
    )


def undeployed_methods(apigateway: "APIGatewayClient", *, api_id: str, stage: str) -> tuple[str, ...]:
    """The methods, as ``"ANY /"``, that the API has and the stage's deployment has not, or the reverse.

    Whether a method's integration is another one by now, no deployment tells.
    """
    resources = _resources(apigateway, api_id).items()
    now = {f"{method} {path}" for path, each in resources for method in each.get("resourceMethods", {})}
    deployed = apigateway.get_deployment(
        restApiId=api_id,
        deploymentId=apigateway.get_stage(restApiId=api_id, stageName=stage)["deploymentId"],
        embed=["apisummary"],
    ).get("apiSummary", {})
    return tuple(sorted(now ^ {f"{method} {path}" for path in deployed for method in deployed[path]}))


def delete_rest_api(
    apigateway: "APIGatewayClient",
    *,
    id: str | None = None,  # noqa: A002
    name: str = "",
    tags: Tags | None = None,
) -> bool:
    """Delete one API by its id, or every API of that name which carries `tags`. False when there was none.

    AWS allows one deletion per 30 seconds and account: the second of two takes that long.

    Raises:
        ValueError: a name without tags, which may be anybody's.
    """
    if id is not None:
        return existed(lambda: _patiently(lambda: apigateway.delete_rest_api(restApiId=id)), _GONE)
    if not tags:
        raise ValueError("delete a REST API by its id, or by its name and tags: names are not unique")
    ids = [api["id"] for api in _named(apigateway, name, tags)]
    return sum(delete_rest_api(apigateway, id=each) for each in ids) > 0


def _named(apigateway: "APIGatewayClient", name: str, tags: Tags | None) -> Iterator[Any]:
    for page in apigateway.get_paginator("get_rest_apis").paginate(PaginationConfig={"PageSize": 500}):
        for api in page["items"]:
            if api["name"] == name and is_ours(api.get("tags", {}), tags):
                yield api


def _restore_binary(apigateway: "APIGatewayClient", api: Any) -> Any:
    """Put `BINARY` back in place of what someone set. None: it could not be, and the API was deleted."""
    found = api.get("binaryMediaTypes", [])
    patch: list[Any] = [
        {"op": "remove", "path": f"/binaryMediaTypes/{kind.replace('/', '~1')}"}
        for kind in found
        if kind not in BINARY
    ]
    if BINARY[0] not in found:
        patch.append({"op": "add", "path": "/binaryMediaTypes/*~1*"})
    patched = apigateway.update_rest_api(restApiId=api["id"], patchOperations=patch)
    if patched.get("binaryMediaTypes") == BINARY:
        return patched
    delete_rest_api(apigateway, id=api["id"])
    return None


def _restore_methods(apigateway: "APIGatewayClient", api_id: str, uri: str) -> None:
    """Exactly ANY on both paths, each invoking the function; what else someone added goes."""
    resources = _resources(apigateway, api_id)
    root_id = resources[ROOT]["id"]
    for path, resource in resources.items():
        if path not in (ROOT, ANY_PATH) and resource["parentId"] == root_id:  # those below it go with it
            apigateway.delete_resource(restApiId=api_id, resourceId=resource["id"])
    for path in (ROOT, ANY_PATH):
        if (resource := resources.get(path)) is None:
            resource = apigateway.create_resource(restApiId=api_id, parentId=root_id, pathPart=path[1:])
        where = {"restApiId": api_id, "resourceId": resource["id"]}
        method = _any_method(resource)
        for other in resource.get("resourceMethods", {}):
            if other != "ANY" or method["authorizationType"] != "NONE":
                apigateway.delete_method(**where, httpMethod=other)
        if method.get("authorizationType") != "NONE":
            apigateway.put_method(**where, httpMethod="ANY", authorizationType="NONE")
            method = {}
        have = method.get("methodIntegration", {})
        if (have.get("type"), have.get("httpMethod"), have.get("uri")) != ("AWS_PROXY", "POST", uri):
            apigateway.put_integration(
                **where, httpMethod="ANY", type="AWS_PROXY", integrationHttpMethod="POST", uri=uri
            )


def _allow(lambda_: "LambdaClient", function_name: str, source_arn: str) -> None:
    """Let this API, and no other, invoke the function. A statement left by an earlier API is replaced."""
    no_policy = "ResourceNotFoundException"
    answer = absent_is_none(lambda: lambda_.get_policy(FunctionName=function_name), no_policy)
    for statement in json.loads(answer["Policy"])["Statement"] if answer else []:
        if statement["Sid"] == STATEMENT_ID:
            if statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn") == source_arn:
                return
            lambda_.remove_permission(FunctionName=function_name, StatementId=STATEMENT_ID)
    lambda_.add_permission(
        FunctionName=function_name,
        StatementId=STATEMENT_ID,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=source_arn,
    )


def _deploy(apigateway: "APIGatewayClient", api_id: str, stage: str, uri: str) -> None:
    """Deploy when the stage serves something else. A deployment says what it holds in its description."""
    holds = hashlib.sha256(json.dumps([uri, ROOT, ANY_PATH, BINARY]).encode()).hexdigest()[:12]
    description = f"webhook-lab {holds}"
    current = absent_is_none(lambda: apigateway.get_stage(restApiId=api_id, stageName=stage), _GONE)
    deployment_id = current["deploymentId"] if current else ""
    deployed = current and apigateway.get_deployment(restApiId=api_id, deploymentId=deployment_id)
    if not deployed or deployed.get("description") != description:
        _patiently(
            lambda: apigateway.create_deployment(restApiId=api_id, stageName=stage, description=description)
        )


def _resources(apigateway: "APIGatewayClient", api_id: str) -> dict[str, Any]:
    items = apigateway.get_resources(restApiId=api_id, embed=["methods"], limit=500)["items"]
    return {item["path"]: item for item in items}


def _any_method(resource: Any) -> dict[str, Any]:
    return dict(resource.get("resourceMethods", {}).get("ANY", {}))


def _patiently(action: Callable[[], Any]) -> Any:
    return retry_on(
        action,
        codes=("TooManyRequestsException",),
        seconds=300,
        reason="API Gateway creates, deploys and deletes seldom, and a class shares one account's turns",
        first_pause=2.0,
        longest_pause=15.0,
    )
