"""A class on paper: learners of different speed, who fail now and then, get stuck, and run cells again.

What each of them does, and when, follows from her name alone: `script`. `Play` tells it to a real class by
the reporters of real learners; tests, the bench and the stored outputs of the board use it.
"""

import random
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from webhook_lab.course.chapters import CHAPTERS, chapter_numbered
from webhook_lab.course.checks import checks_of
from webhook_lab.course.classroom import Reporter
from webhook_lab.course.report import EXERCISE, FAILED, NOT_YET, OPENED, PASSED, SOLVED

NAMES = (
    "Ada", "Amina", "Björn", "Carlos", "Chiara", "Dmitri", "Edsger", "Emeka", "Fatima", "Grace",
    "Hana", "Ines", "Ivan", "Jin", "Kofi", "Lena", "Łukasz", "Malik", "Mei", "Nadia",
    "Noor", "Olga", "Pedro", "Priya", "Ravi", "Sofía", "Tariq", "Yuki", "Zoë", "渡辺",
)  # fmt: skip
EVERY = tuple(chapter.number for chapter in CHAPTERS)
REASONS = ("3 of 5 are stored", "it is not there", "the queue holds 12", "nothing ran", "it came twice")


@dataclass(frozen=True)
class Event:
    """What one learner's lab tells at a minute of the class."""

    minute: float
    chapter: str
    claim: str
    outcome: str
    reason: str = ""


def script(name: str, chapters: Sequence[str] = EVERY) -> Iterator[Event]:
    """What the learner of this name does in these chapters, in order."""
    chance = random.Random(name)
    speed, minute = chance.uniform(0.75, 1.35), chance.uniform(0, 3)
    for number in chapters:
        claims = [*checks_of(number).claims]
        pace = chapter_numbered(number).minutes / (len(claims) + 2) * speed
        yield Event(minute, number, "", OPENED)
        for claim in claims:
            minute += pace * chance.uniform(0.6, 1.4)
            for _ in range(chance.choice([0, 0, 0, 0, 0, 1, 2])):
                yield Event(minute, number, claim, FAILED, chance.choice(REASONS))
                minute += chance.uniform(0.5, 4)
            for _ in range(chance.choice([1, 1, 1, 2])):  # a cell that is run again
                yield Event(minute, number, claim, PASSED)
        minute += pace
        if chance.random() < 0.6:
            yield Event(minute, number, EXERCISE, NOT_YET, chance.choice(REASONS))
            yield Event(minute + 1, number, EXERCISE, SOLVED)
            minute += 2


class Play:
    """Tells the scripts of some learners to a class, in the background.

    Args:
        at: the class's address and its secret.
        names: who takes part.
        until: the minute of the class at which it ends.
        pace: minutes of the class in a second.
    """

    def __init__(
        self, at: tuple[str, str], names: Sequence[str], chapters: Sequence[str], *, until: float, pace: float
    ) -> None:
        self.reporters = {name: Reporter(*at, name) for name in names}
        told = [(event, name) for name in names for event in script(name, chapters) if event.minute <= until]
        self.told = sorted(told, key=lambda pair: pair[0].minute)
        self._pace, self._thread = pace, threading.Thread(target=self._tell, daemon=True)

    def start(self) -> Self:
        """Begin, and return at once."""
        self._thread.start()
        return self

    def join(self) -> None:
        """Wait until all is told, and either taken or given up."""
        self._thread.join()
        while any(each._outbox and each._outbox.pending for each in self.reporters.values()):
            time.sleep(0.05)

    def stop(self) -> None:
        """End the reporters."""
        for each in self.reporters.values():
            if each._outbox:
                each._outbox.stop()

    def _tell(self) -> None:
        began = time.monotonic()
        for event, name in self.told:
            time.sleep(max(0, began + event.minute / self._pace - time.monotonic()))
            self.reporters[name].tell(event.chapter, event.claim, event.outcome, event.reason)
