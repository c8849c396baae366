"""What is decided before a run: when deliveries arrive, what they are, and when they would come again."""

import importlib.util
import json
from itertools import pairwise
from pathlib import Path

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.target import AWS, ENDPOINT, LOCAL_CLOUD
from webhook_lab.facts import senders
from webhook_lab.send.arrivals import FASTEST, MOST_DELIVERIES, burst, constant, poisson, ramp
from webhook_lab.send.events import PROVIDERS, event, events
from webhook_lab.send.retries import JITTER, ONCE, doubling, schedule

SECRET = "whsec_" + "QUFB" * 8
RUN = "0123abcd"

# --- arrivals


def test_a_burst_arrives_at_once_and_a_constant_rate_at_equal_distances():
    assert burst(3) == [0, 0, 0]
    assert constant(4, 5) == [0, 0.25, 0.5, 0.75, 1]


@pytest.mark.parametrize(("start", "end"), [(0, 50), (50, 0), (10, 30), (30, 10), (20, 20)])
def test_a_ramp_changes_its_rate_evenly(start, end):
    times, n = ramp(start, end, 2_000), 2_000
    whole = 2 * n / (start + end)
    assert times == sorted(times)
    assert times[-1] == pytest.approx(whole, rel=0.06)
    middle = sum(at < whole / 2 for at in times)
    assert middle == pytest.approx((start + (start + end) / 2) / 2 * whole / 2, abs=2)


def test_poisson_arrivals_have_their_rate_repeat_with_their_seed_and_are_as_irregular_as_they_should_be():
    times = poisson(100, 5_000, seed=7)
    assert times == poisson(100, 5_000, seed=7) != poisson(100, 5_000, seed=8)
    assert times == sorted(times)
    gaps = [after - before for before, after in pairwise(times)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(0.01, rel=0.05)
    deviation = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert deviation == pytest.approx(mean, rel=0.1), "an exponential distribution deviates by its mean"


@pytest.mark.parametrize(
    "plan",
    [
        lambda: burst(0), lambda: burst(-1), lambda: burst(MOST_DELIVERIES + 1), lambda: burst(2.5),
        lambda: burst("many"), lambda: constant(0, 5), lambda: constant(-1, 5), lambda: constant(True, 5),
        lambda: constant(float("nan"), 5), lambda: constant(FASTEST + 1, 5), lambda: poisson(0, 5),
        lambda: poisson(float("inf"), 5), lambda: ramp(0, 0, 5), lambda: ramp(-1, 9, 5),
        lambda: ramp(1, FASTEST * 2, 5), lambda: events(0, secret=SECRET, run=RUN),
        lambda: events(2.5, secret=SECRET, run=RUN),
        lambda: events(5, secret=SECRET, run=RUN, redelivered=1.5),
        lambda: events(5, secret=SECRET, run=RUN, providers=()),
        lambda: event("gitlab", 1, secret=SECRET, run=RUN), lambda: event("github", 1, secret="s", run=RUN),
    ],
)  # fmt: skip
def test_what_is_out_of_range_is_said_at_once(plan):
    with pytest.raises(LabError) as caught:
        plan()
    assert caught.value.where
    assert caught.value.said
    assert caught.value.try_this


# --- events


def load_senders():
    source = Path(__file__).parents[2] / "handlers/publish/senders.py"
    spec = importlib.util.spec_from_file_location("senders_of_publish", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SENDERS = load_senders()


def as_received(delivery):
    return {name.decode().lower(): value.decode() for name, value in delivery.headers_now().items()}


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_handler_names_a_delivery_as_its_sender_does(provider):
    delivery = event(provider, 12, secret=SECRET, run=RUN)
    assert SENDERS.delivery_id(as_received(delivery), delivery.body) == delivery.id


@pytest.mark.parametrize("provider", ["standard-webhooks", "github"])
def test_the_handler_takes_its_signature_for_genuine_and_not_that_of_another_secret(provider):
    delivery = event(provider, 12, secret=SECRET, run=RUN)
    headers = as_received(delivery)
    now = int(headers.get("webhook-timestamp", 0))
    assert SENDERS.is_signed(headers, delivery.body, SECRET, now)
    assert not SENDERS.is_signed(headers, delivery.body, "whsec_" + "QkJC" * 8, now)
    assert not SENDERS.is_signed(headers, delivery.body + b" ", SECRET, now)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_whoever_makes_it_again_makes_the_same_bytes_under_the_same_id(provider):
    once, again = (event(provider, 5, secret=SECRET, run=RUN) for _ in range(2))
    assert (once.id, once.path, once.body, dict(once.headers)) == (
        again.id, again.path, again.body, dict(again.headers),
    )  # fmt: skip
    others = [event(provider, 6, secret=SECRET, run=RUN), event(provider, 5, secret=SECRET, run="other")]
    assert len({once.id, *(other.id for other in others)}) == 3
    assert len({once.body, *(other.body for other in others)}) == 3 or provider in ("slack", "shopify")
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
    assert [delivery.name for delivery in firsts] == [f"{PROVIDERS[i % 5]} {i}" for i in range(50)]
    again = events(50, secret=SECRET, run=RUN, providers=PROVIDERS, redelivered=0.2)
    assert [delivery.id for delivery in again] == ids


# --- retries


def test_schedules_are_those_of_the_facts():
    standard = schedule("standard-webhooks")
    assert (0, *standard.delays) == senders.STANDARD_WEBHOOKS_RETRIES.value
    assert schedule("github").delays == ()
    shopify = schedule("shopify")
    assert len(shopify.delays) == senders.SHOPIFY_RETRIES.value
    assert sum(shopify.delays) == pytest.approx(senders.SHOPIFY_RETRY_PERIOD.value)
    assert sum(schedule("stripe").delays) == pytest.approx(senders.STRIPE_RETRY_PERIOD.value)
    assert schedule("slack").wait == senders.SLACK_WAIT.value
    assert schedule("") is schedule("somebody") is ONCE


def test_each_delay_of_a_doubling_is_twice_the_one_before():
    assert doubling(3, 70) == (10, 20, 40)


def test_a_delay_is_compressed_jittered_within_bounds_and_repeats_with_its_dice():
    standard = schedule("standard-webhooks")
    third = [standard.delay(3, compress=100, dice=str(each)) for each in range(200)]
    assert third == [standard.delay(3, compress=100, dice=str(each)) for each in range(200)]
    assert min(third) >= 1_800 / 100 * (1 - JITTER)
    assert max(third) <= 1_800 / 100 * (1 + JITTER)
    assert len(set(third)) > 190
    assert standard.delay(len(standard.delays) + 1, compress=1, dice="") is None
    assert standard.delay(1, compress=10, dice="", at_least=600) == 60


def test_only_requests_to_aws_are_declared_to_cost_money():
    assert (AWS.charges, ENDPOINT.charges, LOCAL_CLOUD.charges) == (True, False, False)
