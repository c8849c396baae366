"""Both doors in one picture: what was measured of each, and what it costs by the prices in facts."""

import pytest

from webhook_lab.facts import prices
from webhook_lab.show.doors import Door, doors_chart
from webhook_lab.show.theme import DARK, LIGHT, Theme
from webhook_lab.watch.rows import Sent


def sent(*waits: float) -> list[Sent]:
    return [Sent(f"{n}", "/a", 1, 202, "", 0, wait) for n, wait in enumerate(waits)]


PUBLISH = Door("publish", sent(*range(20, 60), 900), 10_600, seconds=0.0104, log_bytes=800, memory=512)
DIRECT = Door("direct", sent(*range(4, 24)), 10_600)


def test_what_a_million_costs_follows_from_the_listed_prices() -> None:
    lambda_ = 0.20 + 0.011 * 512 / 1024 * 1e6 * 0.0000166667
    assert DIRECT.costs == {"API Gateway": 3.5, "SQS": 0.4}
    assert PUBLISH.costs == pytest.approx({"API Gateway": 3.5, "Lambda": lambda_, "logs": 0.4, "SQS": 0.4})
    assert (PUBLISH.requests, DIRECT.requests) == (3, 2)


@pytest.mark.parametrize(("size", "chunks"), [(0, 1), (64 * 1024, 1), (64 * 1024 + 1, 2), (1_048_576, 16)])
def test_sqs_is_paid_for_each_started_64_kib(size: int, chunks: int) -> None:
    assert Door("direct", [], size).costs["SQS"] == pytest.approx(chunks * prices.SQS_REQUESTS.value)


def test_only_what_was_answered_counts_as_a_wait() -> None:
    refused = Sent("x", "/a", 1, None, "timeout", 0, 10_000.0)
    assert Door("direct", [*sent(1, 2, 3), refused], 1).usual == 2


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_the_picture_says_who_waits_how_long_and_what_it_costs(
    theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhook_lab.show.chart.theme_here", lambda: theme)
    chart = doors_chart([PUBLISH, DIRECT])
    assert chart.says[0] == "Direct, a sender waits 14 ms; with publish, 40 ms"
    assert "USD 3.90" in chart.says[1]
    assert "publish: median 40.0 ms" in chart.summary
    written = " ".join(text.get_text() for axis in chart.figure.axes for text in axis.texts)
    for words in ("median 40 ms", "95 % within", "3 paid requests", "Lambda", "API Gateway", "logs"):
        assert words in written
    assert "1 waited longer" in chart.figure.axes[0].get_title(loc="left")
    assert chart.png() == doors_chart([PUBLISH, DIRECT]).png()
