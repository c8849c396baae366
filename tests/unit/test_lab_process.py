"""A JupyterLab that a test or the bench has started is found by its address, and ends with its block.

That it ends when whoever started it is killed is the keeper's: see test_keeper.
"""

import sys
from pathlib import Path
from urllib.request import urlopen

import pytest

from tools.lab_process import running_lab

SERVE = """
import http.server
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(f"http://127.0.0.1:{server.server_port}/?token=t", flush=True)
server.serve_forever()
"""


def test_it_ends_with_the_block(tmp_path: Path) -> None:
    command = [sys.executable, "-c", SERVE]
    with running_lab(command, cwd=tmp_path, environ={}, log=tmp_path / "log", seconds=30) as address:
        assert address.endswith("?token=t")
        urlopen(address).close()
    with pytest.raises(OSError, match="refused"):
        urlopen(address)


def test_one_that_does_not_answer_is_quoted(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "exit('no such notebook')"]
    with (
        pytest.raises(RuntimeError, match="no such notebook"),
        running_lab(command, cwd=tmp_path, environ={}, log=tmp_path / "log", seconds=30),
    ):
        pass
