"""Checks of chapter 09: what failed, what that did to others, and that nothing of it was lost."""

from collections import Counter, defaultdict

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import all_stored, dead, ended, held, missing, stored, there
from webhook_lab.facts import quotas
from webhook_lab.resources.alarm import state_of
from webhook_lab.watch.concurrency import peak
from webhook_lab.watch.history import attempts
from webhook_lab.watch.rows import Work

CHECKS = Checks()
EACH = range(1, 6)
"""The refunds of a day, and its orders, are numbered."""
LEFT = (3, 1, 10)
"""What the chapter leaves for the exercise: function timeout, visibility timeout, batch size."""


def _queued(lab: OpenLab) -> dict[str, str]:
    """The message of each delivery that was accepted, by the delivery's id."""
    return {line["id"]: line["message_id"] for line in ended(lab, "publish", "queued")}


def _attempts(lab: OpenLab, name: str) -> list[Work]:
    """Those at one delivery's message, oldest first."""
    message_id = _queued(lab).get(f"webhook:{lab.delivery_id(name)}#/shop")
    assert message_id, f"{name!r} was not accepted"
    return [each for each in attempts(lab.logs("subscribe")) if each.message_id == message_id]


def _sent_on(lab: OpenLab, day: str, kind: str) -> set[str]:
    """The messages of a day's refunds, or of its orders."""
    queued = _queued(lab)
    ids = [f"webhook:{lab.delivery_id(f'{day}-{kind}-{n}')}#/shop" for n in EACH]
    assert set(ids) <= queued.keys(), f"{day}'s {kind}s were not all accepted"
    return {queued[id_] for id_ in ids}


@CHECKS.claim("the refunds failed, and the orders of their batches ran again with them")
def _dragged_along(lab: OpenLab) -> None:
    refunds, orders = (_sent_on(lab, "monday", kind) for kind in ("refund", "order"))
    every = attempts(lab.logs("subscribe"))
    failed = [each for each in every if each.outcome == "failed" and each.message_id in refunds]
    unfailed = refunds - {each.message_id for each in failed}
    assert not unfailed, f"{len(unfailed)} of the refunds did not fail"
    batches = {each.request_id for each in failed}
    mates = {each.message_id for each in every if each.request_id in batches} & orders
    assert mates, "no order was in a batch with a refund"
    for mate in mates:
        outcomes = [each.outcome for each in every if each.message_id == mate]
        assert len(outcomes) >= 2, f"one of these orders ran once: {outcomes[0]}"
        assert outcomes.count("stored") <= 1, f"one of them was stored {outcomes.count('stored')} times"


@CHECKS.claim("on Tuesday the refunds went to the dead-letter queue, and no order did")
def _alone(lab: OpenLab) -> None:
    refunds, orders = (_sent_on(lab, "tuesday", kind) for kind in ("refund", "order"))
    died, stored_ = dead(lab), {line["message_id"] for line in ended(lab, "subscribe", "stored")}
    assert refunds <= died, f"{len(refunds - died)} of the refunds are not there"
    assert not orders & died, f"{len(orders & died)} orders are there"
    assert orders <= stored_, f"{len(orders - stored_)} orders are not stored"


@CHECKS.claim("one dead letter is an alarm")
def _alarm(lab: OpenLab) -> None:
    visible = lab.depth("dlq").visible
    state = state_of(lab.pipeline.settings.dead_letter_alarm, visible)
    assert state == "ALARM", f"{visible} messages lie there, and the rule says {state}"


@CHECKS.claim("each delivery is in the table or in the dead-letter queue")
def _somewhere(lab: OpenLab) -> None:
    queued, died = _queued(lab), dead(lab)
    aside = {id_ for id_, message_id in queued.items() if message_id in died}
    nowhere = set(missing(lab, queued.keys() - aside))
    assert not nowhere, f"{len(nowhere)} are in neither"
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
    lines, begun = lab.logs("subscribe"), defaultdict[str, set[str]](set)
    _attempts(lab, "slow-1")  # was accepted
    for line in lines:
        if line["event"] == "record_start":
            begun[line["request_id"]].add(line["message_id"])
    finished = {line["request_id"] for line in lines if line["event"] == "invocation_finish"}
    cut = [each for each, given in begun.items() if each not in finished and len(given) >= 2]
    assert cut, "no invocation was cut off at its second message or later"
    given = begun.pop(cut[0])
    alone = given - set[str]().union(*begun.values())
    assert not alone, f"{len(alone)} of its batch did not come back"
    again = {line["message_id"] for line in lines if line.get("outcome") == "redelivered"}
    assert given & again, "none of its batch was stored before, and ran again"


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
