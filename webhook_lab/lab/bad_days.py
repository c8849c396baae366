"""The stage of the bad days: each is made by settings and deliveries alone, and ended by its own command."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from webhook_lab.aws.retry import retry_until
from webhook_lab.facts.runbook import BAD_DAYS, CAUSES, BadDay
from webhook_lab.lab.signs import Signs, signs
from webhook_lab.pipeline import LAST, Settings
from webhook_lab.pipeline.packaging import package
from webhook_lab.send.signing import new_secret, standard_webhooks_headers
from webhook_lab.watch.rows import Answer

if TYPE_CHECKING:
    from webhook_lab.lab.lab import Lab

SECONDS = 60.0
"""How long a day is given to begin, and to be over."""
PAUSE = 0.2
USUAL_WORK, SLOW_WORK = 0.1, 1.0
"""Seconds that a delivery takes: on most days, and on the slow database's."""
STORM = 60
_READS_THE_ORDER = {"outcome = store(": 'json.loads(delivery["body"])["order"]; outcome = store('}
_QUICK = {"visibility_timeout": 2, "function_timeout": 2}


def possible(settings: Settings) -> tuple[str, ...]:
    """The causes that this account can have: over-pull needs a reservation, and not every one spares it."""
    return tuple(each for each in CAUSES if each != "over-pull" or settings.reserved_concurrency is not None)


@dataclass
class Stage:
    """One bad day in one lab.

    Attributes:
        began_at: epoch milliseconds by AWS's clock.
        answers: to what was sent on the day.
        old: the secret that the sender still signs with, where the day is about that.
        usual: the settings of a good day.
        over: they are in force again.
    """

    lab: "Lab"
    day: BadDay
    began_at: int = 0
    answers: list[Answer] = field(default_factory=list)
    old: str = ""
    usual: Settings = field(default_factory=Settings)
    over: bool = True

    def begin(self) -> Signs:
        """Restore the pipeline, have the day happen, and return what there is to see."""
        self.usual = self.lab.pipeline.settings
        self.lab.pipeline.restore(LAST)
        self.over = False
        self.began_at = self.lab.aws.now()
        stage, shows = _STAGES[self.day.cause]
        stage(self)
        return self._once(lambda seen: shows(self, seen), "the bad day to begin")

    def end(self) -> Signs:
        """Do what the runbook says, and return what there is to see when it is over.

        Raises:
            LabError: it is not over in time.
        """
        _CURES[self.day.cause](self)
        seen = self._once(self._is_over, "the bad day to be over")
        self.leave()
        return seen

    def leave(self) -> None:
        """Go back to the settings of a good day, also where nobody has ended this one."""
        if not self.over:
            self.lab.pipeline.settings, self.over = self.usual, True

    @property
    def stored(self) -> list[Answer]:
        """The accepted deliveries of the day that the table holds."""
        return [each for each in self.answers if each.status == 202 and self.lab.item(each)]

    def _is_over(self, seen: Signs) -> bool:
        accepted = sum(answer.status == 202 for answer in self.answers)
        return not seen.waiting and not seen.dead and len(self.stored) == accepted

    def _once(self, enough: Callable[[Signs], bool], reason: str) -> Signs:
        def look() -> Signs | None:
            seen = signs(self.lab, since=self.began_at)
            return seen if enough(seen) else None

        seconds = self.lab.aws.target.traits.allow(SECONDS)
        return retry_until(look, seconds=seconds, reason=reason, longest_pause=PAUSE)

    # --- what the days are made of

    def set(self, *keys: str, **settings: object) -> None:
        """Use other settings, and bring these steps to them; return when they are in force."""
        self.lab.configure(**settings)
        for key in keys:
            self.lab.pipeline.ensure(key)
        self.lab.settle()

    def send(self, name: str, body: bytes, secret: str = "") -> None:
        """Post one delivery, signed where there is a secret."""
        own = self.lab.delivery_id(f"{name}-{self.began_at}")
        signed = standard_webhooks_headers(secret, body, delivery_id=own) if secret else {}
        self.answers.append(self.lab.send("/shop", body, headers={"webhook-id": own, **signed}))

    def orders(self, number: int, secret: str = "") -> None:
        for n in range(number):
            self.send(f"order-{n}", json.dumps({"order": n}).encode(), secret)


def _poison(stage: Stage) -> None:
    stage.set("queue", **_QUICK, max_receive_count=2)
    release = package("subscribe", _READS_THE_ORDER)
    stage.lab.pipeline.ensure("subscribe_function", zip_bytes=release.zip_bytes)
    stage.lab.warm_up()  # what starts cold on a busy machine is cut off before it has failed
    stage.orders(4)
    for n in range(2):
        stage.send(f"refund-{n}", json.dumps({"refund": n}).encode())


def _slow(stage: Stage) -> None:
    stage.set("subscribe_function", "mapping", work_seconds=SLOW_WORK, batch_size=1)
    stage.orders(10)


def _storm(stage: Stage) -> None:
    # Held until the storm is in: whether a laptop sends faster than two invocations drain is its own affair.
    stage.set("subscribe_function", work_seconds=USUAL_WORK)
    stage.lab.pipeline.ensure("mapping", enabled=False)
    burst = stage.lab.burst(STORM, cap=2 * STORM, path="/shop")
    burst.join()
    stage.answers += burst.answers.values()
    stage.lab.pipeline.ensure("mapping")


def _rotation(stage: Stage) -> None:
    stage.old = new_secret()
    stage.set("publish_function", signed_prefix="/", signing_secret=new_secret())
    stage.orders(8, stage.old)


def _over_pull(stage: Stage) -> None:
    stage.lab.pipeline.ensure("mapping", enabled=False)
    stage.set("queue", "subscribe_function", **_QUICK, max_receive_count=1, work_seconds=0.6, batch_size=1,
              reserved_concurrency=1, maximum_concurrency=None)  # fmt: skip
    stage.lab.warm_up()
    stage.orders(8)
    stage.lab.pipeline.ensure("mapping")


_Shows = Callable[[Stage, Signs], bool]
_STAGES: dict[str, tuple[Callable[[Stage], None], _Shows]] = {
    "poison message": (
        _poison,
        lambda _, seen: seen.dead >= 2 and not (seen.waiting or seen.dead_without_a_line),
    ),
    "slow database": (_slow, lambda _, seen: "oldest_waits" in seen.alarms and seen.work_seconds > 0),
    "sender storm": (_storm, lambda _, seen: "oldest_waits" in seen.alarms and seen.work_seconds > 0),
    "wrong secret": (_rotation, lambda stage, seen: seen.refused == len(stage.answers)),
    "over-pull": (_over_pull, lambda _, seen: seen.dead_without_a_line > 0 and not seen.waiting),
}
"""By cause: what makes the day, and when it can be seen."""


def _mend(stage: Stage) -> None:
    stage.set("subscribe_function")
    stage.lab.warm_up()  # as above
    stage.lab.redrive()


def _relieve(stage: Stage) -> None:
    stage.lab.pipeline.ensure("mapping", enabled=False)
    stage.set("subscribe_function", "mapping", work_seconds=0)


def _both(stage: Stage) -> None:
    new = stage.lab.pipeline.settings.signing_secret
    stage.set("publish_function", signing_secret=f"{new} {stage.old}")
    stage.began_at = stage.lab.aws.now()  # what was refused stays refused: from here on nothing is
    stage.orders(8, stage.old)


def _throttle(stage: Stage) -> None:
    stage.set("queue", "subscribe_function", "mapping", visibility_timeout=30, work_seconds=0,
              reserved_concurrency=2, maximum_concurrency=2)  # fmt: skip
    stage.lab.redrive()


_CURES: dict[str, Callable[[Stage], None]] = {
    "poison message": _mend,
    "slow database": _relieve,
    "sender storm": lambda _: None,
    "wrong secret": _both,
    "over-pull": _throttle,
}
assert _STAGES.keys() == _CURES.keys() == BAD_DAYS.keys()
