"""Chapter 03: where messages are, by the depths of both queues and by what they hold."""

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import dead_letters, held, peeked, there
from webhook_lab.pipeline import STEPS
from webhook_lab.resources.queue import Depth

CHECKS = Checks()
POISON = "poison"
"""The body of the message that the chapter drives into the dead-letter queue."""


def _depth_is(lab: OpenLab, key: str = "queue", *, visible: int = 0, in_flight: int = 0) -> None:
    """Fail unless so many messages of the queue (or "dlq") wait and are in flight."""
    depth = lab.depth(key)
    if (depth.visible, depth.in_flight) != (visible, in_flight):
        raise AssertionError(
            f"in the {STEPS[key].label} {depth.visible} visible and {depth.in_flight} in flight, "
            f"not {visible} and {in_flight}"
        )


@CHECKS.claim("the queue has a dead-letter queue behind it")
def _queues_stand(lab: OpenLab) -> None:
    dlq, queue = there(lab, "dlq"), there(lab, "queue")
    assert queue.dead_letter_arn == dlq.arn, "the queue's messages are moved to no dead-letter queue"
    wanted = lab.pipeline.settings.max_receive_count
    assert queue.max_receive_count == wanted, f"they are moved after {queue.max_receive_count} receives"


@CHECKS.claim("the message is in flight")
def _in_flight(lab: OpenLab) -> None:
    _depth_is(lab, in_flight=1)


@CHECKS.claim(
    "the deleted message is gone",
    "the late message came and is gone",
    "nothing of what SQS refused is in the queue",
)
def _empty(lab: OpenLab) -> None:
    _depth_is(lab)


@CHECKS.claim("the poison message is in the dead-letter queue")
def _poison_was_moved(lab: OpenLab) -> None:
    _depth_is(lab)
    _depth_is(lab, "dlq", visible=1)


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    if peeked(lab) is None:
        return _by_depth(lab)
    if (lab.depth("queue"), lab.depth("dlq")) == (Depth(0, 0, 0), Depth(1, 0, 0)):
        return None
    bodies, in_dlq = [message["Body"] for message in peeked(lab) or ()], held(lab, "dlq")
    if POISON not in bodies and in_dlq:
        raise AssertionError("The dead-letter queue still has the message, and the queue has no copy of it.")
    assert POISON in bodies, "The message is lost: it is in neither queue. Run the chapter again."
    assert len(bodies) == 1, f"The queue holds {len(bodies)} messages, not the one."
    assert not in_dlq, "The message is in both queues: delete it from the dead-letter queue."
    return "The message is back in the queue, once, and the dead-letter queue is empty."


def _by_depth(lab: OpenLab) -> str | None:
    """The same where only a receive shows a message: what the queue itself holds is counted, not received."""
    in_dlq = POISON in [message["Body"] for message in dead_letters(lab)]
    in_queue = held(lab)
    if in_dlq and not in_queue:
        return None
    assert not in_dlq, "The message is in both queues: delete it from the dead-letter queue."
    assert not held(lab, "dlq"), "The dead-letter queue holds a message still, in flight."
    assert in_queue == 1, f"The queue holds {in_queue} messages, not the one."
    return "A message is back in the queue, and the dead-letter queue is empty."
