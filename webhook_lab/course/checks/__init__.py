"""Checkpoints and exercises: each asks the services, never a variable of the notebook, and says one line."""

from webhook_lab.aws.errors import LabError
from webhook_lab.course.checks import (
    behind,
    buffer,
    database,
    failures,
    front_door,
    once,
    publisher,
    queue,
    start,
    subscriber,
    table,
    teardown,
    throttles,
)
from webhook_lab.course.checks.claims import Checks, OpenLab

BY_CHAPTER: dict[str, Checks] = {
    "00": start.CHECKS,
    "01": database.CHECKS,
    "02": table.CHECKS,
    "03": queue.CHECKS,
    "04": publisher.CHECKS,
    "05": subscriber.CHECKS,
    "06": front_door.CHECKS,
    "07": once.CHECKS,
    "08": buffer.CHECKS,
    "09": failures.CHECKS,
    "10": throttles.CHECKS,
    "13": behind.CHECKS,
    "15": teardown.CHECKS,
}


def checkpoint(lab: OpenLab, claim: str) -> None:
    """Print ``Checkpoint: <claim>.`` when it holds, or why it was left out.

    Raises:
        LabError: it does not hold, and why; or this chapter makes no such claim.
    """
    where, claims = f"checkpoint '{claim}'", BY_CHAPTER[lab.chapter.number].claims
    if claim not in claims:
        known = "; ".join(f"'{each}'" for each in claims)
        raise LabError(where, "this chapter has no such checkpoint", f"It has {known}.")
    try:
        left_out = claims[claim](lab)
    except AssertionError as failed:
        said = str(failed) or "it does not hold"
        raise LabError(where, said, "Run the cells above again, in order.") from failed
    print(f"Checkpoint left out: {left_out}." if left_out else f"Checkpoint: {claim}.")


def exercise(lab: OpenLab) -> None:
    """Print how far this chapter's exercise is solved: not tried yet, not yet, or solved.

    An exercise's check answers None where nothing of it was tried, and fails an assertion where something is
    missing still; neither stops the notebook.
    """
    try:
        said = BY_CHAPTER[lab.chapter.number].exercise(lab)
    except AssertionError as failed:
        print(f"Exercise: not yet. {_sentence(str(failed))}")
    else:
        print(f"Exercise: solved. {said}" if said else "Exercise: not tried yet.")


def _sentence(words: str) -> str:
    """What a check of a claim says, as a sentence; what is one already stays as it is."""
    return words if words.endswith(".") else f"{words[:1].upper()}{words[1:]}."
