"""What is changed in the emulator says why, stands in one place, and reads a function's output to its end."""

import ast
import queue
import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from webhook_lab.local_cloud.emulator import answers, direct, faults, logs, mappings, proxy
from webhook_lab.local_cloud.emulator.logs import END, lines_until_end

ROOT = Path(__file__).parents[2]
SAYS = ("AWS: ", "Emulator: ", "Shown by: ", "Upstream: ")


def private_names(path: Path) -> set[str]:
    """The underscored attributes of the emulator's modules that a file uses."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imports = [each for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)]
    theirs = {name.asname or name.name for each in imports if "ministack" in (each.module or "")
              for name in each.names}  # fmt: skip
    return {
        each.attr
        for each in ast.walk(tree)
        if isinstance(each, ast.Attribute) and each.attr.startswith("_")
        and isinstance(each.value, ast.Name) and each.value.id in theirs
    }  # fmt: skip


def test_the_emulators_private_inside_stands_in_one_folder() -> None:
    named = {path.parent.name for path in (ROOT / "webhook_lab").rglob("*.py") if private_names(path)}
    assert named == {"emulator"}


@pytest.mark.parametrize(
    "change",
    [
        answers.batches_need_no_permission_of_their_own,
        answers.functions_are_ready_at_once,
        answers.long_polls_heed_changes,
        answers.no_second_mapping_of_the_same,
        answers.counting_takes_little,
        proxy.events_hold_each_value,
        proxy.functions_have_29_seconds,
        proxy.nothing_of_the_inside_crosses_the_door,
        proxy.lambda_takes_no_more_than_it_says,
        logs.logs_are_whole,
        logs.lines_are_live,
        faults.errors_are_lambdas,
        direct.mapping_templates_are_velocity,
        direct.the_role_decides_what_an_api_may_send,
        direct.sqs_answers_api_gateway_in_json,
        direct.sqs_takes_ten_attributes,
        mappings,
    ],
)
def test_each_change_says_what_aws_does_and_which_test_shows_it(change: object) -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests" / "cloud").glob("*.py"))
    says = change.__doc__ or ""
    at = [says.find(word) for word in SAYS]
    assert at == sorted(at)
    assert at[0] > 0
    shown = re.findall(r"test_\w+", says[at[2] : at[3]])
    assert all(f"def {each}(" in tests for each in shown)


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


@pytest.mark.parametrize(
    ("line", "text"),
    [(f"no line end{END}", "no line end"), ("its last words", "its last words")],
)
def test_a_last_line_is_kept_without_its_end_and_without_ours(line: str, text: str) -> None:
    printed: queue.Queue[str] = queue.Queue()
    printed.put(line)
    assert lines_until_end(printed, longest=0.01) == text


def test_a_large_queue_is_counted_now_and_then_and_a_small_one_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, counted = [100.0], list[int]()

    def count(queue: dict[str, Any]) -> None:
        counted.append(len(queue["messages"]))
        clock[0] += len(queue["messages"]) / 1e6

    monkeypatch.setattr(answers, "sqs", SimpleNamespace(_refresh_counts=count))
    monkeypatch.setattr(
        answers, "time", SimpleNamespace(monotonic=lambda: clock[0], thread_time=lambda: clock[0])
    )
    answers.counting_takes_little()
    few, many = {"messages": [0] * 100}, {"messages": [0] * 20_000}
    for _ in range(3):
        answers.sqs._refresh_counts(few)
        answers.sqs._refresh_counts(many)
    assert counted == [100, 20_000, 100, 100]
    clock[0] += 0.4  # twenty times what the count took
    answers.sqs._refresh_counts(many)
    many["messages"].clear()  # as a purge does
    answers.sqs._refresh_counts(many)
    answers.sqs._refresh_counts(many)
    assert counted[4:] == [20_000, 0, 0]
