"""What a function printed is read to its end, however late it comes, and no further."""

import io
import queue
import sys
import threading
import time

import pytest

from webhook_lab.local_cloud import whole_logs
from webhook_lab.local_cloud.whole_logs import END, lines_until_end


def test_lines_that_come_late_belong_to_their_invocation() -> None:
    printed: queue.Queue[str] = queue.Queue()

    def slowly() -> None:
        for line in ("one", "two", END, "of the next invocation"):
            time.sleep(0.03)  # longer than the emulator by itself would wait
            printed.put(line)

    writer = threading.Thread(target=slowly)
    writer.start()
    assert lines_until_end(printed, longest=10) == "one\ntwo"
    writer.join()
    assert printed.get_nowait() == "of the next invocation"


def test_a_last_line_without_its_end_is_kept() -> None:
    printed: queue.Queue[str] = queue.Queue()
    printed.put(f"no line end{END}")
    assert lines_until_end(printed, longest=10) == "no line end"


def test_of_a_process_that_died_it_keeps_what_there_is() -> None:
    printed: queue.Queue[str] = queue.Queue()
    printed.put("its last words")
    assert lines_until_end(printed, longest=0.01) == "its last words"


@pytest.mark.parametrize("fails", [False, True])
def test_the_functions_process_says_when_it_is_done_also_when_it_raises(
    monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    names: dict[str, object] = {}
    exec(whole_logs._UNTIL_END, names)
    monkeypatch.setattr(sys, "__stderr__", printed := io.StringIO())

    def handler(event: str, _context: object) -> str:
        if fails:
            raise ValueError(event)
        return event

    if fails:
        with pytest.raises(ValueError, match="an event"):
            names["_until_end"](handler, "an event", None)  # type: ignore[operator]
    else:
        assert names["_until_end"](handler, "an event", None) == "an event"  # type: ignore[operator]
    assert printed.getvalue() == f"{END}\n"
