"""The server process: the emulator behind the guard, on one loopback port. Run by the supervisor only.

Its standard input says what to serve, in one JSON line, and then stays open: when it closes, the supervisor
is dead and everything here ends. Its standard output says `{"port": …}` when ready, then a line now and then
while requests come. What it logs goes to standard error.
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
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

# The emulator reads its settings when it is imported. Those that are not here are its defaults.
_SETTINGS = {
    "AUTH": "true",  # policies are enforced
    "BIND_HOST": "127.0.0.1",
    "DOCKER_HOST": "unix:///nonexistent",  # at its start it would remove another emulator's containers
    "IOT_MTLS_ENABLED": "0",  # would listen on every interface
    "LAMBDA_EXECUTOR": "local",  # functions are processes, not containers
    "LOG_LEVEL": "WARNING",
    "MINISTACK_HOST": "127.0.0.1",
    "SFTP_ENABLED": "0",
    # For boto3 in functions: their role's credentials and this endpoint, nothing of the learner's.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "NO_PROXY": "127.0.0.1,localhost",
}
_FOLDERS = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP", "STATE_DIR", "S3_DATA_DIR")
_TELL_SECONDS = 0.25  # at most so often does it tell the supervisor that requests come


def main() -> None:
    """Serve until standard input closes."""
    reports = os.dup(1)
    os.dup2(2, 1)  # whatever else prints must not disturb the reports
    asked: dict[str, Any] = json.loads(os.read(0, 65536))
    folder = Path(asked["run_folder"])
    threading.Thread(target=_end_with_the_supervisor, args=(folder,), daemon=True).start()
    try:
        listener = _listen(asked["port"])
    except OSError as error:
        os.write(reports, json.dumps({"failed": f"port {asked['port']}: {error.strerror}"}).encode())
        return
    os.environ.pop("PYTHONPATH", None)
    os.environ.update(_SETTINGS, GATEWAY_PORT=str(listener.getsockname()[1]))
    os.environ.update(dict.fromkeys(_FOLDERS, str(folder / "tmp")))
    # Whom the emulator takes for root. Functions get their role's credentials instead, and never the secret.
    os.environ["AWS_ACCESS_KEY_ID"] = asked["access_key_id"]
    asyncio.run(_serve(listener, asked, reports))


async def _serve(listener: socket.socket, asked: dict[str, Any], reports: int) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config
    from ministack.app import app

    from webhook_lab.local_cloud import emulator
    from webhook_lab.local_cloud.emulator.mappings import Mappings
    from webhook_lab.local_cloud.guard import Guard
    from webhook_lab.local_cloud.ports import Caller, Credentials, Ends

    emulator.install()
    told = 0.0

    def tell() -> None:
        nonlocal told
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            with contextlib.suppress(OSError):  # the supervisor's death is noticed elsewhere
                os.write(reports, b"\n")

    port, owner = listener.getsockname()[1], Credentials(asked["access_key_id"], asked["secret_access_key"])
    mappings = Mappings(partial(Ends, Caller(app, f"http://127.0.0.1:{port}", owner)))
    guard = Guard(
        app,
        port=port,
        access_key_id=owner.key,
        secret_access_key=owner.secret,
        identity={"nonce": asked["nonce"], "emulator": f"ministack {version('ministack')}"},
        seen=tell,
    )
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 1_000_000
    os.write(reports, json.dumps({"port": port}).encode() + b"\n")  # requests wait in the backlog from now on
    polling = asyncio.create_task(mappings.run())
    try:
        await serve(guard, config)  # type: ignore[arg-type]  # hypercorn has its own names for ASGI's types
    finally:
        polling.cancel()


def _listen(port: int) -> socket.socket:
    """A listening loopback socket. Bound here and handed over, so that nobody takes the port in between."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform == "win32":  # where SO_REUSEADDR would let two programs listen on one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    listener.listen(100)
    return listener


def _end_with_the_supervisor(folder: Path) -> None:
    """Wait until standard input closes, then do what the supervisor would have done."""
    while os.read(0, 4096):
        pass
    deadline = time.monotonic() + 2
    while folder.exists() and time.monotonic() < deadline:  # meanwhile, an invocation may start a function
        for function in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                function.kill()
        shutil.rmtree(folder, ignore_errors=True)
    if not folder.exists():
        Path(f"{folder}.lock").unlink(missing_ok=True)
    os._exit(0)


if __name__ == "__main__":
    main()
