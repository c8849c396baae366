"""The server process: the emulator behind the guard, on a free loopback port.

    python -P -m webhook_lab.local_cloud.server <runtime folder> <private|shared>

It prints `started <nonce>` when ready; else it ends, and what it printed says why. A private one ends when
its standard input does, which its owner holds open.
"""

import asyncio
import os
import secrets
import socket
import string
import sys
from pathlib import Path
from typing import Any

from webhook_lab.local_cloud.life import Life
from webhook_lab.local_cloud.runtime import Cloud

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


def main() -> None:
    """Serve until nobody needs the cloud."""
    life = Life(Path(sys.argv[1]), sys.argv[2])
    listener = _listen()
    port = listener.getsockname()[1]
    key = "AKIA" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(16))
    cloud = Cloud(f"http://127.0.0.1:{port}", life.nonce, key, secrets.token_urlsafe(30))
    os.environ.pop("PYTHONPATH", None)
    os.environ.update(_SETTINGS, GATEWAY_PORT=str(port))
    os.environ.update(dict.fromkeys(_FOLDERS, str(life.folder / "tmp")))
    # Whom the emulator takes for root. Functions get their role's credentials instead, and never the secret.
    os.environ["AWS_ACCESS_KEY_ID"] = key
    asyncio.run(_serve(listener, life, cloud))
    life.end()


async def _serve(listener: socket.socket, life: Life, cloud: Cloud) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.asyncio.tcp_server import TCPServer
    from hypercorn.config import Config
    from ministack.app import app

    from webhook_lab.local_cloud import emulator
    from webhook_lab.local_cloud.emulator.mappings import Mappings
    from webhook_lab.local_cloud.guard import Guard

    emulator.install()
    _let_go_of_closed_connections(TCPServer)
    mappings = Mappings(app, cloud)
    config = Config()
    config.bind = [f"fd://{listener.detach()}"]
    config.loglevel = "WARNING"
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 1_000_000
    life.begin(cloud)  # requests wait in the backlog from now on
    tasks = asyncio.create_task(mappings.run()), asyncio.create_task(life.last())
    try:
        await serve(Guard(app, cloud, life.used), config)  # type: ignore[arg-type]  # hypercorn has its own names for ASGI's types
    finally:
        for task in tasks:
            task.cancel()


def _let_go_of_closed_connections(server: Any) -> None:
    """Close a connection when its client has closed it.

    hypercorn 0.18 holds it until the keep-alive time is over: so many callers, each with a connection of its
    own, leave the server without a handle (macOS gives a program 256).
    """
    read = server._read_data

    async def read_to_the_end(self: Any) -> None:
        await read(self)
        await self.idle_task.stop()

    server._read_data = read_to_the_end


def _listen() -> socket.socket:
    """A listening loopback socket. Bound here and handed over, so that nobody takes the port in between."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if sys.platform == "win32":  # where SO_REUSEADDR would let two programs listen on one port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    listener.bind(("127.0.0.1", 0))
    listener.listen(100)
    return listener


if __name__ == "__main__":
    main()
