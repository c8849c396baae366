"""Write `notebooks/agendas/class_board.ipynb`, with outputs of a real run: `python -m tools.class_board`.

The run is the notebook's own, on a local cloud of its own, from its first cell to its last; the learners are
simulated (tools/simulated_class.py) and report to it meanwhile, as real ones would. `make refresh` does it.
"""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from tools.agendas import FOLDER
from tools.refresh import IGNORED, fresh_lab, refresh, text_of
from tools.simulated_class import NAMES, Play
from webhook_lab.aws.retry import retry_until
from webhook_lab.lab.classroom import ClassRoom

PATH = FOLDER / "class_board.ipynb"
CHAPTERS = ("00", "01", "02", "03", "04", "05")
MINUTES, PACE = 60.0, 1.0
"""The learners' hour passes in a minute; the stored board shows the last of it."""

CELLS: tuple[tuple[str, str], ...] = (
    (
        "markdown",
        """# The room at a glance

For who teaches. Every checkpoint that a learner passes or fails, and every exercise, is a webhook: signed,
tried again until it is taken, put on a queue, stored once. The pipeline that takes them is the one that this
course builds, and what you see below is its table.

It stands beside your own lab, under a name of its own, so that a chapter which you show leaves it alone.""",
    ),
    (
        "code",
        """from webhook_lab.lab.classroom import ClassRoom

room = ClassRoom.open()""",
    ),
    (
        "markdown",
        """## What learners set

Hand out the address and the secret before they start JupyterLab; each chooses a name. Whoever has both can
report, under any name, so keep them in the class and grade nothing by them. Run the first cell again tomorrow
and you get the same ones, as long as the pipeline stands.

On AWS everybody reaches the address. The cloud of your own machine answers your machine alone. If your class
is on a network that you trust, open a terminal in this JupyterLab (*File, New, Terminal*) and type
`webhook-lab class --listen`, with your machine's address behind it. It says what that opens: one path, for
signed reports, until you press Ctrl-C. Hand out the address that it prints.""",
    ),
    ("code*", "room.handout()"),
    (
        "markdown",
        """## Who is where

The cell below goes on for four hours, or until you stop it; the last board stays. Stuck learners come first,
whose latest checkpoint failed, with the checkpoint and why. A learner is quiet when nothing came for longer
than her chapter takes.

The stored board is of thirty simulated learners, whose hour passed in a minute.""",
    ),
    ("code*", "await room.watch(minutes=240)"),
    (
        "markdown",
        """## Was anything lost, was anything counted twice

A sender that hears no answer sends again, so some reports come more than once; a cell that is run again with
the same outcome sends the same delivery too. The table takes each id once, as in
[07 Remember each delivery once](../07_remember_each_delivery_once.ipynb).""",
    ),
    ("code*", "room.counts()"),
    (
        "markdown",
        """## What is told, and what is not

A report holds the chosen name, the chapter, the checkpoint's own sentence, whether it holds, since when, and
if not the check's reason, without what that quotes. No code, no output, no other name, and no address is
stored. This is the newest of them as it lies in the table.""",
    ),
    ("code*", "room.newest()"),
    (
        "markdown",
        """## Afterwards

This removes the class's pipeline with every report, and proves that nothing is left. Unless you do, reports
are kept for seven days.""",
    ),
    ("code*", "room.teardown()"),
)
"""Kind and source; a star marks what differs on every run."""


def notebook() -> NotebookNode:
    """The notebook without outputs."""
    cells = []
    for i, (kind, source) in enumerate(CELLS):
        if kind == "markdown":
            cells.append(nbformat.v4.new_markdown_cell(source, id=f"cell-{i}"))
        else:
            metadata = {"tags": [IGNORED]} if kind.endswith("*") else {}
            cells.append(nbformat.v4.new_code_cell(source, id=f"cell-{i}", metadata=metadata))
    return nbformat.v4.new_notebook(cells=cells)


def write_class_board(path: Path = PATH) -> None:
    """Run it while thirty learners report, and write it with what it showed."""
    path.write_text(text_of(notebook()), encoding="utf-8", newline="\n")
    with fresh_lab():
        room = ClassRoom.open()
        play = Play((room.url, room.secret), NAMES, CHAPTERS, until=MINUTES, pace=PACE).start()
        retry_until(lambda: room.board().reports > len(NAMES) or None, seconds=60, reason="the first reports")
        refresh(path)
        play.stop()


if __name__ == "__main__":
    write_class_board()
