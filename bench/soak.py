"""Minutes of deliveries while function processes, pollers and senders are killed: `python -m bench soak`.

One round after another on one cloud: a pipeline is built; a sender posts deliveries, some of them twice and
some with bytes that are no text, beside messages that nobody can work on; meanwhile something is killed every
moment. The round ends when the queue is empty; what was answered 202 is looked for, and all is torn down. A
leak is what is still there then. WEBHOOK_LAB_SOAK_MINUTES says how long (8); the seed is printed.
"""

import base64
import contextlib
import hashlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from bench import Rows, tables
from bench.building import ROOT, lab_of_its_own
from tests.cloud import killable_sender
from webhook_lab.aws.retry import retry_until
from webhook_lab.lab.run import watch_pipeline
from webhook_lab.pipeline import Pipeline, Settings, open_pipeline
from webhook_lab.resources.queue import Depth, depth
from webhook_lab.show.charts import panels_chart
from webhook_lab.show.series import RUN, collect
from webhook_lab.sweep import remaining
from webhook_lab.watch.items import read_items
from webhook_lab.watch.log_lines import read_lines
from webhook_lab.watch.peek import messages_of

DELIVERIES, REDELIVERED, ODD, POISON = 240, 0.2, 24, 3
"""Of one round: the share is sent once more, and SQS gets the poison directly."""
SETTINGS = Settings(function_timeout=3, visibility_timeout=3, work_seconds=0.005)
"""Soon again after a kill: a round ends when a poison message has had its five receives."""
SECRET = "whsec_" + "QUFB" * 8
KILLS = ("function", "function", "function", "sender", "pollers")
BETWEEN = (4, 24)
"""Deliveries accepted between two kills, at least and at most: on a slow machine too, work goes on."""
BACKLOGS = (100, 20_000)
TIMES, FAST = 4, 0.1
"""How much longer a look may take at the greater one, in a run that shares its machine; and the seconds that
are fast enough anyway: the watch looks every 0.2."""
GROWTH = 0.2
"""The part of its mean by which a measure may grow in a run, beside what it scatters around its line."""
HAS_TO_BE_NONE = ("left", "lost", "twice", "altered", "strange", "poison lost")
"""What a round tells that has to be 0; see `account`."""
LOOKS = 3
"""Queue attributes are approximate: empty is what several looks in a row find empty."""


@tables("soak", "deliveries under kills, round after round, and a backlog of 20,000", always=False)
def soak() -> dict[str, Rows]:
    minutes = float(os.environ.get("WEBHOOK_LAB_SOAK_MINUTES", "8"))
    seed = int(os.environ.get("WEBHOOK_LAB_SOAK_SEED", random.randrange(10_000)))
    print(f"soak: {minutes:g} minutes, seed {seed}", file=sys.stderr)
    chance, ends, rounds = random.Random(seed), time.monotonic() + 60 * minutes, Rows()
    with lab_of_its_own():
        while time.monotonic() < ends or len(rounds) < LOOKS:
            rounds.append(one_round(f"{seed:04}{len(rounds):04}", chance))
            print(f"soak: round {len(rounds)}: {rounds[-1]}", file=sys.stderr)
        backlog = compare_backlogs()
    return {"soak": rounds, "soak_flat": flatness(rounds), "soak_backlog": backlog}


def one_round(run: str, chance: random.Random) -> dict[str, Any]:
    """Build, send under kills, account for every 202, tear down, and measure what is left."""
    began = time.monotonic()
    pipeline = open_pipeline(SETTINGS)
    pipeline.build()
    watch = watch_pipeline(pipeline).start()
    for n in range(POISON):
        sqs, url = pipeline.session.sqs, pipeline.get("queue").url
        sqs.send_message(QueueUrl=url, MessageBody=f"poison {run} {n}")
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal"
        kills = send_under_kills(pipeline, run, journal, chance)
        until_empty(pipeline)
        told = killable_sender.read(journal)
    watch.stop()
    found = account(pipeline, run, told)
    pipeline.teardown()
    left = len(remaining(pipeline.session, pipeline.names.prefix))
    spent = {"seconds": round(time.monotonic() - began, 1), "left": left}
    return {**spent, "kills": kills.total(), **found, **held()}


def send_under_kills(pipeline: Pipeline, run: str, journal: Path, chance: random.Random) -> Counter[str]:
    """Send all of a round's deliveries, whatever is killed meanwhile; how often what was."""
    api = pipeline.get("api")
    url = pipeline.session.target.invoke_url(api.id, api.stage)
    command = [sys.executable, "-m", "tests.cloud.killable_sender", url, SECRET, run]
    command += [str(DELIVERIES), str(REDELIVERED), str(journal), str(ODD)]
    kills = Counter[str]()
    sender = subprocess.Popen(command, cwd=ROOT)
    try:
        while more_accepted(journal, chance.randint(*BETWEEN), sender):
            victim = chance.choice(KILLS)
            if victim == "sender":
                sender.kill()
                sender.wait()
                sender = subprocess.Popen(command, cwd=ROOT)
            elif victim == "pollers":
                pipeline.remove("mapping")
                pipeline.ensure("mapping")
            elif victim == "function" and not kill_a_function(chance):
                continue
            kills[victim] += 1
    finally:
        sender.kill()
        sender.wait()
    # GitHub sends nothing again by itself: what a kill has refused is asked for anew.
    subprocess.run(command, cwd=ROOT, check=True, timeout=600)
    return kills


def more_accepted(journal: Path, number: int, sender: "subprocess.Popen[bytes]") -> bool:
    """Wait until so many more deliveries were accepted. False: the sender has ended before."""
    enough = killable_sender.read(journal)["accepted"].total() + number
    while sender.poll() is None:
        if killable_sender.read(journal)["accepted"].total() >= enough:
            return True
        with contextlib.suppress(subprocess.TimeoutExpired):
            sender.wait(timeout=0.05)
    return False


def server() -> psutil.Process:
    """The cloud's own process."""
    for each in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "webhook_lab.local_cloud.server" in each.cmdline():
                return each
    raise SystemExit("soak: the cloud is gone")


def kill_a_function(chance: random.Random) -> bool:
    """Kill one of the processes in which functions run, if there is any."""
    running = functions()
    if running:
        with contextlib.suppress(psutil.Error):
            chance.choice(running).kill()
    return bool(running)


def functions() -> list[psutil.Process]:
    found = []
    for each in server().children():
        with contextlib.suppress(psutil.Error):  # it has just ended
            if any("worker" in part for part in each.cmdline()):
                found.append(each)
    return found


def until_empty(pipeline: Pipeline) -> None:
    looks = 0

    def is_empty() -> bool | None:
        nonlocal looks
        looks = (
            looks + 1 if depth(pipeline.session.sqs, url=pipeline.get("queue").url) == Depth(0, 0, 0) else 0
        )
        return True if looks >= LOOKS else None

    retry_until(is_empty, seconds=120, reason="the queue to be empty")


def account(pipeline: Pipeline, run: str, told: dict[str, Counter[str]]) -> dict[str, Any]:
    """What became of each delivery that was answered 202. Most has to be 0: `HAS_TO_BE_NONE`.

    "lost": answered more often than messages of it were settled or died. "twice": stored by two messages, by
    the log. "altered": another digest than that of the bytes that were sent. "strange": never sent.
    """
    sent = {
        each.id: each.body
        for each in killable_sender.deliveries_of(run, DELIVERIES, REDELIVERED, ODD, secret=SECRET)
    }
    stored = {item["id"]: item for item in read_items(pipeline.session.dynamodb, table=pipeline.names.table)}
    dead = [each["Body"] for each in messages_of(pipeline.session, queue_url=pipeline.get("dlq").url)]
    poison = sum(body.startswith("poison ") for body in dead)
    carried = [message for item in stored.values() for message in item["delivered_by"]]
    lines = read_lines(pipeline.session.logs, log_group=pipeline.names.log_group("subscribe"))
    puts = Counter(line["id"] for line in lines if line.get("outcome") == "stored")
    settled = {id_: len(item["delivered_by"]) for id_, item in stored.items()}
    lost = sum(times > settled.get(id_, 0) for id_, times in told["accepted"].items())
    return {
        "accepted": told["accepted"].total(),
        "stored": len(stored),
        "lost": max(0, lost - (len(dead) - poison)) + (told["accepted"].keys() != sent.keys()),
        "twice": sum(times > 1 for times in puts.values()) + len(carried) - len(set(carried)),
        "altered": sum(altered(item, sent.get(id_)) for id_, item in stored.items()),
        "strange": len(stored.keys() - told["attempted"].keys()),
        "poison lost": POISON - poison,
        "good dead": len(dead) - poison,
    }


def altered(item: dict[str, Any], body: bytes | None) -> bool:
    kept = base64.b64decode(item["body"]) if item["body_is_base64"] else item["body"].encode()
    return body is None or kept != body or item["body_sha256"] != hashlib.sha256(body).hexdigest()


def held() -> dict[str, float]:
    """What this process and the cloud's hold when nothing stands: megabytes, handles, threads, processes."""
    found: dict[str, float] = {}
    for name, process in (("cloud", server()), ("ours", psutil.Process())):
        found[f"{name} MB"] = round(process.memory_info().rss / 1e6, 1)
        found[f"{name} handles"] = process.num_handles() if os.name == "nt" else process.num_fds()
        found[f"{name} threads"] = process.num_threads()
    return {**found, "processes": len(server().children(recursive=True))}


def flatness(rounds: Rows) -> Rows:
    """For each measure its line through the rounds after the first, which warms up: what the run adds."""
    told = Rows()
    for name in held_names(rounds):
        values = [float(row[name]) for row in rounds[1:]]
        line = statistics.linear_regression(range(len(values)), values)
        growth = line.slope * (len(values) - 1)
        off = [value - line.intercept - line.slope * n for n, value in enumerate(values)]
        may = GROWTH * statistics.fmean(values) + 2 * statistics.pstdev(off) + 1
        first, last = values[0], values[-1]
        told.append({"measure": name, "first": first, "last": last, "growth": round(growth, 2),
                     "may": round(may, 2), "kept": growth <= may})  # fmt: skip
    return told


def held_names(rounds: Rows) -> list[str]:
    names = list(rounds[0])
    return names[names.index("cloud MB") :]


def compare_backlogs() -> Rows:
    """How long one look takes at a backlog of 100 and of 20,000: `status`, `watch`, and its charts."""
    pipeline = open_pipeline(SETTINGS)
    pipeline.build()
    pipeline.ensure("mapping", enabled=False)
    took, held = dict[int, dict[str, float]](), 0
    for backlog in BACKLOGS:
        fill(pipeline, backlog - held)
        held = backlog
        took[backlog] = {name: statistics.median(each) for name, each in looks(pipeline).items()}
    pipeline.teardown()
    few, many = (took[backlog] for backlog in BACKLOGS)
    return [
        {"look": name, "ms at 100": round(1000 * few[name], 1), "ms at 20,000": round(1000 * many[name], 1),
         "times": round(many[name] / few[name], 2), "kept": many[name] <= max(FAST, TIMES * few[name])}
        for name in few
    ]  # fmt: skip


def fill(pipeline: Pipeline, messages: int) -> None:
    url, sqs = pipeline.get("queue").url, pipeline.session.sqs
    for first in range(0, messages, 10):
        entries: Any = [{"Id": str(n), "MessageBody": "waits"} for n in range(min(10, messages - first))]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)


def looks(pipeline: Pipeline, times: int = 7) -> dict[str, list[float]]:
    """Seconds of each look, some times over."""
    from click.testing import CliRunner

    from webhook_lab.cli import main

    took: dict[str, list[float]] = {"status": [], "watch": [], "charts": []}
    watch = watch_pipeline(pipeline)
    for _ in range(times):
        with timed(took["status"]):
            done = CliRunner().invoke(main, ["status", "--json"])
        assert done.exit_code == 0, done.output
        with timed(took["watch"]):
            for look_at in (
                watch._look_at_queue,
                watch._look_at_dlq,
            ):  # as its threads do five times a second
                look_at()
        with timed(took["charts"]):
            panels_chart(RUN, collect(watch.samples, RUN)).png()
    return took


@contextlib.contextmanager
def timed(took: list[float]) -> Iterator[None]:
    began = time.perf_counter()
    yield
    took.append(time.perf_counter() - began)
