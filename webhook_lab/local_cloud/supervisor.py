"""The supervisor process: starts one server, serves leases on it, and ends it when nobody needs it any more.

    python -P -m webhook_lab.local_cloud.supervisor <runtime folder> <private|shared> <port or 0>

A lease is a loopback connection that its holder keeps open; the operating system closes it however the holder ends.
Without a lease for WEBHOOK_LAB_LEASE_SECONDS (30; at once when the owner of a private cloud is gone) the cloud ends,
unless it is kept: then WEBHOOK_LAB_KEPT_SECONDS (7200) after the last request. It ends too when its server dies.
"""

import asyncio
import contextlib
import hmac
import json
import math
import os
import secrets
import signal
import string
import sys
import time
from pathlib import Path
from typing import Any

import psutil

from webhook_lab.local_cloud.runtime import Kind, RunFolder, State, scrubbed_environment, sweep

START_SECONDS = 30
LEASE_SECONDS = float(os.environ.get("WEBHOOK_LAB_LEASE_SECONDS", "30"))
KEPT_SECONDS = float(os.environ.get("WEBHOOK_LAB_KEPT_SECONDS", "7200"))


class Supervisor:
    """One cloud's life, from its run folder's first file to its removal."""

    def __init__(self, root: Path, kind: Kind, port: int) -> None:
        self._root = root
        self._kind = kind
        self._port = port
        self._nonce = secrets.token_hex(8)
        self._token = secrets.token_urlsafe(32)
        self._run_folder = RunFolder(root / f"{kind}-{self._nonce}")
        self._leases = 0
        self._kept = False
        self._ending = False
        self._last_leased = self._last_request = time.monotonic()
        self._grace = LEASE_SECONDS
        self._changed = asyncio.Event()

    async def live(self) -> None:
        """Start, serve leases, end. What the starter must know is printed as one JSON line."""
        sweep(self._root)
        self._run_folder.claim()
        self._run_folder.create()
        server = None
        try:
            for name in ("SIGTERM", "SIGINT", "SIGHUP"):
                with contextlib.suppress(AttributeError, NotImplementedError):  # Windows has none of this
                    asyncio.get_running_loop().add_signal_handler(getattr(signal, name), self._end)
            server = await self._start_server()
            await self._supervise(server)
        finally:
            if server is not None:
                await _end_all(server)
            self._run_folder.remove()

    async def _start_server(self) -> asyncio.subprocess.Process:
        with self._run_folder.log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "webhook_lab.local_cloud.server",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
                env=scrubbed_environment(), cwd=self._run_folder.path, start_new_session=True,
            )  # fmt: skip

    async def _supervise(self, server: asyncio.subprocess.Process) -> None:
        assert server.stdin is not None and server.stdout is not None
        # The key's form is AWS's; it is no secret. The secret never enters an environment that functions inherit.
        key = "AKIA" + "".join(secrets.choice(string.ascii_uppercase + "234567") for _ in range(16))
        asked = {
            "run_folder": str(self._run_folder.path), "port": self._port, "nonce": self._nonce,
            "access_key_id": key, "secret_access_key": secrets.token_urlsafe(30),
        }  # fmt: skip
        server.stdin.write(json.dumps(asked).encode() + b"\n")
        line = b""
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(server.stdout.readline(), START_SECONDS)
        told = json.loads(line or "{}")
        if "port" not in told:
            said = told.get("failed") or f"it did not start\n{self._run_folder.log_tail()}".strip()
            print(json.dumps({"failed": said}), flush=True)
            return
        control = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        state = State(
            kind=self._kind, nonce=self._nonce, port=told["port"], control_port=control.sockets[0].getsockname()[1],
            token=self._token, access_key_id=key, secret_access_key=str(asked["secret_access_key"]), pid=os.getpid(),
        )  # fmt: skip
        self._run_folder.publish(state)
        print(json.dumps({"started": self._nonce}), flush=True)
        watch = asyncio.create_task(self._watch(server.stdout))
        while not self._ending and (left := self._seconds_left()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), None if left == math.inf else left)
        self._ending = True
        watch.cancel()
        control.close()

    def _seconds_left(self) -> float:
        """How long the cloud lives on if nothing changes."""
        if self._leases:
            return math.inf
        end = self._last_leased + self._grace
        if self._kept:
            end = max(end, self._last_request + KEPT_SECONDS)
        return end - time.monotonic()

    async def _watch(self, reports: asyncio.StreamReader) -> None:
        """Note when requests come; end when the server's output does, which is when it dies."""
        while await reports.read(1024):
            self._last_request = time.monotonic()
        self._end()

    def _end(self) -> None:
        self._ending = True
        self._changed.set()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: `{"token": …, "do": "lease" | "keep" | "unkeep" | "status"}`, answered by one line."""
        with contextlib.suppress(OSError, ValueError, TimeoutError):
            asked: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 5))
            if not self._ending and hmac.compare_digest(str(asked.get("token")).encode(), self._token.encode()):
                await self._grant(str(asked.get("do")), reader, writer)
        writer.close()

    async def _grant(self, wish: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if wish in ("keep", "unkeep"):
            self._kept = wish == "keep"
            self._last_request = time.monotonic()
        self._leases += wish == "lease"
        idle = time.monotonic() - self._last_request
        writer.write(json.dumps({"leases": self._leases, "kept": self._kept, "idle": idle}).encode() + b"\n")
        if wish == "lease":
            with contextlib.suppress(OSError):
                await reader.read()  # nothing is ever said: this returns when the holder is gone
            self._leases -= 1
            self._last_leased = time.monotonic()
            if self._kind == "private":
                self._grace = 0
        self._changed.set()


async def _end_all(server: asyncio.subprocess.Process) -> None:
    """Kill the server and every function that it runs. All state is in memory: there is nothing to say goodbye to."""
    functions: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        functions = psutil.Process(server.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            server.kill()
        else:
            os.killpg(server.pid, signal.SIGKILL)  # the group outlives a server that was killed
    for function in functions:
        with contextlib.suppress(psutil.NoSuchProcess):
            function.kill()
    await server.wait()
    psutil.wait_procs(functions, timeout=2)


def main() -> None:
    """Run a supervisor as the command line says."""
    root, kind, port = sys.argv[1:]
    asyncio.run(Supervisor(Path(root), "private" if kind == "private" else "shared", int(port)).live())


if __name__ == "__main__":
    main()
