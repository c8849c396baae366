"""A function's cold start by its memory, which decides its share of a processor too.

What it takes is measured here in processor seconds, in a Python of its own, and divided by the share that
Lambda gives for the memory (`facts.quotas.LAMBDA_CPU_MEMORY`). The network is left out: a fake answers at the
wire. The certificates that a first call loads are loaded all the same.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from bench import tables
from webhook_lab.facts import quotas
from webhook_lab.pipeline.packaging import SHARED, handlers_folder
from webhook_lab.pipeline.settings import Settings

TIMES = 5
MEMORIES = (128, 256, 512, 1_024)
EVENTS = {"publish": "hello", "subscribe": "one_delivery"}
BATCH, WORK, TIMEOUT = 5, 0.08, 1.0
"""The tightest that a chapter asks for (10): so many deliveries, seconds of work each, seconds for them."""
ROOM = 3
"""A processor there may be slower than the one here, and the network takes its share."""

CHILD = """
import json, sys, time
marks = {}
def measured(name, do):
    began = time.process_time()
    do()
    marks[name] = time.process_time() - began
def first():
    ssl.create_default_context(cafile=httpsession.where())
    app.handler(event, Context)
class Context: function_name, aws_request_id = "f", "r"
event = json.load(sys.stdin)
measured("boto3", lambda: exec("import boto3", globals()))
import fake_aws, ssl
from botocore import httpsession
boto3.DEFAULT_SESSION = fake_aws.FakeAWS().session
measured("clients", lambda: exec("import app", globals()))
measured("first", first)
print(json.dumps(marks), file=sys.stderr)
"""


@tables("cold", "the cold start of each function, by its memory")
def cold() -> dict[str, list[dict[str, Any]]]:
    return {name: rows(name, [taken(name) for _ in range(TIMES)]) for name in EVENTS}


def taken(name: str) -> dict[str, float]:
    """Processor seconds of one start: boto3, the rest with its clients, the first event."""
    events = handlers_folder() / name / "events"
    event = json.loads((events / f"{EVENTS[name]}.json").read_text(encoding="utf-8"))
    for number in range(1, BATCH if "Records" in event else 1):
        event["Records"].append({**event["Records"][0], "messageId": f"another-{number}"})
    said = json.loads((events / f"{EVENTS[name]}.expected.json").read_text(encoding="utf-8"))
    beside = Path(__file__).parent.parent / "tests" / "handlers"
    folders = (handlers_folder() / SHARED, handlers_folder() / name, beside)
    run = subprocess.run(
        [sys.executable, "-c", CHILD],
        env={"PATH": os.defpath, "PYTHONPATH": os.pathsep.join(map(str, folders)), **said["environment"]},
        input=json.dumps(event), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(run.stderr.splitlines()[-1]))


def rows(name: str, times: list[dict[str, float]]) -> list[dict[str, Any]]:
    """By memory: seconds to its start, of its first invocation, and of that if clients waited for it.

    Kept: so many deliveries, with their work, come through their timeout with `ROOM`.
    """
    usual = {what: median(each[what] for each in times) for what in times[0]}
    work = BATCH * WORK if name == "subscribe" else 0.0
    found = []
    for memory in MEMORIES:
        share = min(1.0, memory / quotas.LAMBDA_CPU_MEMORY.value)
        found.append({
            "function": name,
            "memory_mb": memory,
            "ours": memory == Settings().memory,
            "starts_in": round((usual["boto3"] + usual["clients"]) / share, 2),
            "first": round(work + usual["first"] / share, 2),
            "first_with_clients": round(work + (usual["first"] + usual["clients"]) / share, 2),
            "kept": work + ROOM * usual["first"] / share <= TIMEOUT,
            "samples": times,
        })  # fmt: skip
    return found
