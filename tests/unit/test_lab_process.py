"""A JupyterLab that a test or the bench has started ends with it, however that ends."""

import subprocess
import sys
import time
from pathlib import Path

import psutil

from tools.lab_process import running_lab

SERVE = """
import http.server
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(f"http://127.0.0.1:{server.server_port}/?token=t", flush=True)
server.serve_forever()
"""
START = f"""
import os, sys
from pathlib import Path
from tools.lab_process import running_lab
here, command = Path(sys.argv[1]), [sys.executable, "-c", {SERVE!r}]
with running_lab(command, cwd=here, environ=os.environ, log=here / "log", seconds=30):
    print("started", flush=True)
    sys.stdin.read()
"""


def served_from(folder: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cwd"]):
        if process.info["cwd"] == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def test_it_ends_with_the_block(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVE]
    with running_lab(command, cwd=tmp_path, environ={}, log=tmp_path / "log", seconds=30) as address:
        assert address.endswith("?token=t")
        assert served_from(tmp_path)
    assert not served_from(tmp_path)


def test_it_ends_when_whoever_started_it_is_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", START, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert starter.stdout
    assert starter.stdin
    with starter.stdout, starter.stdin:
        assert starter.stdout.readline() == b"started\n"
        assert served_from(tmp_path)
        starter.kill()
        starter.wait()
    deadline = time.monotonic() + 20
    while served_from(tmp_path):
        assert time.monotonic() < deadline, "it still runs"
        time.sleep(0.05)
