"""How long a full queue takes to drain under a throttle, beside the emulator alone with boto3 alone.

Both drain the same: the queue is filled while the mapping is off, every environment is warm, and what counts
is from the first item's start to the last one's finish, by the items themselves. Ours is watched meanwhile,
as a notebook watches it; the emulator alone is not.
"""

import hashlib
import json
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import tables
from bench.building import lab_of_its_own
from webhook_lab.aws.retry import retry_until
from webhook_lab.lab.run import watch_pipeline
from webhook_lab.pipeline import Pipeline, Settings, open_pipeline
from webhook_lab.resources.invoking import warm_up
from webhook_lab.resources.queue import Depth, depth
from webhook_lab.send.sender import Delivery, post
from webhook_lab.watch.concurrency import peak
from webhook_lab.watch.items import read_items

MESSAGES, WORK_SECONDS, AT_MOST = 120, 0.5, 1.06
MANY = 1_000
"""Messages without any work: what is left is the machinery's own pace."""
Items = list[tuple[str, int, int]]
"""The invocation that worked on each item, from when until when, in epoch milliseconds."""


@dataclass(frozen=True)
class Case:
    """One drain: its throttle, its batch size, and how much there is to do."""

    concurrency: int
    batch_size: int
    messages: int = MESSAGES
    work: float = WORK_SECONDS

    @property
    def floor(self) -> float:
        """The seconds that it can't do without: rounds of full batches, record after record."""
        if self.batch_size == 1:
            return self.messages * self.work / self.concurrency
        rounds = math.ceil(self.messages / self.batch_size / self.concurrency)
        return rounds * self.batch_size * self.work


@tables("drain", "drain a full queue under a throttle, beside the bare emulator")
def drain() -> dict[str, list[dict[str, Any]]]:
    return {
        "drain": [row(Case(concurrency, 1)) for concurrency in (2, 5)],
        "drain_batches": [row(Case(concurrency, 10)) for concurrency in (2, 5)],
    }


@tables("throughput", "drain a queue of messages without work, beside the bare emulator")
def throughput() -> dict[str, list[dict[str, Any]]]:
    cases = [Case(2, batch_size, messages=MANY, work=0) for batch_size in (1, 10)]
    return {"throughput": [pace(case) for case in cases]}


def pace(case: Case) -> dict[str, Any]:
    """Messages stored a second. The bare emulator has less to do: no signature, policy or condition to check,
    and one log line to keep for each message instead of two."""
    ours, bare = (round(MANY / seconds_of(drain(case))) for drain in (drain_queued, drain_bare))
    told = {"concurrency": case.concurrency, "batch_size": case.batch_size, "messages": MANY}
    return {**told, "per_second": ours, "bare_per_second": bare}


def row(case: Case) -> dict[str, Any]:
    """One case, ours and bare, one after the other.

    Raises:
        SystemExit: something was lost.
    """
    ours, peak_concurrency = drain_ours(case)
    bare = drain_bare(case)
    seconds = seconds_of(ours)
    return {
        "concurrency": case.concurrency,
        "batch_size": case.batch_size,
        "messages": case.messages,
        "work_s": case.work,
        "floor_s": case.floor,
        "drain_s": seconds,
        "times_floor": round(seconds / case.floor, 4),
        "bare_drain_s": seconds_of(bare),
        "peak_concurrency": peak_concurrency,
        "kept": seconds <= AT_MOST * case.floor and peak_concurrency <= case.concurrency,
        "items": ours,
        "bare_items": bare,
    }


def seconds_of(items: Items) -> float:
    return (max(finished for _, _, finished in items) - min(started for _, started, _ in items)) / 1000


def drain_ours(case: Case) -> tuple[Items, int]:
    """The items of a drain of the pipeline, filled through its API; and the peak by its log."""
    with warm_pipeline(case) as pipeline:
        accepted = fill(pipeline)
        watch = watch_pipeline(pipeline).start()
        pipeline.ensure("mapping")
        retry_until(lambda: watch.is_over(accepted) or None, seconds=10 * case.floor, reason="the drain")
        watch.stop()
        items = stored(pipeline)
    if items.keys() != set(accepted):
        raise SystemExit(f"drain: {len(items)} items of {len(accepted)} deliveries")
    return list(items.values()), peak(watch.history.invocations())


def drain_queued(case: Case) -> Items:
    """The items of a drain of the pipeline, put into its queue directly, and not watched."""
    with warm_pipeline(case) as pipeline:
        body = b"{}"
        about = {"path": "/", "method": "POST", "query": "", "headers": {}, "message": "hello from /"}
        about |= {"body": "{}", "body_is_base64": False, "body_sha256": hashlib.sha256(body).hexdigest()}
        for first in range(0, case.messages, 10):
            bodies = [json.dumps({**about, "id": f"bench:{first + n}", "received_at": 0}) for n in range(10)]
            entries: Any = [{"Id": str(n), "MessageBody": text} for n, text in enumerate(bodies)]
            pipeline.session.sqs.send_message_batch(QueueUrl=pipeline.get("queue").url, Entries=entries)
        pipeline.ensure("mapping")
        url = pipeline.get("queue").url
        retry_until(
            lambda: depth(pipeline.session.sqs, url=url) == Depth(0, 0, 0) or None,
            seconds=120,
            reason="the queue to be empty",
        )
        items = stored(pipeline)
    if len(items) != case.messages:
        raise SystemExit(f"throughput: {len(items)} items of {case.messages} messages")
    return list(items.values())


@contextmanager
def warm_pipeline(case: Case) -> Iterator[Pipeline]:
    """A pipeline on a cloud of its own, every environment warm, its mapping off."""
    throttle = {"reserved_concurrency": case.concurrency, "maximum_concurrency": case.concurrency}
    with lab_of_its_own():
        pipeline = open_pipeline(Settings(batch_size=case.batch_size, work_seconds=case.work, **throttle))
        pipeline.build()
        pipeline.ensure("mapping", enabled=False)
        name = pipeline.names.function("subscribe")
        warm_up(pipeline.session, name=name, executions=case.concurrency)
        yield pipeline


def stored(pipeline: Pipeline) -> dict[str, tuple[str, int, int]]:
    """What the table holds, by the deliveries' ids."""
    items = read_items(pipeline.session.dynamodb, table=pipeline.names.table)
    return {
        each["id"]: (each["function_request_id"], each["started_at"], each["finished_at"]) for each in items
    }


def fill(pipeline: Pipeline) -> list[str]:
    """Send the deliveries, and return the ids under which they will be stored."""
    api = pipeline.get("api")
    url = pipeline.session.target.invoke_url(api.id, api.stage)
    with ThreadPoolExecutor(4) as at_once:
        answers = list(at_once.map(lambda n: post(url, Delivery(f"/drain/{n}", b"{}", {})), range(MESSAGES)))
    return [answer.id or "refused" for answer in answers]


def drain_bare(case: Case) -> Items:
    """The items of the same drain by `bare_drain.py`, in a process that imports boto3 alone."""
    script = Path(__file__).with_name("bare_drain.py")
    command = [
        sys.executable,
        str(script),
        *map(str, (case.concurrency, case.batch_size, case.messages, case.work)),
    ]
    with bare_emulator() as environment:
        done = subprocess.run(
            command, env=environment, check=True, stdout=subprocess.PIPE, text=True, timeout=600
        )
    return [tuple(item) for item in json.loads(done.stdout)]


@contextmanager
def bare_emulator() -> Iterator[dict[str, str]]:
    """The emulator as it comes, on a port of this machine alone, and what boto3 needs to reach it."""
    with socket.socket() as free, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
        free.close()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        boto3 = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
        boto3 |= {"AWS_DEFAULT_REGION": "us-east-1", "NO_PROXY": "127.0.0.1", "AWS_CONFIG_FILE": os.devnull}
        settings = {
            "GATEWAY_PORT": port,
            "BIND_HOST": "127.0.0.1",
            "LAMBDA_EXECUTOR": "local",
            "TMPDIR": folder,
        }
        settings |= {
            "LOG_LEVEL": "ERROR",
            "PYTHONUTF8": "1",
            "DOCKER_HOST": "unix:///nonexistent",
            "HOME": folder,
        }
        server = subprocess.Popen(
            [sys.executable, "-c", "from ministack.app import main; main()"],
            env={**kept, **boto3, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
        )
        try:
            until_it_listens(int(port), seconds=20)
            yield {**kept, **boto3, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(timeout=20)


def until_it_listens(port: int, *, seconds: float) -> None:
    """Connect until somebody answers.

    Raises:
        TimeoutError: nobody does in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > deadline:
            raise TimeoutError(f"the emulator does not listen on {port}")
        time.sleep(0.05)
