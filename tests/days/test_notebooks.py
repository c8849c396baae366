"""Each notebook under the normal day, in an account of 1,000 and one of 10: what a learner would see on AWS.

Chapters begin at a state of their own, so that some labs, each with its cloud, share the waiting among them:
it is nearly all that these take. One account after the other: with twice as many kernels at once two
processors are the day. Each lab has chapters that leave something behind, and one that must not wait for it.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.days.notebooks import Cell

ROOT = Path(__file__).resolve().parents[2]
ACCOUNTS = ("account of 1000", "account of 10")
LABS = (
    ("00", "02", "03", "04", "15", "01"),
    ("05", "06", "07"),
    ("08", "10", "13"),
    ("09", "12"),
    ("11", "14"),
)
"""The chapters of each lab, in the order in which it runs them."""
CHAPTERS = sorted(chapter for chapters in LABS for chapter in chapters)
DIFFERS = {
    "00": {"c00-08"},  # it calls the target by name
    "03": {"c03-09", "c03-11", "c03-20"},  # depths, which lag
    "04": {"cell-30"},  # the depth in place of the messages
    "09": {"c09-21"},  # a depth, which lags
}
DIFFERS_IN_TEN = {  # nothing can be reserved there
    "00": {"c00-04"},
    "05": {"cell-09", "cell-16"},
    "08": {"08-03"},
    "09": {"c09-25"},
    "10": {"10-09", "10-16", "10-20", "10-28", "10-30"},  # left out, but for the first
    "12": {"12-03", "12-09"},
    "14": {"c14-5", "c14-15", "c14-35"},
}
"""By chapter, the cells that rightly show something else than on the local cloud; so says the chapter."""
LEFT_OUT = {"13": "against AWS it would need a VPC"}
"""By chapter, what its first cell says where none of it is run."""
LAB_SECONDS = 1_150
"""Both accounts within what a long test may take (conftest.py). On loaded processors one took 820."""
SILENT_SECONDS = 180
"""For so long a cell may say nothing of what it waits for."""

pytestmark = pytest.mark.long

Runs = dict[tuple[str, str], list[Cell]]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Every cell, by account and chapter."""
    folder = tmp_path_factory.mktemp("labs")
    for account in ACCOUNTS:
        with contextlib.ExitStack() as open_:
            for chapters in LABS:
                kept = folder / f"{account}-{chapters[0]}.jsonl"
                open_.enter_context(_lab(f"{account}, normal", chapters, kept))
    found: Runs = {}
    for kept in folder.glob("*.jsonl"):
        for line in kept.read_text().splitlines():
            cell = Cell(**json.loads(line))
            found.setdefault((kept.stem.rpartition("-")[0], cell.notebook[:2]), []).append(cell)
    return found


@contextlib.contextmanager
def _lab(day: str, chapters: tuple[str, ...], kept: Path) -> Iterator[None]:
    """One lab of a process of its own, awaited at the end."""
    command = [sys.executable, "-m", "tests.days.notebooks", day, *chapters, "--kept", str(kept)]
    said = kept.with_suffix(".txt")
    with said.open("w") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=dict(os.environ), stdout=out, stderr=out)
        try:
            yield
            assert process.wait(LAB_SECONDS) == 0, said.read_text()[-2_000:]
        finally:
            process.terminate()
            process.wait()


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("account", ACCOUNTS)
def test_no_cell_is_red_or_silent_or_says_what_is_not_so(account: str, chapter: str, runs: Runs) -> None:
    cells = runs.get((account, chapter), [])
    assert cells, "the chapter was not run"
    red = [str(cell) for cell in cells if cell.red]
    assert not red, "\n\n".join(red)
    silent = [str(cell) for cell in cells if cell.silent > SILENT_SECONDS]
    assert not silent, "\n\n".join(silent)
    if why := LEFT_OUT.get(chapter):
        first, *others = (cell.text for cell in cells)
        assert (why in first, "".join(others)) == (True, "")
        return
    apart = DIFFERS.get(chapter, set()) | (
        DIFFERS_IN_TEN.get(chapter, set()) if account == ACCOUNTS[1] else set()
    )
    other = [
        cell
        for cell in cells
        if cell.stored is not None and cell.id not in apart and _lines(cell.text) != _lines(cell.stored)
    ]
    assert not other, "\n\n".join(f"{cell}\nis stored as\n{cell.stored}" for cell in other)


def _lines(text: str | None) -> list[str]:
    """What is compared of a text: its lines, but for what a long wait says."""
    lines = [line.strip() for line in (text or "").splitlines()]
    return [line for line in lines if line and not line.startswith("Waiting for ")]
