"""The cards of chapter 14: what an exported template holds, both pipelines compared, and the bad days."""

from collections.abc import Mapping, Sequence
from typing import Any

from webhook_lab.facts.production import CHECKLIST
from webhook_lab.facts.runbook import CAUSES, CURES, BadDay
from webhook_lab.pipeline.checklist import holds
from webhook_lab.pipeline.compare import Setting
from webhook_lab.show.card import Card


def checklist_card(template: Mapping[str, Any]) -> Card:
    """The production checklist: which lines an exported template holds."""
    kept = holds(dict(template))
    rows = tuple(
        ("holds" if kept[key] else "DOES NOT HOLD", line.says, line.chapter, line.looks_at)
        for key, line in CHECKLIST.items()
    )
    header = ("", "production checklist", "chapter", "looked at in the template")
    return Card(f"Exported: {sum(kept.values())} of {len(kept)} lines hold", "", rows, header)


def compared_card(settings: Sequence[Setting]) -> Card:
    """Two pipelines setting by setting; where they are the same it is said once."""
    rows = tuple(
        (each.resource, each.name, each.lab, "the same" if each.same else each.stack, each.why)
        for each in settings
    )
    differing = sum(not each.same for each in settings)
    title = f"{len(settings)} settings, {differing} of them different"
    return Card(title, "", rows, ("resource", "setting", "by calls", "by the stack", "why they differ"))


def bad_day_card(day: BadDay, rings: Sequence[str]) -> Card:
    """A bad day as the runbook has it, with the alarms that ring now."""
    rows = (
        ("Rings", _alarms(rings)),
        ("One sees", day.symptom),
        ("It is", day.cause),
        ("Then", day.cure),
        ("Command", day.command),
    )
    return Card("A bad day", day.cause, rows)


def drawn_day_card() -> Card:
    """A bad day without its name: what it may be, and what may end it."""
    rows = (("Causes", "\n".join(CAUSES)), ("Cures", "\n".join(CURES)))
    note = "Look at lab.signs, lab.depth(), lab.logs() and lab.peek(); then lab.diagnose(cause, cure)."
    return Card("A bad day, drawn at random", "", rows, note=note)


def cured_card(day: BadDay, rings: Sequence[str], *, stored: int) -> Card:
    """What is so after the runbook's command."""
    proof = f"{stored} deliveries are stored, none waits, none is dead"
    return Card("It is over", day.cause, (("Done", day.cure), ("Rings", _alarms(rings)), ("Proof", proof)))


def _alarms(keys: Sequence[str]) -> str:
    return "\n".join(key.replace("_", "-") for key in keys) or "nothing"
