"""Looks that several chapters' checks share: at a queue's messages, and at what a role may do."""

import json
from typing import Any

from webhook_lab.course.checks.bench import Bench
from webhook_lab.observe.peek import peek
from webhook_lab.resources.role import Role

_HIDDEN_SECONDS = 5  # while all are read; then each is put back


def messages(bench: Bench, key: str = "queue") -> list[dict[str, Any]]:
    """The messages of the queue (or "dlq"), which stay in it.

    Where only a receive shows them, each look counts as one receive of those that are visible.
    """
    sqs, url = bench.aws.sqs, bench.pipeline.get(key).url
    if (seen := peek(bench.aws, queue_url=url)) is not None:
        return seen
    received: list[Any] = []
    while batch := sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=10,
        VisibilityTimeout=_HIDDEN_SECONDS,
        WaitTimeSeconds=1,
        MessageSystemAttributeNames=["All"],
    ).get("Messages"):
        received += batch
    for each in received:
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"], VisibilityTimeout=0)
    return received


def envelopes(bench: Bench) -> list[dict[str, Any]]:
    """What publish put on the queue, read from the messages' bodies; whatever else lies there is left out."""
    found = []
    for message in messages(bench):
        try:
            found.append(json.loads(message["Body"]))
        except ValueError:
            continue
    return [each for each in found if isinstance(each, dict) and "body_sha256" in each]


def allowed(role: Role | None) -> set[tuple[str, str]]:
    """Every action that the role's own policy allows, with the resource that it allows it on."""
    pairs = set()
    for statement in ((role.policy if role else None) or {}).get("Statement", []):
        pairs |= {(action, statement["Resource"]) for action in statement["Action"]}
    return pairs
