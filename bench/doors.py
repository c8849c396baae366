"""Both doors in one run, in turns: how long a sender waits with a function at the door, and without."""

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import Rows, tables
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import private_cloud
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.naming import Names
from webhook_lab.send.events import events
from webhook_lab.send.run import Run

TURNS = 20
EACH = 20
"""Deliveries in a turn, one after another on one connection, as a sender keeps it."""
AT_MOST = 0.5
"""Of publish's median is what the direct door may take."""
DOORS = {"publish": "api", "direct": "direct_api"}


@tables("doors", f"{TURNS * EACH} deliveries through each door: what a sender waits")
def doors() -> dict[str, Rows]:
    """Median and 95th percentile of each door in milliseconds, after one turn that nobody counts."""
    with TemporaryDirectory() as folder, private_cloud() as cloud:
        session = Session(resolve(cloud.environment()))
        pipeline = Pipeline(session, Names("bench"), Ledger(Path(folder) / "ledger.jsonl"))
        pipeline.build()
        for key in ("direct_role", "direct_api"):
            pipeline.ensure(key)
        pipeline.ensure("mapping", enabled=False)  # what is behind the queue would run on the same processors
        waits = _waits(pipeline)
        pipeline.teardown()
    return {"doors": _rows(waits)}


def _waits(pipeline: Pipeline) -> dict[str, list[float]]:
    waits: dict[str, list[float]] = {door: [] for door in DOORS}
    for turn in range(TURNS + 1):
        for door, key in DOORS.items():
            api = pipeline.get(key)
            url = pipeline.session.target.invoke_url(api.id, api.stage)
            deliveries = events(EACH, secret="whsec_" + "QUFB" * 8, run=f"{door}{turn:04}", path=f"/{door}")
            run = Run(url, deliveries, concurrency=1).start().wait()
            assert run.counts == {"202": EACH}, run
            waits[door] += [row.milliseconds for row in run.sent] if turn else []
    return waits


def _rows(waits: dict[str, list[float]]) -> Rows:
    usual = {door: statistics.median(taken) for door, taken in waits.items()}
    return [
        {
            "door": door,
            "median_ms": round(usual[door], 1),
            "95_percent_ms": round(statistics.quantiles(taken, n=20)[-1], 1),
            "of_publish": round(usual[door] / usual["publish"], 2),
            "kept": door == "publish" or usual[door] <= AT_MOST * usual["publish"],
            "samples_ms": [round(each, 2) for each in taken],
        }
        for door, taken in waits.items()
    ]
