"""The picture of the pipeline: well formed, readable in any theme, and saying in words what it shows."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tools.picture import BOXES, picture_of, pipeline_picture, write_pictures
from webhook_lab.course.chapters import CHAPTERS, chapter_numbered

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("lit", [[], *[[key] for key in BOXES], list(BOXES)])
def test_a_file_is_well_formed_and_says_what_it_shows(lit):
    picture = pipeline_picture(lit)
    root = ElementTree.fromstring(picture.svg_file())
    assert (root.attrib["role"], root.attrib["aria-label"]) == ("img", picture.alt)
    words = {text.text for text in root.iter(f"{SVG}text")}
    assert {box.name for box in BOXES.values()} | {"throttle"} <= words


@pytest.mark.parametrize(
    ("lit", "words"),
    [
        ([], "nothing"),
        (["api"], "API Gateway"),
        (["queue", "dlq"], "queue, dead-letter queue"),
        (BOXES, "everything"),
    ],
)
def test_the_alt_text_says_what_is_lit(lit, words):
    assert pipeline_picture(lit).alt.endswith(f"Lit here: {words}.")


def test_what_is_still_to_come_is_dashed_and_what_is_lit_is_thick():
    picture = pipeline_picture(["queue"], built=["table"])
    boxes = [
        rect
        for rect in ElementTree.fromstring(picture.svg_file()).iter(f"{SVG}rect")
        if "fill-opacity" in rect.attrib
    ]
    dashed = {key for key, rect in zip(BOXES, boxes, strict=True) if "stroke-dasharray" in rect.attrib}
    thick = {key for key, rect in zip(BOXES, boxes, strict=True) if float(rect.attrib["stroke-width"]) > 2}
    assert dashed == {"api", "publish", "dlq", "subscribe"}
    assert thick == {"queue"}


def test_letters_follow_the_readers_colours_and_nothing_leaves_the_paper():
    file = pipeline_picture(BOXES).svg_file()
    root = ElementTree.fromstring(file)
    fills = {text.attrib["fill"] for text in root.iter(f"{SVG}text")}
    assert fills == {"currentColor", "#fff"}  # white stands on the badge alone
    assert "prefers-color-scheme:dark" in file
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for rect in root.iter(f"{SVG}rect"):
        box = {name: float(rect.attrib[name]) for name in ("x", "y", "width", "height")}
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        assert 0 <= box["y"] <= box["y"] + box["height"] <= height


def test_an_unknown_box_is_refused():
    with pytest.raises(ValueError, match="no box lambda in the picture"):
        pipeline_picture(["lambda"])


def test_the_picture_shows_what_earlier_chapters_built():
    assert picture_of(chapter_numbered("00")).lit == set(BOXES)
    assert picture_of(chapter_numbered("02")).built == {"sender"}
    assert picture_of(chapter_numbered("05")).built == {"sender", "table", "queue", "dlq", "publish"}
    assert picture_of(chapter_numbered("15")).built == {"sender"}


def test_pictures_are_written_alike_every_time(tmp_path):
    files = write_pictures(tmp_path)
    assert [file.name for file in files] == [f"pipeline-{chapter.number}.svg" for chapter in CHAPTERS]
    first = [file.read_bytes() for file in files]
    assert [file.read_bytes() for file in write_pictures(tmp_path)] == first
    assert all(b"\r" not in content for content in first)


def test_the_committed_pictures_are_those_of_the_chapters(tmp_path):
    committed = Path(__file__).parents[2] / "notebooks/pictures"
    for file in write_pictures(tmp_path):
        assert (committed / file.name).read_bytes() == file.read_bytes(), "run make refresh"
