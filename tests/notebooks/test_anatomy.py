"""Every notebook's shape, what it may not contain, and that its stored outputs are real."""

import ast
import re
import statistics
from html import unescape
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from tools.refresh import IGNORED, WIDGET, text_of, varying
from webhook_lab.course.chapters import CHAPTERS

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(FOLDER.glob("*.ipynb"))

BANNED = {
    "a shell escape": r"^\s*!|^\s*\w+\s*=\s*!",
    "a shell cell": r"^%%(bash|sh|script|cmd|system|sx|!)",
    "a shell magic": r"^\s*%(sx|system|pip|conda|cd|run)\b",
    "state outside the notebook": r"^\s*%store\b",
    "a fixed wait": r"\bsleep\(",
    "a prompt": r"\binput\(",
    "nbval's comments instead of tags": r"#\s*(NBVAL|PYTEST)_",
}
"""What a notebook may not contain, so that it runs on every system and a green run means something."""

NAMED_ARN = re.compile(r"arn:aws:(?![a-z0-9-]+:(<region>)?:<account>:)")
"""An ARN of somebody's; in an expected error tokens stand for region and account."""

TAGS = {IGNORED}
"""Tags that a cell may have: skipping a cell or allowing any exception would hide what breaks."""


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def lines_of(cell: NotebookNode) -> list[str]:
    return [line for line in cell.source.splitlines() if line.strip()]


def texts_of(cell: NotebookNode) -> str:
    """Everything readable in the cell's outputs."""
    texts = [out.text for out in cell.outputs if "text" in out]
    data = [value for out in cell.outputs for value in out.get("data", {}).items()]
    return "\n".join([*texts, *(value for kind, value in data if not kind.startswith("image/png"))])


def tree_of(source: str) -> ast.Module:
    """The cell's syntax tree, magics and top-level await included."""
    return ast.parse(TransformerManager().transform_cell(source))


@pytest.fixture(params=PATHS, ids=lambda path: path.name)
def path(request: pytest.FixtureRequest) -> Path:
    chosen: Path = request.param
    return chosen


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def test_the_chapters_and_the_files_are_the_same() -> None:
    assert [chapter.file for chapter in CHAPTERS] == [path.name for path in PATHS]
    assert all(chapter.file.startswith(f"{chapter.number}_") for chapter in CHAPTERS)


def test_the_file_is_as_refresh_writes_it(path: Path, notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    assert path.read_bytes().decode() == text_of(notebook), "run make refresh"


def test_every_code_cell_was_run(path: Path) -> None:
    stored = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in code_cells(stored)] == [*range(1, len(code_cells(stored)) + 1)]


def test_every_cell_that_ends_in_an_expression_shows_something(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        body = tree_of(cell.source).body
        assert body, "an empty cell"
        if isinstance(body[-1], ast.Expr):
            assert cell.outputs, f"no output stored: {cell.source}"


def test_no_stored_output_is_an_error_or_a_warning(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", cell.source
            assert WIDGET not in output.get("data", {}), cell.source


def test_compared_outputs_hold_nothing_that_differs_between_runs(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        if IGNORED not in cell.metadata.get("tags", []):
            assert not varying(texts_of(cell)), cell.source
            assert not NAMED_ARN.search(unescape(texts_of(cell))), cell.source


@pytest.mark.parametrize("what", BANNED)
def test_it_does_not_contain(notebook: NotebookNode, what: str) -> None:
    for cell in code_cells(notebook):
        assert not re.search(BANNED[what], cell.source, flags=re.MULTILINE), cell.source


def test_no_tag_hides_a_failure(notebook: NotebookNode) -> None:
    for cell in notebook.cells:
        assert set(cell.metadata.get("tags", [])) <= TAGS, cell.source


def test_it_opens_with_a_card_and_then_the_lab(path: Path, notebook: NotebookNode) -> None:
    assert notebook.cells[0].cell_type == "markdown"
    first = tree_of(code_cells(notebook)[0].source).body
    assert all(isinstance(line, ast.Import | ast.ImportFrom) for line in first[:-1])
    assert ast.unparse(first[-1]) == f"lab = Lab.open(chapter='{path.name[:2]}')"


def test_code_cells_are_few_and_short(notebook: NotebookNode) -> None:
    lengths = sorted(len(lines_of(cell)) for cell in code_cells(notebook))
    assert len(lengths) <= 25
    assert lengths[-1] <= 15
    assert statistics.median(lengths) <= 3
    assert sum(length <= 8 for length in lengths) >= 0.9 * len(lengths)


def test_it_defines_no_long_function(notebook: NotebookNode) -> None:
    for cell in code_cells(notebook):
        for node in ast.walk(tree_of(cell.source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                assert (node.end_lineno or 0) - node.lineno < 6, node.name


def test_it_explains_more_than_it_runs(notebook: NotebookNode) -> None:
    words = sum(len(cell.source.split()) for cell in notebook.cells if cell.cell_type == "markdown")
    code = sum(len(lines_of(cell)) for cell in code_cells(notebook))
    assert 8 <= words / code <= 40, f"{words} words for {code} lines of code"
