"""Checks of chapter 08: what the burst became, and that the throttle held."""

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import all_stored, ended, throttles
from webhook_lab.watch.concurrency import peak_concurrency

CHECKS = Checks()
DELIVERIES, WORK_SECONDS, DEADLINE = 6_000, 0.5, 600
"""The exercise: so many deliveries, the seconds of work on each, and the seconds that all may take."""
NEEDED = round(DELIVERIES * WORK_SECONDS / DEADLINE)
"""Little's law: N·d/C is the time, so N·d/time is C."""


def _throttles(lab: OpenLab) -> tuple[int | None, int]:
    reserved, most = throttles(lab)
    assert most, "the mapping has no maximum concurrency"
    return reserved, most


def _both_are(lab: OpenLab, wanted: int) -> None:
    reserved, most = _throttles(lab)
    assert most == wanted, f"the mapping's is {most}"
    assert reserved in (wanted, None), f"the reserved one is {reserved}"


@CHECKS.claim("all that was accepted is stored")
def _all_stored(lab: OpenLab) -> None:
    all_stored(lab, (line["id"] for line in ended(lab, "publish", "queued")))


@CHECKS.claim("never more invocations ran at once than the throttle allows")
def _limited(lab: OpenLab) -> None:
    peak, most = peak_concurrency(lab.logs("subscribe")), _throttles(lab)[1]
    assert peak, "nothing ran"
    assert peak <= most, f"{peak} ran at once, and the throttle is {most}"


@CHECKS.claim("both throttles let 4 run at once")
def _four(lab: OpenLab) -> None:
    _both_are(lab, 4)


@CHECKS.claim("both throttles are back at 2")
def _back(lab: OpenLab) -> None:
    _both_are(lab, 2)


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    reserved, most = _throttles(lab)
    if most == 2 and reserved in (2, None):
        return None
    assert reserved in (most, None), f"The mapping may run {most}, but {reserved} are reserved."
    assert most >= NEEDED, f"With {most} it takes {DELIVERIES * WORK_SECONDS / most:,.0f} s."
    assert most == NEEDED, f"{most} are enough, but fewer would do, and spare the database."
    return f"{DELIVERIES:,} deliveries of {WORK_SECONDS} s drain in {DEADLINE} s, {NEEDED} at a time."
