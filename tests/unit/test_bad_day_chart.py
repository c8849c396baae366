"""The chart of a bad day: it says what its samples say, whatever order log lines came in."""

from webhook_lab.show.bad_day import day_chart, samples_of


def test_changes_in_any_order_add_up_to_what_is_true_at_each_moment() -> None:
    changes = [(3_000, "waiting", -1), (1_000, "arrived", 1), (1_000, "waiting", 1), (2_000, "arrived", 1)]
    samples = samples_of(changes, since=1_000, now=5_000)
    told = {
        metric: [(each.at, each.value) for each in samples if each.metric == metric]
        for metric in ("arrived", "waiting")
    }
    assert told["arrived"] == [(0, 0), (0, 1), (1, 2), (4, 2)]
    assert told["waiting"] == [(0, 0), (0, 1), (2, 0), (4, 0)]


def test_it_says_how_fast_they_came_and_what_became_of_them() -> None:
    changes = [
        *((100 * n, "arrived", 1) for n in range(1, 31)),
        (3_000, "refused", 8),
        *((100 * n, "waiting", 1) for n in range(1, 23)),
        (6_000, "waiting", -19),
        (9_000, "dlq", 3),
    ]
    chart = day_chart(samples_of(changes, since=0, now=9_000))
    assert chart.says == (
        "30 requests within 3 s, 8 refused",
        "22 waited at most, 3 wait now, 3 dead; no invocations at once",
    )


def test_a_day_on_which_nothing_happened_has_a_chart_too() -> None:
    assert day_chart(samples_of([], since=0, now=1_000)).says[0] == "no requests within 0 s, none refused"
