"""JupyterLab in a run folder of its own: started, waited for, ended with everything that it started."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from sysconfig import get_path
from typing import Any

from webhook_lab.aws.errors import LabError
from webhook_lab.keeper import RunFolder, answers

START_SECONDS = 60.0
"""JupyterLab answers within 2 to 3 s (measured, two loaded cores); the first time from a slow disk, more."""
_LONGEST_PLACE = 32
"""Characters of a folder's path, so that a kernel's socket in it fits the 103 that macOS allows (unix(4))."""
_QUIET = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}


class JupyterLab:
    """A running JupyterLab, and the address at which a browser gets in.

    Raises:
        LabError: it did not start.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, page: str) -> None:
        self._process, self._folder = process, folder
        deadline = time.monotonic() + START_SECONDS
        while not (server := _running_server(folder)) or not answers(server["port"]):
            if process.poll() is not None:
                raise self._died()
            if time.monotonic() > deadline:
                said = f"it does not answer after {START_SECONDS:g} s"
                raise LabError("start JupyterLab", said, "Run `webhook-lab open` again.")
            time.sleep(0.05)
        self.url = f"{server['url']}lab/tree/{page}?token={server['token']}"

    def wait(self) -> None:
        """Wait until it ends.

        Raises:
            LabError: it did not end well; what it said last is said.
        """
        code = None
        while code is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                # Ctrl-C does not end an endless wait on Windows.
                code = self._process.wait(timeout=1 if sys.platform == "win32" else None)
        if code:
            raise self._died()

    def _died(self) -> LabError:
        log = (self._folder / "jupyter.log").read_text(encoding="utf-8", errors="replace").splitlines()
        said = "\n".join([f"it ended with code {self._process.returncode}", *log[-8:]])
        return LabError("run JupyterLab", said, "Run `webhook-lab open` again.")


@contextlib.contextmanager
def jupyter_lab(root: Path, page: str, port: int, environment: Mapping[str, str]) -> Iterator[JupyterLab]:
    """JupyterLab on `page` of the folder `root`, while the block runs. It answers when the block begins.

    Args:
        page: a notebook's path below `root`, escaped for an address.
        environment: what it and its kernels see.

    Raises:
        LabError: it did not start.
    """
    place = tempfile.gettempdir()
    if sys.platform != "win32" and len(place) > _LONGEST_PLACE:
        place = "/tmp"  # noqa: S108  # the folder in it is ours alone
    with contextlib.closing(RunFolder(Path(place), "webhook-lab-open")) as run_folder:
        folder = run_folder.path
        (folder / "labconfig").mkdir()
        quiet = folder / "labconfig" / "default_setting_overrides.json"
        quiet.write_text(json.dumps(_QUIET), encoding="utf-8")
        if sys.platform != "win32":
            _write_terminals(folder / "jupyter_server_config.json")
        config = os.pathsep.join(filter(None, [str(folder), environment.get("JUPYTER_CONFIG_PATH")]))
        environ = {**environment, "JUPYTER_CONFIG_PATH": config, "JUPYTER_RUNTIME_DIR": str(folder)}
        # `webhook-lab` in a terminal of JupyterLab is this one, though nobody has activated its environment.
        environ["PATH"] = os.pathsep.join(filter(None, [get_path("scripts"), environ.get("PATH")]))
        with (folder / "jupyter.log").open("wb") as log:
            process = run_folder.start(_command(root, page, port), log, cwd=root, env=environ)
        yield JupyterLab(process, folder, page)


def _write_terminals(config: Path) -> None:
    """Have terminals run the user's shell as it is: a login shell, the default, may set PATH anew."""
    shell = os.environ.get("SHELL") or "/bin/sh"
    config.write_text(json.dumps({"ServerApp": {"terminado_settings": {"shell_command": [shell]}}}), "utf-8")


def _running_server(folder: Path) -> dict[str, Any] | None:
    """What JupyterLab says of itself in its runtime folder, to its own user alone, when it starts."""
    for path in folder.glob("jpserver-*.json"):
        with contextlib.suppress(OSError, ValueError):  # it is just writing
            server: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return server
    return None


def _command(root: Path, page: str, port: int) -> list[str]:
    """No token: other users of the machine can read a command line. JupyterLab makes one of its own."""
    return [
        *(sys.executable, "-P", "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1"),
        *(f"--port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}"),
        *("--ServerApp.base_url=/", f"--LabApp.default_url=/lab/tree/{page}"),
        "--KernelManager.shutdown_wait_time=1",
        # Kernels are talked to by sockets in the folder, out of other users' reach.
        *([] if sys.platform == "win32" else ["--KernelManager.transport=ipc"]),
    ]
