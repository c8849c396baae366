"""What the model says: curves over time, and the few numbers that one asks for."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from webhook_lab.scale.calm import QuickEngine
from webhook_lab.scale.scenario import Scenario
from webhook_lab.scale.tally import Floats

POINTS = 400
"""Of a curve, at most: more cannot be told apart in a chart."""


@dataclass(frozen=True)
class Forecast:
    """One answer of the model, exact or fluid. Times in seconds since the first delivery could be sent.

    Args:
        times: at which the curves say something; each curve has one value for each.
        waiting, in_flight, stored, dead: messages.
        age: seconds for which the oldest message that nobody has received waits.
        ended: when the last message was stored or had failed for good.
        expired: messages that the queue's retention has deleted.
        refused: how often API Gateway or Lambda said 429 to a sender, at least.
    """

    scenario: Scenario
    exact: bool
    times: Floats
    waiting: Floats
    in_flight: Floats
    stored: Floats
    dead: Floats
    age: Floats
    ended: float
    expired: int = 0
    refused: int = 0

    @property
    def facts(self) -> dict[str, int]:
        """The counts, and the seconds that it took."""
        return {
            "messages": self.scenario.messages,
            "stored": round(self.stored[-1]),
            "dead": round(self.dead[-1]),
            "expired": self.expired,
            "refused at first": self.refused,
            "waiting at most": round(self.waiting.max()),
            "in flight at most": round(self.in_flight.max()),
            "oldest waited": round(self.age.max()),
            "seconds": round(self.ended),
        }

    @property
    def held(self) -> list[tuple[float, float]]:
        """Seconds, and how many messages the queue held then, waiting or in flight."""
        return list(zip(self.times.tolist(), (self.waiting + self.in_flight).tolist(), strict=True))


def forecast(scenario: Scenario, *, progress: Callable[[float], object] = float) -> Forecast:
    """Run the exact model.

    Args:
        progress: told the share that is done, now and then.

    Raises:
        LabError: more messages than memory.
    """
    engine = QuickEngine(scenario, progress=progress).run()
    tally, times = engine.tally, engine.tally.times
    taken = np.rint(tally.curve("taken")).astype(np.int64)
    age = np.zeros(len(times))
    left = taken < len(engine.times)
    age[left] = np.maximum(times[left] - engine.times[taken[left]], 0)
    last = min(int(engine.ended / tally.width) + 2, len(times))
    some = slice(None, last, max(1, last // POINTS))

    def curve(track: str) -> Floats:
        whole = tally.curve(track)
        return np.append(whole[some][:-1], whole[-1])

    return Forecast(
        scenario,
        exact=True,
        times=times[some],
        waiting=curve("waiting"),
        in_flight=curve("in_flight"),
        stored=curve("stored"),
        dead=curve("dead"),
        age=age[some],
        ended=engine.ended,
        expired=round(tally.curve("expired")[-1]),
        refused=engine.refused,
    )
