"""The sender against a server that does nothing, and beside it wrk, which neither signs nor counts."""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import part
from webhook_lab.send.events import events
from webhook_lab.send.run import Run

POSTS = 1_500
TIMES = 7
CONNECTIONS = 8
ROOT = Path(__file__).resolve().parent.parent
WRK = shutil.which("wrk")


@contextmanager
def server_that_does_nothing() -> Iterator[str]:
    """Its address; it is a process of its own, on the same cores."""
    command = [sys.executable, "-m", "bench.nothing"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield f"http://127.0.0.1:{server.stdout.readline().strip()}/prod"
        finally:
            server.kill()


@part("sender", f"{POSTS:,} signed posts from one process to a server that does nothing", at_most=1)
def sender() -> list[float]:
    samples = []
    with server_that_does_nothing() as url:
        for n in range(TIMES + 1):
            deliveries = events(POSTS, secret="whsec_" + "QUFB" * 8, run=f"{n:08x}")
            run = Run(url, deliveries, concurrency=CONNECTIONS)
            start = time.perf_counter()
            run.start().wait()
            samples.append(time.perf_counter() - start)
            assert run.counts == {"202": POSTS}, run
    if WRK is None:
        print("wrk is not installed: nothing to compare the sender with", file=sys.stderr)
    return samples[1:]


if WRK is not None:

    @part("wrk", f"{POSTS:,} unsigned posts of the same size by wrk, at its rate over a second", at_most=1)
    def wrk() -> list[float]:
        body = events(1, secret="whsec_" + "QUFB" * 8, run="00000000")[0].body.decode()
        with tempfile.TemporaryDirectory() as folder, server_that_does_nothing() as url:
            script = Path(folder) / "post.lua"
            lines = ['wrk.method = "POST"', f"wrk.body = [==[{body}]==]"]
            lines += [f'wrk.headers["{name}"] = "{"x" * 50}"' for name in ("webhook-id", "webhook-signature")]
            script.write_text("\n".join(lines), encoding="utf-8")
            command = [str(WRK), "-t1", f"-c{CONNECTIONS}", "-d1s", "-s", str(script), f"{url}/hello"]
            return [POSTS / requests_per_second(command) for _ in range(TIMES)]


def requests_per_second(command: list[str]) -> float:
    """What wrk says of its own rate."""
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"Requests/sec: +([\d.]+)", said)
    assert found, said
    return float(found[1])
