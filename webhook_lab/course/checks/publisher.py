"""Checks of chapter 04: the publish function, what its role allows, and what it puts on the queue."""

import base64
import hashlib
from typing import Any

from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.course.checks.look import allowed, envelopes
from webhook_lab.pipeline.packaging import package


def _ping(bench: Bench) -> str:
    """The id of the delivery that the chapter itself sends."""
    return f"github:{bench.delivery_id('ping')}"


def _logs_kept_a_day(bench: Bench) -> None:
    group = bench.pipeline.look_up("publish_logs")
    assert group, "there is no log group"
    assert group.retention_days == 1, f"its lines are kept {group.retention_days or 'for ever'}"


def _runs_this_code(bench: Bench) -> None:
    function = bench.pipeline.look_up("publish_function")
    assert function, "there is no function"
    here = package("publish").code_sha256_base64
    assert function.code_sha256 == here, f"it runs code with digest {function.code_sha256}, here it is {here}"


def _may_do_nothing(bench: Bench) -> None:
    role = bench.pipeline.look_up("publish_role")
    assert role, "there is no role"
    assert not role.policy, f"its role allows {sorted(action for action, _ in allowed(role))}"
    held = bench.depth()
    assert held.visible + held.in_flight == 0, f"the queue holds {held.visible + held.in_flight}"


def _may_send(bench: Bench) -> None:
    queue = bench.pipeline.get("queue")
    lines = f"{bench.pipeline.get('publish_logs').arn}:*"
    wanted = {("sqs:SendMessage", queue.arn)}
    wanted |= {(action, lines) for action in ("logs:CreateLogStream", "logs:PutLogEvents")}
    found = allowed(bench.pipeline.look_up("publish_role"))
    assert found == wanted, f"the role allows {sorted(found)}"


def _holds_the_ping(bench: Bench) -> None:
    found = [each for each in envelopes(bench) if each["id"] == _ping(bench)]
    assert found, "the queue does not hold it"
    body = _body(found[0])
    assert hashlib.sha256(body).hexdigest() == found[0]["body_sha256"], "the body was altered"
    assert body.startswith(b'{"zen"'), f"the body is {body[:40]!r}"


def _wrote_it_down(bench: Bench) -> None:
    ends = [line for line in bench.logs("publish", until="queued") if line.get("outcome") == "queued"]
    assert _ping(bench) in {line["id"] for line in ends}, "no line says that it was queued"
    assert all(line["message_id"] for line in ends), "a line lacks the message's id"


def _refused_whole(bench: Bench) -> None:
    ends = [line for line in bench.logs("publish", until="too_large") if line.get("outcome") == "too_large"]
    assert all(line["message_id"] is None for line in ends), "something of it was queued"
    longest = max((len(_body(each)) for each in envelopes(bench)), default=0)
    assert longest < 1_000, f"the queue holds a body of {longest} bytes"


def _body(envelope: dict[str, Any]) -> bytes:
    body = str(envelope["body"])
    return base64.b64decode(body) if envelope["body_is_base64"] else body.encode()


def _missing(envelope: dict[str, Any]) -> str:
    """What the exercise still asks of this message; nothing when it is the one asked for."""
    if envelope["message"] != "hello from /orders/7":
        return f"The queue holds {envelope['message']!r}."
    if not envelope["id"].startswith("github:"):
        return (
            f"The id begins with {envelope['id'].split(':')[0] + ':'!r}: no header names GitHub's delivery."
        )
    if not _body(envelope) or _body(envelope).startswith(b'{"zen"'):
        return "The body is not one of your own."
    return ""


def _exercise(bench: Bench) -> str | None:
    mine = [each for each in envelopes(bench) if each["id"] != _ping(bench)]
    if not mine:
        return None
    missing = [_missing(each) for each in mine]
    assert "" in missing, missing[-1]
    return "The queue holds 'hello from /orders/7' under GitHub's id, with a body of your own."


CHECKS = Checks(
    checkpoints={
        "the log group keeps its lines for one day": _logs_kept_a_day,
        "Lambda runs the code in this folder": _runs_this_code,
        "the role allows nothing, and nothing was queued": _may_do_nothing,
        "the role allows sending to one queue and writing one log": _may_send,
        "the queue holds the delivery whole, under its sender's id": _holds_the_ping,
        "the log says what was queued, and as which message": _wrote_it_down,
        "what could not be kept whole was refused, and none of it queued": _refused_whole,
    },
    exercise=_exercise,
)
