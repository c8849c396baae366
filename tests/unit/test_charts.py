"""Charts: what their titles claim, what their alternative texts say, and that nothing runs into anything."""

import itertools
import subprocess
import sys

import pytest
from matplotlib.colors import to_rgba
from matplotlib.text import Annotation, Text

from tests.simulated_run import SimulatedRun
from webhook_lab.show.bars import attempts_chart, rows_of, timeline_chart
from webhook_lab.show.charts import latency_chart, panels_chart, prediction_chart
from webhook_lab.show.series import CONCURRENCY, COUNTS, DEPTH, MOST, RUN, Series, collect, findings
from webhook_lab.show.theme import BLUE, DARK, GREEN, INK, LIGHT, ORANGE, PURPLE, theme_in_jupyterlab
from webhook_lab.watch.rows import Invocation, Sample, Sent, Work


def samples_of(*, messages, limit=2, then=None, seconds=40):
    """A burst at 1 s, watched 5 times a second; at 8 s the limit becomes `then`."""
    at = 0.0
    run = SimulatedRun(limit=limit, clock=lambda: at)
    samples = []
    for fifth in range(5 * seconds + 1):
        at = fifth / 5
        if at == 1:
            run.send(messages)
        if at == 8 and then:
            run.throttle(then)
        samples += run.sample()
        if run.is_over():
            break
    return samples


def run_chart(samples, panels=RUN, **how):
    return panels_chart(panels, collect(samples, panels), **how)


def bars(*spans, function="subscribe"):
    return [Invocation(f"r{i}", function, start, end, 1) for i, (start, end) in enumerate(spans)]


def works(*spans, outcome="stored"):
    return [Work(f"d{i}", f"m{i}", f"r{i}", start, end, outcome) for i, (start, end) in enumerate(spans)]


def sent(number, milliseconds=9.0):
    return [Sent(f"d{i}", "/hello", 1, 202, "", i * 10, milliseconds) for i in range(number)]


def tries(message_id, *spans):
    """Attempts at one message: (request, start, finish, outcome)."""
    return [Work(f"d-{message_id}", message_id, *span[:1], *span[1:]) for span in spans]


POISON = [
    *tries("p", ("r1", 120, 125, "failed"), ("r2", 6_120, 6_125, "failed"), ("r3", 13_120, 13_125, "failed")),
    *tries("a", ("r1", 0, 40, "stored"), ("r2", 6_000, 6_040, "redelivered")),
    *tries("b", ("r1", 40, 80, "stored"), ("r2", 6_040, 6_080, "redelivered")),
]
NAMED = {"p": "refund", "a": "order 1", "b": "order 2"}
CUT = [
    *tries("a", ("r1", 0, 1_210, "stored"), ("r2", 6_100, 6_120, "redelivered")),
    *tries("b", ("r1", 1_210, 2_000, "cut"), ("r2", 6_120, 6_200, "stored")),
    *tries("c", ("r2", 6_200, 6_280, "stored")),
]
TWICE = tries("a", ("r1", 0, 2_000, "stored"), ("r2", 1_050, 3_060, "redelivered"))


SPANS = [(0, 500), (10, 510), (500, 1000), (520, 1020)]
CHARTS = {
    "run": lambda: run_chart(samples_of(messages=60, then=4), marks=[(8, "throttle 4")]),
    "one panel": lambda: run_chart(samples_of(messages=6), panels=[COUNTS]),
    "many marks": lambda: run_chart(
        samples_of(messages=60), marks=[(8, "throttle 4"), (8.3, "throttle 5"), (8.4, "throttle 6")]
    ),
    "twelve marks": lambda: run_chart(
        samples_of(messages=60),
        marks=[(1 + i, f"throttle {i + 2}" if i % 3 else "burst 300") for i in range(12)],
    ),
    "twelve marks at the end": lambda: run_chart(
        samples_of(messages=60), marks=[(14 + i / 5, f"burst {i * 20}") for i in range(12)]
    ),
    "prediction": lambda: prediction_chart(samples_of(messages=60), [(1, 60), (16, 0)], took=15),
    "much sooner than predicted": lambda: prediction_chart(
        samples_of(messages=10), [(1, 60), (16, 0)], took=2.5, marks=[(1, "burst 10"), (2, "throttle 4")]
    ),
    "much later than predicted": lambda: prediction_chart(
        samples_of(messages=60), [(1, 60), (2, 0)], took=15, left=3
    ),
    "latency": lambda: latency_chart(sent(4), works(*SPANS)),
    "timeline": lambda: timeline_chart(bars(*SPANS), works(*SPANS), began=0, marks=[(0.5, "here")]),
    "poison": lambda: attempts_chart(
        POISON, NAMED, visibility_timeout=6, dead={"p": 19_100}, marks=[(9, "partial batch responses")]
    ),
    "cut off": lambda: attempts_chart(
        CUT, {"a": "order 1", "b": "order 2", "c": "order 3"}, visibility_timeout=6, dead={}
    ),
    "twice at once": lambda: attempts_chart(TWICE, {"a": "order 7"}, visibility_timeout=1, dead={}),
}
EMPTY = {
    "run": lambda: run_chart([]),
    "prediction": lambda: prediction_chart([], [(0, 60), (15, 0)], took=15),
    "latency": lambda: latency_chart([], []),
    "timeline": lambda: timeline_chart([], began=0),
    "attempts": lambda: attempts_chart([], {}, visibility_timeout=6, dead={}),
    "not tried": lambda: attempts_chart([], NAMED, visibility_timeout=6, dead={}),
}


@pytest.fixture(params=[LIGHT, DARK], ids=["light", "dark"])
def theme(request, monkeypatch):
    monkeypatch.setattr("webhook_lab.show.chart.theme_here", lambda: request.param)
    return request.param


def texts_of(figure):
    """What is written, and where."""
    figure.draw_without_rendering()
    written = [*figure.texts, *(text for axis in figure.axes for text in axis.findobj(Text))]
    return [
        (text.get_text(), text.get_window_extent())
        for text in written
        if text.get_text() and text.get_visible()
    ]


# --- what a chart claims


@pytest.mark.parametrize(
    ("burst", "says"),
    [
        (
            {"messages": 60},
            "The queue absorbed 58; 2 invocations at a time drained it in 15 s",
        ),
        ({"messages": 60}, "Never more than 2 invocations at once (limit 2); 60 stored, none dead"),
        ({"messages": 60, "then": 4}, "up to 4 invocations at a time"),
        ({"messages": 60, "then": 4}, "(limit 2, then 4)"),
        ({"messages": 60, "seconds": 4}, "46 waiting in the queue, 2 in flight"),
    ],
)
def test_the_title_says_what_the_queue_absorbed_and_who_drained_it(burst, says):
    assert says in ". ".join(run_chart(samples_of(**burst)).says)


@pytest.mark.parametrize(
    ("panel", "values", "says"),
    [
        (CONCURRENCY, {"limit": 2, "concurrency": 3}, "3 invocations at once, above the limit of 2"),
        (DEPTH, {"visible": 0, "in_flight": 0}, "Nothing had to wait in the queue"),
        (COUNTS, {"stored": 57, "duplicates": 1, "dlq": 2}, "57 stored, 1 duplicate, 2 dead"),
    ],
)
def test_a_panel_claims_no_more_than_was_seen(panel, values, says):
    samples = [Sample(0, metric, value) for metric, value in values.items()]
    assert findings([panel], collect(samples, [panel])) == [says]


@pytest.mark.parametrize(
    ("chart", "says", "summary"),
    [
        (
            lambda: prediction_chart(samples_of(messages=60), [(1, 60), (16, 0)], took=15.3),
            "Predicted 15.0 s, took 15.3 s: 2.0% more",
            "The queue held 60 messages at most.",
        ),
        (
            CHARTS["latency"],
            "Answered in 9 ms (median); stored within 1.0 s",
            "4 of 4 deliveries answered, 4 stored.",
        ),
        (CHARTS["timeline"], "4 invocations, never more than 2 at once", "stored 4."),
        (
            lambda: timeline_chart(bars((0, None)), works((0, 700)), began=0),
            "1 invocation, never more than 1 at once",
            "0.7 s from the first to the last; stored 1.",
        ),
        (
            CHARTS["poison"],
            (
                "Refund failed 3 times, then lay in the dead-letter queue. "
                "2 messages were stored and run again all the same"
            ),
            "19.1 s; refund: failed 3, in the DLQ; order 1 to order 2: stored 1, redelivered 1.",
        ),
        (
            CHARTS["cut off"],
            "Order 2 was cut off once. 1 message was stored and run again all the same",
            "order 2: cut 1, stored 1; order 3: stored 1.",
        ),
        (CHARTS["twice at once"], "Order 7 was worked on by 2 at once, stored once", "redelivered 1."),
        (
            lambda: attempts_chart(POISON, {"p": "refund"}, visibility_timeout=6, dead={}),
            "Refund failed 3 times",
            "19.0 s; refund: failed 3.",
        ),
    ],
)
def test_a_chart_says_what_was_found_and_the_numbers_behind_it(chart, says, summary):
    found = chart()
    assert ". ".join(found.says) == says
    assert found.summary.endswith(summary)


@pytest.mark.parametrize("chart", EMPTY.values(), ids=EMPTY)
def test_a_chart_of_nothing_is_a_picture_that_says_so(chart):
    assert chart().png().startswith(b"\x89PNG")
    assert any(word in repr(chart()) for word in ("Nothing", "no ", "No "))


def test_there_are_as_many_rows_as_ever_ran_at_once():
    assert list(rows_of(bars(*SPANS)).values()) == [0, 1, 0, 1]
    assert list(rows_of(bars((0, None), (10, 20), (30, 40))).values()) == [0, 1, 1]


# --- how a chart looks and reads


@pytest.mark.parametrize("chart", CHARTS.values(), ids=CHARTS)
def test_nothing_is_written_over_anything_or_off_the_paper(chart, theme):
    figure = chart().figure
    assert figure.get_facecolor() == to_rgba(theme.paper)
    for axis in figure.axes:
        assert all(max(line.get_xdata()) <= axis.get_xlim()[1] for line in axis.lines)
    written = texts_of(figure)
    for words, box in written:
        assert box.x0 >= 0, words
        assert box.y0 >= 0, words
        assert box.x1 <= figure.bbox.x1, words
        assert box.y1 <= figure.bbox.y1, words
    for (one, its), (other, others) in itertools.combinations(written, 2):
        shared = its.intersection(its, others)
        assert shared is None or min(shared.width, shared.height) < 2, f"{one!r} and {other!r}"


@pytest.mark.parametrize("stopped", [1.4, 2, 3, 6, 9.2, 12, 15.8, 16])
@pytest.mark.parametrize("predicted", [2, 7, 15, 60])
def test_no_curve_runs_through_a_name_beside_it_wherever_a_run_was_stopped(stopped, predicted):
    seen = [each for each in samples_of(messages=60) if each.at <= stopped]
    expected = [(1, 60), (1 + predicted, 0)]
    figure = prediction_chart(seen, expected, took=stopped - 1, left=1).figure
    (axis,) = figure.axes
    curves = [line.get_transform().transform_path(line.get_path()) for line in axis.lines]
    names = {words: box for words, box in texts_of(figure) if words in ("predicted", "measured")}
    assert len(names) == 2
    for words, box in names.items():
        assert not any(curve.intersects_bbox(box, filled=False) for curve in curves), words


@pytest.mark.parametrize("make", CHARTS.values(), ids=CHARTS)
def test_the_same_rows_give_the_same_picture_with_its_words_as_alternative_and_plain_text(make):
    chart = make()
    assert chart.png() == make().png()
    data, metadata = chart.bundle()
    assert data["text/plain"] == metadata["image/png"]["alt"] == repr(chart)
    assert metadata["image/png"]["width"] == 960
    assert all(part in repr(chart) for part in (*chart.says, chart.summary))


def test_lines_are_named_where_they_end_and_there_is_no_legend():
    figure = CHARTS["run"]().figure
    assert not any(axis.get_legend() for axis in figure.axes)
    named = {text.get_text() for axis in figure.axes for text in axis.findobj(Annotation)}
    assert {"waiting 0", "running 0", "limit 4", "stored 60", "dead 0"} <= named


def luminance(colour):
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", [BLUE, ORANGE, GREEN, PURPLE, INK])
def test_every_colour_stands_out_on_light_and_on_dark(colour, theme):
    one, other = sorted((luminance(theme.mixed(colour)), luminance(theme.paper)))
    assert (other + 0.05) / (one + 0.05) >= 4.5  # what WCAG asks of small letters


@pytest.mark.parametrize(
    ("settings", "chosen"),
    [
        (None, LIGHT),
        ('{\n    // "theme": "JupyterLab Dark"\n    "theme": "JupyterLab Light"\n}', LIGHT),
        ('{\n    // Theme\n    "theme": "JupyterLab Dark"\n}', DARK),
        ('{"theme": "JupyterLab Dark High Contrast"}', DARK),
    ],
)
def test_the_picture_that_stays_follows_the_theme_chosen_in_jupyterlab(
    tmp_path, monkeypatch, settings, chosen
):
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    if settings:
        folder = tmp_path / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        folder.mkdir(parents=True)
        (folder / "themes.jupyterlab-settings").write_text(settings, encoding="utf-8")
    assert theme_in_jupyterlab() is chosen


def test_a_notebook_without_charts_does_not_wait_for_matplotlib():
    program = "import sys, webhook_lab.show.live; print('matplotlib' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"


# --- what a series keeps


def test_a_series_stays_small_and_keeps_first_last_least_and_greatest():
    series = Series()
    for i in range(10 * MOST):
        series.add(i / 5, {777: 999, 3333: -5}.get(i, i % 7))
    values = [value for _, value in series.points]
    assert len(series.points) <= MOST
    assert (max(values), min(values), series.peak) == (999, -5, 999)
    assert series.points[0] == (0, 0)
    assert series.points[-1] == (2 * MOST - 0.2, (10 * MOST - 1) % 7)


def test_a_thinned_series_is_as_fine_at_its_beginning_as_at_its_end():
    series = Series()
    for i in range(20 * MOST):
        series.add(i / 5, i % 2)
    at = [at for at, _ in series.points]
    middle = at[-1] / 2
    assert sum(each < middle for each in at) >= len(at) / 4


@pytest.mark.parametrize(
    ("step", "came", "path"),
    [
        (False, [(0, 1), (1, 3), (2, 2)], "M0,1L100,3L200,2"),
        (True, [(0, 1), (1, 3), (2, 2)], "M0,1H100V3H200V2"),
        (False, [(1, 3), (2, 2), (0, 1)], "M0,1L100,3L200,2"),
    ],
    ids=["lines", "steps", "late"],
)
def test_the_path_is_that_of_the_points_and_a_late_one_is_put_where_it_belongs(step, came, path):
    series = Series(step=step)
    for at, value in came:
        series.add(at, value)
    assert series.points == sorted(came)
    assert (series.path, series.last) == (path, 2)


def test_empty_means_that_zero_followed_something():
    series = Series()
    for at, value in ((0, 0), (1, 5), (2, 0), (3, 0)):
        series.add(at, value)
    assert series.zero_since() == 2
    series.add(4, 1)
    assert series.zero_since() is None
    assert collect([Sample(0, "visible", 0)], RUN)["visible"].zero_since() is None
