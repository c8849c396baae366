"""Run the notebooks and write their outputs anew: `make refresh`, or `python -m tools.refresh FILE…`.

The stored outputs are what people read on the web and what the tests compare, so this is the only thing that
writes them: on a local cloud of its own, in order, each notebook from its first cell to its last. A notebook
that fails is left as it was. The chapters' pictures are written along with all notebooks. What would differ
on every run is cleaned away:

- execution counts are 1..n; the kernel's name is fixed; of the metadata only the cells' tags stay
- of the outputs' metadata only a picture's size and alternative text stay
- a saved widget view, which would reopen as an error, is dropped; its text stays
- in cells tagged nbval-ignore-output, which may show what differs, a visible token stands for each address,
  id and time. Elsewhere such a thing is a mistake of the notebook's, which tests/notebooks finds
"""

import contextlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode

from tools.picture import write_pictures
from webhook_lab.local_cloud import private_cloud

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
CELL_SECONDS = 120
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
PICTURE = "image/png"
WIDGET = "application/vnd.jupyter.widget-view+json"
IGNORED = "nbval-ignore-output"

VARYING: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(127\.0\.0\.1|localhost):\d+"), r"\1:<port>"),
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{64}\b"), "<sha256>"),
    (re.compile(r"\bwhsec_[A-Za-z0-9+/]{16,}=*"), "whsec_<secret>"),
    (re.compile(r"(?<=/restapis/)\w+"), "<api>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b1[6-9]\d{8}(?:\d{3})?(?:\.\d+)?\b"), "<time>"),
)
"""What differs on another run, and the token for it: addresses, ids, secrets, digests, times."""


def varying(text: str) -> list[str]:
    """What in `text` would differ on another run."""
    return [found.group() for pattern, _ in VARYING for found in pattern.finditer(text)]


def steady(text: Any, kind: str = "text/plain") -> Any:
    """`text`, of this MIME type, with tokens for what varies; what is not text as it is."""
    if isinstance(text, str):
        for pattern, token in VARYING:  # in HTML a bare <port> would be an element that nobody sees
            text = pattern.sub(escape(token) if kind == "text/html" else token, text)
    return text


def clean(notebook: NotebookNode) -> NotebookNode:
    """The notebook (changed in place) with nothing in it that another run would change."""
    notebook.metadata = nbformat.from_dict(METADATA)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    count = 0
    for cell in notebook.cells:
        tags = cell.metadata.get("tags")
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            count += 1
            cell.execution_count = count
            cell.outputs = [out for out in cell.outputs if clean_output(out, count, IGNORED in (tags or ()))]
    return notebook


def clean_output(output: NotebookNode, count: int, ignored: bool) -> bool:
    """Clean one output in place; False when nothing of it is left."""
    if "execution_count" in output:
        output.execution_count = count
    if "metadata" in output:
        kept = {kind: about for kind, about in output.metadata.items() if kind == PICTURE}
        output.metadata = nbformat.from_dict(kept)
    if "data" in output:
        output.data.pop(WIDGET, None)
    if ignored and "text" in output:
        output.text = steady(output.text)
    if ignored and "data" in output:
        output.data = NotebookNode({kind: steady(value, kind) for kind, value in output.data.items()})
    return "data" not in output or bool(output.data)


def text_of(notebook: NotebookNode) -> str:
    """What is written to the file: it ends with one newline."""
    return nbformat.writes(clean(notebook)).rstrip("\n") + "\n"


@contextlib.contextmanager
def fresh_lab() -> Iterator[None]:
    """A local cloud and a ledger that nobody has used, which the kernels inherit."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home, private_cloud() as cloud:
        os.environ.update(cloud.environment(), WEBHOOK_LAB_HOME=home, IPYTHONDIR=str(Path(home) / "ipython"))
        os.environ["WEBHOOK_LAB_HEADLESS"] = "1"  # the last frame alone, on light paper whoever refreshes
        for name in (
            "MPLBACKEND",
            "AWS_PROFILE",
            "WEBHOOK_LAB_NAME",
            "WEBHOOK_LAB_AWS_ACCOUNT",
            "WEBHOOK_LAB_CLASS",
        ):
            os.environ.pop(name, None)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def refresh(path: Path) -> None:
    """Run one notebook and write it back.

    Raises:
        CellExecutionError: when a cell fails; the file is as it was.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        coalesce_streams=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],  # no warning about loopback ports
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    path.write_text(text_of(notebook), encoding="utf-8", newline="\n")


def main(arguments: Sequence[str] = tuple(sys.argv[1:])) -> None:
    """Refresh the named notebooks, or all."""
    paths = [Path(name) for name in arguments] or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not arguments:
        write_pictures(NOTEBOOKS)
    with fresh_lab():
        for path in paths:
            print(path.name, end=" ", flush=True)
            try:
                refresh(path)
            except CellExecutionError as error:
                sys.exit(f"failed, and is as it was:\n{error}")
            print("refreshed")


if __name__ == "__main__":
    main()
