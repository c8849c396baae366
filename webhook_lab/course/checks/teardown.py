"""Checks of chapter 15: that all of the lab is gone, and nothing else."""

from webhook_lab import sweep
from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.pipeline import STEPS
from webhook_lab.resources.queue import Queue

CHECKS = Checks()


def yours(lab: OpenLab) -> str:
    """The name of the learner's own queue, which begins like the lab's."""
    return f"{lab.names.queue}-mine"


@CHECKS.claim("all eleven resources stand, and the ledger knows each")
def _all_stand(lab: OpenLab) -> None:
    known = {(row.kind, row.name) for row in lab.pipeline.ledger.open_rows()}
    for step in STEPS.values():
        assert (step.kind.kind, step.name(lab.names)) in known, f"the ledger does not know the {step.label}"
        assert lab.pipeline.look_up(step.key), f"there is no {step.label}"


@CHECKS.claim("a sweep finds nothing")
def _nothing_left(lab: OpenLab) -> None:
    left = sweep.remaining(lab.aws, lab.names.prefix)
    assert not left, f"there still is {', '.join(each.name for each in left)}"
    rows = lab.pipeline.ledger.open_rows()
    assert not rows, f"the ledger still has {', '.join(row.name for row in rows)}"


@CHECKS.claim("nothing of the lab is left, and your own queue still stands")
def _only_yours_stands(lab: OpenLab) -> None:
    _nothing_left(lab)
    assert Queue.describe(lab.aws, yours(lab)), "your own queue is gone"


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    left = [each.name for each in sweep.remaining(lab.aws, lab.names.prefix)]
    assert not left, f"Still there: {', '.join(left)}."
    known = {lab.names.queue, lab.names.dlq, yours(lab)}
    deleted = {
        call.params["QueueUrl"].rpartition("/")[2]
        for call in lab.aws.calls.since()
        if call.operation == "DeleteQueue" and call.error is None
    }
    strays = {name for name in deleted - known if name.startswith(f"{lab.names.prefix}-")}
    return "What the ledger did not know of was found and is gone." if strays else None
