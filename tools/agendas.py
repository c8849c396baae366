"""Write the agendas, `notebooks/agendas/*.ipynb`: `python -m tools.agendas`; `make refresh` does it too.

An agenda is a thin notebook of goals, clock times, links, what is skipped and where to rejoin. What it says
of a chapter (title, minutes, what one has at its end) comes from the chapter. Nothing in it runs.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat

from tools.refresh import NOTEBOOKS, text_of
from webhook_lab.course.chapters import CHAPTERS, Chapter, chapter_numbered

FOLDER = NOTEBOOKS / "agendas"
SITTING = 95
"""Minutes that one takes at a stretch by oneself, at most."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "04": ("03",), "05": ("02", "03"), "06": ("04",), "07": ("02", "03"), "08": ("03", "05"),
    "09": ("03", "05"), "10": ("03", "05"), "11": ("04", "06"), "12": ("05",), "13": ("01", "05"),
    "14": ("05", "09"),
}  # fmt: skip
"""Whose idea a chapter builds on. Its resources `Lab.open` builds; the idea somebody has to tell."""

TELL: Mapping[str, str] = {
    "01": "A database has a limit of connections, and what is beyond it is refused; a queue in front waits.",
    "02": "The table takes each id once: a conditional write refuses the second.",
    "03": "A message that was received is hidden for the visibility timeout and comes back unless deleted; "
    "after so many receives it goes to the dead-letter queue.",
    "04": "The publish function puts the whole request on the queue, answers 202, and may do no more.",
    "05": "The event source mapping takes messages in batches and invokes the function; its maximum "
    "concurrency and the function's reserved concurrency are the throttle.",
    "06": "API Gateway takes any method and path to the publish function.",
    "09": "What keeps failing goes to the dead-letter queue, and is taken back once the function is mended.",
}
"""What to tell of a chapter that is skipped, to those who go on with one that needs it."""


@dataclass(frozen=True)
class Agenda:
    """One way through the course.

    Args:
        file: the notebook's file name.
        title: what it is called.
        goals: what one will be able to do, each a verb and its object.
        parts: in order: a chapter's number, or minutes and what they are for.
    """

    file: str
    title: str
    goals: tuple[str, ...]
    parts: tuple[str | tuple[int, str], ...]

    @property
    def chapters(self) -> list[Chapter]:
        """The chapters that it keeps, in order."""
        return [chapter_numbered(part) for part in self.parts if isinstance(part, str)]

    @property
    def minutes(self) -> int:
        """From its beginning to its end."""
        return sum(_minutes(part) for part in self.parts)


def _minutes(part: str | tuple[int, str]) -> int:
    return chapter_numbered(part).minutes if isinstance(part, str) else part[0]


TIMED = (
    Agenda(
        "90_minutes.ipynb",
        "In 90 minutes",
        (
            "say what a burst of webhooks does to a database, and what a queue in front changes",
            "predict how long a queue takes to drain, and open the throttle while it does",
            "take everything down and prove that nothing is left",
        ),
        ("00", "01", (10, "Break"), "08", (5, "Questions"), "15"),
    ),
    Agenda(
        "half_a_day.ipynb",
        "In half a day",
        (
            "send a message through a queue, lose its receipt handle, and find it in the dead-letter queue",
            "let a queue feed a function no faster than the database bears",
            "put a URL in front of it all, and follow one webhook through every log",
            "predict a drain, break the pipeline in four ways, and lose nothing",
        ),
        (
            (10, "Welcome: who is here, `make lab` on every machine"),
            "00", "01", "03", (15, "Break"), "05", "06", (15, "Break"), "08", "09", (15, "Questions"), "15",
        ),
    ),
)  # fmt: skip
"""The agendas with a clock: what is kept is chosen by hand."""


def sittings() -> list[list[Chapter]]:
    """All chapters in order, in parts that one takes at a stretch."""
    found: list[list[Chapter]] = [[]]
    for chapter in CHAPTERS:
        if sum(each.minutes for each in found[-1]) + chapter.minutes > SITTING:
            found.append([])
        found[-1].append(chapter)
    return found


def goal(chapter: Chapter) -> str:
    """What one has at a chapter's end, by its card."""
    card = nbformat.read(NOTEBOOKS / chapter.file, as_version=4).cells[0].source
    (sentence,) = re.findall(r"^\*\*At the end:\*\* (.+)$", card, flags=re.MULTILINE)
    return str(sentence)


def link(chapter: Chapter) -> str:
    """A chapter by name, as a link from the agendas' folder."""
    return f"[{chapter.number} {chapter.title}](../{chapter.file})"


def clock(minutes: int, *, begins: int = 9) -> str:
    """The time so many minutes after nine."""
    return f"{begins + minutes // 60:02}:{minutes % 60:02}"


def skipped(agenda: Agenda) -> list[Chapter]:
    """The chapters that it leaves out."""
    return [chapter for chapter in CHAPTERS if chapter not in agenda.chapters]


def untold(agenda: Agenda, chapter: Chapter) -> list[str]:
    """The numbers of what `chapter` builds on and `agenda` has not had before it."""
    before = agenda.chapters[: agenda.chapters.index(chapter)]
    return [need for need in NEEDS.get(chapter.number, ()) if need not in {each.number for each in before}]


def timetable(agenda: Agenda) -> Iterator[str]:
    """Rows of clock times."""
    yield from ("| from | minutes | what | you will have |", "|---|---|---|---|")
    at = 0
    for part in agenda.parts:
        what, have = part[1], ""
        if isinstance(part, str):
            chapter = chapter_numbered(part)
            what, have = link(chapter), goal(chapter)
        yield f"| {clock(at)} | {_minutes(part)} | {what} | {have} |"
        at += _minutes(part)
    yield f"| {clock(at)} | {at} in all | End | |"


def rejoining(agenda: Agenda) -> Iterator[str]:
    """What to tell before a chapter whose groundwork was skipped."""
    for chapter in agenda.chapters:
        if needs := untold(agenda, chapter):
            yield f"**Before {link(chapter)}** tell what was skipped, two minutes of its {chapter.minutes}:\n"
            yield from (f"- {link(chapter_numbered(need))}: {TELL[need]}" for need in needs)
            yield ""


TIMED_CARD = """# {title}

Afterwards you can

{goals}

{minutes} minutes with breaks, from {begins} to {ends}; begin whenever you like. Nobody has to finish a
chapter to begin the next one."""
REJOIN = """## Where to rejoin

Each chapter's first code cell, `Lab.open`, builds all that it starts from, whatever was skipped or broken
before. Who is late opens the chapter that the room is at and runs that cell.

{told}"""
PACE_CARD = """# At your own pace

Afterwards you can build the pattern on an account of your own, watch it, break it, mend it and take it down.

{sittings} sittings, {minutes} minutes in all. Stop wherever you like and close JupyterLab: nothing has to
be kept. Go on at any chapter: its first code cell, `Lab.open`, builds all that it starts from."""


def timed(agenda: Agenda) -> list[str]:
    """The cells of an agenda with a clock."""
    card = TIMED_CARD.format(
        title=agenda.title,
        goals="\n".join(f"- {each}" for each in agenda.goals),
        minutes=agenda.minutes,
        begins=clock(0),
        ends=clock(agenda.minutes),
    )
    rest = "\n".join(f"- {link(each)}, {each.minutes} minutes: {goal(each)}" for each in skipped(agenda))
    return [
        card,
        "## The clock\n\n" + "\n".join(timetable(agenda)),
        REJOIN.format(told="\n".join(rejoining(agenda))).rstrip(),
        f"## What is skipped\n\nFor afterwards, in any order:\n\n{rest}",
    ]


def by_oneself(parts: Sequence[Sequence[Chapter]]) -> list[str]:
    """The cells of the agenda without a clock."""
    total = sum(chapter.minutes for part in parts for chapter in part)
    cells = [PACE_CARD.format(sittings=len(parts), minutes=total)]
    for number, part in enumerate(parts, 1):
        minutes = sum(chapter.minutes for chapter in part)
        rows = [f"| {link(each)} | {each.minutes} | {goal(each)} |" for each in part]
        table = "\n".join(["| chapter | minutes | you will have |", "|---|---|---|", *rows])
        cells.append(f"## Sitting {number}: {minutes} minutes\n\n{table}")
    return cells


def pages() -> dict[str, list[str]]:
    """Each agenda's cells, by file name."""
    return {**{each.file: timed(each) for each in TIMED}, "self_paced.ipynb": by_oneself(sittings())}


def text(cells: Sequence[str]) -> str:
    """A notebook's file of these Markdown cells."""
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_markdown_cell(cell, id=f"cell-{i}") for i, cell in enumerate(cells)]
    )
    return text_of(notebook)


def write_agendas(folder: Path = FOLDER) -> None:
    """Write every agenda into `folder`."""
    folder.mkdir(exist_ok=True)
    for file, cells in pages().items():
        (folder / file).write_text(text(cells), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    write_agendas()
