"""A laptop that sleeps while a run goes on: everything of ours stands still, and goes on afterwards."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from webhook_lab.ledger import state_folder

ROOT = Path(__file__).parents[2]
RUN = """
from webhook_lab.aws.errors import LabError
from webhook_lab.lab import Lab
lab = Lab.open(chapter="08")
lab.configure(function_timeout=5, visibility_timeout=10, work_seconds=0.05)
lab.create_queue()
lab.create_function("subscribe")
run = lab.watch(show=False)
sending = lab.burst(80)
print("going", flush=True)
try:
    run.wait(seconds=150)
    ids = {item["id"] for item in map(lab.item, run.accepted) if item}
    print("stored", ids == set(run.accepted), "lost", run.facts()["lost"], "of", len(run.accepted))
except LabError as error:
    print("said", error)
print("left", "0 left" in repr(lab.teardown()) or lab.created())
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no signal stops a program there")


def everything(run: "subprocess.Popen[str]") -> list[psutil.Process]:
    """The notebook's process, the cloud that it started, that one's keeper and its functions."""
    first = psutil.Process(run.pid)
    return [first, *first.children(recursive=True)]


@pytest.mark.parametrize("seconds", [3, pytest.param(60, marks=pytest.mark.long)])
def test_a_run_goes_on_after_a_sleep_and_nothing_is_lost(tmp_path: Path, seconds: float) -> None:
    outer = ("AWS_", "WEBHOOK_LAB_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(outer)}
    environment |= {"WEBHOOK_LAB_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", RUN]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=pipe, stderr=pipe, text=True) as run:
        try:
            assert run.stdout is not None
            while "going" not in (line := run.stdout.readline()):
                assert line, run.stderr and run.stderr.read()
            asleep = everything(run)
            for process in asleep:
                process.send_signal(signal.SIGSTOP)
            threading.Event().wait(seconds)  # what the sleep is
            for process in reversed(asleep):
                process.send_signal(signal.SIGCONT)
            said, complained = run.communicate(timeout=300)
        finally:
            run.kill()
    assert run.returncode == 0, complained
    assert "Traceback" not in complained
    assert "stored True lost 0 of 80" in said, said
    assert list(state_folder({"WEBHOOK_LAB_HOME": str(tmp_path)}).glob("*.jsonl")) == []
