"""The calculator of connection limits in a notebook: a card of one answer, and controls to find others."""

from typing import Any

import ipywidgets as widgets

from webhook_lab.database.connection_limits import (
    CLASSES,
    ENGINES,
    Limit,
    connection_limit,
    default_max_connections,
)
from webhook_lab.facts import quotas
from webhook_lab.show.card import Card
from webhook_lab.show.panels import WIDE_LABEL, framed, row_of
from webhook_lab.show.theme import GREEN, INK, ORANGE, css_mixed

_FIRST = ("RDS for PostgreSQL", "db.t4g.small")


def limit_card(engine: str, instance_class: str, *, kept_share: float = 0.2, per_invocation: int = 1) -> Card:
    """The largest safe MaximumConcurrency in front of a database, and what no throttle would do to it.

    Args:
        kept_share: the part of its connections that people, migrations and other services need.
        per_invocation: connections that one invocation opens.

    Raises:
        LabError: there is no such database, or a number makes no sense.
    """
    limit = connection_limit(engine, instance_class, kept_share=kept_share, per_invocation=per_invocation)
    rows = (
        ("max_connections, nominally", limit.max_connections),
        ("kept for others", limit.kept),
        ("connections per invocation", limit.per_invocation),
        ("safe MaximumConcurrency", limit.maximum_concurrency or "none is safe"),
        (f"{quotas.LAMBDA_ACCOUNT_CONCURRENCY:,} functions would open", limit.asked),
        ("of which find no room", limit.refused),
    )
    return Card(engine, instance_class, rows)


class LimitsPanel:
    """Controls for `limit_card`, and two bars: what the database has, and what would be asked of it."""

    def __init__(self) -> None:
        layout = {"width": "200px", "margin": "2px 16px 2px 0"}
        self.engine = widgets.Dropdown(options=ENGINES, value=_FIRST[0], layout=layout)
        self.instance_class = widgets.Dropdown(options=CLASSES, value=_FIRST[1], layout=layout)
        how: dict[str, Any] = {"style": WIDE_LABEL, "layout": {"width": "400px"}}
        self.kept = widgets.IntSlider(20, 0, 90, 5, description="Kept for others, %", **how)
        self.each = widgets.IntSlider(1, 1, 10, description="Connections per invocation", **how)
        self.answer = widgets.HTML()
        rows = ((self.engine, self.instance_class), (self.kept, self.each))
        for control in (*rows[0], *rows[1]):
            control.observe(lambda _: self._show(), "value")
        self.box = framed([*map(row_of, rows), self.answer], GREEN)
        self._show()

    def _show(self) -> None:
        engine = self.engine.value
        offered = tuple(name for name in CLASSES if default_max_connections(engine, name))
        if self.instance_class.options != offered:
            chosen = self.instance_class.value
            self.instance_class.options = offered
            self.instance_class.value = chosen if chosen in offered else offered[0]
        limit = connection_limit(
            engine,
            self.instance_class.value,
            kept_share=self.kept.value / 100,
            per_invocation=self.each.value,
        )
        self.answer.value = bars(limit)

    def __repr__(self) -> str:
        return "Controls: engine, instance class, share kept for others, connections each"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The controls; where there is no kernel to serve them, the answer alone."""
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": repr(self), "text/html": self.answer.value}


def bars(limit: Limit) -> str:
    """HTML: the answer; what the database has, and what an unthrottled account asks for, on one scale."""
    whole, functions = max(limit.max_connections, limit.asked), limit.max_connections - limit.kept
    most, all_functions = limit.maximum_concurrency, quotas.LAMBDA_ACCOUNT_CONCURRENCY.value
    answer = f"MaximumConcurrency: at most {most:,}" if most else "No MaximumConcurrency is safe"
    has = f"{limit.engine} on {limit.instance_class} has {limit.max_connections:,} connections"
    asks = f"{all_functions:,} unthrottled functions ask for {limit.asked:,}"
    refused = f"{limit.refused:,} find no room" if limit.refused else "all find room"
    kept = f"{limit.kept:,} kept for others, {functions:,} for functions"
    return (
        f'<div style="font-size: 1.35em; font-weight: 600; margin: 8px 0 6px">{answer}</div>'
        + _bar(whole, (limit.kept, INK, 0.3), (functions, GREEN, 0.9))
        + f"<div>{has}: {kept}.</div>"
        + _bar(whole, (limit.asked - limit.refused, GREEN, 0.4), (limit.refused, ORANGE, 0.9))
        + f"<div>{asks}: {refused}.</div>"
    )


def _bar(whole: int, *parts: tuple[int, str, float]) -> str:
    """Parts beside each other, each as wide as its share of the whole: number, colour, strength."""
    style = "width: {:.2f}%; background: {}; opacity: {}"
    drawn = "".join(
        f'<div style="{style.format(100 * number / whole, css_mixed(colour), strength)}"></div>'
        for number, colour, strength in parts
    )
    return f'<div style="display: flex; height: 20px; margin: 10px 0 2px">{drawn}</div>'
