"""The live view: frames while a run goes on, a still picture at its end, however it ends."""

import asyncio
import base64
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel

from tests.simulated_run import SimulatedRun
from webhook_lab.show import live as live_module
from webhook_lab.show.axes import WIDTH, axis_end, axis_top, spread, tick, values_below
from webhook_lab.show.live import Live, Stopped, tail
from webhook_lab.show.live_svg import frame
from webhook_lab.show.series import MOST, RUN, collect
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


def test_it_stops_watching_when_the_time_is_up(run):
    live = view(run, seconds=0.1, until=lambda: False)
    watch(live)
    assert live.chart is not None


def test_the_stop_button_ends_it_from_another_thread(run):
    live = view(run)
    threading.Timer(0.1, live.stop).start()
    watch(live)
    assert live.chart is not None


def test_a_new_view_stops_the_one_before(run):
    first, second = view(run).start(), view(run).start()
    asyncio.run(first.finish())
    second.stop()
    asyncio.run(second.finish())


def test_cancelled_it_draws_the_picture_and_stays_cancelled(run):
    live = view(run)

    async def cell():
        task = asyncio.ensure_future(live.start().finish())
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return task.cancelled()

    assert asyncio.run(cell())
    assert live.chart is not None


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


def test_stopped_says_one_line_and_shows_no_stack():
    assert Stopped()._render_traceback_() == ["Stopped early; the picture shows the run so far."]


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
    messages = []
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["parent_header"].get("msg_id") == request:
            messages.append(message)
            if message["content"].get("execution_state") == "idle":
                return messages


def wait_for(client, kind):
    while (message := client.get_iopub_msg(timeout=60))["msg_type"] != kind:
        pass
    return message


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


def test_strict_nbval_passes_over_the_pictures_and_compares_the_next_cell(tmp_path):
    """The guided cell is ignored, what follows is compared; nobody has to set anything."""
    kernelspec = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernelspec})
    watched, ignored = f"{WATCH}await live.start().finish()", {"tags": ["nbval-ignore-output"]}
    notebook.cells = [
        nbformat.v4.new_code_cell(watched, metadata=ignored, execution_count=1),
        nbformat.v4.new_code_cell('"stored 10" in live.summary()', execution_count=2),
    ]
    said = {"text/plain": "True"}
    notebook.cells[1].outputs = [nbformat.v4.new_output("execute_result", said, execution_count=2)]
    path = tmp_path / "live.ipynb"
    nbformat.write(notebook, path)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--nbval",
        "--nbval-cell-timeout=60",
        path,
    ]
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    environ |= {"PYTHONPATH": str(ROOT)}
    answer = subprocess.run(
        [*command, "--nbval-cell-timeout=60", path], cwd=tmp_path, env=environ, capture_output=True, text=True
    )
    assert answer.returncode == 0, answer.stdout
