"""What one has to know of a run before one reads its numbers: what is not out yet, and what it ran with."""

import contextlib
from collections.abc import Mapping
from typing import Any

from webhook_lab.aws.errors import LabError
from webhook_lab.pipeline import Pipeline
from webhook_lab.show.cells import skipped
from webhook_lab.watch.watch import NOT_OUT

IN_FORCE = {
    "work_seconds": 'lab.create_function("subscribe")',
    "reserved_concurrency": 'lab.create_function("subscribe")',
    "batch_size": "lab.create_mapping()",
    "maximum_concurrency": "lab.create_mapping()",
}
"""What a run's pace depends on, and the call that puts it in force."""
_NAMES = {**IN_FORCE, "throttle": f"{IN_FORCE['reserved_concurrency']} and {IN_FORCE['maximum_concurrency']}"}
"""What may be asked of a run: the throttle is the lower of both, whichever of them stands."""


def settings_of(pipeline: Pipeline) -> dict[str, Any]:
    """What stands of `IN_FORCE`, by the resources themselves, and the throttle; not what does not stand."""
    found: dict[str, Any] = {}
    with contextlib.suppress(LabError):
        function = pipeline.get("subscribe_function")
        found["work_seconds"] = float(function.environment.get("WORK_SECONDS") or 0)
        found["reserved_concurrency"] = function.reserved_concurrency
    with contextlib.suppress(LabError):
        mapping = pipeline.get("mapping")
        found |= {name: getattr(mapping, name) for name in ("batch_size", "maximum_concurrency")}
    both = (found.get("reserved_concurrency"), found.get("maximum_concurrency"))
    return {**found, "throttle": min((each for each in both if each), default=None)}


def refuse_others(stood: Mapping[str, Any], predicted_for: Mapping[str, Any], file: str) -> None:
    """Refuse a prediction for settings that did not stand when the run began.

    Args:
        file: the chapter's notebook.

    Raises:
        LabError: which differ, and which cell was skipped or has to be run.
    """
    where = "hold the prediction against the run"
    if unknown := ", ".join(sorted(predicted_for.keys() - _NAMES.keys())):
        raise LabError(where, f"there is no {unknown} of a run", f"There are {', '.join(_NAMES)}.")
    other = {name for name, value in predicted_for.items() if name in stood and stood[name] != value}
    if other:
        told = [f"{name} {predicted_for[name]}, and the run had {stood[name]}" for name in sorted(other)]
        calls = " and ".join(sorted({_NAMES[name] for name in other}))
        try_this = f"{skipped(file)} Run what has {calls} first, then the burst and this cell again."
        raise LabError(where, f"it is for {'; '.join(told)}", try_this.strip())


def told(places: Mapping[str, int]) -> str:
    """Of a run that ended before all had come out: what to know; else nothing.

    Args:
        places: see `Watch.places`.
    """
    if not any(places[place] for place in NOT_OUT):
        return ""
    counts = ", ".join(f"{places[place]} {place}" for place in ("settled", "dead", *NOT_OUT))
    return f"This run was stopped before all had come out: {counts}.\nWhat follows is the run so far."
