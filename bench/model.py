"""The model: a million messages, and the same small queue in SimPy beside it."""

import time
from typing import Any

from bench import tables
from tests.unit.simpy_queue import SimpyQueue
from webhook_lab.scale.arrivals import queued_at
from webhook_lab.scale.calm import QuickEngine
from webhook_lab.scale.fluid import outline
from webhook_lab.scale.scenario import Flow, Scenario

MILLION, SMALL = 1_000_000, 20_000
AT_MOST = {10: 1.5, 1: 3.0}
FLUID_AT_MOST = 0.2


@tables("model", "a million messages through the model, and a small queue beside SimPy")
def model() -> dict[str, list[dict[str, Any]]]:
    return {"model": [row(batch) for batch in AT_MOST], "fluid": [fluid()]}


def row(batch: int) -> dict[str, Any]:
    """Processor seconds of a million, and messages a second of a small run in both."""
    scenario = Scenario((Flow(MILLION, 0.0, 600.0),), batch_size=batch, table_writes=1e9)
    seconds = seconds_of(lambda: QuickEngine(scenario).run())
    small = scenario.but(flows=(Flow(SMALL, 0.0, 600.0),))
    ours = seconds_of(lambda: QuickEngine(small).run())
    simpy = seconds_of(lambda: in_simpy(small).run())
    return {
        "batch_size": batch,
        "messages": MILLION,
        "seconds": round(seconds, 2),
        "at_most": AT_MOST[batch],
        "per_second": round(SMALL / ours),
        "simpy_per_second": round(SMALL / simpy),
        "kept": seconds <= AT_MOST[batch],
    }


def fluid() -> dict[str, Any]:
    scenario = Scenario((Flow(MILLION, 0.0, 600.0),))
    seconds = seconds_of(lambda: outline(scenario))
    return {"seconds": round(seconds, 4), "at_most": FLUID_AT_MOST, "kept": seconds <= FLUID_AT_MOST}


def in_simpy(scenario: Scenario) -> SimpyQueue:
    """The same queue in SimPy."""
    return SimpyQueue(
        queued_at(scenario)[0].tolist(),
        pollers=2,
        room=2,
        batch=scenario.batch,
        between=scenario.each_batch_seconds,
        each=scenario.each_message_seconds,
        visibility=scenario.visibility_timeout,
        max_receive_count=5,
    )


def seconds_of(do: Any) -> float:
    """Processor seconds: what else the machine does is left out."""
    began = time.process_time()
    do()
    return time.process_time() - began
