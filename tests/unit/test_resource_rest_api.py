"""The front door's calls to API Gateway and Lambda, one by one."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.resources.rest_api import RestApi, delete_rest_api, describe_rest_api, ensure_rest_api

ID, NAME, FUNCTION = "a1b2c3d4e5", "lab-front-door", "lab-publish"
FUNCTION_ARN = f"arn:aws:lambda:us-east-1:123456789012:function:{FUNCTION}"
URI = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION_ARN}/invocations"
SOURCE = f"arn:aws:execute-api:us-east-1:123456789012:{ID}/*/*"
TAGS = {"webhook-lab": "lab"}
MADE = RestApi(ID, NAME, "prod", ("/", "/{proxy+}"), FUNCTION_ARN)
WANTED: dict[str, Any] = {
    "name": NAME,
    "function_arn": FUNCTION_ARN,
    "function_name": FUNCTION,
    "region": "us-east-1",
    "account": "123456789012",
    "tags": TAGS,
}
THE_API = {"restApiId": ID}
THE_FUNCTION = {"FunctionName": FUNCTION}
PERMISSION = {
    **THE_FUNCTION,
    "StatementId": "webhook-lab-front-door",
    "Action": "lambda:InvokeFunction",
    "Principal": "apigateway.amazonaws.com",
    "SourceArn": SOURCE,
}
METHOD = {
    "httpMethod": "ANY",
    "authorizationType": "NONE",
    "methodIntegration": {"type": "AWS_PROXY", "httpMethod": "POST", "uri": URI},
}
RESOURCES: dict[str, Any] = {
    "/": {"id": "root", "path": "/", "resourceMethods": {"ANY": METHOD}},
    "/{proxy+}": {"id": "any", "parentId": "root", "path": "/{proxy+}", "resourceMethods": {"ANY": METHOD}},
}


class Script:
    """What API Gateway and Lambda answer, in the order in which `ensure_rest_api` asks."""

    def __init__(self, stub: Any) -> None:
        self.apigateway, self.gateway = stub("apigateway")
        self.lambda_, self.function = stub("lambda")

    def ensure(self) -> RestApi:
        return ensure_rest_api(self.apigateway, self.lambda_, **WANTED)

    def apis(self, *apis: dict[str, Any]) -> None:
        rows = [{"id": ID, "name": NAME, "tags": TAGS, "binaryMediaTypes": ["*/*"], **api} for api in apis]
        self.gateway.add_response("get_rest_apis", {"items": rows}, {"limit": 500})

    def create(self) -> None:
        asked = {
            "name": NAME,
            "endpointConfiguration": {"types": ["REGIONAL"]},
            "binaryMediaTypes": ["*/*"],
            "tags": TAGS,
        }
        self.gateway.add_response("create_rest_api", {"id": ID, "name": NAME}, asked)

    def resources(self, **changed: Any) -> None:
        found = {**RESOURCES, **changed}
        items = [resource for resource in found.values() if resource is not None]
        self.gateway.add_response(
            "get_resources", {"items": items}, {**THE_API, "embed": ["methods"], "limit": 500}
        )

    def change(self, method: str, answer: dict[str, Any] | None = None, **asked: Any) -> None:
        self.gateway.add_response(method, answer or {}, {**THE_API, **asked})

    def put(self, resource_id: str, *methods: str) -> None:
        asked = {"resourceId": resource_id, "httpMethod": "ANY"}
        if "put_method" in methods:
            self.change("put_method", **asked, authorizationType="NONE")
        if "put_integration" in methods:
            self.change("put_integration", **asked, type="AWS_PROXY", integrationHttpMethod="POST", uri=URI)

    def policy(self, source: str | None = SOURCE) -> None:
        if source is None:
            self.function.add_client_error(
                "get_policy", "ResourceNotFoundException", expected_params=THE_FUNCTION
            )
            return
        statement = {"Sid": PERMISSION["StatementId"], "Condition": {"ArnLike": {"AWS:SourceArn": source}}}
        policy = json.dumps({"Statement": [{"Sid": "another"}, statement]})
        self.function.add_response("get_policy", {"Policy": policy}, THE_FUNCTION)

    def add_permission(self) -> None:
        self.function.add_response("add_permission", {}, PERMISSION)

    def stage(self, description: str | None) -> None:
        asked = {**THE_API, "stageName": "prod"}
        if description is None:
            self.gateway.add_client_error("get_stage", "NotFoundException", expected_params=asked)
            return
        self.gateway.add_response("get_stage", {"deploymentId": "d1", "stageName": "prod"}, asked)
        answer = {"id": "d1", "description": description}
        self.gateway.add_response("get_deployment", answer, {**THE_API, "deploymentId": "d1"})

    def deploy(self) -> None:
        self.change("create_deployment", {"id": "d2"}, stageName="prod", description=DESCRIPTION)


DESCRIPTION = "webhook-lab decc3b3d15d0"  # a digest: where it changes, every API is deployed once more


@pytest.fixture
def script(stub: Any) -> Script:
    return Script(stub)


def test_an_absent_api_is_created_with_its_tags_permitted_and_deployed(script: Script) -> None:
    script.apis()
    script.create()
    script.resources(**{"/": {"id": "root", "path": "/"}, "/{proxy+}": None})
    script.put("root", "put_method", "put_integration")
    script.change("create_resource", {"id": "any"}, parentId="root", pathPart="{proxy+}")
    script.put("any", "put_method", "put_integration")
    script.policy(None)
    script.add_permission()
    script.stage(None)
    script.deploy()
    assert script.ensure() == MADE


def test_an_api_as_wanted_is_left_alone(script: Script) -> None:
    script.apis({})
    script.resources()
    script.policy()
    script.stage(DESCRIPTION)
    assert script.ensure() == MADE


@pytest.mark.parametrize("tags", [{}, {"webhook-lab": "another"}])
def test_a_foreign_api_of_the_same_name_stands_beside_ours(script: Script, tags: dict[str, str]) -> None:
    script.apis({"id": "foreign", "tags": tags})
    script.create()
    script.resources()
    script.policy()
    script.stage(DESCRIPTION)
    assert script.ensure() == MADE


@pytest.mark.parametrize(
    ("found", "calls"),
    [
        ({}, ["put_method", "put_integration"]),
        ({"ANY": {"httpMethod": "ANY", "authorizationType": "NONE"}}, ["put_integration"]),
        ({"ANY": {**METHOD, "methodIntegration": {"type": "MOCK"}}}, ["put_integration"]),
    ],
    ids=["no method", "no integration", "another integration"],
)
def test_a_method_is_mended(script: Script, found: dict[str, Any], calls: list[str]) -> None:
    script.apis({})
    script.resources(**{"/": {**RESOURCES["/"], "resourceMethods": found}})
    script.put("root", *calls)
    script.policy()
    script.stage(DESCRIPTION)
    assert script.ensure() == MADE


def test_a_method_that_asks_for_credentials_is_made_anew(script: Script) -> None:
    script.apis({})
    guarded = {"ANY": {**METHOD, "authorizationType": "AWS_IAM"}}
    script.resources(**{"/": {**RESOURCES["/"], "resourceMethods": guarded}})
    script.change("delete_method", resourceId="root", httpMethod="ANY")
    script.put("root", "put_method", "put_integration")
    script.policy()
    script.stage(DESCRIPTION)
    assert script.ensure() == MADE


def test_paths_and_methods_added_by_hand_go(script: Script) -> None:
    script.apis({})
    both = {"ANY": METHOD, "GET": {"httpMethod": "GET", "authorizationType": "NONE"}}
    script.resources(
        **{
            "/": {**RESOURCES["/"], "resourceMethods": both},
            "/mine": {"id": "mine", "parentId": "root", "path": "/mine"},
            "/mine/too": {"id": "too", "parentId": "mine", "path": "/mine/too"},
        }
    )
    script.change("delete_resource", resourceId="mine")
    script.change("delete_method", resourceId="root", httpMethod="GET")
    script.policy()
    script.stage(DESCRIPTION)
    assert script.ensure() == MADE


def test_a_permission_of_an_earlier_api_is_replaced(script: Script) -> None:
    script.apis({})
    script.resources()
    script.policy(SOURCE.replace(ID, "earlier"))
    gone = {**THE_FUNCTION, "StatementId": PERMISSION["StatementId"]}
    script.function.add_response("remove_permission", {}, gone)
    script.add_permission()
    script.stage(DESCRIPTION)
    assert script.ensure() == MADE


@pytest.mark.parametrize("served", [None, "", "made by hand"])
def test_a_stage_that_serves_something_else_is_deployed(script: Script, served: str | None) -> None:
    script.apis({})
    script.resources()
    script.policy()
    script.stage(served)
    script.deploy()
    assert script.ensure() == MADE


def test_binary_media_types_are_restored(script: Script) -> None:
    script.apis({"binaryMediaTypes": ["image/png"]})
    script.change(
        "update_rest_api",
        {"id": ID, "binaryMediaTypes": ["*/*"]},
        patchOperations=[
            {"op": "remove", "path": "/binaryMediaTypes/image~1png"},
            {"op": "add", "path": "/binaryMediaTypes/*~1*"},
        ],
    )
    script.resources()
    script.policy()
    script.stage(DESCRIPTION)
    assert script.ensure() == MADE


def test_an_api_that_cannot_take_bytes_again_is_made_anew(script: Script) -> None:
    script.apis({"id": "spoiled", "binaryMediaTypes": []})
    patch = [{"op": "add", "path": "/binaryMediaTypes/*~1*"}]
    script.gateway.add_response(
        "update_rest_api", {"binaryMediaTypes": ["*~1*"]}, {"restApiId": "spoiled", "patchOperations": patch}
    )
    script.gateway.add_response("delete_rest_api", {}, {"restApiId": "spoiled"})
    script.create()
    script.resources()
    script.policy()
    script.stage(DESCRIPTION)
    assert script.ensure() == MADE


def test_turns_are_waited_for_when_a_class_shares_an_account(script: Script, pauses: list[float]) -> None:
    script.apis()
    script.gateway.add_client_error("create_rest_api", "TooManyRequestsException")
    script.create()
    script.resources()
    script.policy()
    script.stage(None)
    script.gateway.add_client_error("create_deployment", "TooManyRequestsException")
    script.gateway.add_client_error("create_deployment", "TooManyRequestsException")
    script.deploy()
    assert script.ensure() == MADE
    assert pauses == [2, 2, 4]


@pytest.mark.parametrize("code", ["LimitExceededException", "BadRequestException", "AccessDeniedException"])
def test_what_is_refused_comes_out_as_aws_said_it(script: Script, code: str) -> None:
    script.apis()
    script.gateway.add_client_error("create_rest_api", code)
    with pytest.raises(ClientError, match=code):
        script.ensure()


def test_a_description_says_what_is_there(script: Script) -> None:
    script.apis({})
    script.resources()
    script.change("get_stages", {"item": [{"stageName": "prod"}]})
    assert describe_rest_api(script.apigateway, name=NAME, tags=TAGS) == MADE
    script.apis({"tags": {}})
    script.resources(**{"/": {"id": "root", "path": "/"}, "/{proxy+}": None})
    script.change("get_stages", {"item": []})
    assert describe_rest_api(script.apigateway, name=NAME) == RestApi(ID, NAME, None, (), None)


def test_there_is_no_description_of_an_absent_or_foreign_api(script: Script) -> None:
    script.apis({"name": "another"}, {"tags": {}})
    assert describe_rest_api(script.apigateway, name=NAME, tags=TAGS) is None


def test_a_deletion_waits_for_its_turn(script: Script, pauses: list[float]) -> None:
    for _ in range(4):
        script.gateway.add_client_error("delete_rest_api", "TooManyRequestsException")
    script.change("delete_rest_api")
    assert delete_rest_api(script.apigateway, id=ID)
    assert pauses == [2, 4, 8, 15]


def test_every_api_of_ours_by_that_name_is_deleted_and_no_other(script: Script) -> None:
    script.apis({}, {"id": "foreign", "tags": {}}, {"id": "twin"}, {"id": "other", "name": "another"})
    script.gateway.add_response("delete_rest_api", {}, {"restApiId": ID})
    script.gateway.add_response("delete_rest_api", {}, {"restApiId": "twin"})
    assert delete_rest_api(script.apigateway, name=NAME, tags=TAGS)


def test_deleting_an_absent_api_is_quiet(script: Script) -> None:
    script.gateway.add_client_error("delete_rest_api", "NotFoundException")
    assert not delete_rest_api(script.apigateway, id=ID)
    script.apis()
    assert not delete_rest_api(script.apigateway, name=NAME, tags=TAGS)


def test_a_name_alone_deletes_nothing(script: Script) -> None:
    with pytest.raises(ValueError, match="names are not unique"):
        delete_rest_api(script.apigateway, name=NAME)
