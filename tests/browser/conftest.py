"""JupyterLab, started as learners start it, and a real browser. Without Chromium, skips that say so."""

import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import BrowserContext, Page, sync_playwright

from tools.lab_process import running_lab

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = ROOT / ".cache" / "screenshots"
"""Pictures of what the browser showed; git ignores them."""
READY_SECONDS = 60
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",  # no look-ups of hosts that are none of ours
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def notebooks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course: JupyterLab saves what it runs, and stored outputs are refresh's alone."""
    copy = tmp_path_factory.mktemp("lab") / "notebooks"
    shutil.copytree(ROOT / "notebooks", copy)
    return copy


@pytest.fixture(scope="session")
def address(notebooks: Path) -> Iterator[str]:
    """Where `webhook-lab open` serves the copied notebooks, token included."""
    folder = notebooks.parent
    # A kernel that sees pytest's variable would take itself for one that nobody watches.
    left_out = ("WEBHOOK_LAB_TARGET", "PYTEST_CURRENT_TEST")
    environ = {name: value for name, value in os.environ.items() if name not in left_out}
    environ |= {"WEBHOOK_LAB_HOME": str(folder / "home"), "IPYTHONDIR": str(folder / "ipython")}
    environ |= {"JUPYTER_DATA_DIR": str(folder / "data"), "JUPYTER_CONFIG_DIR": str(folder / "config")}
    program = Path(sys.executable).with_name("webhook-lab")
    command = [program, "open", "--no-browser", "--root", folder]
    with running_lab(command, cwd=ROOT, environ=environ, log=folder / "log", seconds=60) as found:
        yield found


@pytest.fixture(scope="session")
def server(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


@pytest.fixture(scope="session")
def token(address: str) -> str:
    return parse_qs(urlsplit(address).query)["token"][0]


@pytest.fixture(autouse=True)
def kernels_end_with_their_test(server: str, token: str) -> Iterator[None]:
    """A notebook that is opened again would find the kernel of its last time, and count on from there."""
    yield
    headers = {"Authorization": f"token {token}"}
    with urlopen(Request(f"{server}/api/sessions", headers=headers), timeout=20) as answer:
        sessions = json.load(answer)
    for session in sessions:
        end = Request(f"{server}/api/sessions/{session['id']}", headers=headers, method="DELETE")
        urlopen(end, timeout=20).close()


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    """The system's Chromium with an empty profile."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("no Chromium on the path: on Debian, apt install chromium")
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_playwright() as playwright:
        context = playwright.chromium.launch_persistent_context(
            tmp_path_factory.mktemp("chromium"),
            executable_path=chromium,
            headless=True,
            viewport={"width": 1400, "height": 1100},
            args=[*FLAGS, "--no-sandbox"] if root else list(FLAGS),  # root has no other way to start it
        )
        yield context
        context.close()


@pytest.fixture
def page(browser: BrowserContext, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A new page; how it looked at the end, good or bad, is kept as a picture."""
    page = browser.new_page()
    page.set_default_timeout(READY_SECONDS * 1000)
    yield page
    page.screenshot(path=SCREENSHOTS / f"{request.node.name}-end.png")
    page.close()


@pytest.fixture(params=["Light", "Dark"])
def theme(request: pytest.FixtureRequest, notebooks: Path) -> Iterator[str]:
    """JupyterLab's theme, chosen as its settings dialog would."""
    chosen: str = request.param
    settings = notebooks.parent / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True, exist_ok=True)
    file = settings / "themes.jupyterlab-settings"
    file.write_text(f'{{"theme": "JupyterLab {chosen}"}}', encoding="utf-8")
    yield chosen
    file.unlink()
