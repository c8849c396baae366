"""The calls that a mapping makes, all of them public: SQS with the function's role, Invoke as the service.

They are signed, and the emulator checks signature and policies; but they reach it inside its own process.
So a long poll can be called back without losing what it just receives, polling costs no connection and no
thread, and an idle mapping is not taken for somebody who uses the cloud.
"""

import asyncio
import hmac
import json
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from ministack.core import lambda_runtime, sigv4
from ministack.core.responses import request_scope
from ministack.services import lambda_svc

from webhook_lab.local_cloud.batches import RECEIVE_MOST, FunctionFailed, Message, Refused, Throttled
from webhook_lab.local_cloud.guard import App
from webhook_lab.local_cloud.runtime import Cloud

Payload = dict[str, Any]
Credentials = tuple[str, str, str]
"""Access key, secret, and token, which is empty for root."""


@dataclass(frozen=True)
class Ends:
    """What one mapping connects, `esm` as the emulator `app` keeps it: a Queue and a Function."""

    app: App
    cloud: Cloud
    account: str
    region: str
    esm: dict[str, Any]

    async def receive(self, most: int, wait: int) -> list[Message]:
        """ReceiveMessage, with everything that an event tells of a message."""
        asked = {"MaxNumberOfMessages": most, "WaitTimeSeconds": wait}
        every = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
        answer = await self._sqs("ReceiveMessage", **asked, **every)
        return answer.get("Messages") or []

    async def delete(self, messages: list[Message]) -> None:
        """DeleteMessageBatch, ten at a time."""
        for first in range(0, len(messages), RECEIVE_MOST):
            some = messages[first : first + RECEIVE_MOST]
            entries = [{"Id": str(i), "ReceiptHandle": each["ReceiptHandle"]} for i, each in enumerate(some)]
            await self._sqs("DeleteMessageBatch", Entries=entries)

    async def visibility_timeout(self) -> float:
        """GetQueueAttributes, in seconds."""
        found = await self._sqs("GetQueueAttributes", AttributeNames=["VisibilityTimeout"])
        return float(found["Attributes"]["VisibilityTimeout"])

    def wanted(self, batch: list[Message]) -> list[Message]:
        """Those of the messages that the mapping's FilterCriteria let through."""
        let = [bool(lambda_svc._apply_filter_criteria([self._record(each)], self.esm)) for each in batch]
        return [message for message, passes in zip(batch, let, strict=True) if passes]

    async def invoke(self, batch: list[Message]) -> Any:
        """Invoke the function with the messages."""
        records = [self._record(each) for each in batch]
        name = ":".join(filter(None, (self.esm["FunctionName"], self.esm.get("Qualifier"))))
        path = f"/2015-03-31/functions/{name}/invocations"
        root = self.cloud.access_key_id, self.cloud.secret_access_key, ""
        status, headers, answer = await self._call("lambda", path, {"Records": records}, root, {})
        if status == 429:
            raise Throttled
        if status != 200:
            raise _refused(headers, answer)
        if "x-amz-function-error" in headers:
            raise FunctionFailed
        return answer

    async def _sqs(self, action: str, **payload: Any) -> Payload:
        name = self.esm["EventSourceArn"].rsplit(":", 1)[1]
        asked = {"QueueUrl": f"{self.cloud.endpoint_url}/{self.account}/{name}", **payload}
        kind = {"x-amz-target": f"AmazonSQS.{action}", "content-type": "application/x-amz-json-1.0"}
        status, headers, answer = await self._call("sqs", "/", asked, self._execution_role(), kind)
        if status != 200:
            raise _refused(headers, answer)
        return answer or {}

    async def _call(
        self, service: str, path: str, payload: Payload, credentials: Credentials, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], Any]:
        """POST the payload: status, headers by lower-case name, JSON answer.

        Whoever cancels this still gets an answer that was given in the same moment: no message is lost.
        """
        body = json.dumps(payload).encode()
        named = {**headers, "host": self.cloud.endpoint_url.removeprefix("http://")}
        sent = _signed(credentials, service, self.region, path, named, body)
        scope = {
            "type": "http",
            "method": "POST",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "client": ("127.0.0.1", 0),
        }
        answer: list[MutableMapping[str, Any]] = []

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            answer.append(message)

        asking = asyncio.ensure_future(self.app(scope, receive, send))
        try:
            await asyncio.wait({asking})
        except asyncio.CancelledError:
            asking.cancel()
            await asyncio.wait({asking})
            if asking.cancelled():
                raise
        asking.result()
        told = {name.decode().lower(): value.decode() for name, value in answer[0]["headers"]}
        content = b"".join(part.get("body", b"") for part in answer[1:])
        return answer[0]["status"], told, json.loads(content or b"null")

    def _execution_role(self) -> Credentials:
        """What the function runs with. Without a function nothing is read: nobody could be handed it."""
        with request_scope(self.account, self.region):
            name = self.esm["FunctionName"], self.esm.get("Qualifier")
            record, config = lambda_svc._get_func_record_for_qualifier(*name)
            if not record:
                raise Refused(f"ResourceNotFoundException: Function not found: {self.esm['FunctionArn']}")
            key, secret, token = lambda_runtime.execution_credentials(config).values()
            return key, secret, token

    def _record(self, message: Message) -> Payload:
        """A message as a function gets it."""
        attributes = {
            name: {key[0].lower() + key[1:]: value for key, value in attribute.items()}
            for name, attribute in message.get("MessageAttributes", {}).items()
        }
        return {
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": message.get("Attributes", {}),
            "messageAttributes": attributes,
            "md5OfBody": message["MD5OfBody"],
            "eventSource": "aws:sqs",
            "eventSourceARN": self.esm["EventSourceArn"],
            "awsRegion": self.region,
        }


def _signed(
    credentials: Credentials, service: str, region: str, path: str, headers: dict[str, str], body: bytes
) -> dict[str, str]:
    """The headers of a POST with its signature (SigV4). botocore's would be a third of a call's time.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    (key, secret, token), scope = credentials, (at[:8], region, service)
    sent = {**headers, "x-amz-date": at, **({"x-amz-security-token": token} if token else {})}
    names = ";".join(sorted(sent))
    unsigned = sigv4.HeaderSignature(key, *scope, names, "", at)
    _, text = sigv4.header_signing_documents(unsigned, "POST", path, {}, sent, body)
    signature = hmac.digest(sigv4._cached_signing_key(secret, *scope), text.encode(), "sha256").hex()
    told = f"Credential={key}/{'/'.join(scope)}/aws4_request, SignedHeaders={names}, Signature={signature}"
    return {**sent, "authorization": f"AWS4-HMAC-SHA256 {told}"}


def _refused(headers: dict[str, str], answer: Any) -> Refused:
    told = answer if isinstance(answer, dict) else {}
    code = headers.get("x-amzn-errortype") or str(told.get("__type", "")).rpartition("#")[2]
    return Refused(f"{code}: {told.get('message') or told.get('Message') or ''}")
