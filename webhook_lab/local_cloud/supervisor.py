"""The supervisor process: starts one server, gives leases on it, and ends it when nobody needs it any more.

    python -P -m webhook_lab.local_cloud.supervisor <runtime folder> <private|shared> <port or 0>

A lease is a loopback connection that its holder keeps open: however the holder ends, the operating system
closes it. Without a lease the cloud ends after WEBHOOK_LAB_LEASE_SECONDS (30); a private one at once when its
owner is gone, a kept one WEBHOOK_LAB_KEPT_SECONDS (7200) after the last request. It ends if its server dies.
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

START_SECONDS = 30.0
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
        self._patience = START_SECONDS  # in which the starter has to take the first lease
        self._last_lease = self._last_request = time.monotonic()
        self._ending = False
        self._changed = asyncio.Event()

    async def live(self) -> None:
        """Start, give leases, end. What the starter must know is printed as one JSON line."""
        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            with contextlib.suppress(AttributeError, NotImplementedError):  # Windows
                asyncio.get_running_loop().add_signal_handler(getattr(signal, name), self._end)
        sweep(self._root)
        self._run_folder.claim()
        try:
            self._run_folder.create()
            server = await self._start_server()
            try:
                await self._supervise(server)
            finally:
                await _kill(server)
        finally:
            self._run_folder.remove()

    async def _start_server(self) -> asyncio.subprocess.Process:
        command = (sys.executable, "-P", "-m", "webhook_lab.local_cloud.server")
        pipe, folder = asyncio.subprocess.PIPE, self._run_folder.path
        with self._run_folder.log.open("wb") as log:
            return await asyncio.create_subprocess_exec(
                *command, stdin=pipe, stdout=pipe, stderr=log, cwd=folder, env=scrubbed_environment(),
                start_new_session=True,
            )  # fmt: skip

    async def _supervise(self, server: asyncio.subprocess.Process) -> None:
        assert server.stdin
        assert server.stdout
        asked = {
            "run_folder": str(self._run_folder.path),
            "port": self._port,
            "nonce": self._nonce,
            "access_key_id": "AKIA" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(16)),
            "secret_access_key": secrets.token_urlsafe(30),
        }
        server.stdin.write(
            json.dumps(asked).encode() + b"\n"
        )  # never in an environment: functions inherit it
        line = b""
        with contextlib.suppress(TimeoutError):
            line = await asyncio.wait_for(server.stdout.readline(), START_SECONDS)
        told = json.loads(line or b"{}")
        if "port" not in told:
            said = told.get("failed") or f"its server did not start\n{self._run_folder.log_tail()}"
            print(json.dumps({"failed": said}), flush=True)
            return
        control = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        state = State(
            nonce=self._nonce,
            endpoint_url=f"http://127.0.0.1:{told['port']}",
            access_key_id=str(asked["access_key_id"]),
            secret_access_key=str(asked["secret_access_key"]),
            control_port=control.sockets[0].getsockname()[1],
            token=self._token,
        )
        self._run_folder.publish(state)
        self._last_lease = time.monotonic()
        print(json.dumps({"started": self._nonce}), flush=True)
        watch = asyncio.create_task(self._watch(server.stdout))
        while not self._ending and (left := self._seconds_left()) > 0:
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), left if left < math.inf else None)
        self._ending = True
        control.close()
        watch.cancel()

    def _seconds_left(self) -> float:
        """How long the cloud lives on if nothing changes."""
        ends = math.inf if self._leases else self._last_lease + self._patience
        if self._kept:
            ends = max(ends, self._last_request + KEPT_SECONDS)
        return ends - time.monotonic()

    async def _watch(self, reports: asyncio.StreamReader) -> None:
        """Note when requests come; end when the server does, and with it its output."""
        while await reports.read(1024):
            self._last_request = time.monotonic()
        self._end()

    def _end(self) -> None:
        self._ending = True
        self._changed.set()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: `{"token": …, "do": "lease" | "keep" | "unkeep" | "status"}` gets one line back."""
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
            asked: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 5))
            if hmac.compare_digest(asked["token"], self._token) and not self._ending:
                await self._do(asked["do"], reader, writer)
        writer.close()

    async def _do(self, wish: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if wish in ("keep", "unkeep"):
            self._kept = wish == "keep"
            self._last_request = time.monotonic()
        self._leases += wish == "lease"
        idle = time.monotonic() - self._last_request
        answer = {"open": self._leases, "kept": self._kept, "idle_seconds": idle}
        writer.write(json.dumps(answer).encode() + b"\n")
        if wish == "lease":
            with contextlib.suppress(OSError):
                await reader.read()  # the holder says nothing more: this returns when it is gone
            self._leases -= 1
            self._last_lease = time.monotonic()
            self._patience = 0 if self._kind == "private" else LEASE_SECONDS
        self._changed.set()


async def _kill(server: asyncio.subprocess.Process) -> None:
    """Kill the server and every function that it runs. State is in memory only: nothing needs saving."""
    functions: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        functions = psutil.Process(server.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError):
        if sys.platform == "win32":
            server.kill()
        else:
            os.killpg(server.pid, signal.SIGKILL)  # its group outlives a server that is dead already
    for function in functions:
        with contextlib.suppress(psutil.NoSuchProcess):
            function.kill()
    await server.wait()


if __name__ == "__main__":
    kind: Kind = "private" if sys.argv[2] == "private" else "shared"
    asyncio.run(Supervisor(Path(sys.argv[1]), kind, int(sys.argv[3])).live())
