"""Chapter 09 as a learner runs it, light and dark: its pictures tell what failed and what did not."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.test_run_all import nothing_failed, open_notebook, run_all, save, take_screenshots

NAME = "09_fail_on_purpose.ipynb"
SAYS = (
    "Mon refund failed 2 times, then lay in the dead-letter queue. 1 message was stored and run again",
    "Never more than 2 invocations at once (limit 2); 10 stored",
    "Order 2 was cut off once. 1 message was stored and run again",
    "Order 7 was worked on by 2 at once, stored once",
)

pytestmark = pytest.mark.browser


def test_the_pictures_tell_what_failed(
    page: Page, server: str, token: str, notebooks: Path, theme: str
) -> None:
    open_notebook(page, server, token, NAME)
    run_all(page)
    take_screenshots(page, f"09-{theme.lower()}")
    nothing_failed(page)
    outputs = [output for cell in save(page, notebooks / NAME) for output in cell["outputs"]]
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    told = ["".join(output["data"]["text/plain"]) for output in pictures]
    assert len(told) == len(SAYS)
    for words, says in zip(told, SAYS, strict=True):
        assert says in words
