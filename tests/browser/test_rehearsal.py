"""A class as TEACHING.md has it: the 90-minute agenda for three learners, each in a JupyterLab of her own.

Ana is fast and solves exercises. Ben skips a cell, whose checkpoint fails, and later loses his kernel. Cleo falls behind
and rejoins. The board of a fourth JupyterLab has to show each of it. Pictures go to .cache/screenshots.
"""

import contextlib
import re
import shutil
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import ROOT, SCREENSHOTS, lab_of
from tests.browser.test_class_board import PLACE, told
from tests.browser.test_run_all import open_notebook, start_all

SOLUTIONS = {
    "00": "lab.create_table()",
    "01": "await db.burst(consumers=8, connections_each=2)",
    "08": "lab.set_throttle(5)",
    "15": 'stray = f"{lab.names.prefix}-stray"\nlab.aws.sqs.create_queue(QueueName=stray, tags=lab.names.tags)\n'
    "print(lab.sweep())\nprint(lab.sweep(remove=True))",
}
FILES = {path.name[:2]: path.name for path in (ROOT / "notebooks").glob("[0-9]*.ipynb")}
CELL_SECONDS = 120

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.alone]

Turns = Generator[None, None, None]
"""What one does, yielding wherever another may go on."""


class Person:
    """Somebody at a JupyterLab of her own.

    Args:
        pause: seconds that she reads after each cell.
    """

    def __init__(self, name: str, page: Page, address: str, pause: float = 0) -> None:
        self.name, self.page, self.pause = name, page, pause
        parts = urlsplit(address)
        self.server, self.token = f"{parts.scheme}://{parts.netloc}", parse_qs(parts.query)["token"][0]

    def open(self, place: str) -> None:
        open_notebook(self.page, self.server, self.token, place)
        self.chapter = Path(place).name[:2]
        self.page.get_by_role("menuitem", name="Edit", exact=True).click()
        self.page.get_by_role("menuitem", name="Clear Outputs of All Cells", exact=True).click()
        self.page.locator(".jp-NotebookPanel .jp-Cell").first.click(position={"x": 5, "y": 5})

    @property
    def cell(self) -> Locator:
        """The one that is selected."""
        return self.page.locator(".jp-NotebookPanel .jp-Cell.jp-mod-active")

    def run(self, until: str = "", skip: str = "", solve: bool = False) -> Turns:
        """Shift+Enter from the selected cell on, until one that holds `until` has run, or the last one."""
        while True:
            cell = self.cell
            code = "jp-CodeCell" in (cell.get_attribute("class") or "")
            text = cell.locator(".cm-content").inner_text() if code else ""
            if solve and code and text.startswith("# your code"):
                self._type(SOLUTIONS[self.chapter])
            last = cell.evaluate("cell => !cell.nextElementSibling && !cell.parentElement.nextElementSibling")
            print(f"{time.monotonic():9.1f} {self.name} {self.chapter} {text[:60]!r}" if code else "", end="\n" if code else "", flush=True)
            if skip and skip in text:
                self.page.keyboard.press("ArrowDown")
                continue
            self.page.keyboard.press("Control+Enter" if last else "Shift+Enter")
            before = self.red()
            if code:
                yield from self.ran()
            if self.red() > before:
                return
            if last or (code and until and until in text):
                return

    def red(self) -> int:
        return self.page.locator(".jp-OutputArea-output[data-mime-type='application/vnd.jupyter.error']").count()

    def _type(self, code: str) -> None:
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Control+Home")
        self.page.keyboard.insert_text(code + "\n")

    def ran(self) -> Turns:
        """Wait until no cell is running any more, then read."""
        prompts = self.page.locator(".jp-NotebookPanel .jp-CodeCell .jp-InputPrompt")
        yield from self.until(lambda: not any("*" in each for each in prompts.all_inner_texts()))
        read = time.monotonic() + self.pause
        yield from self.until(lambda: time.monotonic() >= read)

    def until(self, holds: Callable[[], bool]) -> Turns:
        deadline = time.monotonic() + CELL_SECONDS
        while True:
            yield
            if holds():
                return
            assert time.monotonic() < deadline, f"{self.name}, chapter {self.chapter}"

    def choose(self, *path: str) -> None:
        for name in path:
            self.page.get_by_role("menuitem", name=name, exact=True).click()

    def says(self, words: str | re.Pattern[str]) -> Locator:
        return self.page.locator(".jp-NotebookPanel .jp-OutputArea").get_by_text(words).last

    def picture(self, name: str) -> None:
        self.page.screenshot(path=SCREENSHOTS / f"rehearsal-{name}.png")


class Learner(Person):
    """Runs chapters as she was told to; stops where a cell is red."""

    def lose_kernel(self) -> None:
        """Have the kernel of the open notebook end as one does for which there is no memory."""
        reply = self.page.request.get(f"{self.server}/api/sessions", headers={"Authorization": f"token {self.token}"})
        mine = next(each for each in reply.json() if FILES[self.chapter] in each["path"])
        for process in psutil.process_iter(["cmdline"]):
            if any(f"kernel-{mine['kernel']['id']}.json" in part for part in process.info["cmdline"] or ()):
                process.kill()

    def select(self, source: str) -> None:
        self.page.locator(".jp-NotebookPanel .jp-CodeCell").filter(has_text=source).last.locator(".jp-InputPrompt").click()


def at_once(*all_turns: Turns) -> None:
    """Everybody does what she does, beside the others."""
    going = list(all_turns)
    while going:
        for turns in list(going):
            try:
                next(turns)
            except StopIteration:
                going.remove(turns)
        time.sleep(0.02)


@pytest.fixture
def seat(tmp_path: Path, browser: BrowserContext) -> Iterator[Callable[..., Any]]:
    """A person at a JupyterLab of her own; all of them end with the test."""
    with contextlib.ExitStack() as stack:

        def sit(name: str, kind: type[Person] = Learner, pause: float = 0, **variables: str) -> Person:
            shutil.copytree(ROOT / "notebooks", tmp_path / name / "notebooks")
            address = stack.enter_context(lab_of(tmp_path / name, **variables))
            page = browser.new_page()
            page.set_default_timeout(20_000)
            person = kind(name, page, address, pause)
            stack.callback(person.picture, f"end-{name.lower()}")
            return person

        yield sit


def moment(teacher: Person, number: int) -> None:
    board = teacher.page.locator(".jp-OutputArea-output table").filter(has_text="here now")
    for theme in ("Light", "Dark"):
        teacher.choose("Settings", "Theme", f"JupyterLab {theme}")
        teacher.page.wait_for_timeout(1500)
        board.evaluate("board => board.parentElement.scrollIntoView({block: 'center'})")
        teacher.picture(f"board-{number}-{theme.lower()}")
    teacher.choose("Settings", "Theme", "JupyterLab Light")


def test_the_90_minute_agenda_taught_by_the_guide(seat: Callable[..., Any]) -> None:
    teacher = seat("teacher", Person)
    teacher.page.set_viewport_size({"width": 1920, "height": 1080})
    teacher.open(PLACE)
    at_once(teacher.run(until="room.handout()"))
    teacher.picture("handout")
    url, secret = told(teacher.page)
    joined = {"WEBHOOK_LAB_CLASS": url, "WEBHOOK_LAB_CLASS_SECRET": secret}
    ana, ben, cleo = (
        seat(name, pause=pause, **joined, WEBHOOK_LAB_CLASS_NAME=name)
        for name, pause in (("Ana", 0.0), ("Ben", 0.7), ("Cleo", 2.0))
    )
    teacher.page.keyboard.press("ArrowDown")
    teacher.page.keyboard.press("Shift+Enter")
    for learner in (ana, ben, cleo):
        learner.open(FILES["00"])
    print("==== A", time.monotonic())

    def fast() -> Turns:
        yield from ana.run(solve=True)
        ana.open(FILES["01"])
        yield from ana.run(until='checkpoint("senders had')

    at_once(fast(), ben.run(skip='create_log_group("publish")'), cleo.run(until="burst, connections"))
    ben.picture("ben-red")
    moment(teacher, 1)
    print("==== B", time.monotonic())

    def middle() -> Turns:
        ben.select('create_log_group("publish")')
        yield from ben.run()
        ben.picture("ben-mended")
        ben.open(FILES["01"])
        yield from ben.run(until="queued = await")
        ben.select("db.compare()")
        ben.choose("Run", "Run All Above Selected Cell")
        yield from ben.ran()
        ben.picture("ben-cut")
        yield from ben.run()

    def slow() -> Turns:
        yield from cleo.run()
        cleo.open(FILES["01"])
        yield from cleo.run(until="checkpoint(\"webhooks are lost")

    at_once(ana.run(solve=True), middle(), slow())
    ana.picture("ana-01-end")
    moment(teacher, 2)
    print("==== C", time.monotonic())

    def behind() -> Turns:
        cleo.choose("File", "New", "Terminal")
        cleo.page.locator(".jp-Terminal .xterm-helper-textarea").wait_for(state="attached")
        cleo.page.wait_for_timeout(2000)
        cleo.page.locator(".jp-Terminal").click()
        cleo.page.keyboard.type("webhook-lab catch-up 08\n")
        cleo.page.wait_for_timeout(8000)
        cleo.picture("cleo-terminal")
        yield
        cleo.open(FILES["08"])
        yield from cleo.run(until="lab.open")

    def unlucky() -> Turns:
        ben.open(FILES["08"])
        yield from ben.run(until="predicted = deliveries")
        ben.page.keyboard.press("Shift+Enter")
        ben.page.keyboard.press("Shift+Enter")
        ben.page.wait_for_timeout(4000)
        ben.lose_kernel()
        ben.page.wait_for_timeout(4000)
        ben.picture("ben-lost")

    ana.open(FILES["08"])
    at_once(ana.run(until="lab.follow"), behind(), unlucky())
    moment(teacher, 3)
    print("==== D", time.monotonic())
    dialog = ben.page.get_by_role("dialog").get_by_role("button", name="Ok")
    if dialog.count():
        dialog.click()
    ben.select("run.facts()")
    at_once(ben.run())
    ben.picture("ben-nameerror")

    def back() -> Turns:
        ben.choose("Run", "Run All Above Selected Cell")
        yield from ben.ran()
        ben.picture("ben-back")
        yield from ben.run()
        ben.open(FILES["15"])
        yield from ben.run()

    def rest() -> Turns:
        yield from ana.run(solve=True)
        ana.open(FILES["15"])
        yield from ana.run(solve=True)

    def rejoined() -> Turns:
        yield from cleo.run(until='checkpoint("never more')
        cleo.open(FILES["15"])
        yield from cleo.run(until="lab.teardown()")

    at_once(back(), rest(), rejoined())
    moment(teacher, 4)
    at_once(cleo.run())
    moment(teacher, 5)
    print("==== E", time.monotonic())
    teacher.page.get_by_role("button", name="Interrupt the kernel").click()
    expect(teacher.page.get_by_text("Stopped early")).to_be_visible()
    at_once(teacher.run())
    teacher.picture("after")
