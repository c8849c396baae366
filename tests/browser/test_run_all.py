"""Each notebook as a learner runs it: opened in JupyterLab, Run All, until the last cell has a number."""

import contextlib
import json
import re
import time
import uuid
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.conftest import READY_SECONDS, SCREENSHOTS

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
RUN_SECONDS = 300

pytestmark = pytest.mark.browser


def open_notebook(page: Page, server: str, token: str, name: str) -> None:
    """Open it in a workspace of its own (the default one brings back old tabs), kernel connected."""
    page.goto(f"{server}/lab/workspaces/test-{uuid.uuid4().hex[:8]}/tree/notebooks/{name}?token={token}")
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    page.locator(".jp-NotebookPanel .jp-Notebook .jp-CodeCell").first.wait_for()
    page.locator("#jp-main-statusbar").get_by_text(re.compile(r"\| Idle$")).wait_for()


def start_all(page: Page) -> None:
    """Clear what is stored, and begin to run every cell."""
    for menu, item in (("Edit", "Clear Outputs of All Cells"), ("Run", "Run All Cells")):
        page.get_by_role("menuitem", name=menu, exact=True).click()
        page.get_by_role("menuitem", name=item, exact=True).click()


def run_all(page: Page) -> None:
    """Run every cell, and wait until the last one has its number.

    The status bar is no help: it says Idle while a cell awaits.
    """
    start_all(page)
    prompts = page.locator(".jp-NotebookPanel .jp-CodeCell .jp-InputPrompt")
    deadline = time.monotonic() + RUN_SECONDS
    while True:
        texts = prompts.all_inner_texts()
        if not any("*" in text for text in texts) and re.search(r"\d", texts[-1]):
            return
        assert time.monotonic() < deadline, texts
        page.wait_for_timeout(250)


def save(page: Page, path: Path) -> list[dict[str, Any]]:
    """Save the notebook, wait until the whole file is there, and return its code cells."""
    before = path.stat().st_mtime_ns
    page.keyboard.press("Escape")
    page.keyboard.press("Control+s")
    deadline = time.monotonic() + READY_SECONDS
    while True:
        with contextlib.suppress(ValueError):  # half written
            if path.stat().st_mtime_ns != before:
                cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
                return [cell for cell in cells if cell["cell_type"] == "code"]
        assert time.monotonic() < deadline, "the notebook was not saved"
        page.wait_for_timeout(100)


def take_screenshots(page: Page, name: str) -> None:
    """One picture of each screenful."""
    for old in SCREENSHOTS.glob(f"{name}-*.png"):
        old.unlink()
    outer = page.locator(".jp-NotebookPanel .jp-WindowedPanel-outer")
    outer.evaluate("outer => outer.scrollTo(0, 0)")
    for number in range(1, 40):
        page.wait_for_timeout(300)  # for the eye: cells that scroll into view are drawn late
        page.screenshot(path=SCREENSHOTS / f"{name}-{number:02d}.png")
        before = outer.evaluate("outer => outer.scrollTop")
        outer.evaluate("outer => outer.scrollBy(0, outer.clientHeight * 0.9)")
        if outer.evaluate("outer => outer.scrollTop") == before:
            break


def nothing_failed(page: Page) -> None:
    """No output is an error, or was written to standard error."""
    for kind in ("application/vnd.jupyter.error", "application/vnd.jupyter.stderr"):
        shown = page.locator(f".jp-OutputArea-output[data-mime-type='{kind}']").all_inner_texts()
        assert not shown, shown


@pytest.mark.parametrize("name", NAMES)
def test_run_all_reaches_the_end(page: Page, server: str, token: str, notebooks: Path, name: str) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    open_notebook(page, server, token, name)
    run_all(page)
    take_screenshots(page, name.removesuffix(".ipynb"))
    nothing_failed(page)
    assert not page.get_by_text("Error displaying widget").count()
    missing = "all => all.filter(image => !image.naturalWidth).map(image => image.src)"
    assert not page.locator(".jp-RenderedMarkdown img").evaluate_all(missing)
    cells = save(page, notebooks / name)
    assert [cell["execution_count"] for cell in cells] == [*range(1, len(cells) + 1)]
    for output in (output for cell in cells for output in cell["outputs"]):
        assert output["output_type"] != "error", output
        assert output.get("name") != "stderr", output
    assert not wrong, wrong
