"""What is told of the model: fair turns, ceilings, cost, charts, the panel."""

import numpy as np
import pytest

from webhook_lab.facts import prices
from webhook_lab.scale.ceilings import ceilings
from webhook_lab.scale.cost import VARIANTS, cost, idle_month
from webhook_lab.scale.fair import Turns, longest
from webhook_lab.scale.fluid import outline
from webhook_lab.scale.forecast import forecast
from webhook_lab.scale.measured import service_times
from webhook_lab.scale.scenario import Flow, Scenario
from webhook_lab.show import scale
from webhook_lab.show.paper import PaperPanel
from webhook_lab.watch.rows import Invocation

MILLION = Scenario((Flow(1_000_000, 0.0, 600.0),), work_seconds=0.25)
NOISE = Flow(2_000, 10.0, 1.0, "noisy")
QUIET = [Flow(20, 0.0, 100.0, f"quiet {n}") for n in range(5)]


def turns(throttle: int, *, fair: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    limit = {"maximum_concurrency": throttle, "reserved_concurrency": throttle}
    many = Scenario((NOISE, *QUIET), **limit, work_seconds=0.5)
    return dict(Turns(many, fair=fair).run())


def test_a_noisy_sender_lets_the_others_go_first_in_a_fair_queue_alone() -> None:
    line, fair = turns(10, fair=False), turns(10, fair=True)
    assert longest(line, without="noisy") > 60
    assert longest(fair, without="noisy") < 10
    assert all(len(fair[name][0]) == len(line[name][0]) for name in line), "nothing is lost"


def test_nobody_is_noisy_below_thirty_in_flight() -> None:
    line, fair = turns(2, fair=False), turns(2, fair=True)
    assert all(np.array_equal(fair[name][1], line[name][1]) for name in line)


def test_the_next_ceiling_is_the_throttle_then_pollers_and_then_the_table() -> None:
    assert {each.what for each in ceilings(MILLION)[:2]} == {
        "MaximumConcurrency", "subscribe, in its concurrency",
    }  # fmt: skip
    wide = ceilings(MILLION.but(maximum_concurrency=900, reserved_concurrency=900))
    assert [each.what for each in wide[:2]] == ["the first 5 pollers", "a new table's write units"]
    assert ceilings(MILLION.but(message_groups=1))[0].what == "FIFO message groups"


def test_a_million_costs_what_the_prices_say() -> None:
    original, ours, direct, fifo = (cost(variant, memory=512) for variant in VARIANTS)
    assert ours["API Gateway"] == prices.REST_API_REQUESTS.value
    assert ours["DynamoDB"] == pytest.approx(11 * prices.DYNAMODB_WRITES.value)
    assert ours["SQS"] == pytest.approx((1 + 0.2 + 0.1) * prices.SQS_REQUESTS.value)
    assert original["DynamoDB"] == pytest.approx(2 * prices.DYNAMODB_WRITES.value)
    assert sum(direct.values()) < sum(ours.values()) < sum(fifo.values())
    assert cost(VARIANTS[1], memory=512, deliveries=100)["SQS"] == pytest.approx(ours["SQS"] / 10_000)
    assert cost(VARIANTS[1], memory=1_024)["Lambda"] > ours["Lambda"]
    assert idle_month() == pytest.approx(0.26, abs=0.01)


def test_service_times_are_read_off_a_run_without_work() -> None:
    """Two pollers: 20 ms for each of two records, 10 ms between invocations."""
    runs = [Invocation(f"{p}{n}", "f", 50 * n, 50 * n + 40, 2) for n in range(10) for p in "ab"]
    measured = service_times(runs, pollers=2)
    assert measured["each_message_seconds"] == pytest.approx(0.02)
    assert measured["each_batch_seconds"] == pytest.approx(0.009)


def test_charts_say_what_they_show() -> None:
    small = Scenario((Flow(2_000),), work_seconds=0.1)
    chart = scale.forecast_chart({"two": forecast(small), "fluid": outline(small)})
    assert "2,000 stored, 0 dead" in chart.summary
    assert scale.ceilings_chart(small).says[0].startswith("The next limit: ")
    assert "DynamoDB 6.88" in scale.cost_chart().summary
    lines = {"in one line": turns(10, fair=False), "fair": turns(10, fair=True)}
    assert "in one line; " in scale.waits_chart(lines, noisy="noisy").says[0]
    assert "in_flight_most" in repr(scale.parameters_card(small))


def test_a_slider_is_answered_by_the_fluid_model_and_the_button_by_the_exact_one() -> None:
    panel = PaperPanel(Scenario((Flow(10_000),), work_seconds=0.1))
    before = panel.answer.value
    panel.throttle.value = 50
    assert panel.answer.value != before
    assert "fluid answer." in panel.answer.value
    panel.run()
    assert "exact model" in panel.answer.value
    assert panel.progress.value == 1.0
    assert not panel.exact.disabled


def test_the_panel_says_what_it_has_no_memory_for(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = PaperPanel(Scenario((Flow(10_000),)))
    monkeypatch.setattr("webhook_lab.scale.scenario.BYTES_EACH", 10**12)
    panel.run()
    assert "outline(scenario)" in panel.answer.value
