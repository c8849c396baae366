"""A chapter whose database cannot be reached: one line says so, and no further cell does a thing."""

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from IPython.core.inputtransformer2 import TransformerManager

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.traits import AWS, ENDPOINT, LOCAL_CLOUD, Traits
from webhook_lab.database import programs
from webhook_lab.lab import Lab, lab, needs
from webhook_lab.show import skip


class Untouched:
    """A pipeline of which nothing may be built, restored or looked up."""

    def __init__(self, traits: Traits) -> None:
        calls = SimpleNamespace(mark=lambda: 0)
        self.session = SimpleNamespace(target=SimpleNamespace(traits=traits), now=lambda: 0, calls=calls)
        self.names = SimpleNamespace(prefix="webhook-lab")

    def restore(self, until: str | None) -> None:
        raise AssertionError(f"restored until {until}")


@pytest.fixture
def cells(monkeypatch: pytest.MonkeyPatch) -> TransformerManager:
    """What IPython makes of a cell before it runs it."""
    manager = TransformerManager()
    shell = SimpleNamespace(input_transformers_cleanup=manager.cleanup_transforms)
    monkeypatch.setattr(skip, "get_ipython", lambda: shell)
    monkeypatch.setattr(lab, "show_errors_plainly", lambda: None)
    return manager


def open_on(traits: Traits, chapter: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(lab, "open_pipeline", lambda: Untouched(traits))
    return Lab.open(chapter=chapter)


@pytest.mark.parametrize("traits", [AWS, ENDPOINT], ids=["AWS", "another endpoint"])
def test_against_another_target_it_says_what_it_does_not_build(
    traits: Traits,
    cells: TransformerManager,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    opened = open_on(traits, "13", monkeypatch)
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    for words in ("Chapter 13 is left out", traits.label, "VPC", "RDS Proxy"):
        assert words in said
    assert opened.chapter.number == "13"
    for cell in ("1 / 0\n", "await run.finish()\n", "%no_such_magic\n"):
        assert cells.transform_cell(cell) == "pass\n"


def no_programs() -> None:
    raise LabError("start PostgreSQL", "PostgreSQL is not installed here", "Run: python -m pip install it")


def test_without_postgresql_or_its_driver_it_says_what_to_run(
    cells: TransformerManager, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(programs, "find_programs", lambda: None)
    monkeypatch.setattr(needs, "find_spec", lambda name: None)
    open_on(LOCAL_CLOUD, "13", monkeypatch)
    assert "pg8000 is not installed here. Run: python -m pip install" in capsys.readouterr().out
    assert cells.transform_cell("1 / 0\n") == "pass\n"
    monkeypatch.setattr(programs, "find_programs", no_programs)
    open_on(LOCAL_CLOUD, "13", monkeypatch)
    assert "PostgreSQL is not installed here. Run: python -m pip install it" in capsys.readouterr().out
    assert cells.transform_cell("1 / 0\n") == "pass\n"


def test_the_next_chapter_that_is_opened_runs_its_cells_again(
    cells: TransformerManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_on(AWS, "13", monkeypatch)
    opens = 'lab = Lab.open(chapter="12")\n'
    assert cells.transform_cell(opens) == opens
    with pytest.raises(AssertionError, match="restored until api"):
        open_on(AWS, "12", monkeypatch)
    assert cells.transform_cell("1 / 0\n") == "1 / 0\n"


def test_where_everything_is_there_it_is_not_left_out(
    cells: TransformerManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "find_programs", lambda: None)
    monkeypatch.setattr(needs, "find_spec", lambda name: sys)
    with pytest.raises(AssertionError, match="restored until api"):
        open_on(LOCAL_CLOUD, "13", monkeypatch)


def test_cells_that_need_a_reservation_say_why_they_are_left_out(cells: TransformerManager) -> None:
    skip.leave_out(skip.NEEDS_A_RESERVATION, "Left out: it's so.")
    cell = f"{skip.NEEDS_A_RESERVATION}\n1 / 0\n"
    assert cells.transform_cell(cell) == 'print("Left out: it\'s so.")\n'
    assert cells.transform_cell("1 / 1\n") == "1 / 1\n"
    skip.go_on()
    assert cells.transform_cell(cell) == cell
