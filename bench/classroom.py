"""A class of thirty: what the board costs the teacher's kernel, and the class a learner's checkpoint."""

import contextlib
import io
import os
import statistics
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

from bench import Rows, tables
from bench.live import measured
from bench.sending import server_that_does_nothing
from tools.refresh import fresh_lab
from tools.simulated_class import NAMES, script
from webhook_lab.course import classroom
from webhook_lab.course.checks import checkpoint, checks_of
from webhook_lab.course.report import Report
from webhook_lab.lab.classroom import ClassRoom

FRAME_MS, LATE_SECONDS, CHECKPOINT_MS = 50, 1.0, 5
"""What a frame may cost the kernel, how long one may take, and what a checkpoint may cost more."""
FRAMES, CHECKPOINTS = 20, 200

WATCH = """
import json, time
from webhook_lab.lab.classroom import ClassRoom
from webhook_lab.show.live_board import LiveBoard

room = ClassRoom.open()
times, took = [], []
def board():
    began = time.perf_counter()
    found = room.board()
    took.append(time.perf_counter() - began)
    times.append((time.process_time(), time.perf_counter()))
    return found

live = LiveBoard(board, seconds=600)
live.until = lambda: len(times) > {frames}
live.start()
await live.finish()
(cpu, clock), (cpu_at_end, clock_at_end) = times[1], times[-1]
looked = sorted(took[1:])[len(took) // 2]
print("MEASURED " + json.dumps([cpu_at_end - cpu, looked, len(times) - 2, live.board.reports]))
"""


@tables("class", "the board with 30 learners in 16 chapters, and a checkpoint with a class and without")
def measure() -> dict[str, Rows]:
    return {"board": [board()], "checkpoint": [checkpoints()]}


def board() -> dict[str, Any]:
    """The board in a kernel, on a table that holds the whole course of every learner."""
    with fresh_lab():
        os.environ.pop("WEBHOOK_LAB_HEADLESS")
        fill(ClassRoom.open())
        cpu, look, frames, reports, size = measured(WATCH.format(frames=FRAMES))
    milliseconds = 1000 * cpu / frames
    return {
        "reports": reports,
        "frames": frames,
        "cpu_ms": round(milliseconds, 1),
        "look_s": round(look, 3),
        "kilobytes": round(size / 1000, 1),
        "kept": milliseconds <= FRAME_MS and look <= LATE_SECONDS,
    }


def fill(room: ClassRoom) -> None:
    """Put what thirty learners report in the whole course straight into the table."""
    now = room.pipeline.session.now()
    items = []
    for name in NAMES:
        for event in script(name):
            at = now - 10 * 3_600_000 + int(event.minute * 60_000)
            report = Report(name, event.chapter, event.claim, event.outcome, event.reason, at)
            items.append({
                "id": {"S": f"webhook:{report.id}#/class"},
                "body": {"S": report.body.decode()},
                "received_at": {"N": str(at)},
                "finished_at": {"N": str(min(at, now - 1))},
                "delivered_by": {"SS": [report.id]},
            })  # fmt: skip
    unique = [*{item["id"]["S"]: item for item in items}.values()]
    for i in range(0, len(unique), 25):
        puts: Any = [{"PutRequest": {"Item": item}} for item in unique[i : i + 25]]
        room.pipeline.session.dynamodb.batch_write_item(RequestItems={room.pipeline.names.table: puts})


def checkpoints() -> dict[str, Any]:
    """A checkpoint whose check looks at nothing, by turns with a class that takes all and without."""
    with_class, without = list[float](), list[float]()
    with server_that_does_nothing() as url, learner(url):
        classroom.join("08")
        claims = checks_of("08").claims
        claims["it holds"] = lambda _: None
        for _ in range(CHECKPOINTS):
            os.environ["WEBHOOK_LAB_CLASS"] = url
            with_class.append(timed())
            os.environ["WEBHOOK_LAB_CLASS"] = ""
            without.append(timed())
        del claims["it holds"]
    more = statistics.median(with_class) - statistics.median(without)
    return {
        "checkpoints": CHECKPOINTS,
        "with_ms": round(statistics.median(with_class), 3),
        "without_ms": round(statistics.median(without), 3),
        "slowest_with_ms": round(max(with_class), 3),
        "kept": more <= CHECKPOINT_MS,
    }


def timed() -> float:
    """Milliseconds of one checkpoint and of what its report takes off the kernel in the background."""
    target = SimpleNamespace(traits=SimpleNamespace(patience=0))
    lab = SimpleNamespace(chapter=SimpleNamespace(number="08"), aws=SimpleNamespace(target=target))
    began = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        checkpoint(cast(Any, lab), "it holds")
    return 1000 * (time.perf_counter() - began)


@contextlib.contextmanager
def learner(url: str) -> Iterator[None]:
    """The environment of a learner in a class."""
    before = dict(os.environ)
    mine = {"": url, "_SECRET": "whsec_" + "QUFB" * 8, "_NAME": "ana"}
    os.environ.update({f"WEBHOOK_LAB_CLASS{name}": value for name, value in mine.items()})
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
