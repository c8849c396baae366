"""A burst on the throw-away database: what is shown while it goes on, and the card of what came of it."""

from collections.abc import Mapping

from webhook_lab.database.outcome import Outcome
from webhook_lab.show.card import Card, Cell
from webhook_lab.show.series import Line, Panel, Series, number
from webhook_lab.show.theme import BLUE, GREEN, INK, ORANGE


def outcome_card(outcome: Outcome) -> Card:
    """The numbers of one burst, and PostgreSQL's own words."""
    median, most = (f"{outcome.waited(part):,.0f} ms" for part in (0.5, 0.95))
    rows: list[tuple[Cell, ...]] = [
        ("sent", f"{len(outcome.sent):,}"),
        ("stored", f"{outcome.stored:,}"),
        ("lost", f"{outcome.lost:,}"),
        ("open connections, at most", f"{outcome.peak()} of {outcome.limit}"),
        ("memory of its processes", f"{outcome.peak('memory')} MB"),
        ("senders waited", f"{median} (median), 95 % at most {most}"),
        ("over after", f"{outcome.seconds:.1f} s"),
    ]
    if outcome.attempts > len(outcome.sent):
        rows.append(("attempts", f"{outcome.attempts:,}"))
    if outcome.redelivered:
        rows.append(("delivered again", f"{outcome.redelivered:,}"))
    rows += [(f"{count} x", words) for words, count in outcome.errors.items()]
    return Card(f"{outcome.lost} of {len(outcome.sent)} webhooks lost", outcome.design.name, tuple(rows))


def _connections_say(series: Mapping[str, Series]) -> str:
    open_, limit = series["connections"], series["limit"].last
    most = f"{number(open_.peak)} connections at once"
    if open_.peak < limit:
        return f"{most}, of {number(limit)} that PostgreSQL allows"
    return f"{most}: all that PostgreSQL allows"


def _fate_says(series: Mapping[str, Series]) -> str:
    said = [f"{number(series['stored'].last)} stored"]
    said += [f"{number(series['waiting'].peak)} had to wait in the queue"] if series["waiting"].peak else []
    return ", ".join([*said, f"refused {number(series['refused'].last)} times"])


PANELS = (
    Panel(
        "connections to PostgreSQL",
        (
            Line("connections", "open", GREEN, step=True, filled=True),
            Line("limit", "limit", INK, step=True, limit=True),
        ),
        _connections_say,
    ),
    Panel(
        "webhooks",
        (
            Line("stored", "stored", GREEN),
            Line("waiting", "in the queue", BLUE),
            Line("refused", "refused", ORANGE),
        ),
        _fate_says,
    ),
)
"""A burst from the database's side, and what became of the webhooks."""
