"""What is decided before a run: what the deliveries are, and when they would come again."""

import importlib.util
import json
from pathlib import Path

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.send.events import PROVIDERS, event, events
from webhook_lab.send.ranges import MOST_DELIVERIES
from webhook_lab.send.retries import JITTER, STANDARD_WEBHOOKS
from webhook_lab.send.sender import head

SECRET = "whsec_" + "QUFB" * 8
RUN = "0123abcd"


@pytest.mark.parametrize(
    "make",
    [
        lambda: events(0, secret=SECRET, run=RUN), lambda: events(-1, secret=SECRET, run=RUN),
        lambda: events(MOST_DELIVERIES + 1, secret=SECRET, run=RUN),
        lambda: events(2.5, secret=SECRET, run=RUN), lambda: events("many", secret=SECRET, run=RUN),
        lambda: events(True, secret=SECRET, run=RUN),
        lambda: events(5, secret=SECRET, run=RUN, redelivered=1.5),
        lambda: events(5, secret=SECRET, run=RUN, redelivered=float("nan")),
        lambda: events(5, secret=SECRET, run=RUN, providers=()),
        lambda: event("gitlab", 1, secret=SECRET, run=RUN), lambda: event("github", 1, secret="s", run=RUN),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_said_at_once(make):
    with pytest.raises(LabError) as caught:
        make()
    assert caught.value.where
    assert caught.value.said
    assert caught.value.try_this


def load_senders():
    source = Path(__file__).parents[2] / "handlers/shared/senders.py"
    spec = importlib.util.spec_from_file_location("senders_of_publish", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SENDERS = load_senders()


def as_received(delivery):
    return {name.decode(): value.decode() for name, value in head("http://x/prod", delivery).headers}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_handler_names_it_as_its_sender_does_and_takes_no_other_secret_for_genuine(provider):
    delivery = event(provider, 12, secret=SECRET, run=RUN)
    headers = as_received(delivery)
    assert SENDERS.delivery_id(headers, delivery.body, delivery.path, None) == delivery.id
    now = int(headers.get("webhook-timestamp", 0))
    assert SENDERS.signed_by(headers, delivery.body, [SECRET], now)
    assert not SENDERS.signed_by(headers, delivery.body, ["whsec_" + "QkJC" * 8], now)
    assert not SENDERS.signed_by(headers, delivery.body + b" ", [SECRET], now)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_whoever_makes_it_again_makes_the_same_bytes_under_the_same_id(provider):
    once, again = (event(provider, 5, secret=SECRET, run=RUN) for _ in range(2))
    assert (once.id, once.path, once.body, dict(once.headers)) == (
        again.id, again.path, again.body, dict(again.headers),
    )  # fmt: skip
    others = [event(provider, 6, secret=SECRET, run=RUN), event(provider, 5, secret=SECRET, run="other")]
    assert len({once.id, *(other.id for other in others)}) == 3
    assert len({once.body, *(other.body for other in others)}) == 3
    assert isinstance(json.loads(once.body), dict)


def test_providers_take_turns_and_a_redelivery_comes_after_the_first_unchanged():
    made = events(50, secret=SECRET, run=RUN, providers=PROVIDERS, redelivered=0.2)
    assert len(made) == 60
    ids = [delivery.id for delivery in made]
    assert len(set(ids)) == 50
    twice = {id_ for id_ in ids if ids.count(id_) == 2}
    assert len(twice) == 10
    for id_ in twice:
        first, second = (delivery for delivery in made if delivery.id == id_)
        assert first is second
    firsts = [delivery for index, delivery in enumerate(made) if delivery.id not in ids[:index]]
    assert [delivery.name for delivery in firsts] == [f"{PROVIDERS[i % 2]} {i}" for i in range(50)]
    again = events(50, secret=SECRET, run=RUN, providers=PROVIDERS, redelivered=0.2)
    assert [delivery.id for delivery in again] == ids


# --- retries


def test_a_delay_is_compressed_jittered_within_bounds_and_as_long_as_the_server_asks():
    third = [STANDARD_WEBHOOKS.delay(3, compress=100) for _ in range(200)]
    assert min(third) >= 1_800 / 100 * (1 - JITTER)
    assert max(third) <= 1_800 / 100 * (1 + JITTER)
    assert len(set(third)) > 190
    assert STANDARD_WEBHOOKS.delay(len(STANDARD_WEBHOOKS.delays) + 1, compress=1) is None
    assert STANDARD_WEBHOOKS.delay(1, compress=10, at_least=600) == 60
