"""Every code cell of every chapter run twice in a row, in a kernel: it works again, or says what it needs.

What a learner does: Shift-Enter on a cell that has been run. A stack that is not ours to show is a cell that
does not survive: an error is a LabError's one message. No time is judged, and cells wait more than they work:
several chapters run at once, each on a cloud of its own.
"""

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.rounds import LEARNERS_OWN
from webhook_lab.course.chapters import CHAPTERS, Chapter
from webhook_lab.local_cloud import private_cloud

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
CELL_SECONDS = 900
"""No time is judged: beside three other chapters on a busy machine a burst may take minutes."""
AT_ONCE = 4
Outputs = list[tuple[str, nbformat.NotebookNode]]


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Outputs]]]:
    """By chapter, what its cells put out, once they have."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            each.number: pool.submit(
                on_a_cloud_of_its_own, each, tmp_path_factory.mktemp(f"home{each.number}")
            )
            for each in CHAPTERS
        }


def on_a_cloud_of_its_own(chapter: Chapter, home: Path) -> Outputs:
    mine = {name: value for name, value in os.environ.items() if name not in LEARNERS_OWN}
    ours = {"WEBHOOK_LAB_HOME": home, "IPYTHONDIR": home / "ipython", "WEBHOOK_LAB_HEADLESS": "1"}
    with private_cloud() as cloud:
        return run_each_twice(chapter, mine | cloud.environment() | {name: str(ours[name]) for name in ours})


def run_each_twice(chapter: Chapter, environment: dict[str, str]) -> Outputs:
    notebook: nbformat.NotebookNode = nbformat.read(FOLDER / chapter.file, as_version=4)  # type: ignore[no-untyped-call]
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = [deepcopy(cell) for cell in codes for _ in range(2)]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{cell.id}-{'again' if number % 2 else 'first'}"
    NotebookClient(
        notebook, timeout=CELL_SECONDS, allow_errors=True, resources={"metadata": {"path": FOLDER}}
    ).execute(env=environment)
    return [(cell.id, output) for cell in notebook.cells for output in cell.outputs]


@pytest.mark.long
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
def test_each_cell_survives_a_second_run(chapter: Chapter, running: dict[str, Future[Outputs]]) -> None:
    outputs = running[chapter.number].result()
    errors = [(cell, each) for cell, each in outputs if each.output_type == "error"]
    for cell, error in errors:
        print(cell, error.ename, "|", *error.traceback[-3:])
    bare = [f"{cell}: {error.ename}: {error.evalue}" for cell, error in errors if error.ename != "LabError"]
    assert not bare, "\n".join(bare)
