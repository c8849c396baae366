"""The model against what is known of queues by other ways: laws, closed forms, SimPy; and what it refuses."""

import time
import tracemalloc
from math import factorial

import numpy as np
import pytest

from tests.unit.simpy_queue import SimpyQueue
from webhook_lab.aws.errors import LabError
from webhook_lab.facts import quotas
from webhook_lab.pipeline import Settings
from webhook_lab.scale.arrivals import let_in, poisoned_among, queued_at
from webhook_lab.scale.calm import QuickEngine
from webhook_lab.scale.engine import Engine
from webhook_lab.scale.fluid import outline
from webhook_lab.scale.forecast import forecast
from webhook_lab.scale.scenario import ASSUMED, Flow, Scenario

MILLION = 1_000_000
BARE = {"each_batch_seconds": 0.0, "each_message_seconds": 0.0, "publish_seconds": 0.0, "payload_bytes": 1}


def queue_of(servers: int, *, messages: int, load: float, **instead: object) -> Scenario:
    """One message a batch, random arrivals, a second of work on average."""
    seconds = messages / (servers * load)
    throttle = {"maximum_concurrency": servers, "reserved_concurrency": servers, "batch_size": 1}
    return Scenario(
        (Flow(messages, 0.0, seconds),),
        **{**BARE, **throttle, "work_seconds": 1.0, "random_arrivals": True, **instead},
    )


def waits_of(engine: Engine) -> np.ndarray:
    """Seconds that each message waited before its first service began."""
    begun = np.full(len(engine.times), np.inf)
    for place, begin, _ in engine.served or ():
        begun[place] = min(begun[place], begin)
    return begun - engine.times


# --- laws and closed forms


def test_littles_law_holds_the_mean_number_is_the_rate_times_the_mean_time() -> None:
    engine = QuickEngine(queue_of(3, messages=20_000, load=0.9, random_work=True, seed=5), trace=True).run()
    waits, tally = waits_of(engine), engine.tally
    area = tally.curve("waiting").sum() * tally.width
    assert area == pytest.approx(waits.sum(), rel=0.01)
    services = sum(end - begin for _, begin, end in engine.served)
    assert tally.curve("in_flight").sum() * tally.width == pytest.approx(services, rel=0.01)


@pytest.mark.parametrize("servers", [2, 4])
def test_random_work_waits_as_erlang_says(servers: int) -> None:
    load = 0.8
    engine = QuickEngine(
        queue_of(servers, messages=300_000, load=load, random_work=True, function_timeout=150), trace=True
    ).run()
    offered = servers * load
    tail = offered**servers / factorial(servers) / (1 - load)
    must_wait = tail / (sum(offered**n / factorial(n) for n in range(servers)) + tail)
    assert waits_of(engine).mean() == pytest.approx(must_wait / (servers * (1 - load)), rel=0.04)


@pytest.mark.parametrize("servers", [2, 4])
def test_work_of_one_length_waits_as_crommelin_says(servers: int) -> None:
    load, most = 0.8, 400
    engine = QuickEngine(queue_of(servers, messages=300_000, load=load, seed=2), trace=True).run()
    assert waits_of(engine).mean() == pytest.approx(mean_wait_of_even_work(servers, load, most), rel=0.03)


def mean_wait_of_even_work(servers: int, load: float, most: int) -> float:
    """M/D/c, exactly: who is there after a service time is who was not in service, and who came meanwhile."""
    came = np.exp(-servers * load) * np.cumprod(np.r_[1.0, servers * load / np.arange(1, most)])
    there = came
    for _ in range(2_000):
        left = np.r_[there[: servers + 1].sum(), there[servers + 1 :], np.zeros(servers)]
        there = np.convolve(left, came)[:most]
    waiting = np.maximum(np.arange(most) - servers, 0)
    return float((waiting * there).sum() / (servers * load))


# --- SimPy


SMALL = {
    "one poller for each place": {"pollers": 3, "room": 3, "batch": 10},
    "one message at a time": {"pollers": 2, "room": 2, "batch": 1},
    "poison": {"pollers": 3, "room": 3, "batch": 4, "poisoned": 0.05},
    "over-pull": {"pollers": 5, "room": 2, "batch": 5},
}


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("model", [QuickEngine, Engine])
def test_simpy_says_the_same_of_every_message(name: str, model: type[Engine]) -> None:
    case = dict(SMALL[name])
    pollers, room, batch = case["pollers"], case["room"], case["batch"]
    scenario = Scenario(
        (Flow(600, 0.0, 40.0), Flow(200, 10.0, 2.0)),
        batch_size=batch, maximum_concurrency=pollers, reserved_concurrency=room, work_seconds=0.1,
        function_timeout=5.0, visibility_timeout=5.5, max_receive_count=3, table_writes=1e9,
        poisoned=case.get("poisoned", 0.0), random_arrivals=True, seed=7,
    )  # fmt: skip
    engine = model(scenario, trace=True).run()
    other = SimpyQueue(
        queued_at(scenario)[0].tolist(), pollers, room, batch, scenario.each_batch_seconds,
        scenario.each_message_seconds + scenario.work_seconds, scenario.visibility_timeout, 3,
        frozenset(poisoned_among(scenario)[:-1].astype(int).tolist()), seed=scenario.seed,
    ).run()  # fmt: skip
    assert [place for place, *_ in sorted(engine.served)] == [place for place, *_ in sorted(other.served)]
    np.testing.assert_allclose(sorted(engine.served), sorted(other.served), atol=1e-6)
    assert engine.tally.curve("dead")[-1] == len(other.dead)
    assert bool(other.dead) == (name in ("poison", "over-pull"))


# --- the limits


def test_the_quick_engine_says_the_same() -> None:
    scenario = Scenario(
        (Flow(5_000, 0.0, 500.0), Flow(20_000, 100.0, 5.0), Flow(100, 1_000.0, 3_000.0)),
        maximum_concurrency=None, reserved_concurrency=None, work_seconds=2.0, batch_size=5,
        visibility_timeout=200, random_arrivals=True,
    )  # fmt: skip
    quick, whole = (model(scenario, trace=True).run() for model in (QuickEngine, Engine))
    np.testing.assert_allclose(sorted(quick.served), sorted(whole.served), atol=1e-9)


def test_pollers_grow_by_the_minute_up_to_what_the_account_runs() -> None:
    """After a minute 300 more, in the account's 900 that need not be kept free."""
    scenario = Scenario((Flow(60_000),), maximum_concurrency=None, reserved_concurrency=None, batch_size=1,
                        work_seconds=10.0, table_writes=1e9)  # fmt: skip
    engine = QuickEngine(scenario).run()
    running, times = engine.tally.curve("running"), engine.tally.times
    assert [running[np.searchsorted(times, at)] for at in (50, 110, 170)] == [5, 305, 605]
    assert running.max() == quotas.LAMBDA_ACCOUNT_CONCURRENCY.value - 100


def test_no_more_than_120_000_are_in_flight() -> None:
    """A database that is down: what fails stays in flight until its visibility timeout ends."""
    wide = {"maximum_concurrency": 900, "reserved_concurrency": 900, "table_writes": 1e9}
    down = {"failing": (0, 2_000), "max_receive_count": None, "visibility_timeout": 600}
    scenario = Scenario((Flow(300_000),), **wide, **down)
    answer = forecast(scenario)
    assert 119_000 < answer.in_flight.max() <= quotas.SQS_IN_FLIGHT.value
    assert answer.facts["stored"] == 300_000


def test_a_group_of_a_fifo_queue_is_worked_on_one_batch_at_a_time() -> None:
    alone = Scenario((Flow(50),), maximum_concurrency=None, message_groups=1, batch_size=1, work_seconds=1.0)
    assert QuickEngine(alone).run().tally.curve("running").max() == 1


def test_reserved_concurrency_alone_sends_good_messages_to_the_dead_letter_queue() -> None:
    trap = Scenario((Flow(5_000),), work_seconds=0.08, batch_size=5, visibility_timeout=1, function_timeout=1,
                    max_receive_count=3, maximum_concurrency=None)  # fmt: skip
    assert forecast(trap).facts["dead"] > 0
    assert forecast(trap.but(maximum_concurrency=2)).facts["dead"] == 0


def test_what_waits_longer_than_the_queue_keeps_it_is_gone() -> None:
    answer = forecast(Scenario((Flow(2_000),), work_seconds=1.0, batch_size=1, queue_retention=100.0))
    assert answer.expired > 1_000
    assert answer.facts["stored"] + answer.expired == 2_000


def test_a_function_that_needs_longer_than_its_timeout_stores_nothing() -> None:
    answer = forecast(Scenario((Flow(50),), work_seconds=10.0, batch_size=10))
    assert (answer.facts["stored"], answer.facts["dead"]) == (0, 50)


def test_a_bucket_lets_its_burst_in_at_once_and_the_rest_at_its_rate() -> None:
    times = np.zeros(100)
    assert let_in(times, rate=10.0, burst=20) == 80
    assert times[19] == 0
    assert times[99] == pytest.approx(8.0)


def test_one_new_table_is_slower_than_a_thousand_invocations() -> None:
    scenario = Scenario((Flow(50_000),), maximum_concurrency=900, reserved_concurrency=900)
    floor = 50_000 * scenario.write_units / quotas.DYNAMODB_NEW_TABLE_WRITES.value
    assert forecast(scenario).ended == pytest.approx(floor, rel=0.02)


# --- the fluid answer


@pytest.mark.parametrize(
    "instead",
    [
        {},
        {"work_seconds": 0.25, "batch_size": 1},
        {"maximum_concurrency": 100, "reserved_concurrency": 100, "work_seconds": 0.5},
        {
            "maximum_concurrency": None,
            "reserved_concurrency": None,
            "work_seconds": 1.0,
            "payload_bytes": 1_000,
        },
        {"flows": (Flow(100_000, 0.0, 3_600.0), Flow(50_000, 1_000.0))},
    ],
)
def test_the_fluid_answer_is_close_to_the_exact_one(instead: dict) -> None:
    scenario = Scenario(**{"flows": (Flow(100_000),), **instead})
    fluid, exact = outline(scenario), forecast(scenario)
    for name in ("waiting at most", "oldest waited", "seconds", "stored"):
        assert fluid.facts[name] == pytest.approx(exact.facts[name], rel=0.03), name


def test_the_fluid_answer_comes_at_once_for_any_number() -> None:
    outline(Scenario((Flow(1),)))
    began = time.process_time()
    answer = outline(Scenario((Flow(10**12),), queue_retention=10**9))
    assert time.process_time() - began < 0.2
    assert answer.facts["stored"] == pytest.approx(10**12, rel=0.001)


# --- what it costs to ask


def test_memory_is_at_most_16_bytes_for_each_message_that_waits() -> None:
    scenario = Scenario((Flow(MILLION),))
    QuickEngine(Scenario((Flow(100_000),))).run()
    tracemalloc.start()
    QuickEngine(scenario).run()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak / MILLION <= 16  # eight of them its time; the rest are books, which do not grow with it


# --- bad input


@pytest.mark.parametrize(
    ("instead", "said"),
    [
        ({"maximum_concurrency": 1}, "AWS takes 2 to 1,000"),
        ({"visibility_timeout": 20}, "less than Function timeout: 30 seconds"),
        ({"work_seconds": float("nan")}, "work_seconds is nan"),
        ({"api_rate": -1.0}, "api_rate is -1.0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": 100}, "window in seconds must be greater than 0"),
        ({"reserved_concurrency": 950}, "below its minimum value of \\[100\\]"),
        ({"poisoned": 2.0}, "poisoned is 2.0"),
        ({"failing": (0.0, float("inf"))}, "failing is inf"),
    ],
)
def test_what_aws_would_refuse_is_refused_with_its_reason(instead: dict, said: str) -> None:
    with pytest.raises(LabError, match=said):
        Scenario((Flow(10),), **instead)


@pytest.mark.parametrize("flow", [(-1,), (1.5,), (1, float("nan")), (1, 0.0, -1.0)])
def test_a_load_that_is_none_is_refused(flow: tuple) -> None:
    with pytest.raises(LabError, match="set up a model"):
        Flow(*flow)


def test_more_messages_than_memory_are_offered_the_fluid_answer() -> None:
    with pytest.raises(LabError, match="outline"):
        forecast(Scenario((Flow(10**13),)))


def test_an_unknown_parameter_is_refused_with_those_that_exist() -> None:
    with pytest.raises(LabError, match="visibility_timeout"):
        Scenario.of(Settings(), Flow(1), speed=3)


def test_every_parameter_says_who_says_so_and_settings_are_the_pipelines() -> None:
    scenario = Scenario.of(Settings(work_seconds=0.5), Flow(1))
    sources = {name: source for name, _, source in scenario.parameters()}
    assert sources["each_batch_seconds"] == ASSUMED
    assert sources["in_flight_most"].startswith("https://docs.aws.amazon.com/")
    assert scenario == Scenario((Flow(1),), work_seconds=0.5), "the defaults are the pipeline's"


def test_nothing_to_do_is_done_at_once() -> None:
    assert forecast(Scenario((Flow(0),))).facts["seconds"] == 0
    assert outline(Scenario((Flow(0),))).facts["stored"] == 0
