"""The model in a notebook: sliders that the fluid answer follows at once, and the exact one on a button."""

import threading
from html import escape
from typing import Any

import ipywidgets as widgets

from webhook_lab.aws.errors import LabError
from webhook_lab.scale.fluid import outline
from webhook_lab.scale.forecast import Forecast, forecast
from webhook_lab.scale.scenario import Flow, Scenario
from webhook_lab.show.panels import WIDE_LABEL, framed, row_of
from webhook_lab.show.scale import lasting
from webhook_lab.show.theme import BLUE, ORANGE, css_mixed

_WIDE, _HIGH = 860, 150


class PaperPanel:
    """Controls for a scenario; every move is answered by the fluid model.

    Args:
        scenario: what the sliders do not move stays as it is here.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.base = scenario
        how: dict[str, Any] = {"style": WIDE_LABEL, "layout": {"width": "400px"}}
        self.messages = widgets.FloatLogSlider(
            scenario.messages or 1,
            min=2,
            max=8,
            step=0.1,
            readout_format=",.0f",
            description="Webhooks",
            **how,
        )
        self.minutes = widgets.IntSlider(10, 0, 24 * 60, description="Sent over, minutes", **how)
        self.throttle = widgets.IntSlider(
            scenario.maximum_concurrency or 2, 2, 900, description="MaximumConcurrency", **how
        )
        self.batch = widgets.IntSlider(scenario.batch_size, 1, 10, description="Batch size", **how)
        self.work = widgets.FloatSlider(
            scenario.work_seconds, min=0, max=2, step=0.01, description="Work, seconds each", **how
        )
        self.exact = widgets.Button(description="Exact model", icon="calculator", button_style="primary")
        self.progress = widgets.FloatProgress(0.0, max=1.0, layout={"width": "260px"})
        self.answer = widgets.HTML()
        sliders = (self.messages, self.minutes, self.throttle, self.batch, self.work)
        for control in sliders:
            control.observe(lambda _: self._show(), "value")
        self.exact.on_click(lambda _: threading.Thread(target=self.run, name="model", daemon=True).start())
        rows = (sliders[:2], sliders[2:4], (self.work, self.exact, self.progress))
        self.box = framed([*map(row_of, rows), self.answer], BLUE)
        self._show()

    @property
    def scenario(self) -> Scenario:
        """What the sliders say now."""
        reserved = self.throttle.value if self.base.reserved_concurrency else None
        return self.base.but(
            flows=(Flow(round(self.messages.value), 0.0, 60.0 * self.minutes.value),),
            maximum_concurrency=self.throttle.value,
            reserved_concurrency=reserved,
            batch_size=self.batch.value,
            work_seconds=self.work.value,
        )

    def run(self) -> None:
        """Run the exact model on what the sliders say, and draw it over the fluid answer."""
        self.exact.disabled = True
        try:
            scenario = self.scenario
            found = forecast(scenario, progress=lambda share: setattr(self.progress, "value", share))
            self.answer.value = drawn(outline(scenario), found)
        except LabError as error:
            self.answer.value = escape(f"{error.said} {error.try_this}")
        finally:
            self.exact.disabled = False

    def _show(self) -> None:
        self.progress.value = 0.0
        self.answer.value = drawn(outline(self.scenario))

    def __repr__(self) -> str:
        return "Controls: webhooks, minutes, throttle, batch size, work; the exact model on a button"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        """The controls; where there is no kernel to serve them, the answer alone."""
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": repr(self), "text/html": self.answer.value}


def drawn(fluid: Forecast, exact: Forecast | None = None) -> str:
    """HTML: the answer in words, and the backlog as a curve; the exact one as a line over it."""
    best = exact or fluid
    facts = best.facts
    says = f"Empty after {lasting(best.ended)}; the oldest waits {lasting(float(best.age.max()))}"
    more = f"{facts['waiting at most']:,} wait at most, {facts['in flight at most']:,} are in flight"
    if facts["expired"]:
        more += f"; {facts['expired']:,} expire in the queue"
    end, top = max(best.ended, 1e-9), max(float(fluid.waiting.max()), 1.0)
    area = _points(fluid, end, top)
    curve = (
        f'<polygon points="0,{_HIGH} {area} {_WIDE},{_HIGH}" fill="{css_mixed(BLUE)}" fill-opacity="0.3"/>'
    )
    if exact:
        line = f'fill="none" stroke="{css_mixed(ORANGE)}" stroke-width="2"'
        curve += f'<polyline points="{_points(exact, end, top)}" {line}/>'
    kind = "exact model (line) over the fluid answer" if exact else "fluid answer"
    return (
        f'<div style="font-size: 1.35em; font-weight: 600; margin: 8px 0 2px">{says}</div><div>{more}.</div>'
        f'<svg viewBox="0 0 {_WIDE} {_HIGH}" style="width: 100%; max-width: {_WIDE}px; margin-top: 6px">'
        f"{curve}</svg><div>Messages waiting, over {lasting(best.ended)}: {kind}.</div>"
    )


def _points(found: Forecast, end: float, top: float) -> str:
    pairs = zip(found.times, found.waiting, strict=True)
    return " ".join(
        f"{_WIDE * at / end:.1f},{_HIGH - (_HIGH - 4) * max(waiting, 0.0) / top:.1f}"
        for at, waiting in pairs
        if at <= end
    )
