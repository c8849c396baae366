"""What the database chapter shows: cards, the comparison of designs, the limits, and their controls."""

import io
from dataclasses import replace

from matplotlib.image import imread

from webhook_lab.database.connection_limits import CLASSES, connection_limit
from webhook_lab.database.outcome import Design, Outcome
from webhook_lab.show.burst import PANELS, outcome_card
from webhook_lab.show.database_charts import designs_chart, limits_chart
from webhook_lab.show.limits import LimitsPanel, bars, limit_card
from webhook_lab.show.series import collect, findings
from webhook_lab.watch.rows import Sample, Sent


def outcome(design: Design = Design(), *, lost: int = 0, crash: bool = False) -> Outcome:  # noqa: B008
    sent = tuple(Sent(f"order-{i}", "/", 1, 500 if i < lost else 200, "", 0, float(i)) for i in range(500))
    samples = tuple(
        Sample(i / 10, metric, 8) for i in range(20) for metric in ("connections", "stored", "memory")
    )
    errors = {"FATAL: sorry, too many clients already": lost} if lost else {}
    marks = ((0.5, "database crashes"), (1.5, "it is back")) if crash else ()
    again = 40 if crash and design.consumers else 0
    return Outcome(design, "run", 16, sent, 500 - lost, errors, samples, again, 2.0, marks)


NAIVE, QUEUE = outcome(lost=300), outcome(Design(consumers=10))
RETRIED, POOLER = outcome(Design(retries=3), lost=60), outcome(Design(pool=10))
CRASHES = (outcome(Design(pool=10), lost=12, crash=True), outcome(Design(consumers=10), crash=True))


def test_an_outcome_is_told_in_numbers_and_in_postgresqls_words() -> None:
    text = repr(outcome_card(NAIVE))
    assert text.startswith("300 of 500 webhooks lost: connect per webhook")
    assert "8 of 16" in text
    assert "8 MB" in text
    assert "300 x" in text
    assert "FATAL: sorry, too many clients already" in text
    assert "40" in repr(outcome_card(CRASHES[1]))


def test_the_comparison_says_what_the_queue_saved() -> None:
    chart = designs_chart([NAIVE, RETRIED, QUEUE, POOLER, *CRASHES])
    assert chart.says[0] == "A queue loses none of 500 webhooks, not even when the database crashes"
    assert "a connection per webhook: 300 of 500 lost" in repr(chart)
    assert "a pooler, database crashes: 12 of 500 lost" in repr(chart)
    assert designs_chart([NAIVE, QUEUE]).says[0] == "A queue loses none of 500 webhooks"
    assert designs_chart([NAIVE]).says[0] == "300 of 500 webhooks lost"


def test_the_comparison_takes_the_newest_of_each_design_under_the_first_limit() -> None:
    raised, doubled = replace(NAIVE, limit=396), outcome(Design(consumers=8, connections_each=2))
    chart = designs_chart([NAIVE, outcome(lost=200), raised, doubled, QUEUE])
    assert chart.summary == "a connection per webhook: 200 of 500 lost; a queue, 10 consumers: 0 of 500 lost."


def test_the_pictures_are_drawn_twice_as_wide_as_they_are_shown() -> None:
    for chart in (designs_chart([NAIVE, QUEUE, *CRASHES]), limits_chart()):
        assert imread(io.BytesIO(chart.png())).shape[1] == 1_920


def test_the_limits_are_told_with_the_size_that_is_enough() -> None:
    assert limits_chart().says[0].startswith("Below 16 GiB no database")
    assert limits_chart(per_invocation=5).says[0].startswith("Below 64 GiB no database")
    assert limits_chart(per_invocation=9).says[0].startswith("No database")
    assert "RDS for PostgreSQL: 112 to 5,000" in limits_chart().summary


def test_a_burst_is_told_while_it_goes_on() -> None:
    samples = [Sample(0.1, "connections", 16), Sample(0.1, "limit", 16), Sample(0.1, "stored", 40)]
    says = findings(PANELS, collect([*samples, Sample(0.1, "refused", 7)], PANELS))
    assert says == ["16 connections at once: all that PostgreSQL allows", "40 stored, refused 7 times"]
    queued = [Sample(0.1, "connections", 10), Sample(0.1, "limit", 16), Sample(0.1, "waiting", 480)]
    says = findings(PANELS, collect(queued, PANELS))
    assert says[0] == "10 connections at once, of 16 that PostgreSQL allows"
    assert "480 had to wait in the queue" in says[1]


def test_a_limit_is_answered_on_a_card_and_by_bars_that_say_what_they_show() -> None:
    text = repr(limit_card("RDS for PostgreSQL", "db.t4g.small", kept_share=0.2, per_invocation=2))
    assert "safe MaximumConcurrency" in text
    assert "90" in text
    assert "none is safe" in repr(limit_card("Aurora MySQL", "db.t4g.small", per_invocation=40))
    html = bars(connection_limit("RDS for MySQL", "db.t4g.micro", kept_share=0.2))
    assert "MaximumConcurrency: at most 68" in html
    assert "has 85 connections: 17 kept for others, 68 for functions." in html
    assert "ask for 1,000: 932 find no room." in html
    assert "all find room" in bars(connection_limit("RDS for MySQL", "db.r6g.2xlarge"))


def test_the_controls_answer_whatever_is_chosen() -> None:
    panel = LimitsPanel()
    assert "at most 180" in panel.answer.value
    panel.kept.value, panel.each.value = 0, 5
    assert "at most 45" in panel.answer.value
    panel.engine.value = "Aurora PostgreSQL"
    assert panel.instance_class.options == tuple(CLASSES[i] for i in (2, 3, 5, 6, 7))
    assert "Aurora PostgreSQL on db.t4g.medium has 405" in panel.answer.value
    panel.engine.value = "RDS for MySQL"
    assert panel.instance_class.value == "db.t4g.medium"
    bundle = panel._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert bundle["text/html"] == panel.answer.value
