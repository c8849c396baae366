"""The front door: a REST API that hands any method, path and body to one function, byte for byte.

Calls: those of any_url_api; GetPolicy; UpdateRestApi, CreateResource, PutMethod, PutIntegration,
AddPermission.
"""

import json
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self

from webhook_lab.aws.session import Session
from webhook_lab.resources.any_url_api import (
    ANY_PATH,
    GONE,
    REGIONAL,
    ROOT,
    STAGE,
    AnyUrlApi,
    create,
    deploy,
    digest,
    only_api,
    patiently,
    resources_of,
)
from webhook_lab.resources.ownership import Tags, absent_is_none, existed, looks_again, to_pairs
from webhook_lab.resources.resource import Rows, tail

BINARY = ["*/*"]
"""Every body is taken as bytes; without it API Gateway reads them as text and alters what is not UTF-8."""
STATEMENT_ID = "webhook-lab-front-door"


@dataclass(frozen=True)
class RestApi(AnyUrlApi):
    """A REST API; `function_arn` is what ``ANY /`` invokes."""

    function_arn: str | None
    paths: tuple[str, ...] = (ROOT, ANY_PATH)

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create and deploy the API, or restore its methods, its permission and its deployment."""
        target = aws.target
        api: Any = only_api(aws, self.name, tags)
        if api is not None and api.get("binaryMediaTypes") != BINARY:
            api = _restore_binary(aws, api)
        if api is None:
            api = create(aws, self.name, tags, binaryMediaTypes=BINARY)
        uri = _invoke_uri(target.partition, target.region, self.function_arn)
        _restore_methods(aws, api["id"], uri)
        _allow(aws, tail(self.function_arn or ""), target.arn("execute-api", f"{api['id']}/*/*"))
        deploy(aws, api["id"], [uri, ROOT, ANY_PATH, BINARY])
        return replace(self, api_id=api["id"])

    @classmethod
    def as_it_is(cls, aws: Session, resources: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG003
        uri = _any_method(resources[ROOT]).get("methodIntegration", {}).get("uri", "")
        paths = sorted(path for path, resource in resources.items() if resource.get("resourceMethods"))
        function = uri.partition("/functions/")[2].removesuffix("/invocations")
        return {"function_arn": function or None, "paths": tuple(paths)}

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
        deployment += digest([uri, ROOT, ANY_PATH, BINARY])
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


def _invoke_uri(partition: str, region: str, function_arn: str | None) -> str:
    """What a proxy integration calls: Lambda's Invoke on that function."""
    invoke = f"lambda:path/2015-03-31/functions/{function_arn}/invocations"
    return f"arn:{partition}:apigateway:{region}:{invoke}"


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
            existed(partial(delete, restApiId=api_id), GONE)
    for path in (ROOT, ANY_PATH):
        if (resource := resources.get(path)) is None:
            resource = aws.apigateway.create_resource(restApiId=api_id, parentId=root_id, pathPart=path[1:])
        where = {"restApiId": api_id, "resourceId": resource["id"]}
        method = _any_method(resource)
        for other in resource.get("resourceMethods", {}):
            if other != "ANY" or method["authorizationType"] != "NONE":
                existed(partial(aws.apigateway.delete_method, **where, httpMethod=other), GONE)
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


def _any_method(resource: Any) -> dict[str, Any]:
    return dict(resource.get("resourceMethods", {}).get("ANY", {}))
