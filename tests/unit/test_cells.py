"""What was skipped is named by its cell: a check, a prediction and a name that is missing say which."""

import json
from types import SimpleNamespace

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.lab.plainly import explained
from webhook_lab.lab.standing import IN_FORCE, refuse_others, told
from webhook_lab.resources.queue import Depth
from webhook_lab.show import cells
from webhook_lab.show.cells import maker_of, skipped

CELLS = [
    'from webhook_lab.lab import Lab\n\nlab = Lab.open(chapter="08")',
    'lab.configure(work_seconds=0.25, batch_size=1)\nlab.create_function("subscribe")',
    "lab.create_mapping()",
    "lab.calls()",
    "# look\nlab.checkpoint('it stands')",
    "run = lab.watch()\nawait run.finish()",
    "run.prediction(5)",
]
CONFIGURE = "`lab.configure(work_seconds=0.25, batch_size=1)`"


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    written = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in CELLS]
    file = tmp_path / "08.ipynb"
    file.write_text(json.dumps({"cells": written}), encoding="utf-8")
    return str(file)


@pytest.fixture
def ran(monkeypatch):
    """The kernel's history, to be filled."""
    history = [""]
    shell = SimpleNamespace(history_manager=SimpleNamespace(input_hist_raw=history))
    monkeypatch.setattr(cells, "get_ipython", lambda: shell)
    return history


def test_what_was_not_run_above_is_named_by_its_beginning(notebook, ran):
    ran += [CELLS[0], CELLS[5], CELLS[6]]
    assert skipped(notebook) == f"These cells were not run: {CONFIGURE}, `lab.create_mapping()`."


def test_a_cell_with_other_numbers_has_run_and_one_that_only_looks_is_not_missed(notebook, ran):
    ran += [CELLS[0], CELLS[1].replace("0.25", "0.5"), CELLS[2], CELLS[5], CELLS[6]]
    assert skipped(notebook) == ""


def test_what_ran_before_the_lab_was_opened_again_counts_no_more(notebook, ran):
    ran += [*CELLS[:3], CELLS[0], *CELLS[2:]]
    assert skipped(notebook) == f"This cell was not run: {CONFIGURE}."


@pytest.mark.parametrize("inputs", [[], CELLS])
def test_where_nobody_can_tell_nothing_is_said(inputs, ran, monkeypatch):
    ran += inputs
    assert skipped("99_no_such_chapter.ipynb") == ""
    monkeypatch.setattr(cells, "get_ipython", lambda: None)
    assert skipped("08_watch_the_buffer_work.ipynb") == ""


def test_a_name_is_made_by_the_first_cell_that_binds_it(notebook):
    assert maker_of("run", notebook) == "`run = lab.watch()`"
    assert maker_of("Lab", notebook) == "`from webhook_lab.lab import Lab`"
    assert maker_of("typo", notebook) == ""


# --- what an error of the learner's cell becomes


def lab_of(notebook, **depths):
    return SimpleNamespace(chapter=SimpleNamespace(file=notebook), depth=depths.get)


def test_a_missing_name_says_which_cell_makes_it(notebook, ran):
    told_so = explained(NameError("name 'run' is not defined", name="run"), lab_of(notebook))
    assert told_so
    assert told_so.said == "there is no 'run' yet: `run = lab.watch()` makes it"
    assert "Run All Above" in told_so.try_this


def test_an_empty_receive_says_what_the_queues_hold(notebook, ran):
    told_so = explained(KeyError("Messages"), lab_of(notebook, queue=Depth(0, 1, 0), dlq=Depth(2, 0, 0)))
    assert told_so
    assert told_so.said == (
        "SQS gave no message: the queue holds 0 visible and 1 in flight, "
        "the dead-letter queue holds 2 visible and 0 in flight"
    )


@pytest.mark.parametrize("error", [NameError("name 'typo' is not defined", name="typo"), KeyError("message")])
def test_a_mistake_of_ones_own_keeps_its_stack(error, notebook):
    assert explained(error, lab_of(notebook)) is None
    assert explained(error, None) is None


# --- a run's settings, and what is left of it

STOOD = {
    "work_seconds": 0.0, "reserved_concurrency": 2, "batch_size": 10, "maximum_concurrency": 2, "throttle": 2
}  # fmt: skip


def test_a_prediction_for_other_settings_says_which_and_which_cell(notebook, ran):
    ran += [CELLS[0], CELLS[5], CELLS[6]]
    with pytest.raises(LabError) as refused:
        refuse_others(STOOD, {"work_seconds": 0.25, "batch_size": 1, "maximum_concurrency": 2}, notebook)
    assert refused.value.said == (
        "it is for batch_size 1, and the run had 10; work_seconds 0.25, and the run had 0.0"
    )
    assert CONFIGURE in refused.value.try_this
    assert 'lab.create_function("subscribe") and lab.create_mapping()' in refused.value.try_this


def test_a_prediction_for_what_stood_is_held_against_it(notebook, ran):
    refuse_others(STOOD, {"work_seconds": 0, "maximum_concurrency": 2}, notebook)
    with pytest.raises(LabError, match="there is no work of a run"):
        refuse_others(STOOD, {"work": 0.25}, notebook)
    assert set(STOOD) == {*IN_FORCE, "throttle"}


def test_waiting_in_flight_and_lost_are_told_apart_and_a_whole_run_needs_no_words():
    over = {"settled": 40, "dead": 1, "waiting": 0, "in flight": 0, "lost": 0}
    assert told(over) == ""
    said = told({**over, "waiting": 579, "in flight": 2})
    assert "40 settled, 1 dead, 579 waiting, 2 in flight, 0 lost" in said
