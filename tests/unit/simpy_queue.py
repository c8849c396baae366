"""The same small pipeline in SimPy, written apart from ours: what both say of each message has to agree."""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

from webhook_lab.facts.pollers import pause_after


@dataclass
class SimpyQueue:
    """Pollers that read what waits, oldest first, and run it in a function that may be too busy."""

    arrivals: Sequence[float]
    pollers: int
    room: int
    batch: int
    between: float
    each: float
    visibility: float
    max_receive_count: int
    poison: frozenset[int] = frozenset()
    seed: int = 0
    served: list[tuple[int, float, float]] = field(default_factory=list)
    dead: list[int] = field(default_factory=list)

    def run(self) -> "SimpyQueue":
        self.env, self.chance = simpy.Environment(), random.Random(self.seed)
        self.fresh: list[int] = []
        self.back: list[int] = []
        self.receives = dict.fromkeys(range(len(self.arrivals)), 0)
        self.running, self.left = 0, len(self.arrivals)
        self.something = self.env.event()
        self.env.process(self.arrive())
        for _ in range(self.pollers):
            self.env.process(self.poll())
        self.env.run()
        return self

    def wake(self) -> None:
        self.something.succeed()
        self.something = self.env.event()

    def arrive(self) -> Generator[Any, Any, None]:
        for place, at in enumerate(self.arrivals):
            yield self.env.timeout(at - self.env.now)
            self.fresh.append(place)
            self.wake()

    def come_back(self, places: list[int], at: float) -> Generator[Any, Any, None]:
        yield self.env.timeout(at - self.env.now)
        self.back = sorted([*self.back, *places])
        self.wake()

    def take(self) -> list[int]:
        batch: list[int] = []
        while self.back and len(batch) < self.batch:
            place = self.back.pop(0)
            if self.receives[place] >= self.max_receive_count:
                self.dead.append(place)
            else:
                batch.append(place)
        while self.fresh and len(batch) < self.batch:
            batch.append(self.fresh.pop(0))
        for place in batch:
            self.receives[place] += 1
        return batch

    def poll(self) -> Generator[Any, Any, None]:
        while True:
            batch = self.take()
            if not batch:
                yield self.something
                continue
            visible_until, attempt = self.env.now + self.visibility, 0
            while self.running >= self.room and self.env.now < visible_until:
                yield self.env.timeout(min(pause_after(attempt, self.chance), visible_until - self.env.now))
                attempt += 1
            if self.env.now >= visible_until:
                self.back = sorted([*self.back, *batch])
                self.wake()
                continue
            self.running += 1
            begun = self.env.now
            yield self.env.timeout(self.between + self.each * len(batch))
            self.running -= 1
            self.served += [(place, begun, self.env.now) for place in batch]
            if failed := [place for place in batch if place in self.poison]:
                self.env.process(self.come_back(failed, visible_until))
