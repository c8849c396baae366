"""The base of every scenario, and the composition of several: a day.

    Day(LateLogs(5), SlowMappings(15)).install(boto3_session.events)

`events` is an emitter of botocore's: a client's (``client.meta.events``), or a session's
(``session.events``), which hands it on to every client made afterwards. `under` does it for each botocore
session that this process makes from then on.

A scenario has three places in a call, each with the same `Call`:

- `asked`: before anything is sent. Answer in AWS's place, or raise a `refusal`, which nothing retries.
- `sending`: before each attempt, retries too. Raise a `refusal` (sent as AWS words it, so that botocore's own
  retries meet it) or any of botocore's connection errors; `call.send()` first for a request that was done.
- `answered`: alter the answer in place.
"""

import contextlib
import io
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

import botocore.httpsession
import botocore.session
from botocore import xform_name
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.days.clocks import Clock, RealClock

Answer = dict[str, Any]
Aws = Callable[[str, str, Mapping[str, Any]], Answer]
"""(service, operation, params) -> answer; raises ClientError."""

REAL = RealClock()
_PLAIN = "without-a-day"
"""In the user agent of a client that no scenario touches."""


class Call:
    """One call to AWS, from before it is sent until its answer is handed on.

    Attributes:
        service: boto3's name, such as "sqs".
        operation: AWS's name, such as "SetQueueAttributes".
        params: what was asked, as the caller gave it.
        clock: the day's.
        request: in `sending`: botocore's prepared request.
        notes: what a scenario keeps from one place to the next, by itself.
    """

    def __init__(
        self, service: str, operation: str, params: Mapping[str, Any], clock: Clock, aws: Aws
    ) -> None:
        self.service, self.operation, self.params = service, operation, params
        self.clock, self._aws = clock, aws
        self.request: Any = None
        self.notes: dict[Scenario, Any] = {}

    def is_a(self, service: str, *operations: str) -> bool:
        """Whether it is one of these operations; any of the service's where none is named."""
        return self.service == service and (not operations or self.operation in operations)

    def really(self, operation: str = "", /, **instead: Any) -> Answer:
        """Ask AWS now, past every scenario: this call with other params, or another of the same service.

        Raises:
            ClientError: as AWS refused it.
        """
        params = instead if operation else {**self.params, **instead}
        return self._aws(self.service, operation or self.operation, params)

    def really_later(self, seconds: float, operation: str = "", /, **instead: Any) -> None:
        """The same then; what AWS says to it is heard by nobody."""

        def act() -> None:
            with contextlib.suppress(ClientError):
                self.really(operation, **instead)

        self.clock.later(seconds, act)

    def send(self) -> AWSResponse:
        """Send the attempt that is under way as it is, and return what came back."""
        return botocore.httpsession.URLLib3Session().send(self.request)


def refusal(code: str, message: str, status: int = 400) -> ClientError:
    """What a scenario raises where AWS refuses."""
    said = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(said, "")  # type: ignore[arg-type]


class Scenario:
    """One thing that AWS does on some days. By itself this one does nothing."""

    def asked(self, call: Call) -> Answer | None:
        """Before anything is sent; None sends it."""

    def sending(self, call: Call) -> None:
        """Before each attempt."""

    def answered(self, call: Call, answer: Answer) -> None:
        """After an answer that is no refusal."""

    def install(self, events: Any, *, clock: Clock = REAL, aws: Aws | None = None) -> None:
        """Have it hold for the clients of these events from now on.

        Args:
            aws: stands in for AWS, in a test of a scenario: nothing is sent then.
        """
        hooks = _Hooks(self, clock, aws)
        events.register("provide-client-params.*.*", hooks.provide_params)
        events.register("before-call.*.*", hooks.before_call)
        events.register("before-send.*.*", hooks.before_send)
        events.register("after-call.*.*", hooks.after_call)


class Day(Scenario):
    """Several scenarios at once. The first that answers has its way; all alter answers, in order."""

    def __init__(self, *parts: Scenario) -> None:
        self.parts = parts

    def asked(self, call: Call) -> Answer | None:
        answers = (part.asked(call) for part in self.parts)
        return next((answer for answer in answers if answer is not None), None)

    def sending(self, call: Call) -> None:
        for part in self.parts:
            part.sending(call)

    def answered(self, call: Call, answer: Answer) -> None:
        for part in self.parts:
            part.answered(call, answer)


@contextlib.contextmanager
def under(scenario: Scenario, *, clock: Clock = REAL) -> Iterator[None]:
    """Have it hold for every botocore session that is made within the block, boto3's among them."""
    made = botocore.session.Session.__init__

    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        made(self, *args, **kwargs)
        scenario.install(self.get_component("event_emitter"), clock=clock)

    botocore.session.Session.__init__ = make  # type: ignore[method-assign]
    try:
        yield
    finally:
        botocore.session.Session.__init__ = made  # type: ignore[method-assign]


class _Hooks:
    """One scenario's handlers of botocore's events."""

    def __init__(self, scenario: Scenario, clock: Clock, aws: Aws | None) -> None:
        self._scenario, self._clock, self._aws = scenario, clock, aws
        self._of_thread = threading.local()  # an attempt's event does not say which call it belongs to

    def provide_params(self, params: Any, context: dict[str, Any], **_: Any) -> None:
        context["day_params"] = dict(params)

    def before_call(self, model: Any, params: Any, request_signer: Any, context: Any, **_: Any) -> Any:
        self._of_thread.call = None
        if _PLAIN in (context["client_config"].user_agent_extra or ""):
            return None
        service = model.service_model.service_name
        aws = self._aws or _plain_aws(request_signer, params["url"])
        call = Call(service, model.name, context.get("day_params", {}), self._clock, aws)
        self._of_thread.call = context["day_call"] = call
        try:
            answer = self._scenario.asked(call)
            if answer is None and self._aws:
                answer = call.really()
        except ClientError as refused:
            status = refused.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
            return SimpleNamespace(status_code=status, headers={}), refused.response
        return None if answer is None else (SimpleNamespace(status_code=200, headers={}), answer)

    def before_send(self, request: Any, event_name: str, **_: Any) -> AWSResponse | None:
        if (call := self._of_thread.call) is None:
            return None
        call.request = request
        try:
            self._scenario.sending(call)
        except ClientError as refused:
            return _as_sent(refused, request.url, call.service)
        return None

    def after_call(self, parsed: Any, http_response: Any, context: dict[str, Any], **_: Any) -> None:
        call = context.pop("day_call", None)
        if call and http_response.status_code < 300:
            self._scenario.answered(call, parsed)


_plain_clients: dict[tuple[str, ...], Any] = {}
_making = threading.Lock()


def _plain_aws(signer: Any, url: str) -> Aws:
    """AWS itself: the same endpoint and credentials, by clients that no scenario touches."""
    parts, keys, region = urlsplit(url), signer._credentials, signer._region_name

    def ask(service: str, operation: str, params: Mapping[str, Any]) -> Answer:
        endpoint = f"{parts.scheme}://{parts.netloc}"
        with _making:
            client = _plain_clients.get((service, endpoint, keys.access_key))
            if client is None:
                client = botocore.session.Session().create_client(
                    service,
                    region_name=region,
                    endpoint_url=endpoint,
                    aws_access_key_id=keys.access_key,
                    aws_secret_access_key=keys.secret_key,
                    config=Config(user_agent_extra=_PLAIN, proxies={}),
                )
                _plain_clients[service, endpoint, keys.access_key] = client
        answer = getattr(client, xform_name(operation))(**params)
        return dict(answer)

    return ask


class _Raw(io.BytesIO):
    """A body as botocore reads one."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def _as_sent(refused: ClientError, url: str, service: str) -> AWSResponse:
    """The refusal as the service's own protocol words it."""
    error, status = refused.response["Error"], refused.response["ResponseMetadata"]["HTTPStatusCode"]
    code, message = error["Code"], error["Message"]
    headers: Any = {"x-amzn-ErrorType": code}
    if service in ("iam", "sts", "cloudformation", "s3"):
        inner = f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
        body = inner if service == "s3" else f"<ErrorResponse>{inner}</ErrorResponse>"
    else:
        body = json.dumps({"__type": code, "message": message})
    return AWSResponse(url, status, headers, _Raw(body.encode()))
