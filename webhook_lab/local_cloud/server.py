"""The server process: the emulator behind the guard, on one loopback port. Run by the supervisor, never by hand.

Its standard input says what to serve (one JSON line) and then stays open: when it closes, the supervisor is dead
and everything here ends. Its standard output says `{"port": …}` when ready, then one line for each second in which
a request came. What it logs goes to standard error.
"""

import asyncio
import contextlib
import json
import os
import shutil
import socket
import sys
import threading
import time
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import psutil

# Only these of the emulator's listeners and files; the rest of its settings are its defaults.
_SETTINGS = {
    "AUTH": "true",  # policies are enforced
    "BIND_HOST": "127.0.0.1",
    "DOCKER_HOST": "unix:///nonexistent",  # it would otherwise remove containers of another emulator at start
    "IOT_MTLS_ENABLED": "0",  # would listen on 8883, on every interface
    "LAMBDA_EXECUTOR": "local",  # functions are processes, not containers
    "LOG_LEVEL": "WARNING",
    "MINISTACK_HOST": "127.0.0.1",
    "SFTP_ENABLED": "0",
}


def main() -> None:
    """Serve until standard input closes."""
    report = os.dup(1)
    os.dup2(2, 1)  # whatever else prints must not disturb the reports
    asked = json.loads(_first_line(0))
    run_folder = Path(asked["run_folder"])
    threading.Thread(target=_end_with_the_supervisor, args=(run_folder,), daemon=True).start()
    try:
        listener = _listen(asked["port"])
    except OSError as error:
        os.write(report, json.dumps({"failed": f"port {asked['port']}: {error.strerror}"}).encode() + b"\n")
        return
    _prepare_environment(run_folder, listener.getsockname()[1], asked["access_key_id"])
    asyncio.run(_serve(listener, asked, report))


def _prepare_environment(run_folder: Path, port: int, access_key_id: str) -> None:
    """Settings are read when the emulator is imported. Functions inherit all of this, so no secret is in it."""
    temporary = str(run_folder / "tmp")
    os.environ.pop("PYTHONPATH", None)
    os.environ.update(_SETTINGS)
    os.environ.update(dict.fromkeys(["HOME", "S3_DATA_DIR", "STATE_DIR", "TEMP", "TMP", "TMPDIR", "USERPROFILE"], temporary))
    os.environ.update(
        GATEWAY_PORT=str(port),
        AWS_ACCESS_KEY_ID=access_key_id,  # whom it takes for root; each function gets its role's credentials instead
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        NO_PROXY="127.0.0.1,localhost",
    )


async def _serve(listener: socket.socket, asked: dict[str, Any], report: int) -> None:
    from importlib.metadata import version

    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    from webhook_lab.local_cloud.guard import Guard

    last_told = 0.0

    def seen() -> None:
        nonlocal last_told
        if (now := time.monotonic()) - last_told >= 1:
            last_told = now
            with contextlib.suppress(OSError):  # a dead supervisor is noticed elsewhere
                os.write(report, b"\n")

    port = listener.getsockname()[1]
    guard = Guard(
        app, port=port, access_key_id=asked["access_key_id"], secret_access_key=asked["secret_access_key"],
        identity={"nonce": asked["nonce"], "emulator": f"ministack {version('ministack')}"}, seen=seen,
    )  # fmt: skip

    async def announced(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        async def watch(message: MutableMapping[str, Any]) -> None:
            await send(message)
            if message["type"] == "lifespan.startup.complete":
                os.write(report, json.dumps({"port": port}).encode() + b"\n")

        await guard(scope, receive, watch if scope["type"] == "lifespan" else send)

    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 1_000_000
    await serve(announced, config)  # type: ignore[arg-type]  # hypercorn's own names for the same ASGI types


def _listen(port: int) -> socket.socket:
    """A listening loopback socket: bound here, so that no other program can take the port in between."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform == "win32":  # there, SO_REUSEADDR would let another program share the port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(100)
    return listener


def _first_line(descriptor: int) -> bytes:
    line = b""
    while not line.endswith(b"\n") and (byte := os.read(descriptor, 1)):
        line += byte
    return line


def _end_with_the_supervisor(run_folder: Path) -> None:
    """Wait for the end of standard input; then do what the supervisor would have done."""
    while os.read(0, 4096):
        pass
    deadline = time.monotonic() + 2
    while run_folder.exists() and time.monotonic() < deadline:  # an invocation may be starting one more function
        for function in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                function.kill()
        shutil.rmtree(run_folder, ignore_errors=True)
    if not run_folder.exists():
        Path(f"{run_folder}.lock").unlink(missing_ok=True)
    os._exit(0)


if __name__ == "__main__":
    main()
