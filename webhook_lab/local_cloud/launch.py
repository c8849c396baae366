"""Starting a supervisor from a program, and waiting for its end."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from webhook_lab.local_cloud.runtime import CloudError, Kind, State, scrubbed_environment, states


def start(root: Path, kind: Kind, port: int) -> tuple[subprocess.Popen[bytes], State]:
    """Start a supervisor and wait until its cloud is ready. Raises CloudError if it fails."""
    if not all(importlib.util.find_spec(package) for package in ("ministack", "hypercorn")):
        raise CloudError("the local cloud is not installed", "Run: pip install 'webhook-lab[local]'")
    # Out of the learner's session (on Windows: process group), where Ctrl-C would reach it.
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "webhook_lab.local_cloud.supervisor", str(root), kind, str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=scrubbed_environment(),
        cwd=root,
        **apart,
    )
    assert process.stdout
    said: list[str] = []
    try:
        with process.stdout:
            for line in process.stdout:
                if line.startswith(b'{"started"'):
                    return process, next(states(root, f"{kind}-{json.loads(line)['started']}"))
                failed = line.startswith(b'{"failed"')
                said.append(
                    json.loads(line)["failed"] if failed else line.decode("utf-8", "replace").rstrip()
                )
        try_this = "Choose another port, or none." if port else "Run: webhook-lab doctor"
        raise CloudError("the local cloud could not start: " + "\n".join(said[-8:]), try_this)
    except BaseException:
        process.terminate()  # it takes along what it started
        wait_for(process)
        raise


def wait_for(process: subprocess.Popen[bytes]) -> None:
    """Wait until the supervisor has ended everything. Should it hang it is killed, and its server follows."""
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
