"""The picture of the pipeline: well formed, readable in any theme, and saying in words what it shows."""

import re
from xml.etree import ElementTree

import pytest

from webhook_lab.show.picture import BOXES, pipeline_picture

SVG = "{http://www.w3.org/2000/svg}"


def drawing(html):
    return re.search(r"<svg.*</svg>", html, re.DOTALL)[0]


@pytest.mark.parametrize("lit", [[], *[[key] for key in BOXES], list(BOXES)])
def test_file_and_output_are_well_formed_and_say_the_same(lit):
    picture = pipeline_picture(lit)
    in_file = ElementTree.fromstring(picture.svg_file())
    in_output = ElementTree.fromstring(drawing(picture._repr_html_()))
    for root in (in_file, in_output):
        assert root.attrib["role"] == "img"
        assert root.attrib["aria-label"] == picture.alt
    words = {text.text for text in in_file.iter(f"{SVG}text")}
    assert {box.name for box in BOXES.values()} | {"throttle"} <= words
    assert words == {text.text for text in in_output.iter("text")}


def test_the_plain_repr_says_in_one_line_what_is_lit():
    assert repr(pipeline_picture(["queue", "dlq"])) == (
        "Pipeline, lit in brackets: sender -> API Gateway -> publish -> [queue] ([dead-letter queue]) "
        "-> subscribe -> table"
    )


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


def test_letters_follow_the_readers_colours():
    picture = pipeline_picture(["queue"])
    fills = {text.attrib["fill"] for text in ElementTree.fromstring(picture.svg_file()).iter(f"{SVG}text")}
    assert fills == {"currentColor", "#fff"}  # white stands on the badge alone
    assert "prefers-color-scheme:dark" in picture.svg_file()
    assert "var(--jp-content-font-color1, currentColor)" in picture._repr_html_()
    assert "<style" not in picture._repr_html_()  # it would restyle the whole page


def test_no_two_pieces_of_the_picture_leave_the_paper():
    root = ElementTree.fromstring(pipeline_picture(BOXES).svg_file())
    width, height = (float(root.attrib[name]) for name in ("width", "height"))
    for rect in root.iter(f"{SVG}rect"):
        box = {name: float(rect.attrib[name]) for name in ("x", "y", "width", "height")}
        assert 0 <= box["x"] <= box["x"] + box["width"] <= width
        assert 0 <= box["y"] <= box["y"] + box["height"] <= height


def test_where_drawings_are_stripped_the_words_remain():
    picture = pipeline_picture(["api"])
    without = re.sub(r"<svg.*</svg>", "", picture._repr_html_(), flags=re.DOTALL)
    assert "[API Gateway] -&gt; publish" in without


def test_an_unknown_box_is_refused():
    with pytest.raises(ValueError, match="no box lambda in the picture"):
        pipeline_picture(["lambda"])
