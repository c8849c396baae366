"""Chapter 08 as a learner runs it: Run All, and the controls really moved while the last run goes on."""

import re
import time
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SCREENSHOTS
from tests.browser.test_live_view import move
from tests.browser.test_run_all import (
    RUN_SECONDS,
    nothing_failed,
    open_notebook,
    save,
    start_all,
    take_screenshots,
)

NAME = "08_watch_the_buffer_work.ipynb"
LIVE = ".jp-OutputArea-output svg[role=img]"

pytestmark = pytest.mark.browser


def described(page: Page) -> str:
    """What the live charts say of themselves now; nothing while there are none."""
    charts = page.locator(LIVE)
    return (charts.last.get_attribute("aria-label", timeout=5000) or "") if charts.count() else ""


def wait_until(page: Page, words: str) -> None:
    """Wait until a live chart says something that matches, and scroll to it."""
    deadline = time.monotonic() + RUN_SECONDS / 3
    while not re.search(words, said := described(page)):
        assert time.monotonic() < deadline, said
        page.wait_for_timeout(100)


def picture(page: Page, name: str) -> None:
    # At once: an action that waits for the chart to be stable loses it to the next frame.
    page.locator(LIVE).last.evaluate("chart => chart.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(300)
    page.screenshot(path=SCREENSHOTS / f"08-{name}.png")


def test_runs_are_watched_and_steered(
    page: Page, server: str, token: str, notebooks: Path, theme: str
) -> None:
    look = theme.lower()
    open_notebook(page, server, token, NAME)
    start_all(page)
    wait_until(page, r"running 2.*stored [1-3]\d")
    picture(page, f"burst-{look}")
    wait_until(page, "throttle 4")
    picture(page, f"throttle-{look}")

    send = page.get_by_role("button", name="Send")
    send.evaluate("button => button.scrollIntoView({block: 'center'})")
    send.click()
    status = page.locator(".widget-html-content").last
    expect(status).to_contain_text("60 sent")
    move(page.get_by_role("slider").nth(1), times=2)
    expect(status).to_contain_text("6 in force")
    page.get_by_role("button", name="Pause the drain").click()
    expect(status).to_contain_text("Drain: paused")
    page.get_by_role("button", name="Let it drain").click()
    expect(status).to_contain_text("Drain: goes on")
    picture(page, f"controls-{look}")

    last = page.locator(".jp-NotebookPanel .jp-CodeCell .jp-InputPrompt").last
    expect(last).to_have_text(re.compile(r"\[\d+\]"), timeout=RUN_SECONDS * 1000)
    take_screenshots(page, f"08-{look}")
    nothing_failed(page)
    expect(page.get_by_text("all that was accepted is stored: True")).to_be_visible()
    outputs = [output for cell in save(page, notebooks / NAME) for output in cell["outputs"]]
    assert sum("image/png" in output.get("data", {}) for output in outputs) == 6
