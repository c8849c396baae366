"""Checks of chapter 11: what came through the direct door, whole or altered, and what was set aside."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import body_of, ended
from webhook_lab.facts import quotas
from webhook_lab.resources.direct_api import TYPES, DirectApi
from webhook_lab.watch.items import read_items

CHECKS = Checks()
DIRECT = "direct_api"
PROOF = "application/cloudevents+json"
"""The content type that the exercise lets in."""


def _door(lab: OpenLab) -> DirectApi:
    """The direct door as it stands now."""
    found = lab.pipeline.look_up(DIRECT)
    assert isinstance(found, DirectApi), "there is no direct door"
    return found


def _items(lab: OpenLab) -> Iterator[dict[str, Any]]:
    """What came by a message that publish has written no line about; a learner's own items have no path."""
    by_publish = {line["message_id"] for line in ended(lab, "publish", "queued")}
    for item in read_items(lab.aws.dynamodb, table=lab.names.table):
        if "path" in item and not by_publish & item["delivered_by"]:
            yield item


@CHECKS.claim("/hello came out as hello from /hello, and publish never ran")
def _hello(lab: OpenLab) -> None:
    assert _door(lab).stage, "the API is not deployed"
    items = [item for item in _items(lab) if item["path"] == "/hello"]
    assert items, "nothing that came to /hello is stored"
    assert {item["message"] for item in items} == {"hello from /hello"}, "it is another message"
    assert not lab.logs("publish"), "publish ran"


def _recorded(lab: OpenLab) -> tuple[set[bytes], list[dict[str, Any]]]:
    """The recorded bodies, and the items of all that was sent to /signed/github directly."""
    folder = Path("recorded")
    bodies = {file.read_bytes() for file in folder.glob("*.json")}
    items = [item for item in _items(lab) if item["path"] == "/signed/github"]
    assert bodies, f"there are no recorded deliveries in {folder.resolve()}"
    assert items, "nothing of it is stored"
    return bodies, items


@CHECKS.claim("the copied template altered recorded deliveries, so that no signature held")
def _altered(lab: OpenLab) -> None:
    bodies, items = _recorded(lab)
    assert all(body_of(item) not in bodies for item in items), "one came through whole"
    assert all("unauthorized_as" in item for item in items), "one was taken for good"


@CHECKS.claim("each recorded delivery is stored as it was sent, once")
def _whole(lab: OpenLab) -> None:
    bodies, items = _recorded(lab)
    good = [body_of(item) for item in items if "unauthorized_as" not in item]
    assert len(good) == len(set(good)), "one is stored twice"
    assert set(good) == bodies & set(good), "one was altered, and taken for good"
    assert good, "none is stored as good"


@CHECKS.claim("what was forged is set aside and counted, and no good delivery is missing")
def _aside(lab: OpenLab) -> None:
    lines = ended(lab, "subscribe", "unauthorized", wait=True)
    kept = {id_ for item in _items(lab) if "unauthorized_as" in item for id_ in item["delivered_by"]}
    assert {line["message_id"] for line in lines} == kept, "what was counted is not what was kept"
    forged = [item for item in _items(lab) if item["path"] == "/signed/forged"]
    assert forged, "nothing was forged"
    assert all("unauthorized_as" in item for item in forged), "a forged delivery was taken for good"


@CHECKS.claim("through either door, all that was sent is stored once")
def _both(lab: OpenLab) -> None:
    items = read_items(lab.aws.dynamodb, table=lab.names.table)
    for path in ("/publish", "/direct"):
        some = [item for item in items if item.get("path") == path]
        assert len(some) >= 40, f"of {path} {len(some)} are stored"
        assert all(len(item["delivered_by"]) == 1 for item in some), f"of {path} one came twice"


@CHECKS.claim("a body that no item holds lies in the bucket, and its item says where")
def _claimed(lab: OpenLab) -> None:
    items = read_items(lab.aws.dynamodb, table=lab.names.table)
    claims = [(item["body_claim"], item["body_sha256"]) for item in items if "body_claim" in item]
    assert claims, "no item refers to a bucket"
    for claim, digest in claims:
        body = lab.aws.s3.get_object(Bucket=claim["bucket"], Key=claim["key"])["Body"].read()
        assert len(body) > quotas.DYNAMODB_ITEM_BYTES.value, f"{len(body)} bytes would have fitted"
        assert hashlib.sha256(body).hexdigest() == digest, "the body was altered"


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    types = set(_door(lab).types)
    came = [item for item in _items(lab) if item["headers"].get("content-type") == PROOF]
    if PROOF not in types and not came:
        return None
    assert types >= set(TYPES), (
        f"Of what it took, {', '.join(sorted(set(TYPES) - types))} is answered 415 now."
    )
    assert came, f"The door takes {PROOF}; now send one, and run this cell again when it is stored."
    assert _door(lab).rows()[3][1] == "url-encoded", "The template alters what it takes."
    return f"The door takes {PROOF} too."
