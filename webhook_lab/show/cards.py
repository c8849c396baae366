"""One card for each kind of thing that a notebook shows, in AWS's words.

Nothing on a card differs between runs or targets: names and no ARNs, no ids, no times, no addresses.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from webhook_lab.facts import Fact
from webhook_lab.pipeline.steps import kinds
from webhook_lab.resources.cleanup import Left
from webhook_lab.resources.resource import Resource
from webhook_lab.show.card import Card, Cell, Link, counted

if TYPE_CHECKING:
    from webhook_lab.pipeline.plan import Finding
    from webhook_lab.resources.redrive import Redriven
    from webhook_lab.sweep import Found

_SHOWN = 10  # items or messages on a card
_LONGEST_TEXT = 60  # characters of a sender's text in one cell


class Named(Protocol):
    """A ledger row, a removed resource, or one that a sweep found: what kind it is, and its name."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


def resource_card(resource: Resource, *, console_url: str | None = None) -> Card:
    """The card of any resource: its settings that matter, and what it costs idle on AWS.

    Args:
        console_url: its page in the AWS console, where there is one.
    """
    title, subtitle = resource.card_title
    rows = (*resource.rows(), ("Idle on AWS", resource.idle))
    return Card(title, subtitle, rows, note=resource.note, link=console_url)


def facts_card(title: str, facts: Mapping[str, Fact[Any]], note: str = "") -> Card:
    """Numbers with their sources: what each is called, its value, and the page that says so."""
    rows = tuple((name, str(fact), Link(fact.source)) for name, fact in facts.items())
    checked = ", ".join(sorted({fact.checked for fact in facts.values()}))
    return Card(title, "", rows, ("what", "value", f"source, checked {checked}"), note)


def comparison_card(title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Card:
    """Any few rows under column names; numbers are set to the right."""
    return Card(title, "", tuple(tuple(row) for row in rows), tuple(header))


def preflight_card(findings: "Sequence[Finding]") -> Card:
    """What AWS would refuse, or let pass and make one regret."""
    rows = tuple((each.level, each.rule, each.said, each.try_this) for each in findings)
    title = "Preflight" if rows else "Preflight: nothing to say"
    return Card(title, "", rows, ("level", "rule", "said", "try") if rows else ())


def ledger_card(rows: Sequence[Named]) -> Card:
    """What a lab made and has not removed, and what each costs idle on AWS."""
    table = tuple((_title(row), row.name, _idle(row)) for row in rows)
    title = f"This lab holds {counted(len(rows), 'resource')}"
    return Card(title, "", table, ("resource", "name", "idle on AWS") if table else ())


def teardown_card(removed: Sequence[Named], left: Sequence[Left]) -> Card:
    """What a teardown removed, and what AWS still shows of this lab and why: nothing, if all went well."""
    table = (*((_title(row), row.name, "removed") for row in removed), *map(_left, left))
    title = f"{counted(len(removed), 'resource')} removed, {len(left)} left"
    note = "" if left else "Asked of AWS, by tag, by role path and by name: nothing of this lab is left."
    return Card(title, "", table, ("resource", "name", "") if table else (), note)


def _left(row: Left) -> tuple[str, str, str]:
    seen = "STILL THERE" if row.name else "COULD NOT LOOK"
    return _title(row), row.name, f"{seen}\nsaid: {row.said}\ntry:  {row.try_this}"


def sweep_card(found: "Sequence[Found]", *, removed: bool = False, left: Sequence[Left] = ()) -> Card:
    """What a sweep found, and how each is known to be the lab's; and what is `left` where it should not."""
    rows = tuple((_title(each), each.name, f"by its {each.why}") for each in found)
    rows += tuple(map(_left, left))
    then = f", and removed {'it' if len(found) == 1 else 'them'}" if removed and found else ""
    then = f"; {len(left)} left" if removed and left else then
    title = f"The sweep found {counted(len(found), 'resource')}{then}"
    return Card(title, "", rows, ("resource", "name", "known") if rows else ())


def items_card(items: Sequence[Mapping[str, Any]]) -> Card:
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
        for item in by_age[:_SHOWN]
    )
    header = ("path", "message", "body bytes", "receive count", "times delivered")
    return Card(counted(len(items), "item"), "", rows, header if rows else (), _rest(items))


def peek_card(messages: Sequence[Mapping[str, Any]]) -> Card:
    """Messages of a queue, in the shape in which boto3 receives them (Body, Attributes)."""
    rows = tuple(_peeked(message) for message in messages[:_SHOWN])
    header = ("path", "message", "body bytes", "receive count")
    return Card(counted(len(messages), "message"), "", rows, header if rows else (), _rest(messages))


def redrive_card(done: "Redriven") -> Card:
    """What a redrive moved, and what it left."""
    return Card(
        "Redrive", "", (("Moved", counted(done.moved, "message")), ("Left", counted(done.left, "message")))
    )


def _peeked(message: Mapping[str, Any]) -> tuple[Cell, ...]:
    received = int(message.get("Attributes", {}).get("ApproximateReceiveCount", 0))
    body = str(message["Body"])
    try:
        envelope = json.loads(body)
        return _text(envelope["path"]), _text(envelope["message"]), _body_bytes(envelope), received
    except (ValueError, KeyError, TypeError):  # not from publish: show it as it is
        return "-", _text(body), len(body.encode()), received


def _rest(rows: Sequence[object]) -> str:
    return f"The first {_SHOWN} of {len(rows):,}." if len(rows) > _SHOWN else ""


def _text(value: object) -> str:
    """A sender's text on one line: what does not print is escaped, what is too long is cut."""
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(value))
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 3] + "..."


def _body_bytes(item: Mapping[str, Any]) -> int:
    body = str(item.get("body", "")).encode("utf-8", "surrogatepass")
    return len(base64.b64decode(body)) if item.get("body_is_base64") else len(body)


def _title(each: Named) -> str:
    """What a card calls it. A ledger of an earlier version may hold kinds that this one does not know."""
    kind = kinds().get(each.kind)
    return kind.title_of(each.name) if kind else each.kind


def _idle(each: Named) -> str:
    kind = kinds().get(each.kind)
    return kind.idle if kind else "unknown"
