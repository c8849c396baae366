"""What a learner sees who leaves the path: a skipped cell, an empty queue, an interrupt, many bursts."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page, expect

from tests.browser.test_chapter_08 import LIVE, picture, wait_until
from tests.browser.test_run_all import open_notebook, save, take_screenshots
from webhook_lab.course.chapters import chapter_numbered

NAME = "98_gone_astray.ipynb"
RECEIVE = 'lab.aws.sqs.receive_message(QueueUrl=lab.queue_url, WaitTimeSeconds=1)["Messages"][0]'
MARKS = 'import asyncio\nfor n in range(12):\n    run.mark(f"burst {n}0")\n    await asyncio.sleep(0.4)'
BURST = "run = lab.watch()\nlab.burst(deliveries, cap=2 * deliveries)\nawait run.finish()"
SHOWN = {"skipped": 4, "empty": 6, "name": 7, "cut": 10, "facts": 11, "marks": 13}
"""What is looked at -> the number of its cell, from 1."""

pytestmark = pytest.mark.browser


def cells_of(notebooks: Path) -> list[str]:
    path = notebooks / chapter_numbered("08").file
    of = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    settings = f"{of['08-03']}\n{of['08-04']}"
    skipped = [of["08-01"], of["08-06"], BURST, of["08-12"]]
    lost = ["lab.create_mapping(enabled=False)", RECEIVE, "moments"]
    cut = [settings, of["08-06"].replace("40", "200"), BURST, of["08-10"], of["08-12"]]
    return [*skipped, *lost, *cut, f"run = lab.watch()\nlab.burst(40)\n{MARKS}\nawait run.finish()"]


def run_cell(page: Page, number: int, *, waits: bool = True) -> None:
    """Select a cell by its number, from 1, run it, and wait until it has ended."""
    cell = page.locator(".jp-NotebookPanel .jp-CodeCell").nth(number - 1)
    cell.locator(".jp-InputPrompt").click()
    page.keyboard.press("Control+Enter")
    if waits:
        ended(page, number)


def ended(page: Page, number: int) -> None:
    """Wait until it has its number. A cell that is run while another one stops never gets one."""
    prompt = page.locator(".jp-NotebookPanel .jp-CodeCell .jp-InputPrompt").nth(number - 1)
    expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=90_000)


def said_by(page: Page, number: int) -> str:
    return page.locator(".jp-NotebookPanel .jp-CodeCell").nth(number - 1).inner_text()


def test_who_leaves_the_path_is_told_what_to_run(
    page: Page, server: str, token: str, notebooks: Path, theme: str
) -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}}  # or a dialog asks
    cells = [new_code_cell(source) for source in cells_of(notebooks)]
    astray = new_notebook(cells=cells, metadata=kernel)
    nbformat.write(astray, notebooks / NAME)
    open_notebook(page, server, token, NAME)
    for number in range(1, 10):
        run_cell(page, number)
    assert "it is for work_seconds 0.25, and the run had 0.0" in said_by(page, SHOWN["skipped"])
    assert "not run: `lab.configure(work_seconds=0.25" in said_by(page, SHOWN["skipped"])
    assert "the queue holds 0 visible and 0 in flight" in said_by(page, SHOWN["empty"])
    assert "there is no 'moments' yet" in said_by(page, SHOWN["name"])

    run_cell(page, SHOWN["cut"], waits=False)
    wait_until(page, r"stored [1-9]")
    page.keyboard.press("Escape")
    page.keyboard.press("i")
    page.keyboard.press("i")
    ended(page, SHOWN["cut"])
    for number in (11, 12):
        run_cell(page, number)
    facts = said_by(page, SHOWN["facts"])
    assert re.search(r"stopped before all had come out: \d+ settled, 0 dead, [1-9]\d* waiting", facts)
    assert "'lost': 0" in facts
    assert "not out yet" in str(save(page, notebooks / NAME)[11]["outputs"])

    run_cell(page, SHOWN["marks"], waits=False)
    wait_until(page, r"burst 110")
    names = page.locator(LIVE).last.locator("text").all_text_contents()
    assert {f"burst {n}0" for n in range(12)} <= {*names}
    picture(page, f"marks-{theme.lower()}")
    ended(page, SHOWN["marks"])
    take_screenshots(page, f"astray-{theme.lower()}")
