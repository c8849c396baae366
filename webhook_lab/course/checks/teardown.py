"""Checks of chapter 15: that all of the lab is gone, and nothing else."""

from webhook_lab import sweep
from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.pipeline import STEPS
from webhook_lab.resources.queue import Queue


def yours(bench: Bench) -> str:
    """The name of the learner's own queue, which begins like the lab's."""
    return f"{bench.names.queue}-mine"


def _all_stand(bench: Bench) -> None:
    known = {(row.kind, row.name) for row in bench.pipeline.ledger.open_rows()}
    for step in STEPS.values():
        assert (step.kind.kind, step.name(bench.names)) in known, f"the ledger does not know the {step.label}"
        assert bench.pipeline.look_up(step.key), f"there is no {step.label}"


def _only_yours_stands(bench: Bench) -> None:
    _nothing_left(bench)
    assert Queue.describe(bench.aws, yours(bench)), "your own queue is gone"


def _nothing_left(bench: Bench) -> None:
    left = sweep.remaining(bench.aws, bench.names.prefix)
    assert not left, f"there still is {', '.join(each.name for each in left)}"
    rows = bench.pipeline.ledger.open_rows()
    assert not rows, f"the ledger still has {', '.join(row.name for row in rows)}"


def _exercise(bench: Bench) -> str | None:
    left = [each.name for each in sweep.remaining(bench.aws, bench.names.prefix)]
    assert not left, f"Still there: {', '.join(left)}."
    known = {bench.names.queue, bench.names.dlq, yours(bench)}
    deleted = {
        call.params["QueueUrl"].rpartition("/")[2]
        for call in bench.aws.calls.since()
        if call.operation == "DeleteQueue" and call.error is None
    }
    strays = {name for name in deleted - known if name.startswith(f"{bench.names.prefix}-")}
    return "What the ledger did not know of was found and is gone." if strays else None


CHECKS = Checks(
    checkpoints={
        "all eleven resources stand, and the ledger knows each": _all_stand,
        "nothing of the lab is left, and your own queue still stands": _only_yours_stands,
        "a sweep finds nothing": _nothing_left,
    },
    exercise=_exercise,
)
