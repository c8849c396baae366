"""The checks of chapter 11 fail where something is not so, and say what."""

from pathlib import Path

import pytest

from tests.cloud.checked_lab import Verdict, at, fails, lab, ledger, verdict
from webhook_lab.course.checks.direct import PROOF
from webhook_lab.lab import Lab
from webhook_lab.resources.direct_api import COPIED, TYPES
from webhook_lab.send.recorded import read_deliveries
from webhook_lab.send.signing import github_headers, new_secret

__all__ = ["lab", "ledger", "verdict"]
pytestmark = at("11")
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def test_hello_is_claimed_of_the_direct_door_alone(lab: Lab) -> None:
    claim = "/hello came out as hello from /hello, and publish never ran"
    fails(lab, claim, "there is no direct door")
    lab.create_role("direct")
    lab.create_direct_api()
    fails(lab, claim, "nothing that came to /hello is stored")
    lab.wait_for(lab.send("/hello", "x", door="direct_api"))
    lab.checkpoint(claim)
    lab.wait_for(lab.send("/hello", "x"))
    lab.logs("publish", until="queued")
    fails(lab, claim, "publish ran")


def test_what_was_altered_and_what_is_whole_are_told_apart(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(NOTEBOOKS)
    secret = new_secret()
    lab.configure(signed_prefix="/signed/", signing_secret=secret)
    lab.create_function("subscribe")
    lab.create_role("direct")
    altered, whole = (
        "the copied template altered recorded deliveries, so that no signature held",
        "each recorded delivery is stored as it was sent, once",
    )
    first = next(read_deliveries([Path("recorded")]))
    headers = first.headers | github_headers(secret, first.body, delivery_id=lab.delivery_id("a"))
    lab.create_direct_api(template=COPIED)
    fails(lab, altered, "nothing of it is stored")
    lab.wait_for(lab.send("/signed/github", first.body, headers=headers, door="direct_api"))
    lab.checkpoint(altered)
    fails(lab, whole, "none is stored as good")
    lab.create_direct_api()
    lab.wait_for(lab.send("/signed/github", first.body, headers=headers, door="direct_api"))
    fails(lab, altered, "one came through whole")
    lab.checkpoint(whole)
    forged = "what was forged is set aside and counted, and no good delivery is missing"
    fails(lab, forged, "nothing was forged")
    lab.wait_for(lab.send("/signed/forged", b"{}", headers=headers, door="direct_api"))
    lab.logs("subscribe", until="unauthorized")
    lab.checkpoint(forged)


def test_the_exercise_wants_one_more_type_and_one_delivery_of_it(lab: Lab, verdict: Verdict) -> None:
    lab.create_role("direct")
    lab.create_direct_api()
    assert verdict() == "Exercise: not tried yet."
    lab.create_direct_api(types=(PROOF,))
    assert "is answered 415 now" in verdict()
    lab.create_direct_api(types=(*TYPES, PROOF))
    assert "now send one" in verdict()
    lab.wait_for(lab.send("/events", "{}", headers={"Content-Type": PROOF}, door="direct_api"))
    assert verdict() == f"Exercise: solved. The door takes {PROOF} too."


def test_both_doors_are_claimed_when_both_bursts_are_stored(lab: Lab) -> None:
    claim = "through either door, all that was sent is stored once"
    fails(lab, claim, "of /publish 0 are stored")
