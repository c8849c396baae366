"""`webhook-lab open`: JupyterLab answers, knows its AWS, and nothing is left of either however it ends."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from sysconfig import get_path
from typing import Any

import psutil
import pytest
import websocket

from tests.waiting import wait_until
from webhook_lab.local_cloud import Cloud

HERE = Path(__file__).parents[2]
NOTEBOOK = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
BACKGROUND = """
import subprocess, sys
sleep = [sys.executable, "-c", "import time; time.sleep(600)"]
nowhere = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.DEVNULL)
print(subprocess.Popen(sleep, start_new_session=True, **nowhere).pid)
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A WEBHOOK_LAB_HOME of the test's own; what is set in the environment is as on a new machine."""
    monkeypatch.setenv("WEBHOOK_LAB_HOME", str(tmp_path))
    for name in ("WEBHOOK_LAB_TARGET", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "a course" / "notebooks"
    folder.mkdir(parents=True)
    (folder / "00_start_here.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    return tmp_path


class Opened:
    """A `webhook-lab open` in a session of its own, as in a terminal."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "webhook_lab.cli", "open", "--no-browser", *arguments],
            cwd=root, env={**os.environ, "PYTHONPATH": str(HERE), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True,
        )  # fmt: skip
        self.pid = self._process.pid

    def until_ready(self) -> "Opened":
        assert self._process.stdout
        line = self._process.stdout.readline()
        found = re.fullmatch(r"JupyterLab: http://127\.0\.0\.1:(\d+)(/lab/tree/\S+)\?token=(\w+)\n", line)
        assert found, line + self.said
        self.port, self.page, self.token = int(found[1]), found[2], found[3]
        self.server = min(self.servers(), key=lambda each: each.create_time())
        self.folder = Path(self.server.environ()["JUPYTER_RUNTIME_DIR"])
        return self

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def servers(self) -> list[psutil.Process]:
        """JupyterLab's process, once it is that."""
        return [each for each in self.family() if "jupyterlab" in each.cmdline()]

    def ask(self, method: str, path: str, **body: object) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        with contextlib.closing(connection):
            headers = {"Authorization": f"token {self.token}", "Content-Type": "application/json"}
            connection.request(method, path, json.dumps(body), headers)
            answer = connection.getresponse()
            assert answer.status < 400, f"{answer.status} {answer.reason}"
            return json.loads(answer.read() or b"null") if "/api/" in path else answer.status

    def start_kernel(self) -> psutil.Process:
        """A kernel as a notebook has it, once it is connected."""
        id_ = self.ask("POST", "/api/kernels", name="python3")["id"]
        wait_until(lambda: self.kernel(id_))
        kernel = self.kernel(id_)
        assert kernel
        return kernel

    def kernel(self, id_: str) -> psutil.Process | None:
        for each in self.family():
            with contextlib.suppress(psutil.Error):
                if any(id_ in argument for argument in each.cmdline()):
                    return each
        return None

    def end(self) -> int:
        """Wait for its end; its exit code. Once is enough, more is no harm."""
        with self._process:
            if self._process.stderr and not self._process.stderr.closed:
                self.said = self._process.communicate(timeout=30)[1]
        return self._process.returncode

    said = ""


@pytest.fixture
def open_lab(home: Path) -> Iterator[Callable[..., Opened]]:
    """Starts `webhook-lab open` in a folder that holds the first notebook, and ends what still runs."""
    started: list[Opened] = []

    def start(*arguments: str) -> Opened:
        started.append(Opened(home / "a course", *arguments))
        return started[-1]

    yield start
    for each in started:
        with contextlib.suppress(psutil.Error):
            psutil.Process(each.pid).terminate()
        each.end()


def nothing_is_left(lab: Opened, family: list[psutil.Process], home: Path) -> None:
    """No process of the family, no runtime folder, nothing below the cloud's."""

    def left() -> list[str]:
        alive = [str(each) for each in family if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]
        return alive + [str(path) for path in (lab.folder, *(home / "run").iterdir()) if path.exists()]

    with contextlib.suppress(AssertionError):
        wait_until(lambda: not left())
    assert left() == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", lab.port), timeout=5)


def everybody(lab: Opened, home: Path) -> list[psutil.Process]:
    """`open`, JupyterLab with its kernels, the cloud's server with what it started, and both keepers."""
    found = [psutil.Process(lab.pid), *lab.family()]
    (server,) = (each for each in found if "webhook_lab.local_cloud.server" in each.cmdline())
    assert str(home / "run") in server.cmdline()
    return found


def test_it_opens_the_first_notebook_beside_an_aws_of_its_own(
    home: Path, open_lab: Callable[..., Opened]
) -> None:
    lab = open_lab().until_ready()
    assert lab.page == "/lab/tree/notebooks/00_start_here.ipynb"
    assert lab.ask("GET", lab.page) == 200
    assert lab.ask("GET", "/api/contents/notebooks")["content"][0]["name"] == "00_start_here.ipynb"
    kernel = lab.start_kernel()
    inherited = kernel.environ()
    assert inherited["WEBHOOK_LAB_TARGET"] == inherited["AWS_ENDPOINT_URL"]
    assert inherited["WEBHOOK_LAB_TARGET"].startswith("http://127.0.0.1:")
    assert lab.token not in str([each.cmdline() for each in everybody(lab, home)])
    family = everybody(lab, home)
    lab.ask("POST", "/api/shutdown")  # File > Shut Down
    assert lab.end() == 0
    nothing_is_left(lab, family, home)


def test_no_news_is_fetched_and_nobody_gets_in_without_the_token(open_lab: Callable[..., Opened]) -> None:
    lab = open_lab().until_ready()
    settings = lab.ask("GET", "/lab/api/settings/@jupyterlab/apputils-extension:notification")
    defaults = settings["schema"]["properties"]
    assert (defaults["fetchNews"]["default"], defaults["checkForUpdates"]["default"]) == ("false", False)
    lab.token = "guess"
    with pytest.raises(AssertionError, match="403"):
        lab.ask("GET", "/api/contents")


@posix
def test_the_command_is_known_in_a_terminal_of_jupyterlab(
    home: Path, open_lab: Callable[..., Opened], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.defpath)  # `make lab` activates no environment
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("SHELL", "/bin/sh")
    (home / ".profile").write_text(f"PATH={os.defpath}", encoding="utf-8")  # as Debian's /etc/profile does
    lab = open_lab().until_ready()
    name = lab.ask("POST", "/api/terminals")["name"]
    address = f"ws://127.0.0.1:{lab.port}/terminals/websocket/{name}?token={lab.token}"
    with contextlib.closing(websocket.create_connection(address, timeout=20)) as terminal:
        terminal.send(json.dumps(["stdin", "command -v webhook-lab; echo told:$?\r"]))
        shown = ""
        while not (said := re.search(r"^told:(\d+)", shown, re.MULTILINE)):
            shown += str(json.loads(terminal.recv())[-1])
    assert said[1] == "0", shown
    assert str(Path(get_path("scripts"), "webhook-lab")) in shown


@posix
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 0), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_nothing_is_left_when_the_terminal_sends_a_signal(
    home: Path, open_lab: Callable[..., Opened], name: str, code: int
) -> None:
    lab = open_lab().until_ready()
    lab.start_kernel()
    family = everybody(lab, home)
    os.killpg(lab.pid, getattr(signal, name))
    assert lab.end() == code
    assert "Traceback" not in lab.said
    nothing_is_left(lab, family, home)


@pytest.mark.parametrize("who", ["open", "JupyterLab"])
def test_nothing_is_left_when_one_of_them_is_killed(
    home: Path, open_lab: Callable[..., Opened], who: str
) -> None:
    lab = open_lab().until_ready()
    lab.start_kernel()
    family = everybody(lab, home)
    if who == "open":
        psutil.Process(lab.pid).kill()
    else:
        lab.server.kill()
        assert lab.end() == 1
        assert "run JupyterLab\n  said: it ended with code" in lab.said
    nothing_is_left(lab, family, home)


def test_a_killed_kernel_is_replaced_and_its_own_processes_end_with_the_rest(
    home: Path, open_lab: Callable[..., Opened]
) -> None:
    lab = open_lab().until_ready()
    kernel = lab.start_kernel()
    # What a cell starts in the background is nobody's child when the kernel is gone.
    background = [sys.executable, "-c", BACKGROUND]
    pid = subprocess.run(background, env=kernel.environ(), capture_output=True, check=True, timeout=20).stdout
    family = [*everybody(lab, home), psutil.Process(int(pid))]
    (id_,) = (each["id"] for each in lab.ask("GET", "/api/kernels"))
    kernel.kill()
    wait_until(lambda: (new := lab.kernel(id_)) is not None and new != kernel)
    family = [*family, *everybody(lab, home)]
    psutil.Process(lab.pid).terminate()
    lab.end()
    nothing_is_left(lab, family, home)


@posix
def test_nothing_is_left_when_the_start_is_interrupted(home: Path, open_lab: Callable[..., Opened]) -> None:
    lab = open_lab()
    wait_until(lambda: lab.servers())
    (server,) = lab.servers()
    folder, family = Path(server.environ()["JUPYTER_RUNTIME_DIR"]), lab.family()
    os.killpg(lab.pid, signal.SIGINT)
    assert lab.end() == 0
    assert not any(each.is_running() for each in family)
    assert list((home / "run").iterdir()) == []
    assert not folder.exists()


def test_it_works_against_the_target_that_is_set(
    home: Path, open_lab: Callable[..., Opened], cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    lab = open_lab().until_ready()
    assert lab.start_kernel().environ()["WEBHOOK_LAB_TARGET"] == cloud.endpoint_url
    assert not (home / "run").exists()
    psutil.Process(lab.pid).terminate()
    lab.end()
    assert not lab.folder.exists()


def test_what_is_wrong_with_the_target_or_the_port_is_one_clear_message_before_jupyterlab_starts(
    open_lab: Callable[..., Opened], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        in_use = open_lab("--port", str(port))
        assert in_use.end() == 1
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        monkeypatch.setenv("WEBHOOK_LAB_TARGET", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        unanswered = open_lab()
        assert unanswered.end() == 1
    assert f"open JupyterLab on port {port}\n  said: " in in_use.said
    assert "nobody answers there" in unanswered.said
    assert "Traceback" not in in_use.said + unanswered.said


def test_any_notebook_below_the_root_can_be_opened_on_a_port_of_choice(
    home: Path, open_lab: Callable[..., Opened]
) -> None:
    (home / "mine é.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lab = open_lab("../mine é.ipynb", "--root", str(home), "--port", str(port)).until_ready()
    assert lab.port == port
    assert lab.page == "/lab/tree/mine%20%C3%A9.ipynb"
    assert lab.ask("GET", lab.page) == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("absent.ipynb",), "there is no such file"), (("../elsewhere.ipynb",), "it is not below")],
)
def test_a_notebook_that_cannot_be_shown_is_one_clear_message(
    home: Path, open_lab: Callable[..., Opened], arguments: tuple[str, ...], said: str
) -> None:
    (home / "elsewhere.ipynb").write_text(json.dumps(NOTEBOOK), encoding="utf-8")
    lab = open_lab(*arguments)
    assert lab.end() == 1
    assert said in lab.said
    assert "Traceback" not in lab.said


def test_what_a_lab_killed_with_its_jupyterlab_leaves_is_removed_by_the_next(
    open_lab: Callable[..., Opened], home: Path
) -> None:
    lab = open_lab().until_ready()
    family = [psutil.Process(lab.pid), *lab.family()]
    lab.server.kill()
    psutil.Process(lab.pid).kill()
    lab.end()
    psutil.wait_procs(family, timeout=20)
    lab.folder.mkdir(exist_ok=True)  # as it is when nobody was left to remove it
    open_lab().until_ready()
    nothing_of_it = not lab.folder.exists()
    assert nothing_of_it
