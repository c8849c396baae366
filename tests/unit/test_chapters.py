"""The chapters: in order, agreeing with the pipeline, and told by their notebooks' first and last cells."""

import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from tools.picture import BOXES, picture_of
from webhook_lab.aws.errors import LabError
from webhook_lab.course.chapters import CHAPTERS, RESTARTED, Chapter, chapter_numbered
from webhook_lab.pipeline import LAST, steps_until

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
NEXT = [*pairwise(CHAPTERS), (CHAPTERS[-1], CHAPTERS[0])]


def test_chapters_are_in_order_and_each_starts_where_the_one_before_it_ends() -> None:
    numbers = [chapter.number for chapter in CHAPTERS]
    assert numbers == sorted(set(numbers))
    begins = [len(steps_until(chapter.starts_with)) for chapter in CHAPTERS]
    assert begins == sorted(begins)
    assert chapter_numbered("15").starts_with == LAST
    assert all(set(chapter.lit) <= set(BOXES) for chapter in CHAPTERS)


@pytest.mark.parametrize(("chapter", "after"), NEXT, ids=lambda chapter: chapter.number)
def test_a_notebook_opens_with_what_a_reader_asks_for_first_and_ends_with_where_to_go(
    chapter: Chapter, after: Chapter
) -> None:
    cells = nbformat.read(NOTEBOOKS / chapter.file, as_version=4).cells
    card = cells[0].source
    assert card.startswith(f"# {chapter.number} {chapter.title}\n\n**At the end:** ")
    assert f"![{picture_of(chapter).alt}](pictures/pipeline-{chapter.number}.svg)" in card
    assert card.count("\n- ") == 3
    assert card.endswith(f"|\n\n{RESTARTED}")
    (minutes,) = re.findall(
        r"\| needs \| minutes \| costs on AWS \|\n.+\n\| .+ \| (\d+) \| .+ \|\n\nAfter", card
    )
    assert int(minutes) == chapter.minutes <= 30
    assert "$" not in card  # two of them on one line are mathematics to a notebook
    assert cells[-1].source.endswith(f":** [{after.number} {after.title}]({after.file})")


def test_an_unknown_chapter_is_refused_with_those_that_exist() -> None:
    with pytest.raises(LabError, match="open chapter '99'") as raised:
        chapter_numbered("99")
    assert "00, 01" in raised.value.try_this
