"""One chapter's notebook run as it stands, in a kernel of its own, and which of its promises held."""

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from webhook_lab.cli.report import progress
from webhook_lab.course.chapters import Chapter
from webhook_lab.course.checks import checks_of
from webhook_lab.send.background import Background

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from webhook_lab.lab import Lab

HELD, BROKEN, LEFT_OUT, UNREACHED = "held", "not held", "left out", "not reached"
CELL_SECONDS = 1_800
"""How long a cell may take; whatever waits in one gives up sooner by itself."""
CALLS = "The calls of this chapter: "
_TELL_CALLS = "from webhook_lab.cli.chapter import tell_calls\n\ntell_calls(lab)"
_CLAIMED = re.compile(r'\.checkpoint\(\s*"([^"]+)"')
_SAID_MOST = 600
"""Characters of what is repeated of one answer."""


@dataclass
class Promise:
    """A chapter's claim (webhook_lab/course/checks), what became of it, and what was said.

    `seconds` is how long its cell took, the waiting for AWS included.
    """

    claim: str
    outcome: str = UNREACHED
    said: str = ""
    seconds: float = 0.0


@dataclass
class Proven:
    """A chapter, as far as it was run.

    Args:
        red: each cell that failed: its number, as Jupyter counts, and what it said.
        calls: what was asked of AWS: operation, how often, the slowest answer in seconds, refusals by code.
    """

    number: str
    title: str
    promises: list[Promise]
    seconds: float = 0.0
    cells: int = 0
    red: list[dict[str, Any]] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether it ran to its end without a red cell, and nothing that it promises was not held."""
        return not self.red and all(each.outcome in (HELD, LEFT_OUT) for each in self.promises)

    @property
    def facts(self) -> dict[str, Any]:
        return {**asdict(self), "ok": self.ok}


def promised(chapter: Chapter) -> Proven:
    """The chapter before it is run: every promise that it makes, none of them reached."""
    claims = checks_of(chapter.number).claims
    return Proven(chapter.number, chapter.title, [Promise(claim) for claim in claims])


class ChapterRun:
    """Runs a chapter's code cells in order, as *Run All* does, and writes down what becomes of each.

    Args:
        found: what is written to; whoever interrupts the run finds there how far it came.
    """

    def __init__(self, notebook: Path, found: Proven) -> None:
        import nbformat

        self._folder, self._found = notebook.parent, found
        self._nb = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
        self._nb.cells = [cell for cell in self._nb.cells if cell.cell_type == "code"]
        self._total = len(self._nb.cells)
        self._nb.cells.append(nbformat.v4.new_code_cell(_TELL_CALLS))  # type: ignore[no-untyped-call]
        self._began = time.monotonic()

    def __call__(self, environ: Mapping[str, str]) -> None:
        """Run it. However this ends, the kernel is gone then."""
        from nbclient import NotebookClient
        from nbclient.exceptions import DeadKernelError

        client = NotebookClient(
            self._nb,
            timeout=CELL_SECONDS,
            interrupt_on_timeout=True,
            kernel_name="python3",
            allow_errors=True,
            coalesce_streams=True,
            shutdown_kernel="immediate",
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
            resources={"metadata": {"path": str(self._folder)}},
            on_cell_execute=self._begin,
            on_cell_executed=self._end,
        )
        # Its own handling of signals would take ours away; in a thread it has none.
        run = Background(lambda: client.async_execute(env=dict(environ)))
        started = time.monotonic()
        try:
            with progress(self._total, self._found.number) as self._step:
                run.start().join()
        except _Unopened:
            pass  # no further cell would say anything but that there is no lab
        except DeadKernelError as error:
            self._found.red.append({"cell": self._found.cells + 1, "said": f"DeadKernelError: {error}"})
        finally:
            run.stop()
            self._found.seconds = round(time.monotonic() - started, 1)

    def _begin(self, cell: "NotebookNode", cell_index: int) -> None:  # noqa: ARG002
        self._step(f"cell {cell_index + 1} of {self._total}", done=min(cell_index, self._total))
        self._began = time.monotonic()

    def _end(self, cell: "NotebookNode", cell_index: int, execute_reply: Any) -> None:  # noqa: ARG002
        if cell_index == self._total:
            self._found.calls = _calls_in(_printed(cell))
            return
        self._found.cells += 1
        error = _error_of(cell)
        self._judge(cell, error)
        if error:
            self._found.red.append({"cell": cell_index + 1, "said": error})
            if cell_index == 0:
                raise _Unopened
        if cell_index == 0 and " is left out: " in _printed(cell):
            self._leave_out(_printed(cell).strip())

    def _judge(self, cell: "NotebookNode", error: str) -> None:
        seconds = round(time.monotonic() - self._began, 1)
        for promise in self._found.promises:
            if promise.outcome in (UNREACHED, HELD) and (became := _outcome(promise.claim, cell, error)):
                promise.outcome, promise.said = became
                promise.seconds = seconds

    def _leave_out(self, why: str) -> None:
        for promise in self._found.promises:
            promise.outcome, promise.said = LEFT_OUT, why


class _Unopened(Exception):
    """The first cell failed: there is no lab."""


def _outcome(claim: str, cell: "NotebookNode", error: str) -> tuple[str, str] | None:
    """What became of a claim in a cell, and what was said; None where it is no matter of this cell."""
    printed = _printed(cell)
    if f"Checkpoint: {claim}." in printed:
        return HELD, ""
    another_failed = "checkpoint '" in error  # above it in the same cell
    here = claim in _CLAIMED.findall(cell.source) and not another_failed
    if not here and f"checkpoint '{claim}'" not in error:
        return None
    if left_out := re.search(r"Checkpoint left out: (.*)", printed):
        return LEFT_OUT, left_out[1]
    return BROKEN, error or "its cell said nothing of it"


def _printed(cell: "NotebookNode") -> str:
    return "".join(out.text for out in cell.outputs if out.output_type == "stream" and out.name == "stdout")


def _error_of(cell: "NotebookNode") -> str:
    """What a cell that failed said, in short; empty for one that did not."""
    errors = [out for out in cell.outputs if out.output_type == "error"]
    return f"{errors[0].ename}: {errors[0].evalue}"[:_SAID_MOST] if errors else ""


def tell_calls(lab: "Lab") -> None:
    """Print what the lab asked of AWS, in one line that `ChapterRun` reads."""
    print(CALLS + json.dumps(list(_counted(lab))))


def _counted(lab: "Lab") -> Iterator[dict[str, Any]]:
    made: dict[str, list[Any]] = defaultdict(list)
    for call in lab.aws.calls.since():
        made[f"{call.service}.{call.operation}"].append(call)
    for operation, calls in sorted(made.items()):
        refused: dict[str, int] = defaultdict(int)
        for call in calls:
            if call.error:
                refused[call.error] += 1
        slowest = round(max(call.seconds for call in calls), 2)
        yield {"call": operation, "times": len(calls), "slowest": slowest, "refused": dict(refused)}


def _calls_in(printed: str) -> list[dict[str, Any]]:
    for line in printed.splitlines():
        if line.startswith(CALLS):
            found: list[dict[str, Any]] = json.loads(line.removeprefix(CALLS))
            return found
    return []
