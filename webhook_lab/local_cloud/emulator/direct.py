"""A REST API that hands requests to SQS itself: its templates, its role, and what SQS answers."""

import contextvars
import json
import time
import uuid
from typing import Any
from urllib.parse import quote_plus
from xml.etree import ElementTree

import airspeed
from ministack.core import iam_evaluator
from ministack.services import apigateway_v1, iam, sqs

from webhook_lab.facts import quotas

_MAY_SEND = "sqs:SendMessage"
_DENIED = "User: {} is not authorized to perform: " + _MAY_SEND.lower() + " on resource: {}"
_request: contextvars.ContextVar[dict[str, Any]] = contextvars.ContextVar("request")
"""Of the request that is under way: what a template reads of it, beside its body."""


class _Input:
    """``$input`` of a mapping template, as far as it is documented; paths into JSON without filters."""

    def __init__(self, body: str, params: dict[str, dict[str, str]]) -> None:
        # An empty body reads {}: https://github.com/localstack/localstack/pull/12413, tried on AWS.
        self.body, self._params = body or "{}", params

    def params(self, name: str = "") -> Any:
        if not name:
            return self._params
        return next((kind[name] for kind in self._params.values() if name in kind), "")

    def path(self, path: str) -> Any:
        return apigateway_v1._vtl_json_path(self.body, path)

    def json(self, path: str) -> str:
        return json.dumps(self.path(path))


class _Util:
    """``$util``: what a form and JSON need."""

    def urlEncode(self, text: str) -> str:
        return quote_plus(text, safe="*").replace("~", "%7E")  # as java.net.URLEncoder

    def escapeJavaScript(self, text: str) -> str:
        return json.dumps(text)[1:-1].replace("'", "\\'")


def mapping_templates_are_velocity() -> None:
    """A mapping template is a Velocity script that sees headers, query, path and context.

    AWS: Velocity with $input, $util and $context
        (docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html).
    Emulator: neither #if nor #foreach, params() without its parts, and of the context the authorizer alone.
    Shown by: test_headers_travel_as_attributes_and_only_those_that_are_there
    Upstream: a fix retires this.
    """
    airspeed.__additional_methods__[str]["toLowerCase"] = str.lower
    apigateway_v1._render_request_template_v1 = _render


def the_role_decides_what_an_api_may_send() -> None:
    """The integration's role has to let API Gateway assume it, and may do what its policies say.

    AWS: without the first API Gateway answers 500, without the second SQS says AccessDenied.
    Emulator: sends whatever the role.
    Shown by: test_an_api_whose_role_may_not_send_queues_nothing
    Upstream: a fix retires this.
    """
    send = apigateway_v1._invoke_sqs_v1

    async def send_as_its_role(
        integration: Any, api_id: str, stage_name: str, stage: Any, resource: Any, path: str, method: str,
        headers: Any, body: bytes, query: Any, path_params: Any, **more: Any,
    ) -> Any:  # fmt: skip
        context = {
            "requestId": str(uuid.uuid4()), "requestTimeEpoch": int(time.time() * 1000), "apiId": api_id,
            "httpMethod": method, "path": f"/{stage_name}{path}", "resourcePath": resource["path"],
            "stage": stage_name,
        }  # fmt: skip
        asked = {name: each[-1] if isinstance(each, list) else each for name, each in (query or {}).items()}
        params = {"path": dict(path_params or {}), "querystring": asked, "header": dict(headers or {})}
        token = _request.set({"context": context, "params": params})
        try:
            if (refused := _refused(integration)) is not None:
                return refused
            return await send(
                integration, api_id, stage_name, stage, resource, path, method, headers, body, query,
                path_params, **more,
            )  # fmt: skip
        finally:
            _request.reset(token)

    apigateway_v1._invoke_sqs_v1 = send_as_its_role


def sqs_answers_api_gateway_in_json() -> None:
    """What an integration's response template reads of a refusal is JSON, as of a success.

    AWS: `{"Error": {"Code": …, "Message": …, "Type": …}, "RequestId": …}` to whoever accepts JSON.
    Emulator: XML.
    Shown by: test_what_sqs_refuses_is_a_400_with_its_words
    Upstream: a fix retires this.
    """
    respond = apigateway_v1._service_integration_response

    def respond_in_json(integration: Any, status: int, text: str, *more: Any) -> Any:
        if "<ErrorResponse" in text:
            parts = ElementTree.fromstring(text)  # noqa: S314 - the emulator wrote it
            error = next(each for each in parts if each.tag.endswith("Error"))
            text = json.dumps({"Error": {each.tag.rpartition("}")[2]: each.text for each in error}})
        return respond(integration, status, text, *more)

    apigateway_v1._service_integration_response = respond_in_json


def sqs_takes_ten_attributes() -> None:
    """A message with more attributes than SQS takes is refused.

    AWS: ten at most
        (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html).
    Emulator: takes any number.
    Shown by: test_what_sqs_refuses_is_a_400_with_its_words
    Upstream: a fix retires this.
    """
    send, most = sqs._HANDLERS["SendMessage"], quotas.SQS_MESSAGE_ATTRIBUTES.value

    def send_if_it_may(asked: dict[str, Any], queue_url: str) -> Any:
        if (n := len(asked.get("MessageAttributes") or {})) > most:
            said = f"Number of message attributes [{n}] exceeds the allowed maximum [{most}]."
            raise sqs._Err("InvalidParameterValue", said)
        return send(asked, queue_url)

    sqs._HANDLERS["SendMessage"] = send_if_it_may


_compiled: dict[str, Any] = {}


def _render(template: str, body: str, _params: Any, _context: Any = None) -> str:
    request = _request.get()
    if template not in _compiled:
        _compiled[template] = airspeed.Template(template)
    names = {"input": _Input(body, request["params"]), "util": _Util(), "context": request["context"]}
    return str(_compiled[template].merge(names))


def _refused(integration: Any) -> Any:
    """The answer where the role does not let API Gateway send; None where it does."""
    region, _, _, rest = apigateway_v1._parse_service_integration_uri(integration["uri"])
    account, _, queue = rest.partition("/")
    name = (integration.get("credentials") or "").rpartition("/")[2]
    role = iam._roles.get_scoped(account, None, name) or {}
    if "apigateway.amazonaws.com" not in str(role.get("AssumeRolePolicyDocument", "")):
        return 500, {"Content-Type": "application/json"}, b'{"message":"Internal server error"}'
    who = f"arn:aws:sts::{account}:assumed-role/{name}/BackplaneAssumeRoleSession"
    arn = f"arn:aws:sqs:{region}:{account}:{queue}"
    context = iam_evaluator.EvalContext(who, "AssumedRole", account, _MAY_SEND, arn, region)
    policies = iam_evaluator._gather_role_policies(name, account)
    if iam_evaluator.evaluate(context, policies).decision == "Allow":
        return None
    error = {"Code": "AccessDenied", "Message": _DENIED.format(who, arn), "Type": "Sender"}
    said = json.dumps({"Error": error})
    return apigateway_v1._service_integration_response(integration, 403, said, "application/json", {})
