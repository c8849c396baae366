"""Checks of chapter 04: the publish function, what its role allows, and what it puts on the queue."""

import hashlib

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import (
    allowed,
    body_of,
    ended,
    envelopes,
    held,
    kept_a_day,
    peeked,
    there,
)
from webhook_lab.pipeline.packaging import package

CHECKS = Checks()
CHECKS.claim("the log group keeps its lines for one day")(kept_a_day)


def _ping(lab: OpenLab) -> str:
    """The id of the delivery that the chapter itself sends."""
    return f"github:{lab.delivery_id('ping')}#/github"


@CHECKS.claim("Lambda runs the code in this folder")
def _runs_this_code(lab: OpenLab) -> None:
    runs, here = there(lab, "publish_function").code_sha256, package("publish").code_sha256_base64
    assert runs == here, f"it runs code with digest {runs}, here it is {here}"


@CHECKS.claim("the role allows nothing, and nothing was queued")
def _may_do_nothing(lab: OpenLab) -> None:
    role = there(lab, "publish_role")
    assert not role.policy, f"its role allows {sorted(action for action, _ in allowed(role))}"
    assert held(lab) == 0, f"the queue holds {held(lab)}"


@CHECKS.claim("the role allows sending to one queue and writing one log")
def _may_send(lab: OpenLab) -> None:
    lines = f"{lab.pipeline.get('publish_logs').arn}:*"
    wanted = {("sqs:SendMessage", lab.pipeline.get("queue").arn)}
    wanted |= {(action, lines) for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
    found = allowed(lab.pipeline.look_up("publish_role"))
    assert found == wanted, f"the role allows {sorted(found)}"


@CHECKS.claim("the queue holds the delivery whole, under its sender's id")
def _holds_the_ping(lab: OpenLab) -> None:
    found = [each for each in envelopes(lab) if each["id"] == _ping(lab)]
    assert found, "the queue does not hold it"
    body = body_of(found[0])
    assert hashlib.sha256(body).hexdigest() == found[0]["body_sha256"], "the body was altered"
    assert body.startswith(b'{"zen"'), f"the body is {body[:40]!r}"


@CHECKS.claim("the log says what was queued, and as which message")
def _wrote_it_down(lab: OpenLab) -> None:
    ends = ended(lab, "publish", "queued", wait=True)
    assert _ping(lab) in {line["id"] for line in ends}, "no line says that it was queued"
    assert all(line["message_id"] for line in ends), "a line lacks the message's id"


@CHECKS.claim("what could not be kept whole was refused, and none of it queued")
def _refused_whole(lab: OpenLab) -> None:
    ends = ended(lab, "publish", "too_large", wait=True)
    assert all(line["message_id"] is None for line in ends), "something of it was queued"
    longest = max((len(body_of(each)) for each in envelopes(lab)), default=0)
    assert longest < 1_000, f"the queue holds a body of {longest} bytes"


def _missing(message: str, scheme: str, body: bytes | None) -> str:
    """What the exercise still asks of this message; nothing when it is the one asked for."""
    if scheme != "github":
        return f"The id begins with '{scheme}:': no header names GitHub's delivery."
    if message != "hello from /orders/7":
        return f"The queue holds {message!r}."
    if body is not None and (not body or body.startswith(b'{"zen"')):
        return "The body is not one of your own."
    return ""


def _put_there(lab: OpenLab) -> dict[str, tuple[str, str, bytes | None]]:
    """By the id of each delivery that publish put on the queue: its message, its id's scheme, its body.

    Where only a receive shows a message, out of the ids in publish's log, which name the scheme and the path:
    a look would take it nearer to the dead-letter queue. Nobody knows the body then.
    """
    if peeked(lab) is not None:
        seen = envelopes(lab)
        return {each["id"]: (each["message"], each["id"].split(":")[0], body_of(each)) for each in seen}
    ids = [line["id"] for line in ended(lab, "publish", "queued")]
    return {id_: (f"hello from {id_.partition('#')[2]}", id_.split(":")[0], None) for id_ in ids}


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    mine = [about for id_, about in _put_there(lab).items() if id_ != _ping(lab)]
    if not mine:
        return None
    missing = [_missing(*about) for about in mine]
    assert "" in missing, missing[-1]
    said = "The queue holds 'hello from /orders/7' under GitHub's id"
    return f"{said}." if mine[missing.index("")][2] is None else f"{said}, with a body of your own."
