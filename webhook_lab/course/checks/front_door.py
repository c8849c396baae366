"""Checks of chapter 06: the REST API, what came through it whole, and who was let in."""

import base64
import hashlib

from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.watch.timeline import WAY

EVERY_BYTE = bytes(range(256))


def _any_url(bench: Bench) -> None:
    api = bench.pipeline.look_up("api")
    assert api, "there is no API"
    assert api.paths == ("/", "/{proxy+}"), f"it takes {', '.join(api.paths) or 'no path'}"
    assert api.function_arn == bench.pipeline.get("publish_function").arn, "it invokes another function"
    refused = [each.said for each in bench.pipeline.preflight() if each.rule == "API permission"]
    assert not refused, f"AWS would answer: {'; '.join(refused)}"


def _all_stored(bench: Bench) -> None:
    taken = [answer for answer in bench.answers if answer.status == 202]
    assert taken, "nothing was answered 202"
    stored = [answer for answer in taken if bench.item(answer)]
    assert len(stored) == len(taken), f"{len(stored)} of {len(taken)} are stored"


def _every_byte(bench: Bench) -> None:
    digest = hashlib.sha256(EVERY_BYTE).hexdigest()
    items = [item for answer in bench.answers if (item := bench.item(answer))]
    bodies = [base64.b64decode(item["body"]) for item in items if item["body_sha256"] == digest]
    assert bodies, "the table holds no such body"
    assert set(bodies) == {EVERY_BYTE}, "the bytes were altered"


def _once(bench: Bench) -> None:
    item = bench.item(f"webhook:{bench.delivery_id('order-1')}")
    assert item, "it is not stored"
    messages = len(item["delivered_by"])
    assert messages == 2, f"it was delivered by {messages}"


def _signed_only(bench: Bench) -> None:
    function = bench.pipeline.look_up("publish_function")
    signed = function and function.environment.get("SIGNED_PREFIX")
    assert signed == "/signed/", "the function asks for no signature there"
    lines = bench.logs("publish", until="unauthorized")
    refused = [line for line in lines if line.get("outcome") == "unauthorized"]
    assert len(refused) >= 2, f"{len(refused)} were refused, not the unsigned and the stale one"
    assert not any(line["message_id"] or bench.item(line["id"]) for line in refused), "one was queued"
    for scheme, name in (("webhook", "signed"), ("github", "push-1")):
        item = bench.item(f"{scheme}:{bench.delivery_id(name)}")
        assert item, f"the one signed as {scheme} is not stored"
        assert item["path"].startswith("/signed/"), f"the one signed as {scheme} went to {item['path']}"


def _six_places(bench: Bench) -> None:
    taken = [answer for answer in bench.answers if answer.status == 202]
    assert taken, "nothing was answered 202"
    told = {moment.where for moment in bench.follow(taken[-1])}
    assert told == set(WAY), f"silent were {', '.join(each for each in WAY if each not in told)}"


def _exercise(bench: Bench) -> str | None:
    mine = f"webhook:{bench.delivery_id('by-hand')}"
    if item := bench.item(mine):
        assert item["path"].startswith("/signed/"), f"It went to {item['path']}, which asks for no signature."
        return "/signed/orders took the delivery that you signed."
    ends = [line for line in bench.logs("publish") if line.get("id") == mine and line.get("outcome")]
    if not ends:
        return None
    outcome = ends[-1]["outcome"]
    assert outcome != "unauthorized", "It was refused: the signature is missing, wrong or stale."
    raise AssertionError("It was queued and is not stored yet: run this cell again.")


CHECKS = Checks(
    checkpoints={
        "the API takes any method on any path, and may invoke the function": _any_url,
        "all that was answered 202 is stored": _all_stored,
        "all 256 byte values came out as they went in": _every_byte,
        "two messages carried the delivery, and it is stored once": _once,
        "under /signed/ only what was signed came through": _signed_only,
        "all six places wrote the message down": _six_places,
    },
    exercise=_exercise,
)
