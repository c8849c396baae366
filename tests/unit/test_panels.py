"""The controls, clicked and moved as a browser would, with fakes behind them."""

import threading

import pytest

from tests.waiting import wait_until
from webhook_lab.aws.errors import LabError
from webhook_lab.show.panels import Controls


class Fakes:
    """What the controls call; `hold` keeps the throttle from coming into force."""

    def __init__(self):
        self.calls = []
        self.hold = threading.Event()
        self.hold.set()
        self.error = None
        self.threads = set()

    def note(self, name, value=None):
        self.threads.add(threading.current_thread())
        self.calls.append((name, value))
        if self.error:
            raise self.error

    def send(self, number):
        self.note("send", number)

    def throttle(self, limit):
        self.note("throttle", limit)
        assert self.hold.wait(20)

    def pause(self, paused):
        self.note("pause", paused)

    def stop(self):
        self.note("stop")


@pytest.fixture
def fakes():
    return Fakes()


@pytest.fixture
def controls(fakes):
    controls = Controls(send=fakes.send, throttle=fakes.throttle, pause=fakes.pause, stop=fakes.stop)
    yield controls
    fakes.hold.set()
    controls.end()


def wait_until_said(controls, words):
    wait_until(lambda: words in controls.status.value, reason=f"{words!r}, not {controls.status.value!r}")


def test_every_click_on_send_sends_a_burst_of_the_sliders_size(controls, fakes):
    controls.burst.value = 120
    for _ in range(3):
        controls.send.click()
    wait_until(lambda: len(fakes.calls) == 3, reason="three bursts")
    wait_until_said(controls, "120 sent")
    assert fakes.calls == [("send", 120)] * 3


def test_no_callback_waits_and_none_works_in_the_kernels_thread(controls, fakes):
    fakes.hold.clear()
    controls.limit.value = 4  # would wait for 20 s if it did the work itself
    controls.send.click()
    wait_until_said(controls, "60 sent")
    assert "<b>Throttle:</b> 4 is being set" in controls.status.value
    assert threading.current_thread() not in fakes.threads


def test_a_throttle_moved_while_it_is_being_set_ends_at_its_last_value(controls, fakes):
    fakes.hold.clear()
    controls.limit.value = 3
    wait_until_said(controls, "3 is being set")
    for limit in (4, 5, 6):
        controls.limit.value = limit
    fakes.hold.set()
    wait_until_said(controls, "6 in force")
    assert fakes.calls == [("throttle", 3), ("throttle", 6)]


def test_pause_and_going_on_are_the_same_button(controls, fakes):
    controls.pause.click()
    wait_until_said(controls, "paused")
    assert (controls.pause.description, controls.pause.icon) == ("Let it drain", "play")
    controls.pause.click()
    wait_until_said(controls, "goes on")
    assert (controls.pause.description, controls.pause.icon) == ("Pause the drain", "pause")
    assert fakes.calls == [("pause", True), ("pause", False)]


def test_stop_stops_at_once(controls, fakes):
    controls.stop.click()
    assert fakes.calls == [("stop", None)]


def test_what_went_wrong_is_said_where_the_learner_looks_and_the_control_goes_on(controls, fakes):
    fakes.error = LabError("set the throttle", "<b>too many</b>", "Choose less.")
    controls.limit.value = 9
    wait_until_said(controls, "&lt;b&gt;too many&lt;/b&gt; Choose less.")
    fakes.error = ValueError("odd")
    controls.limit.value = 8
    wait_until_said(controls, "ValueError: odd")
    fakes.error = None
    controls.limit.value = 7
    wait_until_said(controls, "7 in force")


def test_what_an_action_returns_is_said_in_its_place(fakes):
    fakes.send = lambda number: f"{number} sent, 1 refused"
    controls = Controls(send=fakes.send, throttle=fakes.throttle, pause=fakes.pause, stop=fakes.stop)
    controls.send.click()
    wait_until_said(controls, "60 sent, 1 refused")
    controls.end()


def test_at_the_end_nothing_can_be_asked_for_and_what_was_asked_for_is_done(controls, fakes):
    fakes.hold.clear()
    controls.limit.value = 3
    controls.send.click()
    controls.end()
    fakes.hold.set()
    wait_until_said(controls, "3 in force")
    wait_until_said(controls, "60 sent")
    inputs = (controls.burst, controls.send, controls.limit, controls.pause, controls.stop)
    assert all(each.disabled for each in inputs)


def test_a_saved_notebook_keeps_words_where_the_widget_was(controls):
    bundle = controls._repr_mimebundle_()
    assert bundle["text/plain"] == "Controls: send a burst, change the throttle, pause the drain, stop"
    assert "application/vnd.jupyter.widget-view+json" in bundle
