"""The live view: frames while a run goes on, a still picture at its end, however it ends."""

import asyncio
import base64
import itertools
import os
import subprocess
import threading
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from jupyter_client.manager import start_new_kernel

from tests.simulated_run import SimulatedRun
from webhook_lab.show import live as live_module
from webhook_lab.show.axes import axis_end, axis_top, spread, tick, values_below
from webhook_lab.show.charts import panels_chart
from webhook_lab.show.live import Live, tail
from webhook_lab.show.live_svg import frame
from webhook_lab.show.series import MOST, RUN, collect
from webhook_lab.show.size import WIDTH
from webhook_lab.watch.rows import Sample

ROOT = Path(__file__).resolve().parents[2]
WATCH = """
from tests.simulated_run import SimulatedRun
from webhook_lab.show.live import Live
from webhook_lab.show.series import RUN
run = SimulatedRun(work=0.05)
run.send(10)
live = Live(RUN, run.sample, seconds=20, clock=run.seconds, until=run.is_over)
"""


@pytest.fixture
def run():
    """Ten messages of 20 ms, two at a time."""
    run = SimulatedRun(work=0.02)
    run.send(10)
    return run


class Screen:
    """What is displayed, in place of a notebook."""

    def __init__(self):
        self.shown = []

    def display(self, data, *, metadata=None, raw, display_id=False):
        assert raw
        self.shown.append((data, metadata))
        return self

    def update(self, data, *, metadata=None, raw):
        self.display(data, metadata=metadata, raw=raw)


@pytest.fixture
def screen(monkeypatch):
    screen = Screen()
    monkeypatch.setattr(live_module, "display", screen.display)
    monkeypatch.setattr(live_module, "FRAMES_A_SECOND", 50)
    return screen


def view(run, *, seconds=60.0, **how):
    return Live(RUN, run.sample, seconds=seconds, clock=run.seconds, **how)


def watch(live):
    async def cell():
        live.start()
        await live.finish()

    asyncio.run(cell())


# --- from start to end


def test_frames_move_in_one_place_and_the_last_is_a_still_picture(run, screen, capsys, monkeypatch):
    def is_over():  # on a busy machine a run may be over before it was seen to move
        return run.is_over() and len(screen.shown) >= 3

    monkeypatch.setattr(live_module, "nobody_looks", lambda: False)
    live = view(run, until=is_over)
    watch(live)
    *frames, (picture, metadata) = screen.shown
    assert len(frames) >= 3
    assert all(set(data) == {"text/html", "text/plain"} for data, _ in frames)
    assert base64.b64decode(picture["image/png"]).startswith(b"\x89PNG")
    assert metadata["image/png"]["alt"] == picture["text/plain"] == repr(live.chart)
    assert live.summary() in " ".join(capsys.readouterr().out.split())


def test_under_pytest_nothing_is_drawn_but_the_picture(run, screen):
    live = view(run, until=run.is_over)
    watch(live)
    assert screen.shown == []  # outside a kernel there is nowhere to show it
    assert live.chart.png().startswith(b"\x89PNG")


def test_it_stops_when_the_time_is_up_when_it_is_stopped_and_when_another_begins(run):
    late, stopped = view(run, seconds=0.1, until=lambda: False), view(run)
    watch(late)
    threading.Timer(0.1, stopped.stop).start()
    watch(stopped)
    first, second = view(run).start(), view(run).start()
    asyncio.run(first.finish())
    second.stop()
    asyncio.run(second.finish())
    assert all(live.chart for live in (late, stopped, first, second))


def test_what_sampling_raises_comes_out_of_the_cell_with_the_picture_drawn():
    def broken():
        raise OSError("the cloud is gone")

    live = Live(RUN, broken, seconds=60, clock=lambda: 0.0)
    with pytest.raises(OSError, match="the cloud is gone"):
        watch(live)
    assert live.chart.says == ("Nothing observed yet",)


def test_a_mark_stands_at_the_moment_it_was_made():
    live = Live(RUN, list, seconds=20, until=lambda: True, clock=lambda: 7.0)
    live.mark("throttle 4")
    watch(live)
    assert "throttle 4 at 7 s" in live.summary()


def test_of_a_growing_list_each_sample_is_taken_once():
    samples = many(1)
    new = tail(samples)
    assert new() == samples
    samples += (added := many(2))
    assert new() == added
    assert new() == []


# --- one frame


def drawn(samples, marks=(), now=10.0):
    return ElementTree.fromstring(frame(RUN, collect(samples, RUN), marks, now=now))


def many(number):
    return [
        Sample(i / 5, line.metric, i % 50) for i in range(number) for panel in RUN for line in panel.lines
    ]


def test_a_frame_is_a_picture_with_words_for_who_cannot_see_it():
    root = drawn(many(50), [(3, "throttle <4>")])
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"].startswith("49 waiting in the queue, 49 in flight. Never more than")
    assert "throttle <4> at 3 s" in root.attrib["aria-label"]
    words = [text.text for text in root.iter("text")]
    assert {"messages in the queue", "waiting 49", "limit 49", "dead 49", "throttle <4>", "10 s"} <= {*words}


def test_a_frame_before_the_first_sample_is_well_formed():
    assert drawn([]).attrib["aria-label"].startswith("Nothing observed yet")


def test_a_frame_follows_the_themes_ink_and_restyles_nothing():
    svg = frame(RUN, collect(many(5), RUN), (), now=1)
    assert "color:var(--jp-content-font-color1,currentColor)" in svg
    assert "<style" not in svg
    assert not {"black", "white", "#000", "#fff"} & set(svg.replace('"', " ").replace(":", " ").split())


def test_a_frame_of_a_long_run_is_no_larger_than_one_of_600_points():
    short, long = (len(frame(RUN, collect(many(n), RUN), (), now=n / 5)) for n in (MOST, 30 * MOST))
    assert long < 1.3 * short


@pytest.mark.parametrize("now", [0.5, 10, 11, 3599, 3601, 9000])
def test_what_happens_now_is_on_the_axis(now):
    assert now <= axis_end(now)
    assert 1 <= axis_end(now) / tick(axis_end(now)) <= 8
    root = drawn(many(5), now=now)
    xs = [float(text.attrib["x"]) for text in root.iter("text")]
    assert all(x <= WIDTH for x in xs)


@pytest.mark.parametrize("peak", [0, 1, 2, 4, 5, 6, 9.9, 60, 99, 100, 1234, 5000, 99_999])
def test_an_axis_ends_above_the_peak_and_counts_whole_messages(peak):
    top = axis_top(peak)
    assert peak < top <= max(2, 2.2 * peak)
    assert all(value == int(value) for value in values_below(top))
    assert 2 <= len(values_below(top)) <= 4


def test_names_are_spread_without_leaving_the_panel():
    wanted = [50, 50, 48, 3]
    found = spread(wanted, apart=10, low=0, high=55)
    by_place = sorted(found)
    assert all(later - earlier >= 10 for earlier, later in itertools.pairwise(by_place))
    assert by_place[0] >= 0
    assert by_place[-1] <= 55
    assert spread([1, 30], apart=10, low=0, high=55) == [1, 30]


# --- in a kernel, as in a notebook


@pytest.fixture(scope="module")
def kernel():
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    environ |= {"PYTHONPATH": str(ROOT)}
    manager, client = start_new_kernel(env=environ, cwd=str(ROOT), stderr=subprocess.DEVNULL)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def outputs_of(client, request):
    """The messages that belong to the request, until its cell has ended."""
    messages, own = [], (each for each in published(client) if each["parent_header"].get("msg_id") == request)
    for message in own:
        messages.append(message)
        if message["content"].get("execution_state") == "idle":
            break
    return messages


def wait_for(client, kind):
    return next(message for message in published(client) if message["msg_type"] == kind)


def published(client):
    """What the kernel says within a minute: a live view that never ends has always something to say."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        yield client.get_iopub_msg(timeout=60)
    raise AssertionError("it goes on and on")


def test_a_notebook_shows_one_output_that_ends_as_a_picture(kernel):
    _, client = kernel
    code = f"{WATCH}await live.start().finish()"
    outputs = outputs_of(client, client.execute(code))
    shown = [each for each in outputs if each["msg_type"] in ("display_data", "update_display_data")]
    assert [each["msg_type"] for each in shown].count("display_data") == 1
    assert len({each["content"]["transient"]["display_id"] for each in shown}) == 1
    assert "image/png" in shown[-1]["content"]["data"]
    assert not [each for each in outputs if each["content"].get("name") == "stderr"]


def test_the_kernels_interrupt_stops_it_leaves_the_picture_and_ends_the_cell_in_red(kernel):
    manager, client = kernel
    request = client.execute(f"{WATCH}live.until = None\nawait live.start().finish()")
    wait_for(client, "update_display_data")
    manager.interrupt_kernel()
    outputs = outputs_of(client, request)
    error = next(each["content"] for each in outputs if each["msg_type"] == "error")
    assert error["ename"] == "Stopped"
    assert error["traceback"] == ["Stopped early; the picture shows the run so far."]
    pictures = [each for each in outputs if "image/png" in each["content"].get("data", {})]
    assert len(pictures) == 1


def test_while_a_cell_awaits_every_move_of_a_slider_arrives_and_is_reported(kernel):
    """Without the report the browser keeps the second move to itself."""
    manager, client = kernel
    made = outputs_of(
        client, client.execute("import ipywidgets as w; slider = w.IntSlider(); print(slider.model_id)")
    )
    model = next(each["content"]["text"] for each in made if each["msg_type"] == "stream").strip()
    cell = client.execute(f"{WATCH}live.until = None\nawait live.start().finish()")
    wait_for(client, "update_display_data")
    for value in (3, 4):
        data = {"method": "update", "state": {"value": value}, "buffer_paths": []}
        move = client.session.msg("comm_msg", {"comm_id": model, "data": data})
        client.shell_channel.send(move)
        outputs_of(client, move["header"]["msg_id"])
    manager.interrupt_kernel()
    outputs_of(client, cell)
    asked = "print(slider.value, get_ipython().kernel.shell_handlers['comm_msg'].__name__)"
    said = outputs_of(client, client.execute(asked))
    assert next(each["content"]["text"] for each in said if each["msg_type"] == "stream") == "4 comm_msg\n"


@pytest.mark.parametrize("apart", [0.8, 1.5, 2.6])
def test_twelve_marks_have_their_names_beside_their_lines_and_none_runs_into_another(apart):
    marks = [(1 + i * apart, f"throttle {i}" if i % 2 else "burst 300") for i in range(12)]
    names = {name for _, name in marks}
    texts = [text for text in drawn(many(5), marks, now=32.0).iter("text") if text.text in names]
    boxes = [(float(t.attrib["x"]), float(t.attrib["y"]), 6.5 * len(t.text)) for t in texts]
    assert len(boxes) == 12
    assert all(x >= 0 and x + width <= WIDTH for x, _, width in boxes)
    for i, (x, y, _) in enumerate(boxes):
        for left, row, width in boxes[:i]:
            assert y != row or x >= left + width or left >= x + boxes[i][2]


@pytest.mark.parametrize("late", [0.0, 0.4, 3.0])
def test_no_line_runs_through_a_name_however_late_the_samples_are(late):
    panels = drawn([each for each in many(51) if each.at <= 10 - late], [(9.9, "burst")], now=10.0).iter("g")
    now = WIDTH - 46 - 118  # the axis ends at 10 s
    for panel in panels:
        names = [text for text in panel.iter("text") if text.attrib.get("font-weight")]
        assert names
        assert all(float(text.attrib["x"]) > now for text in names)


def test_of_equal_values_the_live_picture_names_the_one_above_that_the_saved_one_does():
    samples = [Sample(i, line.metric, 2) for i in range(9) for panel in RUN for line in panel.lines]
    axes = panels_chart(RUN, collect(samples, RUN)).figure.axes
    for panel, axis in zip(drawn(samples, now=8.0).iter("g"), axes, strict=True):
        live = [text for text in panel.iter("text") if text.attrib.get("font-weight")]
        live.sort(key=lambda text: float(text.attrib["y"]))
        still = [text for text in axis.texts if text.get_text() in {each.text for each in live}]
        still.sort(key=lambda text: -text.xy[1])
        assert [text.text for text in live] == [text.get_text() for text in still]


def test_the_saved_picture_names_the_marks_that_the_live_one_names():
    marks = [(1 + i * 0.9, f"burst {i}") for i in range(12)]
    axis = panels_chart(RUN, collect(many(150), RUN), marks).figure.axes[0]
    assert {text.get_text() for text in axis.texts} >= {name for _, name in marks}


def test_marks_closer_than_all_rows_have_room_for_keep_their_lines_and_their_words():
    marks = [(1, f"burst {i}") for i in range(12)]
    root = drawn(many(5), marks)
    assert sum(path.attrib.get("stroke-dasharray") == "2 3" for path in root.iter("path")) == 12
    assert "burst 11 at 1 s" in root.attrib["aria-label"]
