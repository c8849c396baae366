"""Checks of chapter 10: who died without having run, and what the throttles are set to."""

from typing import Any

from webhook_lab.aws.retry import retry_until
from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.watch.peek import messages_of

PROOF = 100
"""How many deliveries the exercise asks for as its proof."""
TRAP = (1, 3)
"""Visibility timeout in seconds, and maxReceiveCount, that the exercise leaves as they are."""
SECONDS = 60.0  # for what CloudWatch and SQS show late


def _dead(bench: Bench) -> set[str]:
    """The ids of the messages in the dead-letter queue."""
    url = bench.pipeline.get("dlq").url
    return {each["MessageId"] for each in messages_of(bench.aws, queue_url=url)}


def _queued(bench: Bench, since: float = 0) -> dict[str, str]:
    """The deliveries that publish has queued, by the ids of their messages; `since` in epoch ms."""
    lines = bench.logs("publish")
    return {
        line["message_id"]: line["id"]
        for line in lines
        if line.get("outcome") == "queued" and line["at"] >= since
    }


def _seen(bench: Bench) -> set[str]:
    """The ids of the messages that some invocation of subscribe has begun to work on."""
    return {line["message_id"] for line in bench.logs("subscribe") if line["event"] == "record_start"}


def _died_unseen(bench: Bench) -> None:
    dead, queued = _dead(bench), _queued(bench)
    assert dead, "the dead-letter queue is empty"
    unseen = dead & set(queued) - _seen(bench)
    assert unseen, f"of the {len(dead)} dead each was worked on"
    stored = [id_ for id_ in unseen if bench.item(queued[id_])]
    assert not stored, f"{len(stored)} of them are stored"


def _all_stored(bench: Bench) -> None:
    ids = set(_queued(bench).values())
    assert ids, "nothing was accepted"

    def none_missing() -> bool | None:
        return None if any(not bench.item(id_) for id_ in ids) else True

    retry_until(none_missing, seconds=SECONDS, reason="everything to be stored")
    assert not _dead(bench), f"{len(_dead(bench))} are in the dead-letter queue"


def _exercise(bench: Bench) -> str | None:
    queue, mapping = bench.pipeline.look_up("queue"), bench.pipeline.look_up("mapping")
    function = bench.pipeline.look_up("subscribe_function")
    assert queue and mapping and function, "Run the cells above again: something does not exist."  # noqa: PT018
    assert (queue.visibility_timeout, queue.max_receive_count) == TRAP, "Leave the queue as it is."
    if mapping.maximum_concurrency is None:
        return None
    reserved = function.reserved_concurrency
    assert reserved in (2, None), f"Leave the reservation as it is: {reserved} are reserved."
    assert mapping.maximum_concurrency == 2, f"The mapping may read for {mapping.maximum_concurrency}."
    since = _changed_at(bench, mapping.uuid)
    proof = _queued(bench, since)
    assert len(proof) >= PROOF, f"Now prove it: {len(proof)} of {PROOF} deliveries were sent since."
    missing = [id_ for id_ in proof.values() if not bench.item(id_)]
    assert not missing, f"{len(missing)} of {len(proof)} are not stored yet."
    assert not _dead(bench) & set(proof), "Some of them are in the dead-letter queue."
    return f"{PROOF} deliveries and more came through the same queue, and none died."


def _changed_at(bench: Bench, uuid: str) -> float:
    """When the mapping was changed last, in epoch milliseconds; Lambda knows it to the second."""
    found: Any = bench.aws.lambda_.get_event_source_mapping(UUID=uuid)
    return float(found["LastModified"].timestamp()) * 1000


CHECKS = Checks(
    checkpoints={
        "good messages are dead, and no invocation has seen them": _died_unseen,
        "what had died is stored now, and nothing is dead": _all_stored,
        "the same burst is stored, and nothing is dead": _all_stored,
        "tuned, the burst is stored too": _all_stored,
    },
    exercise=_exercise,
)
