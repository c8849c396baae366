"""A class on one account: thirty labs are built, used and torn down at once, and none touches another's."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from webhook_lab import sweep
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS, Pipeline
from webhook_lab.pipeline.naming import Names
from webhook_lab.send.sender import Delivery, post
from webhook_lab.watch.items import read_items

LABS, DELIVERIES = 30, 2
STARTING = threading.Semaphore(4)
"""So many labs send at a time: each one's first deliveries start two Pythons, on the processors of one."""


def send(url: str, delivery: Delivery) -> None:
    """As a sender does, again and again: sixty Pythons that start at once may take longer than it waits."""

    def accepted() -> bool | None:
        with contextlib.suppress(LabError):
            return True if post(url, delivery).status == 202 else None
        return None

    retry_until(accepted, seconds=240, reason=f"{url} to accept a delivery")


def send_and_wait(pipeline: Pipeline, round_: str) -> None:
    """Each delivery says whose it is; what is stored in the end are those of this lab, of all rounds."""
    api = pipeline.get("api")
    url, name = pipeline.session.target.invoke_url(api.id, api.stage), pipeline.names.prefix

    def stored() -> list[str] | None:
        items = read_items(pipeline.session.dynamodb, table=pipeline.names.table)
        bodies = sorted(item["body"] for item in items)
        return bodies if sum(f" {round_} " in body for body in bodies) == DELIVERIES else None

    with STARTING:
        for n in range(DELIVERIES):
            own = {"webhook-id": f"{round_}-{n}"}  # the same ids in every lab
            send(url, Delivery("/class", f"{name} {round_} {n}".encode(), own))
        found = retry_until(stored, seconds=240, reason=f"the deliveries of {name} to be stored")
    assert {body.split()[0] for body in found} == {name}


@pytest.mark.long
def test_thirty_labs_at_once_are_as_if_each_was_alone(cloud: Cloud, tmp_path: Path) -> None:
    session = Session(resolve())  # theirs would be thirty times the same: making clients costs most
    labs = [
        Pipeline(session, Names(f"lab-many-{n:02}"), Ledger(tmp_path / f"{n}.jsonl")) for n in range(LABS)
    ]
    first, rest = labs[: LABS // 2], labs[LABS // 2 :]

    def at_once(act: Callable[[Pipeline], object], some: list[Pipeline]) -> None:
        start = threading.Barrier(len(some))
        with ThreadPoolExecutor(len(some)) as threads:
            list(threads.map(lambda lab: (start.wait(), act(lab)), some))

    at_once(lambda lab: lab.build(), labs)
    at_once(lambda lab: send_and_wait(lab, "before"), labs)
    stands = {lab.names.prefix: {key: lab.look_up(key) for key in STEPS} for lab in rest}
    at_once(lambda lab: lab.teardown(), first)
    for lab in first:
        assert sweep.remaining(session, lab.names.prefix) == []
    for lab in rest:
        assert {key: lab.look_up(key) for key in STEPS} == stands[lab.names.prefix]
    at_once(lambda lab: send_and_wait(lab, "after"), rest)
    at_once(lambda lab: lab.teardown(), rest)
    assert [each for each in sweep.remaining(session, None) if each.name.startswith("lab-many-")] == []
    assert list(tmp_path.iterdir()) == []
