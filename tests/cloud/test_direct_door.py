"""The door without a function: what comes through whole, what is refused, and that nothing of it is left."""

import base64
import json
import secrets
import statistics
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tools.recorded import deliveries_folder
from webhook_lab import sweep
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.facts import quotas
from webhook_lab.lab import Lab
from webhook_lab.local_cloud import Cloud
from webhook_lab.resources.direct_api import COPIED, KEPT, TEMPLATE
from webhook_lab.send.recorded import read_deliveries
from webhook_lab.send.run import Run
from webhook_lab.send.sender import Delivery
from webhook_lab.send.signing import github_headers, new_secret
from webhook_lab.watch.items import read_items

SAMPLE = Path(__file__).parents[2] / "notebooks" / "recorded"
WHOLE = "1+1 & 100%25 = \U0001f600 渡辺 #if($x) {}\n\t\"'"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def lab(cloud: Cloud) -> Iterator[Lab]:
    """Both doors, and a signature asked for under /signed/ at each."""
    lab = Lab.open(chapter="15")
    lab.configure(signed_prefix="/signed/", signing_secret=new_secret())
    lab.create_function("publish")
    lab.create_function("subscribe")
    lab.create_role("direct")
    lab.create_direct_api()
    yield lab
    lab.teardown()


def body_of(item: dict[str, Any]) -> bytes:
    text = str(item["body"])
    return base64.b64decode(text) if item["body_is_base64"] else text.encode()


def held(lab: Lab) -> int:
    return lab.depth().visible + lab.depth().in_flight


def test_any_url_says_hello_and_every_character_comes_through(lab: Lab) -> None:
    item = lab.wait_for(lab.send("/hello", WHOLE, door="direct_api"))
    assert (item["message"], body_of(item)) == ("hello from /hello", WHOLE.encode())
    item = lab.wait_for(lab.send("/a%20b/c?shop=7&x=1%2B1", "x", method="PUT", door="direct_api"))
    assert (item["method"], item["path"], item["query"]) == ("PUT", "/a%20b/c", "shop=7&x=1%2B1")
    item = lab.wait_for(lab.send("/", "x", door="direct_api"))
    assert item["message"] == "hello from /"


def test_headers_travel_as_attributes_and_only_those_that_are_there(lab: Lab) -> None:
    headers = {"X-GITHUB-Delivery": "d-1", "X-GitHub-Event": "push", "Authorization": "secret", "Cookie": "x"}
    item = lab.wait_for(lab.send("/hello", "{}", headers={**headers, **JSON}, door="direct_api"))
    kept = {"x-github-delivery": "d-1", "x-github-event": "push", "content-type": "application/json"}
    assert (item["id"], item["headers"]) == ("github:d-1#/hello", kept)


def test_what_sqs_refuses_is_a_400_with_its_words(lab: Lab) -> None:
    many = dict.fromkeys([name for name in KEPT.split() if name != "content-encoding"][1:11], "1")
    told = {
        "shorter than": lab.send("/hello", b"x" * (quotas.SQS_MESSAGE_BYTES.value + 1), door="direct_api"),
        "characters": lab.send("/hello", "\x00", door="direct_api"),
        "maximum [10]": lab.send("/hello", "x", headers=many, door="direct_api"),
    }
    for words, answer in told.items():
        assert answer.status == 400
        assert words in answer.json["error"]
    assert held(lab) == 0


@pytest.mark.parametrize("kind", ["application/octet-stream", "application/xml", "image/png", "nonsense"])
def test_a_content_type_that_it_does_not_take_is_a_415_and_nothing_is_queued(lab: Lab, kind: str) -> None:
    answer = lab.send("/hello", "x", headers={"Content-Type": kind}, door="direct_api")
    assert (answer.status, answer.json) == (415, {"message": "Unsupported Media Type"})
    assert held(lab) == 0


def test_an_api_whose_role_may_not_send_queues_nothing(lab: Lab) -> None:
    try:
        lab.create_role("direct", policy=None)
        refused = lab.send("/hello", "x", door="direct_api")
        assert (refused.status, "not authorized" in refused.json["error"]) == (400, True)
        lab.create_role("direct", service="lambda.amazonaws.com")
        assert lab.send("/hello", "x", door="direct_api").status == 500
    finally:
        lab.create_role("direct")
    assert held(lab) == 0
    assert lab.send("/hello", "x", door="direct_api").status == 202


def signed(lab: Lab, delivery: Delivery) -> dict[str, str]:
    """The delivery's own headers, with a signature and an id of this run."""
    secret, event = lab.pipeline.settings.signing_secret, delivery.headers["X-GitHub-Event"]
    made = github_headers(secret, delivery.body, delivery_id=lab.delivery_id("d"), event=event)
    return {**delivery.headers, **made}


def test_the_template_that_is_copied_alters_a_recorded_delivery_and_breaks_its_signature(lab: Lab) -> None:
    recorded = list(read_deliveries([SAMPLE]))
    assert len(recorded) >= 3
    for template, whole in ((COPIED, False), (TEMPLATE, True)):
        lab.create_direct_api(template=template)
        for delivery in recorded:
            headers = signed(lab, delivery)
            item = lab.wait_for(lab.send("/signed/a", delivery.body, headers=headers, door="direct_api"))
            assert ("unauthorized_as" not in item, body_of(item) == delivery.body) == (whole, whole)


def test_a_wrong_signature_is_answered_202_and_set_aside_and_the_right_one_stored(lab: Lab) -> None:
    delivery = next(read_deliveries([SAMPLE]))
    body, headers = delivery.body + b" ", signed(lab, delivery)
    item = lab.wait_for(lab.send("/signed/forged", body, headers=headers, door="direct_api"))
    assert (item["unauthorized_as"], body_of(item)) == (f"github:{lab.delivery_id('d')}#/signed/forged", body)
    assert lab.item(item["unauthorized_as"]) is None
    item = lab.wait_for(lab.send("/signed/forged", delivery.body, headers=headers, door="direct_api"))
    assert ("unauthorized_as" in item, body_of(item)) == (False, delivery.body)


def test_what_was_changed_by_hand_is_put_back(lab: Lab) -> None:
    api = lab.aws.apigateway
    before = lab.pipeline.look_up("direct_api")
    resources = api.get_resources(restApiId=before.id)["items"]
    where: Any = {"restApiId": before.id, "resourceId": resources[0]["id"], "httpMethod": "ANY"}
    api.delete_integration_response(**where, statusCode="500")
    api.put_method(**{**where, "httpMethod": "GET"}, authorizationType="NONE")
    lab.create_direct_api()
    calls = [call.method for call in lab.aws.calls.since(lab._step)]
    assert "put_integration_response" in calls
    assert "create_deployment" not in calls or before == lab.pipeline.look_up("direct_api")
    lab.create_direct_api()
    again = [call.method for call in lab.aws.calls.since(lab._step)]
    assert not [name for name in again if not name.startswith("get_")]
    assert lab.pipeline.look_up("direct_api") == before


def test_teardown_proves_zero_with_both_doors_standing(lab: Lab) -> None:
    other = Session(resolve())
    names = replace(lab.names, prefix=f"lab-{secrets.token_hex(3)}")
    pipeline = type(lab.pipeline)(other, names, lab.pipeline.ledger)
    pipeline.build()
    pipeline.ensure("direct_role")
    pipeline.ensure("direct_api")
    found = sweep.remaining(other, names.prefix)
    assert {(each.kind, each.name) for each in found} >= {
        ("api", names.api), ("api", names.direct), ("role", names.direct)
    }  # fmt: skip
    sweep.remove(other, [each for each in found if each.kind == "api"])
    pipeline.ensure("api")
    pipeline.ensure("direct_api")
    assert names.direct in {each.name for each in pipeline.teardown().removed}
    assert sweep.remaining(other, names.prefix) == []


def recorded(lab: Lab, path: str) -> list[Delivery]:
    """GitHub's recorded deliveries, each signed as GitHub does."""
    folder, secret = deliveries_folder(), lab.pipeline.settings.signing_secret
    if not folder.is_dir():
        pytest.skip("the recorded deliveries are not there: make recorded")
    deliveries = []
    for each in read_deliveries([folder], url_path=path):
        own, event = each.headers["X-GitHub-Delivery"], each.headers["X-GitHub-Event"]
        headers = github_headers(secret, each.body, delivery_id=own, event=event)
        deliveries.append(replace(each, headers={**each.headers, **headers}))
    return deliveries


@pytest.mark.recorded
def test_the_copied_template_alters_as_many_of_the_recorded_deliveries_as_the_chapter_says(lab: Lab) -> None:
    deliveries = recorded(lab, "/signed/copied")
    lab.create_direct_api(template=COPIED)
    run = Run(lab.url_of("direct_api"), deliveries, concurrency=4).start().wait()
    lab.create_direct_api()
    assert run.counts == {"202": len(deliveries)}

    def came() -> list[dict[str, Any]] | None:
        items = read_items(lab.aws.dynamodb, table=lab.names.table)
        mine = [item for item in items if item["path"] == "/signed/copied"]
        return mine if sum(len(item["delivered_by"]) for item in mine) == len(deliveries) else None

    items = retry_until(came, seconds=120, reason="all to be judged")
    aside = sum(len(item["delivered_by"]) for item in items if "unauthorized_as" in item)
    chapter = (SAMPLE.parent / "11_remove_the_middleman.ipynb").read_text(encoding="utf-8")
    assert f"Of the {len(deliveries)} recorded" in chapter
    assert f"alters {aside}." in chapter


@pytest.mark.recorded
def test_every_recorded_delivery_passes_byte_for_byte_and_once(cloud: Cloud, lab: Lab) -> None:
    deliveries = recorded(lab, "/signed/recorded")
    bodies = {each.body for each in deliveries}  # GitHub signs the bytes: the same ones are one delivery

    def stored() -> dict[str, bytes] | None:
        items = read_items(lab.aws.dynamodb, table=lab.names.table)
        mine = {item["id"]: body_of(item) for item in items if item["path"] == "/signed/recorded"}
        return None if held(lab) or len(mine) < len(bodies) else mine

    for _ in range(2):  # the second time each is a redelivery, which changes nothing
        run = Run(lab.url_of("direct_api"), deliveries, concurrency=4).start().wait()
        assert run.counts == {"202": len(deliveries)}, run
        found = retry_until(stored, seconds=120, reason="the queue to drain")
        assert sorted(found.values()) == sorted(bodies)
        assert not [key for key in found if "#unauthorized" in key or "#conflict" in key]


def test_the_direct_door_answers_sooner_than_publish(lab: Lab) -> None:
    """In turns, so that whatever else the machine does slows both; how much sooner is the bench's to say."""
    waits: dict[str, list[float]] = {"api": [], "direct_api": []}
    for n in range(30):
        for door, taken in waits.items():
            body = json.dumps({"n": n, "text": "x" * 2_000})
            taken.append(lab.send("/hello", body, headers=JSON, door=door).milliseconds)
    assert statistics.median(waits["direct_api"]) <= statistics.median(waits["api"])
