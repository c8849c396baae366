"""Checkpoints and exercises: each asks the services, never a variable of the notebook, and says one line."""

from importlib import import_module

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_look
from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.classroom import tell
from webhook_lab.course.report import EXERCISE, FAILED, LEFT_OUT, NOT_YET, PASSED, SOLVED
from webhook_lab.show.cells import RESUME, skipped

BY_CHAPTER = {
    "00": "start",
    "01": "database",
    "02": "table",
    "03": "queue",
    "04": "publisher",
    "05": "subscriber",
    "06": "front_door",
    "07": "once",
    "08": "buffer",
    "09": "failures",
    "10": "throttles",
    "11": "direct",
    "12": "paper",
    "13": "behind",
    "14": "production",
    "15": "teardown",
}
"""The module with each chapter's checks."""


def checks_of(chapter: str) -> Checks:
    """The checks of the chapter with this number."""
    checks: Checks = import_module(f"{__name__}.{BY_CHAPTER[chapter]}").CHECKS
    return checks


def checkpoint(lab: OpenLab, claim: str) -> None:
    """Print ``Checkpoint: <claim>.`` when it holds, or why it was left out.

    Where the services show things late, a claim that fails is asked again until the target's patience ends.

    Raises:
        LabError: it does not hold, and why; or this chapter makes no such claim.
    """
    where, claims = f"checkpoint '{claim}'", checks_of(lab.chapter.number).claims
    if claim not in claims:
        known = "; ".join(f"'{each}'" for each in claims)
        raise LabError(where, "this chapter has no such checkpoint", f"It has {known}.")
    try:
        patience = lab.aws.target.traits.patience
        left_out = retry_look(lambda: claims[claim](lab), seconds=patience, reason=f"it to show that {claim}")
    except AssertionError as failed:
        said = str(failed) or "it does not hold"
        tell(lab.chapter.number, claim, FAILED, said)
        raise LabError(where, said, _what_to_run(lab)) from failed
    except LabError:
        tell(lab.chapter.number, claim, FAILED, "it could not be looked at")
        raise
    print(f"Checkpoint left out: {left_out}." if left_out else f"Checkpoint: {claim}.")
    tell(lab.chapter.number, claim, LEFT_OUT if left_out else PASSED)


def _what_to_run(lab: OpenLab) -> str:
    again = f"Run all cells above this one, the first included: {RESUME}."
    return f"{skipped(lab.chapter.file)} {again}".strip()


def exercise(lab: OpenLab) -> None:
    """Print how far this chapter's exercise is solved: not tried yet, not yet, or solved.

    An exercise's check answers None where nothing of it was tried, and fails an assertion where something is
    missing still, which is asked again as a claim is; neither stops the notebook.
    """
    solved, patience = checks_of(lab.chapter.number).exercise, lab.aws.target.traits.patience
    try:
        said = retry_look(lambda: solved(lab), seconds=patience, reason="the exercise to show as solved")
    except AssertionError as failed:
        print(f"Exercise: not yet. {_sentence(str(failed))}")
        tell(lab.chapter.number, EXERCISE, NOT_YET, str(failed))
    else:
        print(f"Exercise: solved. {said}" if said else "Exercise: not tried yet.")
        if said:
            tell(lab.chapter.number, EXERCISE, SOLVED)


def _sentence(words: str) -> str:
    """What a check of a claim says, as a sentence; what is one already stays as it is."""
    return words if words.endswith(".") else f"{words[:1].upper()}{words[1:]}."
