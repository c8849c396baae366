"""Both handlers, loaded from their sources and joined by a fake queue: what goes in must come out."""

import base64
import importlib.util
import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType

import boto3
import pytest

from tests.handlers.fake_aws import FakeAWS, plain
from webhook_lab.pipeline.packaging import SHARED

HANDLERS = Path(__file__).parents[2] / "handlers"
QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/000000000000/webhook-lab-webhooks"


@dataclass
class Context:
    function_name: str
    aws_request_id: str = "a-request-id"


@cache
def fake_aws() -> FakeAWS:
    """The one that every handler's clients talk to: they are made when it is loaded."""
    with pytest.MonkeyPatch.context() as patch:
        ignore_configuration(patch)
        return FakeAWS()


def load(handler: str, **environment: str) -> ModuleType:
    """A fresh module of the handler, configured as Lambda would; its clients talk to the fake."""
    folder = HANDLERS / handler
    with pytest.MonkeyPatch.context() as patch:
        ignore_configuration(patch)
        patch.setattr(boto3, "DEFAULT_SESSION", fake_aws().session)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.syspath_prepend(str(HANDLERS / SHARED))
        patch.syspath_prepend(str(folder))
        for beside in ("senders", "handshakes", "claim_check", "direct"):
            patch.delitem(sys.modules, beside, raising=False)
        spec = importlib.util.spec_from_file_location(f"{handler}_app", folder / "app.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def http(path="/hello", body: bytes | None = b"", *, method="POST", headers=None, query=None) -> dict:
    """An event as API Gateway makes it when every media type is binary."""
    return {
        "path": path,
        "httpMethod": method,
        "headers": headers,
        "multiValueQueryStringParameters": query,
        "body": base64.b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def sqs_batch(*messages: tuple[str, str], receive_count=1) -> dict:
    """A batch as the event source mapping makes it, of (message id, body)."""
    attributes = {"SentTimestamp": "1795392000500", "ApproximateReceiveCount": str(receive_count)}
    return {"Records": [{"messageId": i, "body": body, "attributes": attributes} for i, body in messages]}


@dataclass
class Line:
    """publish, a queue, subscribe, a table."""

    publish_app: ModuleType
    subscribe_app: ModuleType
    aws: FakeAWS

    def publish(self, event: dict) -> tuple[int, dict]:
        """Status and body of the answer."""
        answer = self.publish_app.handler(event, Context("webhook-lab-publish"))
        assert json.loads(json.dumps(answer)) == answer
        return answer["statusCode"], json.loads(answer["body"])

    def subscribe(self, batch: dict | None = None) -> list[str]:
        """The ids of the messages that failed. Takes the whole queue unless a batch is given."""
        batch = batch or sqs_batch(*self.aws.messages.items())
        answer = self.subscribe_app.handler(batch, Context("webhook-lab-subscribe"))
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def envelopes(self) -> list[dict]:
        return [json.loads(message) for message in self.aws.messages.values()]

    def items(self) -> list[dict]:
        return [plain(item) for item in self.aws.items.values()]


def ignore_configuration(patch: pytest.MonkeyPatch) -> None:
    """The profile, the files and the cloud of whoever runs the tests are none of their business."""
    patch.delenv("AWS_ENDPOINT_URL", raising=False)
    patch.delenv("AWS_PROFILE", raising=False)
    patch.setenv("AWS_CONFIG_FILE", os.devnull)
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(scope="session")
def open_line() -> Line:
    return Line(load("publish", QUEUE_URL=QUEUE_URL), load("subscribe", TABLE_NAME="deliveries"), fake_aws())


@pytest.fixture
def line(open_line: Line) -> Line:
    """Empty queue, empty table, no signature asked for."""
    open_line.aws.clear()
    return open_line


@pytest.fixture
def log_lines(capsys: pytest.CaptureFixture[str]):
    """A function that returns the log lines printed since it was last asked."""
    return lambda: [json.loads(text) for text in capsys.readouterr().out.splitlines()]


def body_of(item: dict) -> bytes:
    """The bytes that a stored item, or an envelope, stands for."""
    return base64.b64decode(item["body"]) if item["body_is_base64"] else item["body"].encode()
