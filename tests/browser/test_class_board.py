"""The board in JupyterLab while simulated learners report to it: three of them, then thirty."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import READY_SECONDS, SCREENSHOTS
from tests.browser.test_run_all import open_notebook, start_all
from tools.simulated_class import NAMES, Play

PLACE = "agendas/class_board.ipynb"
CHAPTERS = ("00", "01", "02", "03", "04", "05")
MOMENTS, PACE = (10, 45, 95), 8.0
"""Minutes of the class at which a picture is taken, and how many pass in a second."""

pytestmark = pytest.mark.browser


@pytest.fixture
def class_board(notebooks: Path) -> Iterator[str]:
    """The notebook's place; what a run leaves in it goes."""
    before = (notebooks / PLACE).read_bytes()
    yield PLACE
    shutil.rmtree(notebooks / "agendas" / ".ipynb_checkpoints", ignore_errors=True)
    (notebooks / PLACE).write_bytes(before)


def told(page: Page) -> tuple[str, str]:
    """The class's address and its secret, as the second cell hands them out."""
    card = page.locator(".jp-OutputArea-output table").filter(has_text="WEBHOOK_LAB_CLASS_SECRET").first
    text = card.inner_text()
    found = re.search(r"(http\S+/_user_request_)[\s\S]+?(whsec_\S+)", text)
    assert found, text
    return found[1], found[2]


def test_the_board_shows_who_is_where_while_they_report(
    page: Page, server: str, token: str, theme: str, class_board: str
) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.set_viewport_size({"width": 1500, "height": 1250})
    open_notebook(page, server, token, class_board)
    start_all(page)
    page.get_by_text("Nobody has reported yet").or_(page.get_by_text(re.compile(r"^\d+ learner"))).wait_for()
    names = NAMES[:3] if theme == "Light" else NAMES
    play = Play(told(page), names, CHAPTERS, until=MOMENTS[-1], pace=PACE)
    try:
        play.start()
        board = page.locator(".jp-OutputArea-output table").filter(has_text="here now")
        for before, minute in zip((0, *MOMENTS), MOMENTS, strict=False):
            page.wait_for_timeout(1000 * (minute - before) / PACE)
            expect(board).to_contain_text(names[-1], timeout=READY_SECONDS * 1000)
            board.evaluate("board => board.scrollIntoView({block: 'center'})")  # at once: it is drawn anew
            page.screenshot(path=SCREENSHOTS / f"class-board-{theme.lower()}-{minute:03}.png")
        play.join()
    finally:
        play.stop()
    expect(page.get_by_text(re.compile(rf"^{len(names)} learners: "))).to_be_visible(
        timeout=READY_SECONDS * 1000
    )
    for name in names:
        expect(board.get_by_role("rowheader", name=name, exact=True)).to_be_visible()
    page.get_by_role("button", name="Interrupt the kernel").click()
    expect(page.get_by_text("Stopped early")).to_be_visible(timeout=READY_SECONDS * 1000)
    expect(board).to_contain_text("through")  # the last board stays
    assert not wrong, wrong
