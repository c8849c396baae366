"""The live view and its controls in JupyterLab: sliders moved and buttons clicked while a run goes on."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.test_run_all import READY_SECONDS, ROOT, SCREENSHOTS, open_notebook, save

NAME = "live_view.ipynb"
IMPORTS = """from simulated_run import SimulatedRun
from webhook_lab.show.live import Live
from webhook_lab.show.panels import Controls
from webhook_lab.show.series import RUN"""
WATCH = """run = SimulatedRun()
live = Live(RUN, run.sample, seconds=120, clock=run.seconds)
def throttle(limit):
    run.throttle(limit)
    live.mark(f"throttle {limit}")
controls = Controls(send=run.send, throttle=throttle, pause=run.pause, stop=live.stop)
display(controls)
run.send(60)
await live.start().finish()
controls.end()"""
KERNEL = {"kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}}

pytestmark = pytest.mark.browser


@pytest.fixture
def notebook(notebooks: Path) -> Path:
    """A run on paper, watched, with controls; a cell of words waits behind it."""
    shutil.copy(ROOT / "tests" / "simulated_run.py", notebooks)
    cells = [nbformat.v4.new_code_cell(code) for code in (IMPORTS, WATCH, "live.summary()")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), notebooks / NAME)
    return notebooks / NAME


@pytest.fixture
def page(browser: BrowserContext, theme: str) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(READY_SECONDS * 1000)
    yield page
    page.screenshot(path=SCREENSHOTS / f"live-view-{theme.lower()}-end.png")
    page.close()


def described(page: Page) -> str:
    """What the chart says of itself now."""
    return page.locator(".jp-OutputArea-output svg[role=img]").first.get_attribute("aria-label") or ""


def wait_until_described(page: Page, words: str) -> None:
    deadline = time.monotonic() + 20
    while words not in (said := described(page)):
        assert time.monotonic() < deadline, said
        page.wait_for_timeout(100)


def test_controls_work_while_the_run_goes_on(
    page: Page, server: str, token: str, notebook: Path, theme: str
) -> None:
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    open_notebook(page, server, token, NAME)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    wait_until_described(page, "in flight 2")
    assert page.locator("body").get_attribute("data-jp-theme-light") == (
        "true" if theme == "Light" else "false"
    )

    before = described(page)
    page.wait_for_timeout(1000)  # a run that stands still says the same after a second
    assert described(page) != before

    move(page.get_by_role("slider").nth(1), times=2)
    expect(page.get_by_text("4 in force")).to_be_visible()
    wait_until_described(page, "running 4, limit 4")

    move(page.get_by_role("slider").nth(0), times=3)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("63 sent")).to_be_visible()

    page.get_by_role("button", name="Pause the drain").click()
    expect(page.get_by_text("paused")).to_be_visible()
    wait_until_described(page, "in flight 0")
    page.get_by_role("button", name="Let it drain").click()
    wait_until_described(page, "in flight 4")
    page.screenshot(path=SCREENSHOTS / f"live-view-{theme.lower()}-running.png")

    page.get_by_role("button", name="Stop").click()
    last = page.locator(".jp-NotebookPanel .jp-CodeCell .jp-InputPrompt").last
    expect(last).to_have_text(re.compile(r"\[\d+\]"), timeout=READY_SECONDS * 1000)
    expect(page.locator(".jp-OutputArea-output img")).to_be_visible()
    assert not page.locator(".jp-OutputArea-output svg[role=img]").count()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    watched, words = save(page, notebook)[1:]
    outputs = [*watched["outputs"], *words["outputs"]]
    assert not [each for each in outputs if each["output_type"] == "error" or each.get("name") == "stderr"]
    assert [each for each in watched["outputs"] if "image/png" in each.get("data", {})]
    assert "limit 4" in "".join(words["outputs"][0]["data"]["text/plain"])
    assert not wrong, wrong


def move(slider: Locator, *, times: int) -> None:
    slider.focus()
    for _ in range(times):
        slider.press("ArrowRight")
