"""Checks of chapter 12: that what is on paper is what stands, and that the run beside it was whole."""

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import all_stored, ended, there, throttles
from webhook_lab.facts import quotas
from webhook_lab.pipeline import Settings
from webhook_lab.scale.fluid import outline
from webhook_lab.scale.scenario import Flow, Scenario

CHECKS = Checks()
DELIVERIES, SENT_SECONDS, WORK_SECONDS, DEADLINE = 1_000_000, 600.0, 0.25, 3 * 3_600
"""The exercise: deliveries, seconds in which they come, the work on each, and when all have to be stored."""


def takes(throttle: int) -> float:
    """Seconds until the exercise's deliveries are stored under this throttle, by the fluid answer."""
    limit = {"maximum_concurrency": throttle, "reserved_concurrency": throttle}
    load = Flow(DELIVERIES, 0.0, SENT_SECONDS)
    return outline(Scenario.of(Settings(work_seconds=WORK_SECONDS), load, **limit)).ended


@CHECKS.claim("what is on paper is what stands")
def _same(lab: OpenLab) -> None:
    paper, queue = Scenario.of(lab.pipeline.settings, Flow(1)), there(lab, "queue")
    mapping, function = there(lab, "mapping"), there(lab, "subscribe_function")
    stands = (queue.visibility_timeout, mapping.batch_size, mapping.maximum_concurrency, function.timeout)
    settings = (paper.visibility_timeout, paper.batch_size, paper.maximum_concurrency, paper.function_timeout)
    assert stands == settings, f"there stands {stands}, and on paper {settings}"


@CHECKS.claim("all that was accepted is stored")
def _all_stored(lab: OpenLab) -> None:
    all_stored(lab, (line["id"] for line in ended(lab, "publish", "queued")))


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    reserved, most = throttles(lab)
    assert most, "The mapping has no maximum concurrency."
    if most == quotas.MAPPING_CONCURRENCY_LEAST.value:
        return None
    assert reserved in (most, None), f"The mapping may run {most}, but {reserved} are reserved."
    assert takes(most) <= DEADLINE, f"With {most} it takes {takes(most) / 3_600:.1f} hours."
    assert takes(most - 1) > DEADLINE, f"{most} are enough, but fewer would do, and spare the database."
    return f"{most} at once store a million within three hours."
