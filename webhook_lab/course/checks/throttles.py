"""Checks of chapter 10: who died without having run, and what the throttles are set to."""

from typing import Any

from webhook_lab.aws.retry import retry_until
from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import SECONDS, dead, ended, missing, there, throttles

CHECKS = Checks()
PROOF = 100
"""How many deliveries the exercise asks for as its proof."""
TRAP = (1, 3)
"""Visibility timeout in seconds, and maxReceiveCount, that the exercise leaves as they are."""


def _queued(lab: OpenLab, since: float = 0) -> dict[str, str]:
    """The deliveries that publish has queued, by the ids of their messages; `since` in epoch ms."""
    queued = ended(lab, "publish", "queued")
    return {line["message_id"]: line["id"] for line in queued if line["at"] >= since}


@CHECKS.claim("good messages are dead, and no invocation has seen them")
def _died_unseen(lab: OpenLab) -> None:
    died, queued = dead(lab), _queued(lab)
    assert died, "the dead-letter queue is empty"
    lines = lab.logs("subscribe")
    broken = [
        line["error"] for line in lines if line["event"] == "error" and "timed out" not in line["error"]
    ]
    assert not broken, f"the function fails: {broken[0]}"
    seen = {line["message_id"] for line in lines if line["event"] == "record_start"}
    unseen = died & queued.keys() - seen
    assert unseen, f"of the {len(died)} dead each was worked on"
    stored = len(unseen) - len(missing(lab, (queued[id_] for id_ in unseen)))
    assert not stored, f"{stored} of them are stored"


@CHECKS.claim(
    "what had died is stored now, and nothing is dead",
    "the same burst is stored, and nothing is dead",
    "tuned, the burst is stored too",
)
def _all_stored(lab: OpenLab) -> None:
    ids = set(_queued(lab).values())
    assert ids, "nothing was accepted"
    retry_until(
        lambda: dead(lab) or not missing(lab, ids) or None, seconds=SECONDS, reason="everything to be stored"
    )
    assert not (died := dead(lab)), f"{len(died)} are in the dead-letter queue{_cut_off(lab, died)}"


def _cut_off(lab: OpenLab, died: set[str]) -> str:
    """What to add where a function was ended in the midst of what is dead: then no throttle is at fault."""
    lines = lab.logs("subscribe")
    begun, finished = (
        {(line["request_id"], line["message_id"]) for line in lines if line["event"] == event}
        for event in ("record_start", "record_finish")
    )
    cut = {message for _, message in begun - finished} & died
    if not cut:
        return ""
    return f"; the function was cut off at {len(cut)} of them: it is slower here than its timeout allows"


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    queue, mapping = there(lab, "queue"), there(lab, "mapping")
    reserved, maximum = throttles(lab)
    assert (queue.visibility_timeout, queue.max_receive_count) == TRAP, "Leave the queue as it is."
    if maximum is None:
        return None
    assert reserved in (2, None), f"Leave the reservation as it is: {reserved} are reserved."
    assert maximum == 2, f"The mapping may read for {maximum}."
    proof = _queued(lab, since=_changed_at(lab, mapping.uuid))
    assert len(proof) >= PROOF, f"Now prove it: {len(proof)} of {PROOF} deliveries were sent since."
    lost = missing(lab, proof.values())
    assert not lost, f"{len(lost)} of {len(proof)} are not stored yet."
    assert not dead(lab) & proof.keys(), "Some of them are in the dead-letter queue."
    return f"{PROOF} deliveries and more came through the same queue, and none died."


def _changed_at(lab: OpenLab, uuid: str) -> float:
    """When the mapping was changed last, in epoch milliseconds; Lambda knows it to the second."""
    found: Any = lab.aws.lambda_.get_event_source_mapping(UUID=uuid)
    return float(found["LastModified"].timestamp()) * 1000
