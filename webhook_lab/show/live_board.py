"""The board while the class goes on: the live view's life, with a table in place of charts."""

import time
from collections.abc import Callable

from IPython.display import display

from webhook_lab.aws.errors import LabError
from webhook_lab.show.board import Board
from webhook_lab.show.kernel import nobody_looks, running_kernel
from webhook_lab.show.live import Live

PATIENCE = 60
"""Looks in a row that may fail, as when the network is gone, before the board says why and ends."""

QUIET_SECONDS = 10.0


class LiveBoard(Live):
    """Looks once a second until `seconds` are over, or it is stopped or interrupted; the last board stays.

    Args:
        look: what the board is now; called in a thread of the live view's.

    Where nobody looks it is over once nothing has come for `QUIET_SECONDS`.
    """

    def __init__(self, look: Callable[[], Board], *, seconds: float) -> None:
        super().__init__((), lambda: (), seconds=seconds, clock=time.monotonic)
        self._look, self.board, self._failed = look, look(), 0
        self._changed_at = self.clock()
        if nobody_looks():
            self.until = lambda: self.clock() - self._changed_at > QUIET_SECONDS

    @property
    def frames_a_second(self) -> float:
        """How often it looks and draws: what people do takes minutes."""
        return 1.0

    def summary(self) -> str:
        """The headline."""
        return self.board.headline

    def _take(self) -> None:
        before = self.board.reports
        try:
            self.board, self._failed = self._look(), 0
        except LabError:
            self._failed += 1
            if self._failed > PATIENCE:
                raise
        if self.board.reports != before:
            self._changed_at = self.clock()
        if self._handle:
            self._handle.update(self._frame(), raw=True)  # type: ignore[no-untyped-call]

    def _frame(self) -> dict[str, str]:
        return {"text/html": self.board._repr_html_(), "text/plain": repr(self.board)}

    def _leave_picture(self) -> None:
        if self._handle:
            self._handle.update(self._frame(), raw=True)  # type: ignore[no-untyped-call]
        elif running_kernel():
            display(self._frame(), raw=True)  # type: ignore[no-untyped-call]
