"""Run notebooks under a day, each cell timed, and go on after a red one: what a learner would see on AWS."""

import argparse
import contextlib
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.days.kernel import environment
from tools.refresh import IGNORED
from webhook_lab.local_cloud import private_cloud

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CELL_SECONDS = 900
LEARNERS_OWN = ("MPLBACKEND", "AWS_PROFILE", "WEBHOOK_LAB_NAME", "WEBHOOK_LAB_AWS_ACCOUNT")


@dataclass(frozen=True)
class Cell:
    """One code cell that was run.

    Args:
        red: what it raised; empty when it did not.
        silent: seconds for which it showed nothing new, at the longest.
        text: what it showed, as text.
        stored: what the notebook's file has of that; None where it is not compared.
    """

    notebook: str
    number: int
    id: str
    source: str
    red: str
    seconds: float
    silent: float
    text: str
    stored: str | None

    def __str__(self) -> str:
        head = f"{self.notebook} cell {self.number}, {self.seconds:.0f} s, silent for {self.silent:.0f} s"
        return "\n".join(filter(None, [head, self.source, self.text, self.red]))


class _Timed(NotebookClient):
    """Notes when each cell shows something."""

    shown_at: list[float]

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        if msg["msg_type"] in ("stream", "display_data", "update_display_data", "comm_msg"):
            self.shown_at.append(time.monotonic())
        return super().process_message(msg, cell, cell_index)


@contextlib.contextmanager
def learner(folder: Path, *day: str) -> Iterator[None]:
    """A cloud and a ledger of one learner's own, under this day, which kernels inherit."""
    with pytest.MonkeyPatch.context() as patch, private_cloud() as cloud:
        for name in LEARNERS_OWN:
            patch.delenv(name, raising=False)
        own = {"WEBHOOK_LAB_HOME": str(folder), "WEBHOOK_LAB_HEADLESS": "1"}
        for name, value in {**cloud.environment(), **own, **environment(folder / "ipython", *day)}.items():
            patch.setenv(name, value)
        yield


def run(path: Path) -> Iterator[Cell]:
    """Every code cell of the notebook, in one kernel, as soon as it has run; the file stays as it is."""
    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    client = _Timed(
        notebook,
        timeout=CELL_SECONDS,
        kernel_name="python3",
        coalesce_streams=True,
        allow_errors=True,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
        resources={"metadata": {"path": str(path.parent)}},
    )
    with client.setup_kernel():
        code = [(index, cell) for index, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
        for number, each in enumerate(code):
            yield _run_cell(client, path.name, number, *each)


def _run_cell(client: _Timed, name: str, number: int, index: int, cell: Any) -> Cell:
    stored = None if IGNORED in cell.metadata.get("tags", ()) else "\n".join(_texts(cell.outputs))
    client.shown_at = [began := time.monotonic()]
    client.execute_cell(cell, index)
    times = [*client.shown_at, ended := time.monotonic()]
    silent = max(later - earlier for earlier, later in pairwise(times))
    errors = [f"{out.ename}: {out.evalue}" for out in cell.outputs if out.output_type == "error"]
    text = "\n".join(_texts(cell.outputs))
    seconds, red = ended - began, "\n".join(errors)
    return Cell(name, number, cell.id, cell.source, red, seconds, silent, text, stored)


def _texts(outputs: Sequence[Any]) -> Iterator[str]:
    for out in outputs:
        if "text" in out:
            yield out.text
        elif "data" in out and "text/plain" in out.data:
            yield out.data["text/plain"]


def main(day: str, numbers: Sequence[str], kept: Path | None = None) -> None:
    """Run these chapters in one lab under the day, and print every cell as it was.

    Args:
        kept: a file that gets one line of JSON for each cell.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, learner(Path(folder), day):
        for number in numbers:
            (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
            began = time.monotonic()
            for cell in run(path):
                print(cell, "\n", "-" * 60, flush=True)
                if kept:
                    with kept.open("a") as lines:
                        print(json.dumps(asdict(cell)), file=lines)
            print(f"== {path.name}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run notebooks under a day, such as: normal 07 15")
    parser.add_argument("day", help="names of scenarios, with commas between")
    parser.add_argument("chapters", nargs="+", metavar="NN")
    parser.add_argument("--kept", type=Path, help="a file that gets one line of JSON for each cell")
    asked = parser.parse_args()
    main(asked.day, asked.chapters, asked.kept)
