"""The direct door: a REGIONAL REST API that puts each request on a queue itself, with no function between.

Calls: those of any_url_api; CreateResource, PutMethod, PutIntegration, PutMethodResponse,
PutIntegrationResponse, DeleteMethod.

It takes text only, and of the types in `TYPES`: there are no binaryMediaTypes, so that a mapping template
sees the body. What SQS says decides the answer. An integration response without a pattern is the default, so
it must be the one for failures: a default of 202 would tell a sender that a refused message was queued.
Sources: API Gateway's developer guide, "Mapping template reference" and "Set up an integration response";
SQS's API reference, SendMessage.
"""

from dataclasses import dataclass, replace
from typing import Any, Self

from webhook_lab.aws.session import Session
from webhook_lab.resources.any_url_api import (
    ANY_PATH,
    ROOT,
    AnyUrlApi,
    create,
    deploy,
    only_api,
    resources_of,
)
from webhook_lab.resources.ownership import Tags, looks_again
from webhook_lab.resources.resource import Rows, tail

TYPES = ("application/json", "application/x-www-form-urlencoded", "text/plain")
"""The content types that are taken; any other is answered 415. None at all counts as the first."""

KEPT = (
    "content-type content-encoding user-agent x-github-event "
    "webhook-id webhook-timestamp webhook-signature svix-id svix-timestamp svix-signature "
    "x-github-delivery x-hub-signature-256 "
    "x-shopify-event-id x-shopify-topic x-shopify-hmac-sha256 "
    "shopify-event-id shopify-topic shopify-hmac-sha256 "
    "stripe-signature x-slack-signature x-slack-request-timestamp"
)
"""The headers that become message attributes: those that name or sign a delivery, or tell what it is.

No sender sends more than nine of them, and with `request` SQS takes ten attributes; more are refused."""

_ATTRIBUTE = "&MessageAttribute.{n}.Name={name}&MessageAttribute.{n}.Value.DataType=String"
_ATTRIBUTE += "&MessageAttribute.{n}.Value.StringValue=$util.urlEncode({value})"
_BODY = "$util.urlEncode($input.body)"
TEMPLATE = "".join(
    (
        "#set($all = $input.params())#set($headers = $all.header)",
        '#set($path = "/$!all.path.get(\'proxy\')")#set($query = "")',
        "#foreach($name in $all.querystring.keySet())",
        '#set($query = "$query&$util.urlEncode($name)=$util.urlEncode($all.querystring.get($name))")#end',
        '#set($request = "method=$context.httpMethod&path=$util.urlEncode($path)',
        "&query=$util.urlEncode($query)&request_id=$context.requestId",
        '&received_at=$context.requestTimeEpoch")',
        f"Action=SendMessage&MessageBody={_BODY}",
        _ATTRIBUTE.format(n="1", name="request", value="$request"),
        f'#set($kept = " {KEPT} ")#set($n = 1)',
        "#foreach($name in $headers.keySet())",
        '#if($kept.contains(" $name.toLowerCase() ") && $headers.get($name) != "")#set($n = $n + 1)',
        _ATTRIBUTE.format(n="${n}", name="$name.toLowerCase()", value="$headers.get($name)"),
        "#end#end",
    )
)
"""Velocity that writes the form of a SendMessage, on one line, since a line's end would be part of a value.

Names of headers are compared in lower case, as senders spell them differently; an attribute is written only
for a header that is there, as SQS refuses empty ones."""

COPIED = TEMPLATE.replace(_BODY, "$input.body")
"""With the body as most examples have it, not url-encoded: what means something in a form is altered."""

_QUEUED = """{"message_id": $input.json('$.SendMessageResponse.SendMessageResult.MessageId'), """
_QUEUED += '"request_id": "$context.requestId"}'
RESPONSES: dict[str, tuple[str, str]] = {
    "202": (r"2\d{2}", _QUEUED),
    "400": (r"4\d{2}", "{\"error\": $input.json('$.Error.Message')}"),
    "503": (r"5\d{2}", '{"error": "SQS failed, and nothing was queued: send it again"}'),
    "500": ("", '{"error": "nothing was queued: send it again"}'),
}
"""By the status of an answer: which of SQS's own lead to it, and its body's template. The last: any other."""


@dataclass(frozen=True)
class DirectApi(AnyUrlApi):
    """A REST API in front of a queue.

    Args:
        queue_arn: where each request goes.
        role_arn: what API Gateway assumes to send there.
        template: what makes a SendMessage of a request; the same for each content type.
        types: the content types that are taken; another is answered 415.
    """

    queue_arn: str
    role_arn: str
    template: str = TEMPLATE
    types: tuple[str, ...] = TYPES

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create and deploy the API, or restore its methods and its deployment."""
        api = only_api(aws, self.name, tags) or create(aws, self.name, tags)
        wanted = self._integration(aws)
        resources = resources_of(aws, api["id"])
        for path in (ROOT, ANY_PATH):
            resource: Any = resources.get(path) or aws.apigateway.create_resource(
                restApiId=api["id"], parentId=resources[ROOT]["id"], pathPart=path[1:]
            )
            if not _is(resource, wanted):
                where = {"restApiId": api["id"], "resourceId": resource["id"]}
                for other in resource.get("resourceMethods", {}):
                    aws.apigateway.delete_method(**where, httpMethod=other)
                _put(aws, {**where, "httpMethod": "ANY"}, wanted)
        deploy(aws, api["id"], [wanted, RESPONSES])
        return replace(self, api_id=api["id"])

    def _integration(self, aws: Session) -> dict[str, Any]:
        """What both paths do with a request."""
        account, queue = self.queue_arn.split(":")[4:6]
        uri = f"arn:{aws.target.partition}:apigateway:{aws.target.region}:sqs:path/{account}/{queue}"
        form = "'application/x-www-form-urlencoded'"
        return {
            "type": "AWS",
            "uri": uri,
            "credentials": self.role_arn,
            "requestParameters": {"integration.request.header.Content-Type": form},
            "requestTemplates": dict.fromkeys(self.types, self.template),
            "passthroughBehavior": "NEVER",
        }

    @classmethod
    def as_it_is(cls, aws: Session, resources: dict[str, Any]) -> dict[str, Any]:
        method = resources[ROOT].get("resourceMethods", {}).get("ANY", {})
        found = method.get("methodIntegration", {})
        region, _, queue = found.get("uri", "").partition(":sqs:path/")
        return {
            "queue_arn": aws.target.arn("sqs", queue.rpartition("/")[2]) if region and queue else "",
            "role_arn": found.get("credentials") or "",
            "template": found.get("requestTemplates", {}).get(TYPES[0], ""),
            "types": tuple(sorted(found.get("requestTemplates", {}))),
        }

    def rows(self) -> Rows:
        return (
            ("Methods and paths", f"ANY {ROOT}\nANY {ANY_PATH}"),
            ("Sends to", tail(self.queue_arn) or "nothing"),
            ("Takes", "\n".join(self.types)),
            ("Body", "url-encoded" if _BODY in self.template else "as it is, which a form alters"),
            ("Stage", self.stage or "not deployed"),
        )


def _is(resource: Any, wanted: dict[str, Any]) -> bool:
    """Whether the resource's one method does what is wanted, and answers as it should."""
    methods = resource.get("resourceMethods", {})
    found = methods.get("ANY", {}).get("methodIntegration", {})
    answers = {
        status: (each.get("selectionPattern") or "", each.get("responseTemplates", {}).get(TYPES[0]))
        for status, each in found.get("integrationResponses", {}).items()
    }
    return methods.keys() == {"ANY"} and answers == RESPONSES and wanted.items() <= found.items()


def _put(aws: Session, where: dict[str, Any], wanted: dict[str, Any]) -> None:
    """The method from nothing: an integration that is put again loses its responses."""
    api = aws.apigateway
    api.put_method(**where, authorizationType="NONE")
    api.put_integration(**where, integrationHttpMethod="POST", **wanted)
    for status, (pattern, template) in RESPONSES.items():
        api.put_method_response(**where, statusCode=status)
        templates = {TYPES[0]: template}
        api.put_integration_response(
            **where, statusCode=status, selectionPattern=pattern, responseTemplates=templates
        )
