"""Checks of chapter 08: what the burst became, and that the throttle held."""

from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.watch.concurrency import peak_concurrency

DELIVERIES, WORK_SECONDS, DEADLINE = 6_000, 0.5, 600
"""The exercise: so many deliveries, the seconds of work on each, and the seconds that all may take."""
NEEDED = round(DELIVERIES * WORK_SECONDS / DEADLINE)
"""Little's law: N·d/C is the time, so N·d/time is C."""


def _throttles(bench: Bench) -> tuple[int | None, int]:
    """What is reserved for the function, and the mapping's maximum, as AWS has them now."""
    function, mapping = bench.pipeline.look_up("subscribe_function"), bench.pipeline.look_up("mapping")
    assert function, "the subscribe function does not exist"
    assert mapping, "its event source mapping does not exist"
    assert mapping.maximum_concurrency, "the mapping has no maximum concurrency"
    return function.reserved_concurrency, mapping.maximum_concurrency


def _all_stored(bench: Bench) -> None:
    queued = {line["id"] for line in bench.logs("publish") if line.get("outcome") == "queued"}
    assert queued, "nothing was accepted"
    missing = [id_ for id_ in queued if not bench.item(id_)]
    assert not missing, f"{len(missing)} of {len(queued)} are missing"


def _limited(bench: Bench) -> None:
    peak, most = peak_concurrency(bench.logs("subscribe")), _throttles(bench)[1]
    assert peak, "nothing ran"
    assert peak <= most, f"{peak} ran at once, and the throttle is {most}"


def _four(bench: Bench) -> None:
    reserved, most = _throttles(bench)
    assert most == 4, f"the mapping's is {most}"
    assert reserved in (4, None), f"the reserved one is {reserved}"


def _back(bench: Bench) -> None:
    reserved, most = _throttles(bench)
    assert most == 2, f"the mapping's is {most}"
    assert reserved in (2, None), f"the reserved one is {reserved}"


def _exercise(bench: Bench) -> str | None:
    reserved, most = _throttles(bench)
    if most == 2 and reserved in (2, None):
        return None
    assert reserved in (most, None), f"The mapping may run {most}, but {reserved} are reserved."
    assert most >= NEEDED, f"With {most} it takes {DELIVERIES * WORK_SECONDS / most:,.0f} s."
    assert most == NEEDED, f"{most} are enough, but fewer would do, and spare the database."
    return f"{DELIVERIES:,} deliveries of {WORK_SECONDS} s drain in {DEADLINE} s, {NEEDED} at a time."


CHECKS = Checks(
    checkpoints={
        "all that was accepted is stored": _all_stored,
        "never more invocations ran at once than the throttle allows": _limited,
        "both throttles let 4 run at once": _four,
        "both throttles are back at 2": _back,
    },
    exercise=_exercise,
)
