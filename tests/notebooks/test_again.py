"""Every code cell of every chapter run twice in a row, in a kernel: it works again, or says what it needs.

What a learner does: Shift-Enter on a cell that has been run. A stack that is not ours to show is a cell that
does not survive: an error is a LabError's one message.
"""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.notebooks.rounds import LEARNERS_OWN
from webhook_lab.course.chapters import CHAPTERS, Chapter
from webhook_lab.local_cloud import private_cloud

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
CELL_SECONDS = 180


@pytest.fixture(scope="module")
def lab_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch, private_cloud() as cloud:
        home = tmp_path_factory.mktemp("home")
        for name in LEARNERS_OWN:
            patch.delenv(name, raising=False)
        for name, value in cloud.environment().items():
            patch.setenv(name, value)
        patch.setenv("WEBHOOK_LAB_HOME", str(home))
        patch.setenv("IPYTHONDIR", str(home / "ipython"))
        patch.setenv("WEBHOOK_LAB_HEADLESS", "1")
        yield


def run_each_twice(chapter: Chapter) -> list[tuple[str, nbformat.NotebookNode]]:
    notebook: nbformat.NotebookNode = nbformat.read(FOLDER / chapter.file, as_version=4)  # type: ignore[no-untyped-call]
    codes = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = [deepcopy(cell) for cell in codes for _ in range(2)]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"{cell.id}-{'again' if number % 2 else 'first'}"
    NotebookClient(
        notebook, timeout=CELL_SECONDS, allow_errors=True, resources={"metadata": {"path": FOLDER}}
    ).execute()
    return [(cell.id, output) for cell in notebook.cells for output in cell.outputs]


@pytest.mark.long
@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)
@pytest.mark.usefixtures("lab_of_its_own")
def test_each_cell_survives_a_second_run(chapter: Chapter) -> None:
    outputs = run_each_twice(chapter)
    errors = [(cell, each) for cell, each in outputs if each.output_type == "error"]
    for cell, error in errors:
        print(cell, error.ename, "|", *error.traceback[-3:])
    bare = [f"{cell}: {error.ename}: {error.evalue}" for cell, error in errors if error.ename != "LabError"]
    assert not bare, "\n".join(bare)
