"""JupyterLab as a process of ours: started, waited for, ended with everything that it started."""

import contextlib
import http.client
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from webhook_lab.aws.errors import LabError
from webhook_lab.cli import lab_server

START_SECONDS = 60.0
"""JupyterLab answers within 2 to 3 s (measured, two loaded cores); the first time from a slow disk, more."""
_LONGEST_PLACE = 32
"""Characters of a folder's path, so that a kernel's socket in it fits the 103 that macOS allows (unix(4))."""
_PREFIX = "webhook-lab-open-"
_QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


class JupyterLab:
    """A running JupyterLab, and the address at which a browser gets in."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path, url: str) -> None:
        self._process, self._folder, self.url = process, folder, url

    def wait(self) -> None:
        """Wait until it ends.

        Raises:
            LabError: it did not end well; what it said last is said.
        """
        code = None
        while code is None:
            with contextlib.suppress(
                subprocess.TimeoutExpired
            ):  # Ctrl-C does not end an endless wait on Windows
                code = self._process.wait(timeout=1 if sys.platform == "win32" else None)
        if code:
            raise _died(self._process, self._folder)


@contextlib.contextmanager
def jupyter_lab(root: Path, page: str, port: int, environment: Mapping[str, str]) -> Iterator[JupyterLab]:
    """JupyterLab on `page` of the folder `root`, while the block runs. It answers when the block begins.

    Args:
        page: a notebook's path below `root`, escaped for an address.
        environment: what it and its kernels see.

    Raises:
        LabError: it did not start.
    """
    token, address = secrets.token_hex(24), f"http://127.0.0.1:{port}/lab/tree/{page}"
    arguments = [
        *("--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}", "--ServerApp.port_retries=0"),
        *(f"--ServerApp.root_dir={root}", "--ServerApp.base_url=/", f"--LabApp.default_url=/lab/tree/{page}"),
        *(f"--IdentityProvider.token={token}", "--KernelManager.shutdown_wait_time=1"),
    ]
    if sys.platform != "win32":  # kernels are talked to by sockets in the folder, out of other users' reach
        arguments.append("--KernelManager.transport=ipc")
    place = tempfile.gettempdir()
    if sys.platform != "win32" and len(place) > _LONGEST_PLACE:
        place = "/tmp"  # noqa: S108  # mkdtemp makes a folder there that is ours alone
    _remove_leftovers(Path(place))
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place))
    try:
        process = _start(folder, root, environment)
        try:
            assert process.stdin
            # Not by the command line: other users of the machine can read that, and the token is in here.
            process.stdin.write(json.dumps(arguments).encode() + b"\n")
            process.stdin.flush()
            _wait_until_it_answers(process, port, folder)
            yield JupyterLab(process, folder, f"{address}?token={token}")
        finally:
            _end(process, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _remove_leftovers(place: Path) -> None:
    """Folders of a lab that was killed together with its JupyterLab: nobody was left to remove them."""
    for folder in place.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)  # another user's stays


def _start(folder: Path, root: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    (folder / "labconfig").mkdir()
    (folder / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(_QUIET), encoding="utf-8")
    config = os.pathsep.join(filter(None, [str(folder), environment.get("JUPYTER_CONFIG_PATH")]))
    # Out of this terminal's session (on Windows: process group), where Ctrl-C would reach it and its kernels.
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    with (folder / "jupyter.log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-P", lab_server.__file__],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=root,
            env={**environment, "JUPYTER_CONFIG_PATH": config, lab_server.MARK: str(folder)},
            **apart,
        )


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(port):
        if process.poll() is not None:
            raise _died(process, folder)
        if time.monotonic() > deadline:
            said = f"it does not answer after {START_SECONDS:g} s"
            raise LabError("start JupyterLab", said, "Run `webhook-lab open` again.")
        time.sleep(0.05)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/api")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _died(process: subprocess.Popen[bytes], folder: Path) -> LabError:
    log = (folder / "jupyter.log").read_text(encoding="utf-8", errors="replace").splitlines()
    said = "\n".join([f"it ended with code {process.returncode}", *log[-8:]])
    return LabError("run JupyterLab", said, "Run `webhook-lab open` again.")


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Let it end by itself; do it for it when it takes too long, or when Ctrl-C comes again."""
    assert process.stdin
    with contextlib.suppress(OSError):
        process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired, KeyboardInterrupt):
        process.wait(timeout=lab_server.STOP_SECONDS + 2)
    lab_server.end_family(folder)
    process.wait()
