"""GitHub's recorded deliveries, through the command line: byte for byte, once each, nothing left."""

import base64
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import pytest

from tools.recorded import deliveries_folder
from webhook_lab.aws.retry import retry_until
from webhook_lab.local_cloud import Cloud

pytestmark = pytest.mark.recorded
DRAIN_SECONDS = 120


def webhook_lab(*arguments: str | Path) -> dict[str, Any]:
    """What the command printed for programs; it has to have succeeded."""
    program = Path(sys.executable).with_name("webhook-lab")
    command = [program, *arguments, "--json"]
    answer = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    assert answer.returncode == 0, answer.stdout[-2000:] + answer.stderr[-2000:]
    facts: dict[str, Any] = json.loads(answer.stdout)
    return facts


def stored_items(table: str) -> list[dict[str, Any]]:
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return [item for page in pages for item in page["Items"]]


def body_of(item: dict[str, Any]) -> bytes:
    text: str = item["body"]["S"]
    return base64.b64decode(text) if item["body_is_base64"]["BOOL"] else text.encode()


def test_every_recorded_delivery_is_stored_byte_for_byte_and_once(cloud: Cloud) -> None:
    folder = deliveries_folder()
    if not folder.is_dir():
        pytest.skip("the recorded deliveries are not there: make recorded")
    sent = {}
    for headers in folder.glob("*.headers.json"):
        delivery_id = json.loads(headers.read_text(encoding="utf-8"))["X-GitHub-Delivery"]
        body = headers.with_name(headers.name.removesuffix(".headers.json"))
        sent[f"github:{delivery_id}#/recorded"] = body.read_bytes()
    up = webhook_lab("up")

    def drained() -> list[dict[str, Any]] | None:
        waiting = webhook_lab("status")["depths"]["queue"]
        return None if any(waiting.values()) else stored_items(up["table"])

    for _ in range(2):  # the second time each is a redelivery, which changes nothing
        webhook_lab("send", folder)
        items = retry_until(drained, seconds=DRAIN_SECONDS, reason="the queue to drain")
        stored = {item["id"]["S"]: body_of(item) for item in items}
        assert len(items) == len(sent)
        assert stored == sent
    assert webhook_lab("down")["remaining"] == 0
