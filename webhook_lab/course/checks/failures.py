"""Checks of chapter 09: what failed, what that did to others, and that nothing of it was lost."""

from collections import Counter

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import all_stored, dead, ended, held, missing, stored, there
from webhook_lab.facts import quotas
from webhook_lab.resources.alarm import state_of
from webhook_lab.watch.concurrency import peak
from webhook_lab.watch.history import attempts
from webhook_lab.watch.rows import Work

CHECKS = Checks()
LEFT = (5, 1, 10)
"""What the chapter leaves for the exercise: function timeout, visibility timeout, batch size."""


def _queued(lab: OpenLab) -> dict[str, str]:
    """The message of each delivery that was accepted, by the delivery's id."""
    return {line["id"]: line["message_id"] for line in ended(lab, "publish", "queued")}


def _attempts(lab: OpenLab, name: str) -> list[Work]:
    """Those at one delivery's message, oldest first."""
    message_id = _queued(lab).get(f"webhook:{lab.delivery_id(name)}#/shop")
    assert message_id, f"{name!r} was not accepted"
    return [each for each in attempts(lab.logs("subscribe")) if each.message_id == message_id]


@CHECKS.claim("the refund failed, and all of its batch ran again with it")
def _dragged_along(lab: OpenLab) -> None:
    failed = [each for each in _attempts(lab, "refund") if each.outcome == "failed"]
    assert len(failed) >= 2, f"it failed {len(failed)} times"
    every = attempts(lab.logs("subscribe"))
    mates = {each.message_id for each in every if each.request_id == failed[0].request_id}
    mates.remove(failed[0].message_id)
    assert mates, "it was alone in its batch"
    for mate in mates:
        outcomes = [each.outcome for each in every if each.message_id == mate]
        assert len(outcomes) >= 2, f"one of its batch ran once: {outcomes[0]}"
        assert outcomes.count("stored") <= 1, f"one of its batch was stored {outcomes.count('stored')} times"


@CHECKS.claim("the refund went to the dead-letter queue, and nothing that is stored")
def _alone(lab: OpenLab) -> None:
    failed, died = _attempts(lab, "refund"), dead(lab)
    assert failed[-1].message_id in died, f"after {len(failed)} attempts it is not there"
    both = died & {line["message_id"] for line in ended(lab, "subscribe", "stored")}
    assert not both, f"{len(both)} messages are there that are stored"


@CHECKS.claim("one dead letter is an alarm")
def _alarm(lab: OpenLab) -> None:
    visible = lab.depth("dlq").visible
    state = state_of(lab.pipeline.settings.dead_letter_alarm, visible)
    assert state == "ALARM", f"{visible} messages lie there, and the rule says {state}"


@CHECKS.claim("each delivery is in the table or in the dead-letter queue, and none in both")
def _somewhere(lab: OpenLab) -> None:
    queued, died = _queued(lab), dead(lab)
    aside = {id_ for id_, message_id in queued.items() if message_id in died}
    unstored = set(missing(lab, queued))
    assert not unstored - aside, f"{len(unstored - aside)} are in neither"
    assert not aside - unstored, f"{len(aside - unstored)} are in both"
    assert aside, "none is in the dead-letter queue"


@CHECKS.claim("every delivery is stored once, and the dead-letter queue is empty")
def _all_stored(lab: OpenLab) -> None:
    all_stored(lab, _queued(lab))
    lie = held(lab, "dlq")
    assert not lie, f"{lie} lie in the dead-letter queue"
    times = Counter(line["id"] for line in ended(lab, "subscribe", "stored"))
    assert set(times.values()) == {1}, f"one was stored {max(times.values())} times"


@CHECKS.claim("a function was cut off, and its whole batch came back")
def _cut_off(lab: OpenLab) -> None:
    lines = lab.logs("subscribe")
    finished = {line["request_id"] for line in lines if line["event"] == "invocation_finish"}
    mine = _attempts(lab, "slow-1")
    assert mine, "nothing of it was logged"
    first = mine[0].request_id
    assert first not in finished, "its first invocation was not cut off"
    given = {line["message_id"] for line in lines if line["request_id"] == first and "message_id" in line}
    assert len(given) >= 2, "its first invocation was given one message"
    every = attempts(lines)
    for id_ in given:
        later = [each.outcome for each in every if each.message_id == id_ and each.request_id != first]
        assert later, "one of its batch did not come back"
    assert mine[-1].outcome == "redelivered", f"the first of the batch was {mine[-1].outcome}"


@CHECKS.claim("one message was worked on twice at once, and stored once")
def _twice_at_once(lab: OpenLab) -> None:
    works = _attempts(lab, "twice")
    assert peak(works) >= 2, f"{len(works)} attempts, and never two at once"
    outcomes = [each.outcome for each in works]
    assert outcomes.count("stored") == 1, f"its outcomes were {', '.join(outcomes)}"
    by = stored(lab, "twice")["delivered_by"]
    assert len(by) == 1, f"its item names {len(by)} messages"


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    function, queue, mapping = (there(lab, key) for key in ("subscribe_function", "queue", "mapping"))
    if (function.timeout, queue.visibility_timeout, mapping.batch_size) == LEFT:
        return None
    work = float(function.environment.get("WORK_SECONDS") or 0)
    assert work >= 2, f"Each delivery takes 2 s, and the function was told {work:g}."
    longest, timeout, hidden = mapping.batch_size * work, function.timeout, queue.visibility_timeout
    assert longest < timeout, f"A batch may take {longest:g} s, and the function is cut off after {timeout}."
    needed = quotas.VISIBILITY_PER_TIMEOUT.value * timeout
    assert hidden >= needed, (
        f"SQS hides a batch for {hidden} s; for a timeout of {timeout} s, {needed} it is."
    )
    least, count = quotas.MAX_RECEIVE_COUNT_ADVISED.value, queue.max_receive_count or 0
    assert count >= least, f"A message is given up after {count} receives; AWS advises {least} at least."
    assert mapping.report_batch_item_failures, "One failed message returns its whole batch."
    assert mapping.state == "Enabled", f"The mapping is {mapping.state}."
    return "A whole batch fits, and SQS hides it for six times as long."
