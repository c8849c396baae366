"""PgBouncer in front of the throw-away server: many clients share few connections. RDS Proxy's stand-in."""

import os
import secrets
import shutil
import time

from webhook_lab.aws.errors import LabError
from webhook_lab.database.postgres import APPLICATION, Postgres
from webhook_lab.keeper import answers, free_port

START_SECONDS = 5.0
# Debian's place is not on everybody's path.
_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"])


class NoPooler(LabError):
    """PgBouncer is not installed. Everything else goes on without it."""


class PgBouncer:
    """Lends each of its `size` connections for one transaction at a time; whoever finds none free waits.

    It lives in the server's folder, and is taken away with it.

    Raises:
        NoPooler: it is not installed here.
        LabError: it does not start.
    """

    def __init__(self, server: Postgres, size: int) -> None:
        program = shutil.which("pgbouncer", path=_PATH)
        if program is None:
            fix = "Run: sudo apt install pgbouncer   (macOS: brew install pgbouncer)   Or go on without."
            raise NoPooler("start a pooler", "PgBouncer is not installed here", fix)
        self.port = free_port()
        home = server.folder.make(f"pgbouncer-{secrets.token_hex(4)}")  # a port may come again
        users = server.folder.write(f"{home.name}/users.txt", f'"{APPLICATION}" "{server.password}"\n')
        log = home / "log"
        lines = (
            "[databases]",
            f"* = host=127.0.0.1 port={server.port}",
            "[pgbouncer]",
            "listen_addr = 127.0.0.1",
            f"listen_port = {self.port}",
            "unix_socket_dir =",
            f"auth_file = {users}",
            "auth_type = md5",  # cheap; the password is random and stays on this machine
            "pool_mode = transaction",
            f"default_pool_size = {size}",
            "max_client_conn = 1000",
            "server_login_retry = 1",
            "ignore_startup_parameters = options",
            f"logfile = {log}",
            "",
        )
        settings = server.folder.write(f"{home.name}/pgbouncer.ini", "\n".join(lines))
        self._process = server.folder.start([program, settings])
        deadline = time.monotonic() + START_SECONDS
        while not answers(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.close()
                said = log.read_text(encoding="utf-8", errors="replace")[-500:] if log.exists() else "nothing"
                raise LabError("start PgBouncer", said, "Run the cell again, or go on without a pooler.")
            time.sleep(0.02)

    def close(self) -> None:
        """End it. More than once is fine."""
        self._process.kill()
        self._process.wait()
