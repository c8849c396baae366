"""The agendas: their links lead somewhere, their minutes add up, and nobody goes where ground is missing."""

import re
from pathlib import Path

import nbformat
import pytest

from tools.agendas import FOLDER, NEEDS, SITTING, TELL, TIMED, Agenda, pages, sittings, skipped, text, untold
from webhook_lab.course.chapters import CHAPTERS, MINUTES

LINK = re.compile(r"\]\((?!http)([^)#]+)")
timed = pytest.mark.parametrize("agenda", TIMED, ids=lambda agenda: agenda.file)
page = pytest.mark.parametrize("name", pages())


def source(name: str) -> str:
    return "\n".join(cell.source for cell in nbformat.read(FOLDER / name, as_version=4).cells)


@page
def test_the_file_is_as_the_command_writes_it(name: str) -> None:
    written = (FOLDER / name).read_text(encoding="utf-8")
    assert written == text(pages()[name]), "run python -m tools.agendas"


@page
def test_its_links_lead_to_files(name: str) -> None:
    links = LINK.findall(source(name))
    assert links
    assert [link for link in links if not (FOLDER / link).is_file()] == []


@page
def test_every_chapter_is_in_it_as_kept_or_as_skipped(name: str) -> None:
    linked = {Path(link).name for link in LINK.findall(source(name))}
    assert {chapter.file for chapter in CHAPTERS} <= linked


@timed
def test_the_clock_adds_up_to_the_minutes_of_the_chapters(agenda: Agenda) -> None:
    rows = re.findall(r"^\| (\d\d):(\d\d) \| (\d+)", source(agenda.file), flags=re.MULTILINE)
    began = [60 * int(hour) + int(minute) - 540 for hour, minute, _ in rows]
    lasts = [int(minutes) for _, _, minutes in rows[:-1]]
    assert began == [sum(lasts[:i]) for i in range(len(rows))]
    for chapter in agenda.chapters:
        assert f"| {chapter.minutes} | [{chapter.number} {chapter.title}]" in source(agenda.file)


@timed
def test_it_takes_as_long_as_it_says_and_nobody_sits_for_two_hours(agenda: Agenda) -> None:
    promised = {"90_minutes.ipynb": 90, "half_a_day.ipynb": 240}
    assert agenda.minutes == promised[agenda.file]
    sat = 0
    for part in agenda.parts:
        is_break = not isinstance(part, str) and part[1] == "Break"
        sat = 0 if is_break else sat + (MINUTES[part] if isinstance(part, str) else part[0])
        assert sat <= SITTING


@timed
def test_what_a_kept_chapter_builds_on_was_kept_before_it_or_is_told(agenda: Agenda) -> None:
    said = source(agenda.file)
    for chapter in agenda.chapters:
        for need in untold(agenda, chapter):
            assert TELL[need] in said.split(f"**Before [{chapter.number}", 1)[1]


def test_what_would_be_skipped_can_be_told() -> None:
    needed = {need for needs in NEEDS.values() for need in needs}
    assert needed <= TELL.keys()
    assert all(need < number for number, needs in NEEDS.items() for need in needs)


@timed
def test_the_last_chapter_takes_everything_down(agenda: Agenda) -> None:
    assert agenda.chapters[-1] == CHAPTERS[-1]
    assert agenda.chapters == sorted(agenda.chapters, key=lambda chapter: chapter.number)
    assert [*agenda.chapters, *skipped(agenda)]


def test_by_oneself_every_chapter_comes_once_in_order() -> None:
    assert [chapter for part in sittings() for chapter in part] == list(CHAPTERS)
    assert all(sum(chapter.minutes for chapter in part) <= SITTING for part in sittings())
