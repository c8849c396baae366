"""The board: its notebook is as its command writes it, its numbers are right, its picture says them all."""

import re
from html.parser import HTMLParser

import nbformat
import pytest

from tools.class_board import CELLS, CHAPTERS, MINUTES, PATH
from tools.refresh import NOTEBOOKS, steady, text_of, varying
from tools.simulated_class import NAMES, script
from webhook_lab.course.report import Report
from webhook_lab.course.standings import NUMBERS, Standings
from webhook_lab.show.board import Board, Seat, Square, ago

START = 1_796_000_000_000


def class_at(minute: float, names: tuple[str, ...] = NAMES) -> Board:
    """The board at a minute of the simulated class."""
    standings = Standings()
    for name in names:
        for event in script(name):
            if event.minute <= minute:
                at = START + int(event.minute * 60_000)
                report = Report(name, event.chapter, event.claim, event.outcome, event.reason, at)
                standings.add(report, at)
    return standings.board(START + int(minute * 60_000))


def test_the_file_is_as_the_command_writes_it() -> None:
    notebook = nbformat.read(PATH, as_version=4)
    assert PATH.read_text(encoding="utf-8") == text_of(notebook)
    sources = [(kind.rstrip("*"), source) for kind, source in CELLS]
    written = [(cell.cell_type, cell.source) for cell in notebook.cells]
    assert written == sources, "run python -m tools.class_board"


def test_a_token_for_what_varies_is_seen_in_html_too() -> None:
    said = "http://127.0.0.1:4566/restapis/a1b2c3/prod"
    assert steady(said) == "http://127.0.0.1:<port>/restapis/<api>/prod"
    assert steady(said, "text/html") == "http://127.0.0.1:&lt;port&gt;/restapis/&lt;api&gt;/prod"
    for path in sorted(NOTEBOOKS.glob("**/*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            for output in cell.get("outputs", ()):
                hidden = re.findall(
                    r"<(?:port|id|sha256|secret|api|time)>", output.get("data", {}).get("text/html", "")
                )
                assert not hidden, path.name


def test_its_outputs_are_of_a_whole_run_and_hold_no_secret() -> None:
    notebook = nbformat.read(PATH, as_version=4)
    stored = str([cell.get("outputs") for cell in notebook.cells])
    assert not varying(stored)
    assert "whsec_<secret>" in stored
    for name in NAMES:
        assert name in stored
    assert not re.search(r"'output_type': 'error'|stderr", stored)


def test_its_links_lead_to_files() -> None:
    found = re.findall(r"\]\((?!http)([^)#]+)", "".join(source for _, source in CELLS))
    assert found
    assert all((PATH.parent / link).is_file() for link in found)


def report(claim: str, outcome: str, at: int, chapter: str = "03", learner: str = "ana") -> Report:
    return Report(learner, chapter, claim, outcome, "nothing ran" if outcome == "failed" else "", START + at)


FIRST = "The queue is there"


def test_reports_add_up_the_same_in_any_order_and_however_often_they_come() -> None:
    told = [
        report("", "opened", 1),
        report(FIRST, "failed", 2),
        report(FIRST, "passed", 3),
        report("other", "left out", 4),
        report("exercise", "not yet", 5),
        report("exercise", "solved", 6),
    ]
    boards = []
    for order in (told, told[::-1], told * 2):
        standings = Standings()
        for each in order:
            standings.add(each, START)
        boards.append(standings.board(START + 60_000))
    assert boards[0] == boards[1] == boards[2]
    (seat,) = boards[0].seats
    square = seat.squares[3]
    assert (square.done, square.solved, square.failing, square.opened) == (2, True, False, True)
    assert (boards[0].reports, seat.at, seat.seconds, seat.stuck) == (6, 3, 60, False)


def test_who_failed_last_is_stuck_until_something_holds_and_comes_first() -> None:
    standings = Standings()
    standings.add(report(FIRST, "passed", 1, learner="bea"), START)
    standings.add(report(FIRST, "failed", 1, learner="zoe"), START)
    standings.add(report(FIRST, "failed", 1, learner="yan"), START - 60_000)
    board = standings.board(START + 120_000)
    assert [(seat.name, seat.stuck) for seat in board.seats] == [("yan", True), ("zoe", True), ("bea", False)]
    assert board.seats[0].says == f"{FIRST}: nothing ran"
    assert "2 stuck" in board.headline
    standings.add(report(FIRST, "passed", 2, learner="zoe"), START)
    assert not standings.board(START).seats[-1].stuck


def test_who_went_on_past_a_failed_checkpoint_is_not_stuck_and_the_board_still_says_what_failed() -> None:
    standings = Standings()
    told = [report(FIRST, "failed", 1), report("other", "passed", 2)]
    for each in told:
        standings.add(each, START)
    (seat,) = standings.board(START).seats
    assert (seat.squares[3].sign, seat.stuck, seat.says) == ("!", False, f"{FIRST}: nothing ran")
    standings.add(report("", "opened", 3, chapter="04"), START)
    assert not standings.board(START).seats[0].says  # the room is elsewhere, and so is she


def test_who_says_nothing_for_longer_than_the_chapter_takes_is_quiet() -> None:
    standings = Standings()
    standings.add(report(FIRST, "passed", 1), START)
    minutes = 25
    assert not standings.board(START + minutes * 60_000).seats[0].quiet
    assert standings.board(START + minutes * 60_000 + 1_000).seats[0].quiet
    assert "1 quiet" in standings.board(START + 2 * minutes * 60_000).headline


def test_what_is_of_no_chapter_is_not_shown() -> None:
    standings = Standings()
    standings.add(report(FIRST, "passed", 1, chapter="99"), START)
    assert standings.board(START).headline == "Nobody has reported yet"
    assert "<table" not in standings.board(START)._repr_html_()


class Text(HTMLParser):
    """A table's cells without any style, as GitHub shows them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows:
            self.rows[-1][-1] += data


@pytest.mark.parametrize("minute", [20, 90, 240])
def test_the_table_says_by_its_words_what_its_colours_show(minute: int) -> None:
    board = class_at(minute)
    rows = {row[0]: row for row in Text(board._repr_html_()).rows if row}
    for seat in board.seats:
        assert rows[seat.name][1:17] == [square.sign for square in seat.squares]
        assert rows[seat.name][17] == ago(seat.seconds)
        assert rows[seat.name][18] == seat.says
    for number, column in enumerate(NUMBERS, 1):
        here = sum(seat.at == number - 1 for seat in board.seats)
        assert rows["here now"][number] == (str(here) if here else ""), column
    assert set(NAMES) == {seat.name for seat in board.seats}
    assert all(seat.name in repr(board) for seat in board.seats)


def test_markup_in_what_a_check_said_stays_text() -> None:
    seat = Seat("<i>", (Square(opened=True, of=1, failing=True),), 0, 1, stuck=True, says='"><script>')
    html = Board((("00", "<b>"),), (seat,))._repr_html_()
    assert "<script" not in html
    assert "<i>" not in html
    assert "<b>" not in html


def test_times_have_one_unit() -> None:
    assert [ago(each) for each in (-3, 0, 59, 60, 600, 5400)] == [
        "0 s",
        "0 s",
        "59 s",
        "1 min",
        "10 min",
        "1.5 h",
    ]


def test_the_stored_run_is_long_enough_to_be_worth_a_look() -> None:
    board = class_at(MINUTES)
    assert len(board.seats) == 30
    assert len(CHAPTERS) >= 5
