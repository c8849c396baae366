"""Looks that several chapters' checks share. Each fails an assertion that says what is so instead."""

import base64
import json
from collections.abc import Iterable, Mapping
from typing import Any

from webhook_lab.course.checks.claims import OpenLab
from webhook_lab.pipeline import STEPS
from webhook_lab.resources.role import Role
from webhook_lab.watch.items import read_items
from webhook_lab.watch.peek import messages_of, peek
from webhook_lab.watch.rows import Answer

SECONDS = 60.0
"""How long a check waits for what CloudWatch and SQS show late; depths settle within about a minute."""


def there(lab: OpenLab, key: str) -> Any:
    """One step's resource, as AWS describes it now."""
    found = lab.pipeline.look_up(key)
    assert found, f"there is no {STEPS[key].label}"
    return found


def kept_a_day(lab: OpenLab) -> None:
    """The publish function's log group stands, and forgets after a day."""
    days = there(lab, "publish_logs").retention_days
    assert days == 1, f"it keeps its lines for {days or 'all'} days"


def allowed(role: Role | None) -> set[tuple[str, str]]:
    """Every action that the role's own policy allows, with the resource that it allows it on."""
    pairs = set()
    for statement in ((role.policy if role else None) or {}).get("Statement", []):
        pairs |= {(action, statement["Resource"]) for action in statement["Action"]}
    return pairs


def throttles(lab: OpenLab) -> tuple[int | None, int | None]:
    """What is reserved for the subscribe function, and the mapping's maximum, as AWS has them now."""
    function, mapping = there(lab, "subscribe_function"), there(lab, "mapping")
    return function.reserved_concurrency, mapping.maximum_concurrency


def held(lab: OpenLab, key: str = "queue") -> int:
    """How many messages the queue (or "dlq") holds, those in flight too."""
    depth = lab.depth(key)
    return depth.visible + depth.in_flight


def dead_letters(lab: OpenLab) -> list[dict[str, Any]]:
    """The messages in the dead-letter queue, which stay in it; see `messages_of`."""
    return messages_of(lab.aws, queue_url=lab.pipeline.get("dlq").url)


def dead(lab: OpenLab) -> set[str]:
    """Their ids."""
    return {each["MessageId"] for each in dead_letters(lab)}


def peeked(lab: OpenLab) -> list[dict[str, Any]] | None:
    """The messages of the queue; None where only a receive shows them, which takes each nearer to the DLQ."""
    return peek(lab.aws, queue_url=lab.pipeline.get("queue").url)


def received(lab: OpenLab) -> list[dict[str, Any]]:
    """Every message of the queue that this lab's own receives have shown so far, deleted ones too."""
    url = lab.pipeline.get("queue").url
    asked = [call for call in lab.aws.calls.since() if call.operation == "ReceiveMessage" and call.response]
    return [each for call in asked if call.params["QueueUrl"] == url for each in _messages_in(call.response)]


def _messages_in(answer: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    return list((answer or {}).get("Messages", []))


def envelopes(lab: OpenLab) -> list[dict[str, Any]]:
    """What publish put on the queue, read from the messages' bodies; whatever else lies there is left out.

    Where only a receive shows a message, those that the learner has received.
    """
    found, seen = [], peeked(lab)
    for message in received(lab) if seen is None else seen:
        try:
            found.append(json.loads(message["Body"]))
        except ValueError:
            continue
    return [each for each in found if isinstance(each, dict) and "body_sha256" in each]


def body_of(kept: dict[str, Any]) -> bytes:
    """The delivery's body, out of an envelope or an item."""
    body = str(kept["body"])
    return base64.b64decode(body) if kept["body_is_base64"] else body.encode()


def ended(lab: OpenLab, handler: str, outcome: str, *, wait: bool = False) -> list[dict[str, Any]]:
    """The function's log lines with this outcome, oldest first; `wait` until there is one."""
    lines = lab.logs(handler, until=outcome if wait else None)
    return [line for line in lines if line.get("outcome") == outcome]


def named(lab: OpenLab, name: str) -> list[dict[str, Any]]:
    """The items of what this run sent under `name`, one for each endpoint, by the header that names them."""
    own, items = lab.delivery_id(name), read_items(lab.aws.dynamodb, table=lab.names.table)
    return [item for item in items if own in item.get("headers", {}).values() and "conflict_of" not in item]


def stored(lab: OpenLab, name: str) -> dict[str, Any]:
    """The item of the delivery that this run sent under `name`, to one endpoint."""
    items = named(lab, name)
    assert items, f"{name} is not stored"
    return items[0]


def missing(lab: OpenLab, sent: Iterable[Answer | str]) -> list[Answer | str]:
    """Those that the table does not hold."""
    return [each for each in sent if not lab.item(each)]


def all_stored(lab: OpenLab, ids: Iterable[str]) -> None:
    """At least one delivery was accepted, and the table holds each."""
    ids = set(ids)
    assert ids, "nothing was accepted"
    lost = missing(lab, ids)
    assert not lost, f"{len(lost)} of {len(ids)} are missing"
