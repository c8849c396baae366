"""Still charts of what the model says, one question each."""

from collections.abc import Mapping
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from webhook_lab.facts.fact import dollars
from webhook_lab.pipeline.settings import Settings
from webhook_lab.scale.ceilings import ceilings
from webhook_lab.scale.cost import VARIANTS, cost
from webhook_lab.scale.fair import Waits
from webhook_lab.scale.forecast import Forecast
from webhook_lab.scale.scenario import SETTING, Scenario
from webhook_lab.show.axes import axis_top
from webhook_lab.show.card import Card
from webhook_lab.show.chart import Chart, Drawing
from webhook_lab.show.theme import BLUE, GREEN, INK, ORANGE, PURPLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

UNITS = ((86_400.0, "days"), (3_600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
COLOURS = (BLUE, ORANGE, GREEN, PURPLE)


def unit_of(seconds: float) -> tuple[float, str]:
    """The unit in which one says so many seconds, and its length."""
    return next((each for each in UNITS if seconds >= 2 * each[0]), UNITS[-1])


def lasting(seconds: float) -> str:
    """So many seconds in words.

    >>> lasting(12), lasting(7_200), lasting(150)
    ('12.0 seconds', '2.0 hours', '2.5 minutes')
    """
    size, unit = unit_of(seconds)
    return f"{seconds / size:,.1f} {unit}"


def forecast_chart(forecasts: Mapping[str, Forecast]) -> Chart:
    """Backlog and age of the oldest message over time, a line for each forecast by its name."""
    slowest = max(forecasts.values(), key=lambda each: each.ended)
    size, unit = unit_of(slowest.ended)
    says = "; ".join(f"{name}: all through after {lasting(each.ended)}" for name, each in forecasts.items())
    peak = max(each.waiting.max() for each in forecasts.values())
    drawing = Drawing(says, f"At most {peak:,.0f} messages wait", heights=(170, 110), left=76, right=104)
    above, below = drawing.axes
    end = slowest.ended / size * 1.02
    oldest = max(each.age.max() for each in forecasts.values())
    age_size, age_unit = unit_of(float(oldest))
    drawing.style(above, "messages waiting", end=end, top=axis_top(float(peak)), below=None)
    above.yaxis.set_major_formatter("{x:,.0f}")
    title = f"{age_unit} that the oldest message waits"
    drawing.style(below, title, end=end, top=axis_top(float(oldest) / age_size or 1), below=unit)
    above.set_xticks(below.get_xticks())
    above.set_xlim(0, end)
    for (name, each), colour in zip(forecasts.items(), COLOURS, strict=False):
        _line(drawing, above, each.times / size, each.waiting, name, colour)
        _line(drawing, below, each.times / size, each.age / age_size, "", colour)
    told = "; ".join(_told(name, each) for name, each in forecasts.items())
    return drawing.chart(f"{told}.")


def _told(name: str, each: Forecast) -> str:
    facts, kind = each.facts, "exact" if each.exact else "fluid"
    counts = f"{facts['stored']:,} stored, {facts['dead']:,} dead, {facts['expired']:,} expired"
    return f"{name} ({kind}): {counts}, the oldest waited {lasting(facts['oldest waited'])}"


def _line(
    drawing: Drawing, axis: "Axes", at: "np.ndarray[tuple[int], np.dtype[np.float64]]", values: object,
    name: str, colour: str,
) -> None:  # fmt: skip
    heights = np.asarray(values, dtype=np.float64)
    ink = drawing.theme.mixed(colour)
    axis.fill_between(at, heights, color=ink, alpha=0.12, lw=0)
    axis.plot(at, heights, color=ink, lw=2)
    if name:
        top = int(np.argmax(heights))
        x = float(np.interp(heights[top] * 0.55, heights[top:][::-1], at[top:][::-1]))
        drawing.write(axis, (x, float(heights[top]) * 0.55), name, colour, move=(8, 6))


def ceilings_chart(scenario: Scenario) -> Chart:
    """Every limit as a rate on a logarithmic axis; the learner's own settings in another colour."""
    found = ceilings(scenario)
    first = found[0]
    drawing = Drawing(
        f"The next limit: {first.what}, {first.rate:,.0f} deliveries a second",
        heights=(24 * len(found) + 10,), left=250, right=90,
    )  # fmt: skip
    (axis,) = drawing.axes
    least = 10 ** np.floor(np.log10(max(first.rate, 0.1)))
    for row, limit in enumerate(found):
        colour = BLUE if limit.source == SETTING else INK
        strength = 0.9 if limit.source == SETTING else 0.45
        ink = drawing.theme.mixed(colour)
        axis.barh(row, limit.rate - least / 2, left=least / 2, height=0.6, color=ink, alpha=strength)
        drawing.write(axis, (limit.rate, row), f"{limit.rate:,.0f}", INK, move=(6, 0))
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter("{x:,.0f}")
    axis.minorticks_off()
    axis.set(ylim=(len(found) - 0.4, -0.6), xlim=(least / 2, found[-1].rate * 1.1))
    axis.set_yticks(range(len(found)), [limit.what for limit in found])
    drawing.bare(axis)
    axis.grid(visible=False)
    axis.tick_params(labelsize=8.5)
    axis.set_xlabel("deliveries a second", size=8.5, color=drawing.theme.ink, alpha=0.8, loc="left")
    told = "; ".join(f"{limit.what} {limit.rate:,.0f}" for limit in found)
    return drawing.chart(f"Blue is set by you, grey by AWS. {told}.")


def waits_chart(runs: Mapping[str, Waits], *, noisy: str) -> Chart:
    """How long each delivery of the quiet senders waited, by when it came; one line for each run."""
    quiet = {name: _quiet(waits, noisy) for name, waits in runs.items()}
    worst = {name: float(waits.max()) for name, (_, waits) in quiet.items()}
    says = "The quiet senders wait up to " + "; ".join(
        f"{lasting(most)} {name}" for name, most in worst.items()
    )
    drawing = Drawing(says, heights=(200,), right=150)
    (axis,) = drawing.axes
    size, unit = unit_of(max(float(came.max()) for came, _ in quiet.values()))
    tall, in_unit = unit_of(max(worst.values()))
    end = max(float(came.max()) for came, _ in quiet.values()) / size
    title = f"{in_unit} that a delivery of a quiet sender waits"
    drawing.style(
        axis, title, end=end, top=axis_top(max(worst.values()) / tall), below=f"{unit}, when it came"
    )
    for (name, (came, waits)), colour in zip(quiet.items(), (ORANGE, GREEN), strict=False):
        axis.plot(came / size, waits / tall, "o", ms=2, color=drawing.theme.mixed(colour), clip_on=False)
        high = np.flatnonzero(waits >= 0.6 * worst[name])[-1] if colour == ORANGE else len(waits) - 1
        at = (float(came[high]) / size, float(waits[high]) / tall)
        drawing.write(axis, at, name, colour, move=(10, 4))
    return drawing.chart(f"{len(next(iter(quiet.values()))[0]):,} deliveries of quiet senders.")


def _quiet(waits: Waits, noisy: str) -> tuple["np.ndarray[tuple[int], np.dtype[np.float64]]", ...]:
    mine = [each for name, each in waits.items() if name != noisy]
    came, waited = (np.concatenate([each[i] for each in mine]) for i in (0, 1))
    order = np.argsort(came)
    return came[order], waited[order]


def cost_chart(**how: float) -> Chart:
    """What a million deliveries cost in each variant, by service; arguments as for `cost`."""
    how = {"memory": Settings().memory, **how}
    bills = {variant.name: cost(variant, **how) for variant in VARIANTS}  # type: ignore[arg-type]
    totals = {name: sum(bill.values()) for name, bill in bills.items()}
    least, most = min(totals, key=lambda name: totals[name]), max(totals, key=lambda name: totals[name])
    drawing = Drawing(
        f"A million: {dollars(round(totals[least], 2))} ({least}) to {dollars(round(totals[most], 2))}",
        heights=(34 * len(bills) + 10,), left=190, right=90,
    )  # fmt: skip
    (axis,) = drawing.axes
    services = list(next(iter(bills.values())))
    colours = dict(zip(services, (PURPLE, ORANGE, BLUE, GREEN, INK), strict=True))
    for row, bill in enumerate(bills.values()):
        left = 0.0
        for service, amount in bill.items():
            axis.barh(
                row, amount, left=left, height=0.6, color=drawing.theme.mixed(colours[service]), alpha=0.85
            )
            left += amount
        drawing.write(axis, (left, row), f"{left:,.2f}", INK, move=(6, 0))
    letters = [0, *accumulate(len(service) + 2 for service in services)]
    for service, before in zip(services, letters, strict=False):
        at = (before / letters[-1] * max(totals.values()), -0.75)
        drawing.write(axis, at, service, colours[service])
    drawing.bare(axis)
    axis.set(ylim=(len(bills) - 0.4, -0.95), xlim=(0, max(totals.values()) * 1.02))
    axis.set_yticks(range(len(bills)), list(bills))
    axis.grid(visible=False)
    axis.tick_params(labelsize=8.5)
    axis.set_xlabel("USD for a million deliveries", size=8.5, color=drawing.theme.ink, alpha=0.8, loc="left")
    told = "; ".join(
        f"{name}: " + ", ".join(f"{service} {amount:.2f}" for service, amount in bill.items())
        for name, bill in bills.items()
    )
    return drawing.chart(f"{told}.")


def parameters_card(scenario: Scenario) -> Card:
    """Each parameter of the model, its value, and who says so."""
    header = ("parameter", "value", "who says so")
    return Card("What the model assumes", "", tuple(scenario.parameters()), header)
