"""Controls that work while a run goes on. They know nothing of AWS: each calls what it was given.

From ipykernel 7.4 on, the callback of a button or slider runs while a cell awaits, in the same thread. So a
callback here only asks; a thread for each control does, and says in the status line what became of it.
"""

import threading
from collections.abc import Callable, Sequence
from html import escape
from queue import SimpleQueue
from typing import Any

import ipywidgets as widgets

from webhook_lab.aws.errors import LabError
from webhook_lab.show.size import SHOWN
from webhook_lab.show.theme import ORANGE

_PAUSE, _RESUME = "Pause the drain", "Let it drain"
WIDE_LABEL = {"description_width": "initial"}  # else a slider's label is cut


def row_of(controls: Sequence[Any]) -> Any:
    """Controls beside each other, in as many lines as they need."""
    return widgets.HBox(controls, layout={"flex_flow": "row wrap"})


def framed(rows: Sequence[Any], colour: str) -> Any:
    """Rows of controls as a card, as wide as a chart, with an edge of this colour."""
    layout = {
        "width": f"{SHOWN}px", "max_width": "100%", "padding": "8px 14px 6px", "margin": "4px 0",
        "border": "1px solid var(--jp-border-color2)", "border_left": f"4px solid {colour}",
    }  # fmt: skip
    return widgets.VBox(rows, layout=layout)


class Controls:
    """A card of controls: send a burst, change the throttle, pause the drain, stop watching.

    Args:
        send: sends a burst of so many deliveries.
        throttle: lets so many invocations run at once, and returns when that is in force.
        pause: True keeps the function from being invoked, False lets it go on.
        stop: ends the live view; it has to return at once.
        burst: the size that the slider begins with, and the largest.
        limit: the throttle's least value and its greatest.
        now: the throttle that holds when the controls appear; by default the least.

    What the first three return, if it is text, is shown; so is what they raise.
    """

    def __init__(
        self,
        *,
        send: Callable[[int], object],
        throttle: Callable[[int], object],
        pause: Callable[[bool], object],
        stop: Callable[[], object],
        burst: tuple[int, int] = (60, 300),
        limit: tuple[int, int] = (2, 10),
        now: int | None = None,
    ) -> None:
        self.burst = widgets.IntSlider(
            burst[0], 1, burst[1], description="Burst", style=WIDE_LABEL, layout={"width": "250px"}
        )
        self.send = _button("Send", "paper-plane", "96px", style="primary")
        self.limit = widgets.IntSlider(
            now or limit[0], limit[0], limit[1], description="Throttle", style=WIDE_LABEL,
            continuous_update=False, layout={"width": "230px", "margin": "2px 20px"},
        )  # fmt: skip
        self.pause = _button(_PAUSE, "pause", "150px")
        self.stop = _button("Stop", "stop", "96px")
        self.status = widgets.HTML("Ready.", layout={"margin": "0"})
        self._inputs = (self.burst, self.send, self.limit, self.pause, self.stop)
        self.box = framed([row_of(self._inputs), self.status], ORANGE)
        self._said: dict[str, str] = {}
        self._lock = threading.Lock()
        self._sending = _Hand("Burst", send, self._say)
        self._throttling = _Hand("Throttle", throttle, self._say, newest=True)
        self._pausing = _Hand("Drain", pause, self._say, newest=True)
        self.send.on_click(lambda _: self._send(self.burst.value))
        self.limit.observe(lambda change: self._throttle(change["new"]), "value")
        self.pause.on_click(lambda _: self._toggle_pause())
        self.stop.on_click(lambda _: stop())

    def end(self) -> None:
        """Grey everything out; what was asked for already is still done."""
        for hand in (self._sending, self._throttling, self._pausing):
            hand.let_go()
        for each in self._inputs:
            each.disabled = True

    def __repr__(self) -> str:
        return "Controls: send a burst, change the throttle, pause the drain, stop"

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = self.box._repr_mimebundle_(**kwargs)
        return {**bundle, "text/plain": repr(self)}

    def _send(self, number: int) -> None:
        self._sending.ask(number, f"sending {number}", f"{number} sent")

    def _throttle(self, limit: int) -> None:
        self._throttling.ask(limit, f"{limit} is being set", f"{limit} in force")

    def _toggle_pause(self) -> None:
        # A button, not a toggle: a click always arrives, a state may have to wait for the last one.
        asked = self.pause.description == _PAUSE
        self.pause.description, self.pause.icon = (_RESUME, "play") if asked else (_PAUSE, "pause")
        self._pausing.ask(asked, *(("pausing", "paused") if asked else ("going on", "goes on")))

    def _say(self, name: str, words: str) -> None:
        with self._lock:
            self._said[name] = words
            lines = [f"<b>{who}:</b> {escape(said)}" for who, said in self._said.items()]
            self.status.value = " · ".join(lines)


class _Hand:
    """Does what one control asks for, in a thread of its own, one after another, until it is let go.

    Args:
        say: shows words under the control's name.
        newest: of several requests that wait, only the newest counts.
    """

    def __init__(
        self, name: str, do: Callable[[Any], object], say: Callable[[str, str], None], *, newest: bool = False
    ) -> None:
        self._name, self._do, self._say, self._newest = name, do, say, newest
        self._asked: SimpleQueue[tuple[Any, str, str] | None] = SimpleQueue()
        self._latest: object = None
        threading.Thread(target=self._work, name="control", daemon=True).start()

    def ask(self, value: int | bool, doing: str, done: str) -> None:
        self._latest = request = (value, doing, done)
        self._asked.put(request)

    def let_go(self) -> None:
        self._asked.put(None)

    def _work(self) -> None:
        while request := self._asked.get():
            if self._newest and request is not self._latest:
                continue
            value, doing, done = request
            self._say(self._name, doing)
            try:
                returned = self._do(value)
                said = returned if isinstance(returned, str) else done
            except LabError as error:
                said = f"{error.said} {error.try_this}"
            except Exception as error:
                said = f"{type(error).__name__}: {error}"
            self._say(self._name, said)


def _button(words: str, icon: str, width: str, *, style: str = "") -> Any:
    return widgets.Button(description=words, icon=icon, button_style=style, layout={"width": width})
