"""Checks of chapter 09: what failed, what that did to others, and that nothing of it was lost."""

from collections import Counter
from typing import Any

from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.course.checks.look import messages
from webhook_lab.facts import quotas
from webhook_lab.resources.alarm import state_of
from webhook_lab.watch.concurrency import peak
from webhook_lab.watch.history import attempts
from webhook_lab.watch.rows import Work

LEFT = (5, 1, 10)
"""What the chapter leaves for the exercise: function timeout, visibility timeout, batch size."""


def _queued(bench: Bench) -> dict[str, str]:
    """The message of each delivery that was accepted, by the delivery's id."""
    return {
        line["id"]: line["message_id"] for line in bench.logs("publish") if line.get("outcome") == "queued"
    }


def _attempts(bench: Bench, name: str) -> list[Work]:
    """Those at one delivery's message, oldest first."""
    message_id = _queued(bench).get(f"webhook:{bench.delivery_id(name)}")
    assert message_id, f"{name!r} was not accepted"
    return [each for each in attempts(bench.logs("subscribe")) if each.message_id == message_id]


def _mates(bench: Bench, request_id: str, but: str) -> dict[str, list[Work]]:
    """By message id: all attempts at those that one invocation was given together with another."""
    every = attempts(bench.logs("subscribe"))
    ids = {each.message_id for each in every if each.request_id == request_id} - {but}
    return {id_: [each for each in every if each.message_id == id_] for id_ in ids}


def _dragged_along(bench: Bench) -> None:
    failed = [each for each in _attempts(bench, "refund") if each.outcome == "failed"]
    assert len(failed) >= 2, f"it failed {len(failed)} times"
    mates = _mates(bench, failed[0].request_id, failed[0].message_id)
    assert mates, "it was alone in its batch"
    for works in mates.values():
        outcomes = [each.outcome for each in works]
        assert len(outcomes) >= 2, f"one of its batch ran once: {outcomes[0]}"
        assert outcomes.count("stored") <= 1, f"one of its batch was stored {outcomes.count('stored')} times"


def _alone(bench: Bench) -> None:
    failed = _attempts(bench, "refund")
    dead = {each["MessageId"] for each in messages(bench, "dlq")}
    assert failed[-1].message_id in dead, f"after {len(failed)} attempts it is not there"
    stored = [line["message_id"] for line in bench.logs("subscribe") if line.get("outcome") == "stored"]
    assert not dead & set(stored), f"{len(dead & set(stored))} messages are there that are stored"


def _alarm(bench: Bench) -> None:
    held = bench.depth("dlq").visible
    state = state_of(bench.pipeline.settings.dead_letter_alarm, held)
    assert state == "ALARM", f"{held} messages lie there, and the rule says {state}"


def _somewhere(bench: Bench) -> None:
    queued = _queued(bench)
    stored = {id_ for id_ in queued if bench.item(id_)}
    dead = {each["MessageId"] for each in messages(bench, "dlq")}
    aside = {id_ for id_, message_id in queued.items() if message_id in dead}
    assert not queued.keys() - stored - aside, f"{len(queued.keys() - stored - aside)} are in neither"
    assert not stored & aside, f"{len(stored & aside)} are in both"
    assert aside, "none is in the dead-letter queue"


def _all_stored(bench: Bench) -> None:
    queued, held = _queued(bench), bench.depth("dlq")
    missing = [id_ for id_ in queued if not bench.item(id_)]
    assert queued, "nothing was accepted"
    assert not missing, f"{len(missing)} of {len(queued)} are missing"
    assert not held.visible + held.in_flight, f"{held.visible + held.in_flight} lie in the dead-letter queue"
    lines = bench.logs("subscribe")
    times = Counter(line["id"] for line in lines if line.get("outcome") == "stored")
    assert set(times.values()) == {1}, f"one was stored {max(times.values())} times"


def _cut_off(bench: Bench) -> None:
    lines = bench.logs("subscribe")
    ended = {line["request_id"] for line in lines if line["event"] == "invocation_finish"}
    mine = _attempts(bench, "slow-1")
    assert mine, "nothing of it was logged"
    first = mine[0].request_id
    assert first not in ended, "its first invocation was not cut off"
    given = {line["message_id"] for line in lines if line["request_id"] == first and "message_id" in line}
    assert len(given) >= 2, "its first invocation was given one message"
    every = attempts(lines)
    for id_ in given:
        later = [each.outcome for each in every if each.message_id == id_ and each.request_id != first]
        assert later, "one of its batch did not come back"
    assert mine[-1].outcome == "redelivered", f"the first of the batch was {mine[-1].outcome}"


def _twice_at_once(bench: Bench) -> None:
    works, item = _attempts(bench, "twice"), bench.item(f"webhook:{bench.delivery_id('twice')}")
    assert peak(works) >= 2, f"{len(works)} attempts, and never two at once"
    outcomes = [each.outcome for each in works]
    assert outcomes.count("stored") == 1, f"its outcomes were {', '.join(outcomes)}"
    assert item, "it is not stored"
    assert len(item["delivered_by"]) == 1, f"its item names {len(item['delivered_by'])} messages"


def _exercise(bench: Bench) -> str | None:
    function, queue, mapping = (_standing(bench, key) for key in ("subscribe_function", "queue", "mapping"))
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


def _standing(bench: Bench, key: str) -> Any:
    found = bench.pipeline.look_up(key)
    assert found, f"There is no {key.replace('_', ' ')}."
    return found


CHECKS = Checks(
    checkpoints={
        "the refund failed, and all of its batch ran again with it": _dragged_along,
        "the refund went to the dead-letter queue, and nothing that is stored": _alone,
        "one dead letter is an alarm": _alarm,
        "each delivery is in the table or in the dead-letter queue, and none in both": _somewhere,
        "every delivery is stored once, and the dead-letter queue is empty": _all_stored,
        "a function was cut off, and its whole batch came back": _cut_off,
        "one message was worked on twice at once, and stored once": _twice_at_once,
    },
    exercise=_exercise,
)
