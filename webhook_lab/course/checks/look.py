"""Looks that several chapters' checks share: at a queue's messages, and at what a role may do."""

import json
from typing import Any

from webhook_lab.course.checks.bench import Bench
from webhook_lab.resources.role import Role
from webhook_lab.watch.peek import messages_of


def messages(bench: Bench, key: str = "queue") -> list[dict[str, Any]]:
    """The messages of the queue (or "dlq"), which stay in it; see `messages_of`."""
    return messages_of(bench.aws, queue_url=bench.pipeline.get(key).url)


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
