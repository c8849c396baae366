"""A class as TEACHING.md has it: the 90-minute agenda, three learners, each in a JupyterLab of her own.

Ana is fast and solves every exercise. Ben skips a cell, so that a checkpoint fails, and loses his kernel in
the middle of chapter 08. Cleo falls behind in 01 and rejoins at 08. The board has to show each of it; it is
in .cache/screenshots as it was at four moments, light and dark.
"""

import contextlib
import json
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import ROOT, SCREENSHOTS, lab_of
from tests.browser.test_class_board import PLACE, told
from tests.browser.test_run_all import open_notebook
from webhook_lab.course.chapters import chapter_numbered

CELL_SECONDS = 180
SETTLED_SECONDS = 0.5
"""After a key: JupyterLab has begun by then, and what a cell said is drawn."""
SOLUTIONS = {
    "00": "lab.create_table()",
    "01": "await db.burst(consumers=8, connections_each=2)",
    "08": "lab.set_throttle(5)",
    "15": """stray = f"{lab.names.prefix}-stray"
lab.aws.sqs.create_queue(QueueName=stray, tags=lab.names.tags)
print(lab.sweep(), lab.sweep(remove=True))""",
}
PROJECTED = """%env WEBHOOK_LAB_PROJECTOR=1
from webhook_lab.lab.classroom import ClassRoom
await ClassRoom.open().watch()"""

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.alone]

Turns = Generator[None, None, None]
"""What one does; wherever it yields the others go on."""


def at_once(*everybody: Turns) -> None:
    """Each does what she does, beside the others."""
    going = list(everybody)
    while going:
        going = [turns for turns in going if next(turns, "over") != "over"]
        time.sleep(0.02)


class Person:
    """Somebody at a JupyterLab of her own.

    Args:
        folder: what is hers.
        pause: seconds that she reads after each cell.
    """

    def __init__(self, folder: Path, page: Page, address: str, pause: float) -> None:
        self.folder, self.page, self.pause, self.name = folder, page, pause, folder.name
        parts = urlsplit(address)
        self.server, self.token = f"{parts.scheme}://{parts.netloc}", parse_qs(parts.query)["token"][0]

    def open(self, place: str) -> None:
        """Open a notebook, or a chapter by its number; no cell has an output, the first is selected."""
        self.place = chapter_numbered(place).file if place.isdigit() else place
        open_notebook(self.page, self.server, self.token, self.place)
        self.choose("Edit", "Clear Outputs of All Cells")
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.click(position={"x": 5, "y": 5})

    def choose(self, *path: str) -> None:
        for name in path:
            self.page.locator(".lm-MenuBar-item, .lm-Menu-item").get_by_text(name, exact=True).click()

    def select(self, source: str) -> None:
        """Select the first code cell that holds it."""
        cells = self.page.locator(".jp-NotebookPanel .jp-CodeCell").filter(has_text=source)
        cells.first.locator(".jp-InputPrompt").click()

    def run(self, until: str = "", skip: str = "", *, solve: bool = False) -> Turns:
        """Shift+Enter from the selected cell on, until one that holds `until` has run, or is red."""
        text = ""
        while not (until and until in text):
            cell = self.page.locator(".jp-NotebookPanel .jp-Cell.jp-mod-active")
            code = (
                cell.locator(".jp-CodeMirrorEditor .cm-content") if "jp-CodeCell" in _classes(cell) else None
            )
            text = code.inner_text() if code else ""
            last = not cell.evaluate("cell => cell.nextElementSibling")
            if skip and skip in text:
                self.page.keyboard.press("ArrowDown")
                continue
            if solve and text.startswith("# your code"):
                self._type(SOLUTIONS[self.place[:2]])
            red = self.red.count()
            self.page.keyboard.press("Control+Enter" if last else "Shift+Enter")
            if code:
                yield from self.ran()
            if last or self.red.count() > red:
                return

    @property
    def red(self) -> Locator:
        """What is shown of an error; JupyterLab has no kind of its own for it."""
        return self.page.locator("[data-mime-type='application/vnd.jupyter.stderr']")

    def _type(self, code: str) -> None:
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Control+Home")
        self.page.keyboard.insert_text(code + "\n")

    def ran(self) -> Turns:
        """Wait until no cell is running, then read."""
        prompts = self.page.locator(".jp-NotebookPanel .jp-CodeCell .jp-InputPrompt")
        yield from _for(SETTLED_SECONDS)
        yield from self.until(lambda: not any("*" in each for each in prompts.all_inner_texts()))
        yield from _for(SETTLED_SECONDS + self.pause)

    def until(self, holds: Callable[[], bool]) -> Turns:
        deadline = time.monotonic() + CELL_SECONDS
        while not holds():
            assert time.monotonic() < deadline, f"{self.name} in {self.place}"
            yield from _for(0.1)

    def picture(self, name: str) -> None:
        self.page.screenshot(path=SCREENSHOTS / f"rehearsal-{name}.png")

    def type_in_a_terminal(self, command: str) -> Turns:
        """*File, New, Terminal*, and wait until the command has ended."""
        over = self.folder / "over"
        self.choose("File", "New", "Terminal")
        self.page.locator(".jp-Terminal .xterm-screen").click()
        yield from _for(2)
        self.page.keyboard.type(f"{command}; touch '{over}'\n")
        yield from self.until(over.exists)
        yield from _for(SETTLED_SECONDS)

    def lose_kernel(self) -> None:
        """The open notebook's kernel ends as one does for which there is no memory left."""
        headers = {"Authorization": f"token {self.token}"}
        sessions = self.page.request.get(f"{self.server}/api/sessions", headers=headers).json()
        id_ = next(each["kernel"]["id"] for each in sessions if each["path"].endswith(self.place))
        for process in psutil.process_iter(["cmdline"]):
            if any(f"kernel-{id_}" in part for part in process.info["cmdline"] or ()):
                process.kill()


def _for(seconds: float) -> Turns:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


def _classes(cell: Locator) -> str:
    return cell.get_attribute("class") or ""


Seat = Callable[..., Person]


@pytest.fixture
def seat(tmp_path: Path, browser: BrowserContext) -> Iterator[Seat]:
    """A person at a `webhook-lab open` of her own, on notebooks of her own; it ends with the test."""
    with contextlib.ExitStack() as stack:

        def sit(name: str, pause: float = 0, **variables: str) -> Person:
            shutil.copytree(ROOT / "notebooks", tmp_path / name / "notebooks")
            address = stack.enter_context(lab_of(tmp_path / name, **variables))
            page = browser.new_page()
            page.set_default_timeout(60_000)
            person = Person(tmp_path / name, page, address, pause)
            stack.callback(person.picture, f"end-{name.lower()}")
            return person

        yield sit


class Board:
    """The board on the teacher's page."""

    def __init__(self, teacher: Person) -> None:
        self._teacher, self._moments = teacher, 0
        self._table = teacher.page.locator(".jp-OutputArea-output table").filter(has_text="here now")

    def signs(self, learner: str) -> dict[str, str]:
        """What the squares say in the chapters of the agenda."""
        row = self._table.locator("tr").filter(has=self._teacher.page.get_by_role("rowheader", name=learner))
        cells = row.locator("td").all_inner_texts()
        return {number: cells[int(number)] for number in ("00", "01", "08", "15")} | {"says": cells[-1]}

    def shows(self, learner: str, **signs: str) -> None:
        """Within a few seconds it shows these; a chapter's is called `c` and its number."""
        wanted = {name.removeprefix("c"): sign for name, sign in signs.items()}
        at_once(self._teacher.until(lambda: wanted.items() <= self.signs(learner).items()))

    def moment(self) -> None:
        """Pictures, light and dark."""
        self._moments += 1
        for theme in ("Dark", "Light"):
            self._teacher.choose("Settings", "Theme", f"JupyterLab {theme}")
            at_once(_for(SETTLED_SECONDS))
            self._teacher.page.locator("#jupyterlab-splash").wait_for(state="detached")
            self._table.evaluate("table => table.parentElement.scrollIntoView({block: 'center'})")
            self._teacher.picture(f"board-{self._moments}-{theme.lower()}")


def projected(teacher: Person, browser: BrowserContext) -> None:
    """The same board from the last row of the room."""
    cell = {"cell_type": "code", "execution_count": None, "id": "a", "metadata": {}, "outputs": []}
    notebook = {"cells": [cell | {"source": PROJECTED}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (teacher.folder / "notebooks" / "projected.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    second = Person(teacher.folder, browser.new_page(), f"{teacher.server}/?token={teacher.token}", 0)
    second.page.set_viewport_size({"width": 1920, "height": 1080})
    second.open("projected.ipynb")
    second.page.keyboard.press("Control+Enter")
    expect(second.page.get_by_text("here now")).to_be_visible(timeout=120_000)
    at_once(_for(1))
    second.picture("board-projector")
    second.page.close()


def test_the_90_minute_agenda_taught_by_the_guide(seat: Seat, browser: BrowserContext) -> None:
    teacher = seat("teacher")
    teacher.page.set_viewport_size({"width": 1920, "height": 1080})
    teacher.open(PLACE)
    at_once(teacher.run(until="room.handout()"))
    teacher.picture("handout")
    url, secret = told(teacher.page)
    joined = {"WEBHOOK_LAB_CLASS": url, "WEBHOOK_LAB_CLASS_SECRET": secret}
    ana, ben, cleo = (
        seat(name, pause, **joined, WEBHOOK_LAB_CLASS_NAME=name)
        for name, pause in (("Ana", 0.0), ("Ben", 1.0), ("Cleo", 4.0))
    )
    teacher.select("await room.watch")
    teacher.page.keyboard.press("Shift+Enter")
    board = Board(teacher)
    for learner in (ana, ben, cleo):
        learner.open("00")

    def ahead() -> Turns:
        yield from ana.run(solve=True)
        ana.open("01")
        yield from ana.run(until="senders had to try again")

    at_once(ahead(), ben.run(skip="create_log_group"), cleo.run(until="burst, connections"))
    ben.picture("ben-skipped-a-cell")
    board.shows("Ana", c00="★", c01="2/7")
    board.shows("Ben", c00="!")
    board.shows("Cleo", c00="2/5")
    board.moment()

    def mends() -> Turns:
        ben.select("create_log_group")
        yield from ben.run()
        ben.open("01")
        yield from ben.run(until="the queue lost none")
        ben.select("db.compare()")  # it is late: what TEACHING.md says of chapter 01
        ben.choose("Run", "Run All Above Selected Cell")
        yield from ben.ran()
        ben.picture("ben-cut-01")
        yield from ben.run()

    def falls_behind() -> Turns:
        yield from cleo.run()
        cleo.open("01")
        yield from cleo.run(until="senders had to try again")

    at_once(ana.run(solve=True), mends(), falls_behind())
    ana.picture("ana-01")
    board.shows("Ana", c01="★")
    board.shows("Ben", c00="✓", c01="✓")
    board.shows("Cleo", c00="✓", c01="2/7")
    board.moment()

    def rejoins() -> Turns:
        yield from cleo.type_in_a_terminal("webhook-lab catch-up 08")
        cleo.picture("cleo-catches-up")
        cleo.open("08")
        yield from cleo.run(until="Lab.open")
        cleo.picture("cleo-rejoined")

    def loses_his_kernel() -> Turns:
        ben.open("08")
        yield from ben.run(until="predicted = deliveries")
        ben.select("lab.burst(deliveries")
        ben.page.keyboard.press("Shift+Enter")
        yield from ben.until(lambda: ben.page.locator(".jp-OutputArea svg[role=img]").count() > 0)
        yield from _for(2)
        ben.lose_kernel()
        yield from ben.until(lambda: ben.page.get_by_role("dialog").count() > 0)
        ben.picture("ben-lost-his-kernel")
        ben.page.get_by_role("dialog").get_by_role("button", name="Ok").click()
        ben.select("run.facts()")
        yield from ben.run()
        ben.picture("ben-runs-on-without")

    ana.open("08")
    at_once(ana.run(until="lab.follow"), rejoins(), loses_his_kernel())
    assert ben.red.count()
    board.shows("Ana", c08="3/4")
    board.shows("Ben", c08="·")
    board.shows("Cleo", c01="2/7", c08="·")
    board.moment()
    projected(teacher, browser)

    def comes_back() -> Turns:
        ben.select("run.facts()")
        ben.choose("Run", "Run All Above Selected Cell")
        yield from ben.ran()
        yield from ben.run()
        ben.picture("ben-is-back")
        ben.open("15")
        yield from ben.run()

    def ends() -> Turns:
        yield from ana.run(solve=True)
        ana.picture("ana-08")
        ana.open("15")
        yield from ana.run(solve=True)

    def goes_along() -> Turns:
        yield from cleo.run(until="never more invocations")
        cleo.open("15")
        yield from cleo.run(until="a sweep finds nothing")

    at_once(ends(), comes_back(), goes_along())
    board.shows("Ana", c08="★", c15="★")
    board.shows("Ben", c08="✓", c15="✓")
    board.shows("Cleo", c08="2/4", c15="✓")
    board.moment()
    teacher.page.get_by_role("button", name="Interrupt the kernel").click()
    expect(teacher.page.get_by_text("Stopped early")).to_be_visible(timeout=60_000)
    at_once(teacher.run(until="room.newest()"))
    teacher.picture("counted")
    at_once(teacher.run())
    teacher.picture("taken-down")
    assert teacher.page.get_by_text(re.compile("nothing of this lab is left")).count()
