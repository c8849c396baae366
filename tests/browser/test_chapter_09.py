"""Chapter 09 as a learner runs it, light and dark: its pictures tell what failed and what did not."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page

from tests.browser.test_run_all import (
    ERROR,
    READY_SECONDS,
    SCREENSHOTS,
    STDERR,
    open_notebook,
    run_all,
    save,
    take_screenshots,
)

NAME = "09_fail_on_purpose.ipynb"
SAYS = (
    "Refund failed 3 times, then lay in the dead-letter queue. 9 messages were stored and run again",
    "10 stored, none dead",
    "Order 2 was cut off once. 1 message was stored and run again",
    "Order 7 was worked on by 2 at once, stored once",
)

pytestmark = pytest.mark.browser


@pytest.fixture
def page(browser: BrowserContext, theme: str) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(READY_SECONDS * 1000)
    yield page
    page.screenshot(path=SCREENSHOTS / f"09-{theme.lower()}-end.png")
    page.close()


def test_the_pictures_tell_what_failed(
    page: Page, server: str, token: str, notebooks: Path, theme: str
) -> None:
    open_notebook(page, server, token, NAME)
    run_all(page)
    take_screenshots(page, f"09-{theme.lower()}")
    for kind in (ERROR, STDERR):
        shown = page.locator(f".jp-OutputArea-output[data-mime-type='{kind}']").all_inner_texts()
        assert not shown, shown
    outputs = [output for cell in save(page, notebooks / NAME) for output in cell["outputs"]]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    told = ["".join(output["data"]["text/plain"]) for output in pictures]
    assert len(told) == len(SAYS)
    for words, says in zip(told, SAYS, strict=True):
        assert says in words
