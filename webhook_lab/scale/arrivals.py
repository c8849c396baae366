"""When each delivery reaches the queue: spread by its flow, held up by what stands before the queue."""

import numpy as np

from webhook_lab.scale.scenario import Flow, Scenario
from webhook_lab.scale.tally import Floats

CHUNK = 50_000
"""So many at once: what is reckoned in between takes no memory to speak of."""


def queued_at(scenario: Scenario) -> tuple[Floats, int]:
    """When each delivery is on the queue, in order, and how often one was refused with a 429, at least.

    API Gateway's throttle first, then what concurrency is left for publish. Assumed: who is refused sends
    again, and is let in as soon as there is room.
    """
    times = np.empty(scenario.messages)
    chance = np.random.default_rng(scenario.seed) if scenario.random_arrivals else None
    first = 0
    for flow in scenario.flows:
        _spread(flow, times[first : first + flow.messages], chance)
        first += flow.messages
    times.sort()
    refused = let_in(times, scenario.api_rate, scenario.api_burst)
    refused += let_in(times, *publish_gate(scenario))
    times += scenario.publish_seconds
    return times, refused


def sent_at(scenario: Scenario, sender: str) -> Floats:
    """When each delivery of one sender is sent, in order."""
    flows = [flow for flow in scenario.flows if flow.sender == sender]
    times, first = np.empty(sum(flow.messages for flow in flows)), 0
    for flow in flows:
        _spread(flow, times[first : first + flow.messages], None)
        first += flow.messages
    times.sort()
    return times


def _spread(flow: Flow, times: Floats, chance: np.random.Generator | None) -> None:
    """Fill in when each delivery of the flow is sent: evenly spaced, or at random."""
    if chance is not None:
        chance.random(out=times)
        times *= flow.seconds
    else:
        for first in range(0, flow.messages, CHUNK):
            part = times[first : first + CHUNK]
            part[:] = np.arange(first, first + len(part), dtype=np.float64)
        times *= flow.seconds / max(flow.messages, 1)
    times += flow.start


def let_in(times: Floats, rate: float, burst: float) -> int:
    """Move each to when it is let in by a bucket of `burst`, refilled at `rate`; return how many moved.

    In order: the n-th is no earlier than any before it allows, by so many tokens as lie between the two.
    """
    latest, moved = -np.inf, 0
    for first in range(0, len(times), CHUNK):
        part = times[first : first + CHUNK]
        order = np.arange(first, first + len(part), dtype=np.float64)
        soonest = np.maximum(np.maximum.accumulate(part - order / rate), latest)
        latest = soonest[-1]
        soonest += (order + 1 - burst) / rate
        moved += int(np.count_nonzero(soonest > part + 1e-6))
        np.maximum(part, soonest, out=part)
    return moved


def publish_gate(scenario: Scenario) -> tuple[float, float]:
    """Deliveries a second that publish takes, and how many at once."""
    free = scenario.account_concurrency - (scenario.reserved_concurrency or 0)
    at_once = max(1, min(free, scenario.environments_each_10s))
    return at_once / max(scenario.publish_seconds, 1e-9), at_once


def poisoned_among(scenario: Scenario) -> Floats:
    """Which deliveries fail whenever they are tried, by their place in the order; infinity ends the list."""
    if not scenario.poisoned:
        return np.array([np.inf])
    chance, share = np.random.default_rng(scenario.seed + 1), scenario.poisoned
    most = int(scenario.messages * share + 10 * (scenario.messages * share) ** 0.5 + 20)
    places = np.cumsum(chance.geometric(share, most)) - 1.0
    return np.append(places[places < scenario.messages], np.inf)
