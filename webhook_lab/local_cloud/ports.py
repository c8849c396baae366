"""The calls that a mapping makes, all of them public: SQS with the function's role, Invoke as the service.

They are signed, and the emulator checks signature and policies; but they reach it inside its own process.
So a long poll can be called back without losing what it just receives, polling costs no connection and no
thread, and an idle mapping is not taken for somebody who uses the cloud.
"""

import asyncio
import hashlib
import hmac
import json
import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from webhook_lab.local_cloud.batches import RECEIVE_MOST, FunctionFailed, Message, Refused, Throttled
from webhook_lab.local_cloud.emulator.mappings import execution_role, let_through
from webhook_lab.local_cloud.guard import App

Payload = dict[str, Any]


@dataclass(frozen=True)
class Credentials:
    """Whose call it is."""

    key: str
    secret: str = field(repr=False)
    token: str = ""

    def sign(
        self, service: str, region: str, path: str, headers: dict[str, str], body: bytes
    ) -> dict[str, str]:
        """The headers of a POST with its signature (SigV4). botocore's would be a third of a call's time.

        https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
        """
        at = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        sent = {**headers, "x-amz-date": at, **({"x-amz-security-token": self.token} if self.token else {})}
        names = ";".join(sorted(sent))
        lines = "".join(f"{name}:{sent[name]}\n" for name in sorted(sent))
        request = f"POST\n{path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{at[:8]}/{region}/{service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = _mac(_key(self.secret, scope), text).hex()
        told = f"Credential={self.key}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**sent, "authorization": f"AWS4-HMAC-SHA256 {told}"}


def _mac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


@lru_cache
def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = _mac(key, part)
    return key


@dataclass(frozen=True)
class Caller:
    """The way to the emulator `app`, which clients reach at `address`; `root` are its owner's credentials."""

    app: App
    address: str
    root: Credentials

    async def call(
        self,
        service: str,
        region: str,
        path: str,
        payload: Payload,
        credentials: Credentials,
        headers: dict[str, str],
    ) -> tuple[int, dict[str, str], Any]:
        """POST the payload: status, headers by lower-case name, JSON answer.

        Whoever cancels this still gets an answer that was given in the same moment: no message is lost.
        """
        body = json.dumps(payload).encode()
        named = {**headers, "host": self.address.removeprefix("http://")}
        sent = credentials.sign(service, region, path, named, body)
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


class Ends:
    """What one mapping connects, `esm` as the emulator keeps it: a Queue and a Function."""

    def __init__(self, caller: Caller, account: str, region: str, esm: dict[str, Any]) -> None:
        self._caller, self._account, self._region, self._esm = caller, account, region, esm

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

    async def invoke(self, batch: list[Message]) -> Any:
        """Invoke the function with the messages that the mapping's filter lets through, if any."""
        records = let_through(self._esm, [self._record(message) for message in batch])
        if not records:
            return None
        name = ":".join(filter(None, (self._esm["FunctionName"], self._esm.get("Qualifier"))))
        status, headers, answer = await self._caller.call(
            "lambda",
            self._region,
            f"/2015-03-31/functions/{name}/invocations",
            {"Records": records},
            self._caller.root,
            {},
        )
        if status == 429:
            raise Throttled
        if status != 200:
            raise _refused(headers, answer)
        if "x-amz-function-error" in headers:
            raise FunctionFailed
        return answer

    async def _sqs(self, action: str, **payload: Any) -> Payload:
        role = execution_role(self._account, self._region, self._esm)
        if role is None:  # nothing is read that could not be handed on
            raise Refused(f"ResourceNotFoundException: Function not found: {self._esm['FunctionArn']}")
        queue = f"{self._caller.address}/{self._account}/{self._esm['EventSourceArn'].rsplit(':', 1)[1]}"
        status, headers, answer = await self._caller.call(
            "sqs",
            self._region,
            "/",
            {"QueueUrl": queue, **payload},
            Credentials(*role.values()),
            {"x-amz-target": f"AmazonSQS.{action}", "content-type": "application/x-amz-json-1.0"},
        )
        if status != 200:
            raise _refused(headers, answer)
        return answer or {}

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
            "eventSourceARN": self._esm["EventSourceArn"],
            "awsRegion": self._region,
        }


def _refused(headers: dict[str, str], answer: Any) -> Refused:
    told = answer if isinstance(answer, dict) else {}
    code = headers.get("x-amzn-errortype") or str(told.get("__type", "")).rpartition("#")[2]
    return Refused(f"{code}: {told.get('message') or told.get('Message') or ''}")
