"""Checks of chapter 06: the REST API, what came through it whole, and who was let in."""

import hashlib

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import body_of, ended, missing, named, stored, there
from webhook_lab.watch.rows import Answer
from webhook_lab.watch.timeline import WAY

CHECKS = Checks()
EVERY_BYTE = bytes(range(256))


def _taken(lab: OpenLab) -> list[Answer]:
    """The answers by which publish has taken a delivery on."""
    taken = [answer for answer in lab.answers if answer.status == 202]
    assert taken, "nothing was answered 202"
    return taken


@CHECKS.claim("the API takes any method on any path, and may invoke the function")
def _any_url(lab: OpenLab) -> None:
    api = there(lab, "api")
    assert api.paths == ("/", "/{proxy+}"), f"it takes {', '.join(api.paths) or 'no path'}"
    assert api.function_arn == lab.pipeline.get("publish_function").arn, "it invokes another function"
    refused = [each.said for each in lab.pipeline.preflight() if each.rule == "API permission"]
    assert not refused, f"AWS would answer: {'; '.join(refused)}"


@CHECKS.claim("all that was answered 202 is stored")
def _all_stored(lab: OpenLab) -> None:
    taken = _taken(lab)
    lost = missing(lab, taken)
    assert not lost, f"{len(taken) - len(lost)} of {len(taken)} are stored"


@CHECKS.claim("all 256 byte values came out as they went in")
def _every_byte(lab: OpenLab) -> None:
    digest = hashlib.sha256(EVERY_BYTE).hexdigest()
    items = [item for answer in lab.answers if (item := lab.item(answer))]
    bodies = {body_of(item) for item in items if item["body_sha256"] == digest}
    assert bodies, "the table holds no such body"
    assert bodies == {EVERY_BYTE}, "the bytes were altered"


@CHECKS.claim("two messages carried the delivery, and it is stored once")
def _once(lab: OpenLab) -> None:
    by = stored(lab, "order-1")["delivered_by"]
    assert len(by) == 2, f"it was delivered by {len(by)}"


@CHECKS.claim("under /signed/ only what was signed came through")
def _signed_only(lab: OpenLab) -> None:
    signed = there(lab, "publish_function").environment.get("SIGNED_PREFIX")
    assert signed == "/signed/", "the function asks for no signature there"
    refused = ended(lab, "publish", "unauthorized", wait=True)
    assert len(refused) >= 2, f"{len(refused)} were refused, not the unsigned and the stale one"
    assert not any(line["message_id"] or lab.item(line["id"]) for line in refused), "one was queued"
    for name in ("signed", "push-1"):
        path = stored(lab, name)["path"]
        assert path.startswith("/signed/"), f"{name} went to {path}"


@CHECKS.claim("bytes that were captured are one item, whatever id they come under")
def _captured(lab: OpenLab) -> None:
    item = stored(lab, "push-1")
    again = [line for line in ended(lab, "publish", "queued") if line["id"] == item["id"]]
    assert len(again) == 2, f"they were queued {len(again)} times"
    assert len(item["delivered_by"]) == 2, f"{len(item['delivered_by'])} messages carried the item"


@CHECKS.claim("the question was answered, and nothing of it queued")
def _answered(lab: OpenLab) -> None:
    assert any(answer.status == 200 for answer in lab.answers), "nothing was answered 200"
    ends = ended(lab, "publish", "handshake", wait=True)
    assert not any(line["message_id"] for line in ends), "it was queued"


@CHECKS.claim("all six places wrote the message down")
def _six_places(lab: OpenLab) -> None:
    told = {moment.where for moment in lab.follow(_taken(lab)[-1])}
    assert told == set(WAY), f"silent were {', '.join(each for each in WAY if each not in told)}"


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    mine = f"webhook:{lab.delivery_id('by-hand')}#"
    if paths := [item["path"] for item in named(lab, "by-hand")]:
        signed = any(path.startswith("/signed/") for path in paths)
        assert signed, f"It went to {paths[0]}, which asks for no signature."
        return "/signed/orders took the delivery that you signed."
    lines = [line for line in lab.logs("publish") if line.get("outcome")]
    ends = [line for line in lines if str(line["id"]).startswith(mine)]
    if not ends:
        return None
    outcome = ends[-1]["outcome"]
    assert outcome != "unauthorized", "It was refused: the signature is missing, wrong or stale."
    raise AssertionError("It was queued and is not stored yet: run this cell again.")
