"""The chapters: in order, complete, and agreeing with the pipeline."""

import re

import pytest

from tools.picture import BOXES, chapter_card
from webhook_lab.aws.errors import LabError
from webhook_lab.course.chapters import CHAPTERS, chapter_numbered, next_link
from webhook_lab.pipeline import LAST, steps_until

each = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.number)


def test_chapters_are_numbered_in_order():
    numbers = [chapter.number for chapter in CHAPTERS]
    assert numbers == sorted(set(numbers))


@each
def test_a_chapter_is_named_after_its_number_and_starts_with_a_verb(chapter):
    assert re.fullmatch(rf"{chapter.number}_[a-z]+(_[a-z]+)+\.ipynb", chapter.file)
    assert chapter.product.endswith(".")
    assert 0 < chapter.minutes <= 30
    assert len(chapter.you_will) == 3
    assert not any(deed.startswith("about") or deed.endswith(".") for deed in chapter.you_will)


@each
def test_a_chapter_starts_with_steps_that_the_pipeline_has(chapter):
    steps_until(chapter.starts_with)
    assert set(chapter.lit) <= set(BOXES)


def test_each_chapter_starts_where_the_one_before_it_ends():
    begins = [len(steps_until(chapter.starts_with)) for chapter in CHAPTERS]
    assert begins == sorted(begins)
    assert chapter_numbered("15").starts_with == LAST


@each
def test_the_card_holds_what_a_reader_asks_for_first(chapter):
    card = chapter_card(chapter)
    assert card.startswith(f"# {chapter.number} {chapter.title}\n\n**At the end:** ")
    assert f"](pictures/pipeline-{chapter.number}.svg)" in card
    assert card.count("\n- ") == 3
    assert str(chapter.minutes) in card
    assert chapter.aws_cost in card
    assert "$" not in card  # two of them on one line are mathematics to a notebook


def test_links_lead_to_the_next_chapter_that_exists():
    assert next_link(chapter_numbered("00")) == "**Next:** [01 Break a database](01_break_a_database.ipynb)"
    assert next_link(chapter_numbered("10")) == "**Next:** [15 Tear it down](15_tear_it_down.ipynb)"
    assert next_link(CHAPTERS[-1]).endswith(CHAPTERS[0].link)


def test_an_unknown_chapter_is_refused_with_those_that_exist():
    with pytest.raises(LabError, match="open chapter '99'") as raised:
        chapter_numbered("99")
    assert "00, 01" in raised.value.try_this
