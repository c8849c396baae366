"""One lab changed by two at one moment: one goes on, the other says so; never two, and nothing is left."""

import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.cloud.mortal import HERE
from webhook_lab import sweep
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger, state_folder
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS, Pipeline, open_pipeline
from webhook_lab.pipeline.naming import Names

PREFIX = "lab-at-once"
REFUSED = "another program is building it or removing it"
CREATES = [
    ("apigateway", "CreateRestApi"),
    ("lambda_", "CreateEventSourceMapping"),
    *(
        pytest.param(*each, marks=pytest.mark.long)
        for each in (
            ("sqs", "CreateQueue"),
            ("dynamodb", "CreateTable"),
            ("iam", "CreateRole"),
            ("lambda_", "CreateFunction"),
            ("logs", "CreateLogGroup"),
        )
    ),
]


@pytest.fixture(autouse=True)
def lab(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("WEBHOOK_LAB_NAME", PREFIX)
    yield
    open_pipeline().teardown()
    assert sweep.remaining(Session(resolve()), PREFIX) == []
    assert list(state_folder().glob(f"*{PREFIX}*")) == []


def apis() -> list[str]:
    return [each["id"] for each in boto3.client("apigateway").get_rest_apis()["items"]]


def elsewhere(folder: Path) -> Pipeline:
    """The same lab on another machine: its ledger and its lock are its own."""
    return Pipeline(Session(resolve()), Names(PREFIX), Ledger(folder / "ledger.jsonl"))


OTHERS: dict[str, list[Any]] = {
    "build": [],
    "teardown": [],
    "restore": [None],
    "ensure": ["api"],
    "remove": ["dlq"],
}


@pytest.mark.parametrize("first", ["build", "restore", "teardown"])
def test_at_every_step_of_one_any_other_is_refused_in_one_message(first: str) -> None:
    if first != "build":
        open_pipeline().build("mapping")
    told: list[str] = []

    def others(step: str) -> None:
        for name, arguments in OTHERS.items():
            with pytest.raises(LabError, match=REFUSED):
                getattr(open_pipeline(), name)(*arguments)
        told.append(step)

    getattr(open_pipeline(), first)(*([None] if first == "restore" else []), progress=others)
    assert set(told) >= set(STEPS)
    assert len(apis()) == (1 if first == "build" else 0)


def test_who_is_refused_may_do_it_when_the_other_has_ended() -> None:
    one, other = open_pipeline(), open_pipeline()
    one.build("dlq")
    other.teardown()
    one.build("dlq")
    assert Ledger(one.ledger.path).endpoint_url == one.session.target.endpoint_url
    assert [row.name for row in other.ledger.open_rows()] == [row.name for row in one.ledger.open_rows()]


@pytest.mark.parametrize(("client", "operation"), CREATES)
def test_two_machines_that_build_at_one_moment_build_one_pipeline(
    tmp_path: Path, client: str, operation: str
) -> None:
    """The other is done just when this one, which has found nothing, asks for it."""
    here, there = open_pipeline(), elsewhere(tmp_path)
    met: list[str] = []

    def build_there(**_: object) -> None:
        if not met:
            met.append(operation)
            there.build()

    service = getattr(here.session, client).meta.service_model.service_id.hyphenize()
    getattr(here.session, client).meta.events.register(f"before-call.{service}.{operation}", build_there)
    here.build()
    assert met
    assert len(apis()) == 1
    stands = {key: here.get(key).id for key in STEPS}
    assert {key: elsewhere(tmp_path / "third").get(key).id for key in STEPS} == stands
    there.build()
    assert {key: there.get(key).id for key in STEPS} == stands


def together(*commands: str) -> list[tuple[str, int, dict[str, Any]]]:
    """Commands in processes that begin at one moment: each with its exit code and what it says."""
    started = [
        (
            command,
            subprocess.Popen(
                [sys.executable, "-m", "webhook_lab.cli", command, "--json"],
                cwd=HERE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ),
        )
        for command in commands
    ]
    ended = []
    for command, process in started:
        out, err = process.communicate(timeout=120)
        assert "Traceback" not in err, err
        ended.append((command, process.returncode, json.loads(out)))
    return ended


def judge(ended: list[tuple[str, int, dict[str, Any]]]) -> None:
    assert any(code == 0 for _, code, _ in ended)
    for _, code, facts in ended:
        assert code == 0 or REFUSED in facts["error"]["said"], facts
    assert len(apis()) <= 1


def test_two_commands_at_one_moment_leave_one_pipeline_or_none() -> None:
    judge(together("up", "up"))
    assert len(apis()) == 1
    judge(together("down", "down"))
    assert apis() == []


@pytest.mark.long
def test_whatever_two_do_at_whatever_moment_one_wins_and_nothing_is_left_over(session: Session) -> None:
    """Threads, each a program of its own as far as the ledger knows: imports cost most."""
    seed, path = random.randrange(10_000), open_pipeline().ledger.path
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(15):
        pair = chance.choice([("build", "build"), ("teardown", "teardown"), ("build", "teardown")])
        late = chance.choice([0, 0, chance.random() * 1.5])
        refusals, start = list[str](), threading.Barrier(2)

        def take(
            what: str, pause: float, start: threading.Barrier = start, refusals: list[str] = refusals
        ) -> None:
            pipeline = Pipeline(session, Names(PREFIX), Ledger(path))
            start.wait()
            threading.Event().wait(pause)
            try:
                getattr(pipeline, what)()
            except LabError as error:
                refusals.append(error.said)

        takers = [threading.Thread(target=take, args=(what, late * n)) for n, what in enumerate(pair)]
        for taker in takers:
            taker.start()
        for taker in takers:
            taker.join(120)
        assert len(refusals) <= 1, (seed, refusals)
        assert all(REFUSED in each for each in refusals), (seed, refusals)
        assert len(apis()) <= 1, seed
        now = Pipeline(session, Names(PREFIX), Ledger(path))
        standing = {key for key in STEPS if now.look_up(key)}
        assert standing in (set(), set(STEPS)), (seed, pair, refusals)
