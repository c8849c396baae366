"""Chapter 03: where messages are, by the depths of both queues and by what they hold."""

from functools import partial

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_until
from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.course.checks.look import messages
from webhook_lab.resources.queue import Depth

POISON = "poison"
"""The body of the message that the chapter drives into the dead-letter queue."""

PATIENCE_SECONDS = 60.0
"""How long a depth may lag on AWS: its counts settle about a minute after the last change."""


def depth_is(bench: Bench, key: str = "queue", *, visible: int = 0, in_flight: int = 0) -> None:
    """Assert how many messages of the queue (or "dlq") wait and are in flight, waiting where a depth lags."""
    seen: list[Depth] = []

    def agrees() -> bool | None:
        seen.append(bench.depth(key))
        return (seen[-1].visible, seen[-1].in_flight) == (visible, in_flight) or None

    patience = 0 if bench.aws.target.traits.depths_at_once else PATIENCE_SECONDS
    try:
        retry_until(agrees, seconds=patience, reason="the depth to settle")
    except LabError:
        name = "dead-letter queue" if key == "dlq" else "queue"
        raise AssertionError(
            f"in the {name} {seen[-1].visible} visible and {seen[-1].in_flight} in flight, "
            f"not {visible} and {in_flight}"
        ) from None


def _queues_stand(bench: Bench) -> None:
    queue, dlq = bench.pipeline.look_up("queue"), bench.pipeline.look_up("dlq")
    assert dlq is not None, "there is no dead-letter queue"
    assert queue is not None, "there is no queue"
    assert queue.dead_letter_arn == dlq.arn, "the queue's messages are moved to no dead-letter queue"
    wanted = bench.pipeline.settings.max_receive_count
    assert queue.max_receive_count == wanted, f"they are moved after {queue.max_receive_count} receives"


def _poison_was_moved(bench: Bench) -> None:
    depth_is(bench)
    depth_is(bench, "dlq", visible=1)


def _exercise(bench: Bench) -> str | None:
    held, dead = bench.depth("queue"), bench.depth("dlq")
    if (held, dead) == (Depth(0, 0, 0), Depth(1, 0, 0)):
        return None
    bodies = [message["Body"] for message in messages(bench)]
    in_dlq = dead.visible + dead.in_flight
    if POISON not in bodies and in_dlq:
        raise AssertionError("The dead-letter queue still has the message, and the queue has no copy of it.")
    assert POISON in bodies, "The message is lost: it is in neither queue. Run the chapter again."
    assert len(bodies) == 1, f"The queue holds {len(bodies)} messages, not the one."
    assert not in_dlq, "The message is in both queues: delete it from the dead-letter queue."
    return "The message is back in the queue, once, and the dead-letter queue is empty."


CHECKS = Checks(
    checkpoints={
        "the queue has a dead-letter queue behind it": _queues_stand,
        "the message is in flight": partial(depth_is, in_flight=1),
        "the deleted message is gone": depth_is,
        "the poison message is in the dead-letter queue": _poison_was_moved,
        "the late message came and is gone": depth_is,
        "nothing of what SQS refused is in the queue": depth_is,
    },
    exercise=_exercise,
)
