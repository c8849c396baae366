"""A throw-away PostgreSQL: its start, what three designs take with the same 500 webhooks, and its end."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

from bench import part
from webhook_lab.database.burst import Burst
from webhook_lab.database.outcome import Design
from webhook_lab.database.pgbouncer import NoPooler
from webhook_lab.database.postgres import Postgres

TIMES = 5
DESIGNS = (Design(), Design(consumers=10), Design(pool=10))

PROGRAM = """
import sys
from webhook_lab.database.postgres import Postgres
server = Postgres()
print(server.folder.path, flush=True)
sys.stdin.read()
"""


@part("database-start", "a PostgreSQL from nothing to its first answer", at_most=1.5)
def start() -> list[float]:
    seconds = []
    for _ in range(TIMES):
        before = time.perf_counter()
        with contextlib.closing(Postgres()):
            seconds.append(time.perf_counter() - before)
    return seconds


@part("database", "500 webhooks connecting each, through a queue, and through a pooler", at_most=12)
def designs() -> list[float]:
    seconds = []
    with contextlib.closing(Postgres()) as server:
        for _ in range(3):
            before = time.perf_counter()
            for design in DESIGNS:
                try:
                    Burst(server, design).start().wait()
                except NoPooler as missing:
                    print(f"{missing.said}: left out", file=sys.stderr)
            seconds.append(time.perf_counter() - before)
    return seconds


@part("database-end", "until nothing is left of it after its program is killed", at_most=1)
def end() -> list[float]:
    seconds = []
    for _ in range(TIMES):
        program = subprocess.Popen(
            [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert program.stdin
        assert program.stdout
        with program.stdin, program.stdout:
            folder = Path(program.stdout.readline().strip())
            before = time.perf_counter()
            program.kill()
            while folder.exists() and time.perf_counter() - before < 20:
                time.sleep(0.005)
            seconds.append(time.perf_counter() - before)
            program.wait()
    return seconds
