"""What the live view costs a kernel: in a real one, with its frames taken off it as a browser would."""

import json
import os
import subprocess
import time
from pathlib import Path
from typing import Any

from jupyter_client.manager import start_new_kernel

from bench import tables

ROOT = Path(__file__).resolve().parent.parent
AT_MOST_MS, AT_LEAST_A_SECOND = 6, 4
FRAMES = {"as shown": 40, "flat out": 300}

WATCH = """
import json, time
from webhook_lab.watch.rows import Sample
from webhook_lab.show import live as view
from webhook_lab.show.series import RUN

lines = [line for panel in RUN for line in panel.lines]
taken = 0

def sample(number=1):
    global taken
    new = [Sample(i / 5, line.metric, i * 7 % 60) for i in range(taken, taken + number) for line in lines]
    taken += number
    return new

def now():
    return time.process_time(), time.perf_counter()

times = []
def first_all_that_came_before():
    if not taken:
        return sample({before})
    times.append(now())
    return sample()

view.FRAMES_A_SECOND = {rate}
live = view.Live(RUN, first_all_that_came_before, seconds=600, clock=lambda: taken / 5)
live.until = lambda: len(times) > {frames}
live.start()
await live.finish()
(cpu, clock), (cpu_at_end, clock_at_end) = times[0], times[-1]
points = max(len(each.points) for each in live._series.values())
print("MEASURED " + json.dumps([cpu_at_end - cpu, clock_at_end - clock, len(times) - 1, points]))
"""


@tables("live", "the live view in a kernel: 3 panels, 7 lines")
def live() -> dict[str, list[dict[str, Any]]]:
    hour = 5 * 3600
    return {"live": [row(how, before) for how in FRAMES for before in (600, hour)]}


def row(how: str, before: int) -> dict[str, Any]:
    """One view in a kernel of its own, after so many samples of each line."""
    rate = 5 if how == "as shown" else 1e6
    code = WATCH.format(before=before, rate=rate, frames=FRAMES[how])
    cpu, seconds, frames, points, size = measured(code)
    milliseconds, a_second = 1000 * cpu / frames, frames / seconds
    return {
        "frames": how,
        "samples": before,
        "points": points,
        "cpu_ms": round(milliseconds, 2),
        "per_second": round(a_second, 1),
        "kilobytes": round(size / 1000, 1),
        "kept": milliseconds <= AT_MOST_MS and a_second >= AT_LEAST_A_SECOND,
    }


def measured(code: str) -> tuple[float, float, int, int, int]:
    """What the code printed, and how large the largest frame was."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), environ.get("PYTHONPATH", "")])
    manager, client = start_new_kernel(env=environ, stderr=subprocess.DEVNULL)
    try:
        request = client.execute(code)
        size, said, deadline = 0, "", time.monotonic() + 120
        while time.monotonic() < deadline:
            message = client.get_iopub_msg(timeout=60)
            content = message["content"]
            size = max(size, len(content.get("data", {}).get("text/html", "")))
            said += content.get("text", "")
            if message["msg_type"] == "error":
                raise RuntimeError("\n".join(content["traceback"]))
            if message["parent_header"].get("msg_id") == request and content.get("execution_state") == "idle":
                line = next(line for line in said.splitlines() if line.startswith("MEASURED "))
                cpu, seconds, frames, points = json.loads(line.removeprefix("MEASURED "))
                return cpu, seconds, frames, points, size
        raise TimeoutError("the live view did not end")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
