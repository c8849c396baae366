"""The front door: a REGIONAL REST API that hands any method, path and body to one function, byte for byte.

Calls: GetRestApis, GetResources, GetPolicy, GetStages, GetStage, GetDeployment; CreateRestApi, UpdateRestApi,
CreateResource, PutMethod, PutIntegration, AddPermission, CreateDeployment; DeleteRestApi. API Gateway allows
some of these only every few seconds: they are repeated while it says TooManyRequests, DeleteRestApi by
whoever cleans up.
Account-wide settings are never touched. Names of APIs are not unique: one without our tags is another API.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self

from webhook_lab.aws.retry import retry_on
from webhook_lab.aws.session import Session
from webhook_lab.facts import prices
from webhook_lab.resources.ownership import (
    TAG_KEY,
    Tags,
    absent_is_none,
    existed,
    is_ours,
    looks_again,
    pages,
    to_pairs,
)
from webhook_lab.resources.resource import IN_USE, Listed, Resource, Rows, tail

ROOT, ANY_PATH = "/", "/{proxy+}"
STAGE = "prod"
"""The stage that senders post to. Others that somebody adds are left alone."""
REGIONAL: Any = {"types": ["REGIONAL"]}
BINARY = ["*/*"]
"""Every body is taken as bytes; without it API Gateway reads them as text and alters what is not UTF-8."""
STATEMENT_ID = "webhook-lab-front-door"
_GONE = "NotFoundException"


@dataclass(frozen=True)
class RestApi(Resource):
    """A REST API; `stage` is None until it is deployed, `function_arn` is what ``ANY /`` invokes."""

    kind: ClassVar[str] = "api"
    title: ClassVar[str] = "REST API"
    idle: ClassVar[str] = IN_USE.format(prices.REST_API_REQUESTS)

    function_arn: str | None
    stage: str | None = STAGE
    paths: tuple[str, ...] = (ROOT, ANY_PATH)
    api_id: str = ""

    @property
    def id(self) -> str:
        return self.api_id

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create and deploy the API, or restore its methods, its permission and its deployment."""
        target = aws.target
        api: Any = next(named_apis(aws, self.name, tags), None)
        if api is not None and api.get("binaryMediaTypes") != BINARY:
            api = _restore_binary(aws, api)
        if api is None:
            api = create_api(aws, self.name, tags, binaryMediaTypes=BINARY)
        uri = _invoke_uri(target.partition, target.region, self.function_arn)
        _restore_methods(aws, api["id"], uri)
        _allow(aws, tail(self.function_arn or ""), target.arn("execute-api", f"{api['id']}/*/*"))
        deploy(aws, api["id"], [uri, ROOT, ANY_PATH, BINARY])
        return replace(self, api_id=api["id"])

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        """The API as it is now, or None; without tags the first of that name."""
        return next(cls._described(aws, name, tags), None)

    @classmethod
    def all_named(cls, aws: Session, name: str, tags: Tags) -> list[Self]:
        return list(cls._described(aws, name, tags))

    @classmethod
    def _described(cls, aws: Session, name: str, tags: Tags | None) -> Iterator[Self]:
        for api in named_apis(aws, name, tags):
            resources = resources_of(aws, api["id"])
            stages = {each["stageName"] for each in aws.apigateway.get_stages(restApiId=api["id"])["item"]}
            uri = _any_method(resources[ROOT]).get("methodIntegration", {}).get("uri", "")
            paths = sorted(path for path, resource in resources.items() if resource.get("resourceMethods"))
            yield cls(
                name,
                uri.partition("/functions/")[2].removesuffix("/invocations") or None,
                STAGE if STAGE in stages else None,
                tuple(paths),
                api["id"],
            )

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Delete the API. AWS allows an account one deletion in 30 s, and says TooManyRequests to more."""
        return existed(lambda: aws.apigateway.delete_rest_api(restApiId=identity), _GONE)

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:  # noqa: ARG003
        """Every REST API of the region; a name may occur twice."""
        for row in pages(aws.apigateway, "get_rest_apis", "items", PaginationConfig={"PageSize": 500}):
            yield Listed(row["name"], row["id"], "", partial(_listed_tags, aws, row))

    def cloudformation(self, logical_id: str, tags: Tags) -> dict[str, Any]:
        """Plain resources: API, path, methods, permission, deployment, stage.

        A deployment never changes: one that holds something else goes by another logical id.
        """
        api, uri = f"${{{logical_id}}}", _invoke_uri("${AWS::Partition}", "${AWS::Region}", self.function_arn)
        method = {
            "RestApiId": api,
            "HttpMethod": "ANY",
            "AuthorizationType": "NONE",
            "Integration": {"Type": "AWS_PROXY", "IntegrationHttpMethod": "POST", "Uri": uri},
        }
        source = f"arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:{api}/*/*"
        methods, deployment = [f"{logical_id}AnyRoot", f"{logical_id}AnyPath"], f"{logical_id}Deployment"
        deployment += _digest([uri, ROOT, ANY_PATH, BINARY])
        parts: dict[str, tuple[str, dict[str, Any]]] = {
            logical_id: (
                "RestApi",
                {
                    "Name": self.name,
                    "EndpointConfiguration": {"Types": REGIONAL["types"]},
                    "BinaryMediaTypes": BINARY,
                    "Tags": to_pairs(tags),
                },
            ),
            f"{logical_id}Path": (
                "Resource",
                {
                    "RestApiId": api,
                    "ParentId": f"${{{logical_id}.RootResourceId}}",
                    "PathPart": ANY_PATH[1:],
                },
            ),
            methods[0]: ("Method", {**method, "ResourceId": f"${{{logical_id}.RootResourceId}}"}),
            methods[1]: ("Method", {**method, "ResourceId": f"${{{logical_id}Path}}"}),
            deployment: ("Deployment", {"RestApiId": api}),
            f"{logical_id}Stage": (
                "Stage",
                {
                    "RestApiId": api,
                    "DeploymentId": f"${{{deployment}}}",
                    "StageName": STAGE,
                    "Tags": to_pairs(tags),
                },
            ),
        }
        resources: dict[str, Any] = {
            key: {"Type": f"AWS::ApiGateway::{kind}", "Properties": properties}
            for key, (kind, properties) in parts.items()
        }
        resources[deployment]["DependsOn"] = methods
        permission = {
            "FunctionName": self.function_arn,
            "Action": "lambda:InvokeFunction",
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": source,
        }
        resources[f"{logical_id}Permission"] = {"Type": "AWS::Lambda::Permission", "Properties": permission}
        return resources

    def rows(self) -> Rows:
        return (
            ("Methods and paths", "\n".join(f"ANY {path}" for path in self.paths) or "none"),
            ("Invokes", tail(self.function_arn) if self.function_arn else "nothing"),
            ("Stage", self.stage or "not deployed"),
        )

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:  # noqa: ARG003
        return f"apigateway/main/apis?region={aws.target.region}"


def undeployed_methods(aws: Session, *, api_id: str) -> tuple[str, ...]:
    """The methods, as ``"ANY /"``, that the API has and the stage's deployment has not, or the reverse.

    Whether a method's integration is another one by now, no deployment tells.
    """
    resources = resources_of(aws, api_id).items()
    now = {f"{method} {path}" for path, each in resources for method in each.get("resourceMethods", {})}
    deployed = aws.apigateway.get_deployment(
        restApiId=api_id,
        deploymentId=aws.apigateway.get_stage(restApiId=api_id, stageName=STAGE)["deploymentId"],
        embed=["apisummary"],
    ).get("apiSummary", {})
    return tuple(sorted(now ^ {f"{method} {path}" for path in deployed for method in deployed[path]}))


def _listed_tags(aws: Session, row: Any) -> dict[str, str]:
    """The tags that came with the list; one that has a lab's is asked for by itself, since lists lag."""
    if TAG_KEY not in row.get("tags", {}):
        return dict(row.get("tags", {}))
    return aws.apigateway.get_rest_api(restApiId=row["id"]).get("tags", {})


def _invoke_uri(partition: str, region: str, function_arn: str | None) -> str:
    """What a proxy integration calls: Lambda's Invoke on that function."""
    invoke = f"lambda:path/2015-03-31/functions/{function_arn}/invocations"
    return f"arn:{partition}:apigateway:{region}:{invoke}"


def _digest(content: Any) -> str:
    """Of what a deployment holds, in 12 characters."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:12]


def named_apis(aws: Session, name: str, tags: Tags | None) -> Iterator[Any]:
    """The APIs of that name that carry the tags, as AWS lists them; names are not unique."""
    for api in pages(aws.apigateway, "get_rest_apis", "items", PaginationConfig={"PageSize": 500}):
        if api["name"] == name and is_ours(api.get("tags", {}), tags):
            yield api


def create_api(aws: Session, name: str, tags: Tags, **settings: Any) -> Any:
    """Create an API, and look again: of two with one name and our tags the older stays.

    The other was made at the same moment on another machine, or by a request whose answer was lost.
    """
    create = partial(aws.apigateway.create_rest_api, endpointConfiguration=REGIONAL, **settings)
    made = patiently(lambda: create(name=name, tags=dict(tags)))
    apis = {each["id"]: each for each in (made, *named_apis(aws, name, tags))}.values()
    first, *others = sorted(apis, key=lambda each: (each["createdDate"], each["id"]))
    for other in others:
        patiently(partial(RestApi.delete, aws, other["id"]))
    return first


def _restore_binary(aws: Session, api: Any) -> Any:
    """Put `BINARY` back in place of what someone set. None: it could not be, and the API was deleted."""
    found = api.get("binaryMediaTypes", [])
    patch: list[Any] = [
        {"op": "remove", "path": f"/binaryMediaTypes/{kind.replace('/', '~1')}"}
        for kind in found
        if kind not in BINARY
    ]
    if BINARY[0] not in found:
        patch.append({"op": "add", "path": "/binaryMediaTypes/*~1*"})
    patched = aws.apigateway.update_rest_api(restApiId=api["id"], patchOperations=patch)
    if patched.get("binaryMediaTypes") == BINARY:
        return patched
    patiently(lambda: RestApi.delete(aws, api["id"]))
    return None


def _restore_methods(aws: Session, api_id: str, uri: str) -> None:
    """Exactly ANY on both paths, each invoking the function; what else someone added goes."""
    resources = resources_of(aws, api_id)
    root_id = resources[ROOT]["id"]
    for path, resource in resources.items():
        if path not in (ROOT, ANY_PATH) and resource["parentId"] == root_id:  # those below it go with it
            delete = partial(aws.apigateway.delete_resource, resourceId=resource["id"])
            existed(partial(delete, restApiId=api_id), _GONE)
    for path in (ROOT, ANY_PATH):
        if (resource := resources.get(path)) is None:
            resource = aws.apigateway.create_resource(restApiId=api_id, parentId=root_id, pathPart=path[1:])
        where = {"restApiId": api_id, "resourceId": resource["id"]}
        method = _any_method(resource)
        for other in resource.get("resourceMethods", {}):
            if other != "ANY" or method["authorizationType"] != "NONE":
                existed(partial(aws.apigateway.delete_method, **where, httpMethod=other), _GONE)
        if method.get("authorizationType") != "NONE":
            aws.apigateway.put_method(**where, httpMethod="ANY", authorizationType="NONE")
            method = {}
        have = method.get("methodIntegration", {})
        if (have.get("type"), have.get("httpMethod"), have.get("uri")) != ("AWS_PROXY", "POST", uri):
            aws.apigateway.put_integration(
                **where, httpMethod="ANY", type="AWS_PROXY", integrationHttpMethod="POST", uri=uri
            )


def _allow(aws: Session, function_name: str, source_arn: str) -> None:
    """Let this API, and no other, invoke the function. A statement left by an earlier API is replaced."""
    no_policy = "ResourceNotFoundException"
    answer = absent_is_none(lambda: aws.lambda_.get_policy(FunctionName=function_name), no_policy)
    for statement in json.loads(answer["Policy"])["Statement"] if answer else []:
        if statement["Sid"] == STATEMENT_ID:
            if statement.get("Condition", {}).get("ArnLike", {}).get("AWS:SourceArn") == source_arn:
                return
            remove = partial(aws.lambda_.remove_permission, StatementId=STATEMENT_ID)
            existed(partial(remove, FunctionName=function_name), no_policy)
    aws.lambda_.add_permission(
        FunctionName=function_name,
        StatementId=STATEMENT_ID,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=source_arn,
    )


def deploy(aws: Session, api_id: str, content: Any) -> None:
    """Deploy when the stage serves something else. A deployment says what it holds in its description."""
    description = f"webhook-lab {_digest(content)}"
    current = absent_is_none(lambda: aws.apigateway.get_stage(restApiId=api_id, stageName=STAGE), _GONE)
    deployment_id = current["deploymentId"] if current else ""
    deployed = current and aws.apigateway.get_deployment(restApiId=api_id, deploymentId=deployment_id)
    if not deployed or deployed.get("description") != description:
        patiently(
            lambda: aws.apigateway.create_deployment(
                restApiId=api_id, stageName=STAGE, description=description
            )
        )


def resources_of(aws: Session, api_id: str) -> dict[str, Any]:
    """The API's resources by path, with their methods."""
    items = aws.apigateway.get_resources(restApiId=api_id, embed=["methods"], limit=500)["items"]
    return {item["path"]: item for item in items}


def _any_method(resource: Any) -> dict[str, Any]:
    return dict(resource.get("resourceMethods", {}).get("ANY", {}))


def patiently(action: Callable[[], Any]) -> Any:
    """Repeat what API Gateway allows an account only every few seconds."""
    return retry_on(
        action,
        codes=("TooManyRequestsException",),
        seconds=300,
        reason="API Gateway creates, deploys and deletes seldom, and a class shares one account's turns",
        first_pause=2.0,
        longest_pause=15.0,
    )
