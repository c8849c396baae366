"""Cards of deliveries: what the table holds, and what waits in a queue."""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from webhook_lab.resources.redrive import Redriven
from webhook_lab.show.card import Card, Cell, counted

_LONGEST_TEXT = 60  # characters of a sender's text in one cell


def items_card(items: Sequence[Mapping[str, Any]], *, newest: int = 10) -> Card:
    """The newest items of the table, as plain Python values, newest first.

    Times delivered counts the SQS messages that carried the same delivery.
    """
    by_age = sorted(items, key=lambda item: (-int(item.get("received_at", 0)), str(item.get("path"))))
    rows = tuple(
        (
            _text(item.get("path", "")),
            _text(item.get("message", "")) + (" (same id, other body)" if "conflict_of" in item else ""),
            _body_bytes(item),
            int(item.get("receive_count", 0)),
            len(set(item.get("delivered_by", ()))),
        )
        for item in by_age[:newest]
    )
    header = ("path", "message", "body bytes", "receive count", "times delivered")
    return Card(counted(len(items), "item"), "", rows, header if rows else (), _rest(len(items), newest))


def peek_card(messages: Sequence[Mapping[str, Any]], *, first: int = 10) -> Card:
    """Messages of a queue, in the shape in which boto3 receives them (Body, Attributes)."""
    rows = tuple(_peeked(message) for message in messages[:first])
    header = ("path", "message", "body bytes", "receive count")
    return Card(
        counted(len(messages), "message"), "", rows, header if rows else (), _rest(len(messages), first)
    )


def redrive_card(done: Redriven) -> Card:
    """What a redrive moved, what it left, and how it was done."""
    way = "StartMessageMoveTask: SQS moves them itself"
    if done.by_hand:
        way = "by hand, since StartMessageMoveTask is not there: receive, send, delete"
    rows = (("Moved", counted(done.moved, "message")), ("Left", counted(done.left, "message")), ("How", way))
    refused = tuple(("SQS refused", f"{words} ({count} times)") for words, count in done.refused)
    return Card("Redrive", "", (*rows, *refused))


def _peeked(message: Mapping[str, Any]) -> tuple[Cell, ...]:
    received = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 0))
    body = str(message["Body"])
    try:
        envelope = json.loads(body)
        return _text(envelope["path"]), _text(envelope["message"]), _body_bytes(envelope), received
    except (ValueError, KeyError, TypeError):  # not from publish: show it as it is
        return "-", _text(body), len(body.encode()), received


def _rest(number: int, shown: int) -> str:
    return f"The first {shown} of {number:,}." if number > shown else ""


def _text(value: object) -> str:
    """A sender's text on one line: what does not print is escaped, what is too long is cut."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."


def _body_bytes(item: Mapping[str, Any]) -> int:
    body = str(item.get("body", ""))
    return (
        len(base64.b64decode(body))
        if item.get("body_is_base64")
        else len(body.encode("utf-8", "surrogatepass"))
    )
