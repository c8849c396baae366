"""One card for each kind of thing that a notebook shows, in AWS's words.

Nothing on a card differs between runs or targets: names and no ARNs, no ids, no times, no addresses.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from webhook_lab import sweep
from webhook_lab.facts import Fact
from webhook_lab.pipeline.steps import kinds
from webhook_lab.resources.resource import Resource
from webhook_lab.show.card import Card, Cell, Link, counted
from webhook_lab.show.deliveries import items_card, peek_card, redrive_card

__all__ = [
    "Card",
    "comparison_card",
    "facts_card",
    "items_card",
    "ledger_card",
    "peek_card",
    "redrive_card",
    "resource_card",
    "sweep_card",
    "teardown_card",
]


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


def comparison_card(
    title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], note: str = ""
) -> Card:
    """Any few rows under column names; numbers are set to the right."""
    return Card(title, "", tuple(tuple(row) for row in rows), tuple(header), note)


def ledger_card(rows: Sequence[Named]) -> Card:
    """What a lab made and has not removed, and what each costs idle on AWS."""
    table = tuple((_title(row), row.name, _idle(row)) for row in rows)
    title = f"This lab holds {counted(len(rows), 'resource')}"
    return Card(title, "", table, ("resource", "name", "idle on AWS") if table else ())


def teardown_card(removed: Sequence[Named], left: Sequence[Named]) -> Card:
    """What a teardown removed, and what AWS still shows of this lab: nothing, if all went well."""
    table = (
        *((_title(row), row.name, "removed") for row in removed),
        *((_title(row), row.name, "STILL THERE") for row in left),
    )
    title = f"{counted(len(removed), 'resource')} removed, {len(left)} left"
    note = "" if left else "Asked of AWS, by tag, by role path and by name: nothing of this lab is left."
    return Card(title, "", table, ("resource", "name", "") if table else (), note)


def sweep_card(found: Sequence[sweep.Found], *, removed: bool = False) -> Card:
    """What a sweep found, and how each is known to be the lab's."""
    rows = tuple((_title(each), each.name, f"by its {each.why}") for each in found)
    then = f", and removed {'it' if len(found) == 1 else 'them'}" if removed and found else ""
    title = f"The sweep found {counted(len(found), 'resource')}{then}"
    return Card(title, "", rows, ("resource", "name", "known") if rows else ())


def _title(each: Named) -> str:
    """What a card calls it. A ledger of an earlier version may hold kinds that this one does not know."""
    kind = kinds().get(each.kind)
    return kind.title_of(each.name) if kind else each.kind


def _idle(each: Named) -> str:
    kind = kinds().get(each.kind)
    return kind.idle if kind else "unknown"
