"""The fluid answer: deliveries as a stream, invocations as a rate. In milliseconds, whatever their number.

What it leaves out: over-pull, messages that come back, how often a sender was refused; poison is dead as soon
as it is through.
"""

import numpy as np

from webhook_lab.facts.pollers import MINUTE, Scale
from webhook_lab.scale.arrivals import publish_gate
from webhook_lab.scale.forecast import POINTS, Forecast
from webhook_lab.scale.scenario import Scenario
from webhook_lab.scale.tally import Floats


def outline(scenario: Scenario) -> Forecast:
    """The fluid answer for any number of messages."""
    end = _horizon(scenario)
    times = np.linspace(0.0, end, POINTS)
    steps = np.unique(np.concatenate([times, np.arange(0.0, min(end, 5 * MINUTE), MINUTE), _edges(scenario)]))
    times = steps[steps <= end]
    sent = _sent(scenario, times)
    came = _through(sent, scenario.api_rate * times + scenario.api_burst)
    rate, burst = publish_gate(scenario)
    came = _through(came, rate * times + burst)
    rates = _rates(scenario, times)
    could = np.concatenate([[0.0], np.cumsum(rates[:-1] * np.diff(times))])
    read = _through(came, could)
    batch_time = scenario.seconds_for(scenario.batch)
    flowing = np.gradient(read, times)
    in_flight = np.minimum(flowing * batch_time, np.minimum(scenario.in_flight_most, scenario.messages))
    done = np.maximum(read - in_flight, 0)
    when = np.interp(read, came, times)
    age = np.where(came - read > 0.5, np.maximum(times - when, 0), 0.0)
    through = np.interp(scenario.messages - 0.5, read, times) if scenario.messages else 0.0
    expired = int(np.max(np.where(age > scenario.queue_retention, came - read, 0)))
    return Forecast(
        scenario, False, times, came - read, in_flight, done * (1 - scenario.poisoned),
        done * scenario.poisoned, age, float(through + batch_time),
        expired=expired,
    )  # fmt: skip


def rate_of(scenario: Scenario, pollers: float) -> float:
    """Messages a second that so many pollers get through, if batches are full and the table keeps up."""
    at_once = min(pollers, scenario.room)
    table = scenario.table_writes / max(scenario.write_units, 1)
    held = scenario.in_flight_most / scenario.seconds_for(scenario.batch)
    return min(at_once * scenario.batch / scenario.seconds_for(scenario.batch), table, held)


def _rates(scenario: Scenario, times: Floats) -> Floats:
    """Messages a second that the pollers get through at each time, if the queue stays busy from the start."""
    scale, began = Scale(), min((flow.start for flow in scenario.flows), default=0.0)
    minutes = np.maximum(times - began, 0) // MINUTE
    pollers = np.minimum(scale.least + scale.more * minutes, min(scale.most, scenario.pollers_most))
    return np.array([rate_of(scenario, each) for each in pollers])


def _sent(scenario: Scenario, times: Floats) -> Floats:
    """Deliveries that were sent until each time."""
    total = np.zeros(len(times))
    for flow in scenario.flows:
        total += flow.messages * np.clip((times - flow.start) / max(flow.seconds, 1e-9), 0.0, 1.0)
    return total


def _through(came: Floats, could: Floats) -> Floats:
    """What has come through a server: no more than came, and after each moment no more than it could."""
    return np.minimum(came, could + np.minimum.accumulate(np.minimum(came - could, 0)))


def _edges(scenario: Scenario) -> Floats:
    return np.array([at for flow in scenario.flows for at in (flow.start, flow.start + flow.seconds)])


def _horizon(scenario: Scenario) -> float:
    """A time by which all is through."""
    scale = Scale()
    slowest = min(rate_of(scenario, min(scale.least, scenario.pollers_most)), scenario.api_rate)
    fastest = rate_of(scenario, scenario.pollers_most)
    rate = min(max(fastest, slowest), scenario.api_rate, publish_gate(scenario)[0])
    grown = MINUTE * (min(scale.most, scenario.pollers_most) > scale.least) * 5
    last = float(max(_edges(scenario), default=0.0))
    return last + scenario.messages / rate * 1.02 + grown + 2 * scenario.seconds_for(scenario.batch)
