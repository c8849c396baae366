"""REST APIs in front of functions: the event they build, how long they wait, what they answer."""

import asyncio
import json
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import Any

from ministack.core import sigv4
from ministack.services import apigateway_v1, lambda_svc

from webhook_lab.facts import quotas
from webhook_lab.local_cloud.batches import PAYLOAD_BYTES
from webhook_lab.local_cloud.gateway import sent_headers

Answer = tuple[int, dict[str, str], bytes]
Result = dict[str, Any]
Proxied = tuple[Result | None, str | None]
"""What a function answers, or what the sender hears in its place."""

INTERNAL = "Internal server error"
_TOO_LONG = "too long"
_JSON = MappingProxyType({"Content-Type": "application/json"})  # the emulator writes into what it is given
_waited_for: set[asyncio.Future[Any]] = set()

log = logging.getLogger(__name__)


def events_hold_each_value() -> None:
    """Of a header or a query parameter that came twice, an event holds both values.

    AWS: `headers` and `queryStringParameters` hold the last one, their multi-value twins all; there is no
        `version`, which belongs to HTTP APIs
        (docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
    Emulator: joins the headers by commas, keeps the first query parameter, and adds a `version`.
    Shown by: test_what_is_sent_twice_is_in_the_event_twice
    Upstream: a fix retires this.
    """
    build = apigateway_v1._build_lambda_event_v1

    def built(*given: Any, **more: Any) -> dict[str, Any]:
        event: dict[str, Any] = build(*given, **more)
        event.pop("version", None)
        if query := event["multiValueQueryStringParameters"]:
            event["queryStringParameters"] = {name: values[-1] for name, values in query.items()}
        headers = defaultdict(list)
        for name, value in sent_headers.get():
            headers[name.decode("latin-1")].append(sigv4.decode_header_value(value))
        if headers:
            event["multiValueHeaders"] = dict(headers)
            event["headers"] = {name: values[-1] for name, values in headers.items()}
        return event

    apigateway_v1._build_lambda_event_v1 = built


def functions_have_29_seconds() -> None:
    """The sender hears 504 when the function takes longer than the integration may; it runs on.

    AWS: so; PutIntegration's timeoutInMillis may say less (the developer guide's page
        api-gateway-execution-service-limits-table).
    Emulator: keeps that number, and waits for as long as the function runs.
    Shown by: test_a_function_that_takes_too_long_is_a_504_and_runs_on
    Upstream: a fix retires this.
    """
    for kind in ("_invoke_lambda_proxy_v1", "_invoke_lambda_custom_v1"):
        setattr(apigateway_v1, kind, _in_time(getattr(apigateway_v1, kind)))


def _in_time(invoke: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def invoked(integration: dict[str, Any], *given: Any, **more: Any) -> Any:
        milliseconds = integration.get("timeoutInMillis") or quotas.API_INTEGRATION_TIMEOUT.value * 1000
        task = asyncio.ensure_future(invoke(integration, *given, **more))
        _waited_for.add(task)  # nobody else keeps it
        task.add_done_callback(_forget)
        done, _ = await asyncio.wait({task}, timeout=milliseconds / 1000)
        if done:
            return task.result()
        late = "Endpoint request timed out", "InternalServerErrorException"
        return apigateway_v1._GatewayError("INTEGRATION_TIMEOUT", *late)

    return invoked


def _forget(task: "asyncio.Future[Any]") -> None:
    _waited_for.discard(task)
    if not task.cancelled():
        task.exception()  # told to whoever still waits; else asyncio would complain that nobody asked


def nothing_of_the_inside_crosses_the_door() -> None:
    """Whatever goes wrong inside, the sender hears "Internal server error" and no more.

    AWS: 500 when Lambda refuses the invocation (a throttle, say), 502 when the function fails or returns what
        is no proxy answer (docs.aws.amazon.com/lambda/latest/dg/services-apigateway-errors.html).
    Emulator: answers with the error's own text, which names roles, actions and files; a throttle is a 429,
        and whatever a function returns is a 200.
    Shown by: test_what_a_function_raises_is_not_told_to_the_sender, test_a_malformed_answer_is_a_502,
        test_a_throttled_function_is_a_500
    Upstream: a fix retires this.
    """
    execute = apigateway_v1.handle_execute

    async def executed(*given: Any) -> Answer:
        try:
            return await execute(*given)  # type: ignore[no-any-return]
        except Exception:
            log.exception("REST API")
            return 500, dict(_JSON), json.dumps({"message": INTERNAL}).encode()

    apigateway_v1._lambda_proxy_response, apigateway_v1.handle_execute = _proxied, executed


def _proxied(result: Result) -> Proxied:
    """The function's answer as the emulator sends it on, or what it sends with a 502."""
    if result.get(_TOO_LONG):
        return _instead(413, "Request Too Long", "BadRequestException"), None
    if result.get("throttle"):
        return _instead(500, INTERNAL, "InternalServerErrorException"), None
    answer = None if result.get("error") else _well_formed(result.get("body"))
    return answer, None if answer else INTERNAL


def _instead(status: int, message: str, error_type: str) -> Result:
    headers = {**_JSON, "x-amzn-ErrorType": error_type}
    return {"statusCode": status, "headers": headers, "body": json.dumps({"message": message})}


def _well_formed(answer: Any) -> Result | None:
    """A proxy answer, its status a number and its headers texts; None when it is none.

    The shape: set-up-lambda-proxy-integrations in the developer guide, "Output format". That a status may be
    digits, a header a number and a body missing or null is what people report, and not documented.
    """
    if not isinstance(answer, dict) or not str(answer.get("statusCode")).isdecimal():
        return None
    headers, lists = answer.get("headers") or {}, answer.get("multiValueHeaders") or {}
    body = "" if answer.get("body") is None else answer["body"]
    status = int(answer["statusCode"])
    shapes = (headers, dict), (lists, dict), (body, str), *((values, list) for values in _values(lists))
    if not 100 <= status <= 599 or not all(isinstance(value, shape) for value, shape in shapes):
        return None
    told = {name: str(value) for name, value in headers.items()}
    several = {name: [str(value) for value in values] for name, values in lists.items()}
    return {**answer, "statusCode": status, "headers": told, "multiValueHeaders": several, "body": body}


def _values(of: Any) -> tuple[Any, ...]:
    return tuple(of.values()) if isinstance(of, dict) else ()


def lambda_takes_no_more_than_it_says() -> None:
    """An event of more than 6 MB is refused, whoever invokes; binary bodies are larger as base64.

    AWS: in these words (as in https://github.com/pelmers/streetwarp-web/issues/14); a sender hears 413,
        "Request Too Long" (https://github.com/koki-develop/lgtm-generator/issues/10).
    Emulator: runs the function.
    Shown by: test_what_is_too_large_as_an_event_is_a_413, test_lambda_refuses_an_event_of_more_than_6_mb
    Upstream: a fix retires this.
    """
    call, handle = apigateway_v1._call_lambda_raw, lambda_svc.handle_request
    said = f"Request must be smaller than {PAYLOAD_BYTES} bytes for the InvokeFunction operation"

    async def called(function: str, event: Any, **more: Any) -> tuple[Result | None, str | None]:
        if len(json.dumps(event, ensure_ascii=False).encode(errors="surrogatepass")) > PAYLOAD_BYTES:
            return {_TOO_LONG: True, "throttle": True}, None
        return await call(function, event, **more)  # type: ignore[no-any-return]

    async def handled(method: str, path: str, headers: Any, body: bytes, query: Any) -> Answer:
        if path.endswith("/invocations") and len(body) > PAYLOAD_BYTES:
            error = "RequestEntityTooLargeException"
            return lambda_svc.error_response_json(error, said, 413)  # type: ignore[no-any-return]
        return await handle(method, path, headers, body, query)  # type: ignore[no-any-return]

    apigateway_v1._call_lambda_raw, lambda_svc.handle_request = called, handled
