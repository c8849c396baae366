"""The model against the local cloud: three drains that nobody chose, none of them fitted."""

import random

import pytest

from webhook_lab.lab import Lab
from webhook_lab.lab.run import WatchedRun
from webhook_lab.local_cloud import Cloud
from webhook_lab.scale.forecast import forecast
from webhook_lab.scale.measured import service_times
from webhook_lab.scale.scenario import Flow

SEED = random.SystemRandom().randrange(10_000)
OFF = 0.08
"""How far the model may be off, as a share of what was measured."""


def drain(lab: Lab, *, throttle: int, batch: int, work: float, messages: int) -> WatchedRun:
    """Fill the queue while the mapping is off, then let it drain."""
    lab.configure(batch_size=batch, work_seconds=work)
    lab.create_function("subscribe")
    lab.create_mapping(enabled=False)
    lab.set_throttle(throttle)
    lab.create_mapping(enabled=False)
    run = lab.watch(show=False)
    lab.burst(messages, cap=2 * messages).wait()
    lab.create_mapping()
    return run.wait()


@pytest.mark.alone
def test_three_drains_take_as_long_as_the_model_says(cloud: Cloud) -> None:
    print("seed", SEED)
    chance, lab = random.Random(SEED), Lab.open(chapter="08")
    try:
        bare = drain(lab, throttle=2, batch=10, work=0.0, messages=100)
        measured = service_times(bare.invocations, pollers=2)
        for _ in range(3):
            throttle, batch = chance.choice((2, 3, 4)), chance.choice((1, 2, 5))
            work = round(chance.uniform(0.2, 0.4), 2)
            messages = batch * throttle * max(2, round(6 / work / batch))
            run = drain(lab, throttle=throttle, batch=batch, work=work, messages=messages)
            load = {"publish_seconds": 0.0, "api_burst": messages}
            paper = forecast(lab.scenario(Flow(messages), **load, **measured))
            asked = f"seed {SEED}: {messages} by {batch}, {throttle} at once, {work} s each"
            assert paper.ended == pytest.approx(run.drained_in, rel=OFF), asked
    finally:
        lab.teardown()
