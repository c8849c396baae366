"""A cleanup never stops at one: the rest goes, and what stays says why and how to get rid of it."""

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.client import BaseClient
from click.testing import CliRunner

from tests.unit.test_ledger import DAMAGE, refuse_to_sync
from webhook_lab import sweep
from webhook_lab.aws import retry
from webhook_lab.aws import session as sessions
from webhook_lab.aws.session import Session
from webhook_lab.cli import main
from webhook_lab.lab import Lab
from webhook_lab.ledger import Ledger
from webhook_lab.pipeline import STEPS, Pipeline, open_pipeline
from webhook_lab.pipeline import open as opening
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.steps import kinds
from webhook_lab.resources.cleanup import THROTTLED

NAMES = Names("lab-cleanup")
DELETES = {
    "table": "DeleteTable",
    "queue": "DeleteQueue",
    "log_group": "DeleteLogGroup",
    "role": "DeleteRole",
    "function": "DeleteFunction",
    "mapping": "DeleteEventSourceMapping",
    "api": "DeleteRestApi",
}
LISTS = {
    "table": "ListTables",
    "queue": "ListQueues",
    "log_group": "DescribeLogGroups",
    "role": "ListRoles",
    "function": "ListFunctions",
    "mapping": "ListEventSourceMappings",
    "api": "GetRestApis",
}


class Refusals:
    """Operations that AWS refuses, by every client, and each call that was made."""

    def __init__(self) -> None:
        self.codes: dict[str, tuple[str, Iterator[int]]] = {}
        self.calls: list[str] = []

    def __call__(self, operation: str, code: str, times: int = 1_000) -> None:
        self.codes[operation] = (code, iter(range(times)))


@pytest.fixture
def refuse(monkeypatch: pytest.MonkeyPatch) -> Refusals:
    refusals, call = Refusals(), BaseClient._make_api_call

    def asked(client: Any, operation: str, parameters: Any) -> Any:
        refusals.calls.append(operation)
        code, left = refusals.codes.get(operation, ("", iter(())))
        if next(left, None) is None:
            return call(client, operation, parameters)
        error = {"Error": {"Code": code, "Message": f"no {operation} today"}}
        raise client.exceptions.ClientError(error, operation)

    monkeypatch.setattr(BaseClient, "_make_api_call", asked)
    return refusals


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting takes no time: seconds pass when somebody sleeps, and that is noted."""
    pauses: list[float] = []
    clock = SimpleNamespace(monotonic=lambda: sum(pauses), sleep=pauses.append)
    monkeypatch.setattr(retry, "time", clock)
    return pauses


@pytest.fixture
def swept(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Of a lab that every command opens too, with these clients: to make them takes half a second."""
    monkeypatch.setenv("WEBHOOK_LAB_NAME", NAMES.prefix)
    for name in Session.__annotations__:
        getattr(session, name)
    for module in (opening, sessions):
        monkeypatch.setattr(module, "Session", lambda _: session)
    return Pipeline(session, NAMES, Ledger(tmp_path / "ledger.jsonl"))


@pytest.fixture
def pipeline(swept: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    made = swept
    made.build()
    yield made
    monkeypatch.undo()
    made.teardown()
    assert sweep.remaining(made.session, NAMES.prefix) == []


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(main, [*arguments, "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_each_kind_that_a_cleanup_can_meet_is_tried_below() -> None:
    """Alarm, bucket and stack stand only where a chapter adds them, and have tests of their own."""
    assert set(kinds()) - {"alarm", "bucket", "stack"} == set(DELETES) == set(LISTS)


@pytest.mark.parametrize("kind", DELETES)
@pytest.mark.parametrize("command", [("down",), ("sweep", "--yes")])
def test_one_kind_that_aws_refuses_keeps_none_of_the_others(
    pipeline: Pipeline, refuse: Refusals, kind: str, command: tuple[str, ...]
) -> None:
    ours = [(step.kind.kind, step.name(NAMES)) for step in STEPS.values()]
    refuse(DELETES[kind], "AccessDeniedException")
    code, facts = run(*command)
    stays = {each for each in ours if each[0] == kind}
    assert code == 1
    assert {(each["kind"], each["name"]) for each in facts["removed"]} == set(ours) - stays
    assert {(each["kind"], each["name"]) for each in facts["left"]} == stays
    assert facts["remaining"] == len(stays)
    assert f"no {DELETES[kind]} today" in facts["left"][0]["said"]
    assert "permission" in facts["left"][0]["try_this"]


def test_a_notebooks_teardown_goes_on_too_and_its_card_says_why(pipeline: Pipeline, refuse: Refusals) -> None:
    lab = Lab.open(chapter="15")
    refuse("DeleteRole", "AccessDenied")
    card = repr(lab.teardown())
    assert card.startswith("9 resources removed, 2 left")
    assert "said: AccessDenied: no DeleteRole today" in card
    assert "said: AccessDenied: no DeleteRole today" in repr(lab.sweep(remove=True))
    assert [row.kind for row in lab.pipeline.ledger.open_rows()] == ["role", "role"]
    refuse.codes.clear()
    assert "nothing of this lab is left" in repr(lab.teardown())


@pytest.mark.parametrize("kind", LISTS)
def test_a_kind_that_may_not_be_listed_is_said_and_the_others_are_swept(
    pipeline: Pipeline, refuse: Refusals, kind: str
) -> None:
    refuse(LISTS[kind], "AccessDeniedException")
    code, facts = run("sweep", "--yes")
    assert code == 1
    assert [(each["kind"], each["name"]) for each in facts["left"]] == [(kind, "")]
    assert f"no {LISTS[kind]} today" in facts["left"][0]["said"]
    assert len(facts["removed"]) >= len(STEPS) - 2 - (kind in ("function", "queue"))


def test_the_learners_own_protection_is_taken_off_our_table(pipeline: Pipeline) -> None:
    dynamodb = pipeline.session.dynamodb
    dynamodb.update_table(TableName=NAMES.table, DeletionProtectionEnabled=True)
    code, facts = run("sweep", "--yes")
    assert (code, facts["remaining"], len(facts["removed"])) == (0, 0, len(STEPS))


def test_a_protected_log_group_goes_too(pipeline: Pipeline, refuse: Refusals) -> None:
    """The local cloud knows no such protection: AWS's answers are put in its place."""
    refuse("DeleteLogGroup", "ValidationException", times=1)
    taken_off: list[Any] = []

    def take_off(model: Any, params: Any, **_: Any) -> Any:
        taken_off.append(json.loads(params["body"]))
        return SimpleNamespace(status_code=200, headers={}), {}

    with during(pipeline, "before-call.*.PutLogGroupDeletionProtection", take_off):
        done = pipeline.teardown()
    assert done.refused == ()
    groups = [NAMES.log_group("subscribe")]
    assert taken_off == [{"logGroupIdentifier": name, "deletionProtectionEnabled": False} for name in groups]


@contextmanager
def during(pipeline: Pipeline, event: str, handler: Any) -> Iterator[None]:
    events = pipeline.session.logs.meta.events
    events.register(event, handler)
    with ExitStack() as stack:
        stack.callback(events.unregister, event, handler)
        yield


@pytest.mark.parametrize("code", THROTTLED)
def test_what_is_throttled_comes_last_and_then_gets_its_time(
    pipeline: Pipeline, refuse: Refusals, no_time: list[float], code: str
) -> None:
    """Thirty learners share an account's one DeleteRestApi in 30 s: 400 s of refusals were seen."""
    refuse("DeleteRestApi", code, times=40)
    done = pipeline.teardown()
    assert done.refused == ()
    assert (done.removed[-1].kind, len(done.removed)) == ("api", len(STEPS))
    assert 400 < sum(no_time) < 960
    asked = [operation for operation in refuse.calls if operation.startswith("Delete")]
    assert asked[0] == "DeleteRestApi"
    assert set(asked[1 : asked.index("DeleteRestApi", 1)]) >= set(DELETES.values()) - {"DeleteRestApi"}


def test_what_is_throttled_for_ever_is_left_alone_and_everything_else_is_gone(
    pipeline: Pipeline, refuse: Refusals, no_time: list[float]
) -> None:
    refuse("DeleteRestApi", "TooManyRequestsException", times=10_000)
    done = pipeline.teardown()
    assert [(each.kind, each.name) for each in done.refused] == [("api", NAMES.api)]
    assert "TooManyRequestsException" in done.refused[0].said
    assert len(done.removed) == len(STEPS) - 1


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("command", [("down",), ("sweep", "--yes")])
def test_a_ledger_that_cannot_be_read_stops_no_cleanup(
    swept: Pipeline, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], damage: str
) -> None:
    """What the account shows counts: two resources are enough to see it."""
    ledger = open_pipeline().ledger
    ledger.path.write_text(damage * 3, encoding="utf-8")
    swept.ensure("table")
    swept.ensure("dlq")
    result = CliRunner().invoke(main, [*command, "--json"])
    facts = json.loads(result.stdout)
    assert (result.exit_code, len(facts["removed"]), facts["left"]) == (0, 2, [])
    assert "cannot be read" in result.stderr
    assert ".unreadable-" in result.stderr
    assert not ledger.path.exists()


def test_a_ledger_that_cannot_be_written_stops_no_cleanup(
    swept: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept.ensure("table")
    path = open_pipeline().ledger.path
    path.unlink(missing_ok=True)
    monkeypatch.setattr(os, "fsync", refuse_to_sync)
    assert run("up")[0] == 1
    code, facts = run("down")
    assert (code, facts["remaining"]) == (0, 0)
    monkeypatch.undo()
    path.unlink(missing_ok=True)


def test_a_restore_whose_removal_is_refused_removes_the_rest_and_says_so(
    pipeline: Pipeline, refuse: Refusals
) -> None:
    refuse("DeleteFunction", "AccessDeniedException")
    with pytest.raises(
        Exception, match=r"delete function 'lab-cleanup-subscribe'\n.*no DeleteFunction today"
    ):
        pipeline.restore("queue")
    assert pipeline.look_up("api") is None
    assert pipeline.look_up("publish_role") is None


@pytest.mark.parametrize("kind", ["role", "mapping", "log_group", "function", "queue", "table", "api"])
def test_what_is_listed_and_gone_is_not_there(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """AWS's lists lag by seconds: what is in one is asked for by itself before it counts."""
    of_kind = kinds()[kind]
    listed = [*of_kind.list_all(pipeline.session, NAMES.prefix)]
    assert pipeline.teardown().refused == ()
    monkeypatch.setattr(of_kind, "list_all", lambda *_: iter(listed))
    assert sweep.look(pipeline.session, prefix=NAMES.prefix) == ([], [])


def test_lists_and_tags_that_lag_are_looked_at_again(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, no_time: list[float]
) -> None:
    found, looks = sweep.remaining(pipeline.session, NAMES.prefix), count()
    lagging = replace(pipeline.session.target.traits, patience=60)
    monkeypatch.setattr(pipeline.session, "target", replace(pipeline.session.target, traits=lagging))
    monkeypatch.setattr(sweep, "look", lambda *_, **__: (found if next(looks) < 5 else [], []))
    done = sweep.remove(pipeline.session, found)
    assert sweep.still_there(pipeline.session, NAMES.prefix, done) == []
    assert 0 < sum(no_time) <= 60
