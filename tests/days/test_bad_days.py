"""Bad days, in virtual time: whatever AWS does, the pipeline is built, restored and removed without rest."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.days import bad
from tests.days.clocks import VirtualClock
from tests.days.kernel import TRAITS
from tests.days.normal import Account, OldLists, SlowFunctions, SlowMappings
from tests.days.scenarios import Day, Scenario
from webhook_lab import sweep
from webhook_lab.aws import retry
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.cli import main
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS, Pipeline
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.open import fitting
from webhook_lab.pipeline.settings import Settings

NAMES = Names("lab-baddays")

DAYS: dict[str, Callable[[], Scenario]] = {
    "a role not assumable for 10 s": lambda: bad.LateRole(10),
    "a policy that takes 8 s to hold": lambda: bad.LatePolicy(8),
    "functions Pending and InProgress for 5 s": lambda: SlowFunctions(5),
    "mapping states of 12 s": lambda: SlowMappings(12),
    "names of queues taken for 60 s": lambda: bad.NamesStillTaken(60),
    "one DeleteRestApi in 30 s": lambda: bad.FewTurns("apigateway", "DeleteRestApi", 30, others=1),
    "one CreateDeployment in 5 s": lambda: bad.FewTurns("apigateway", "CreateDeployment", 5, others=1),
    "every third call throttled": bad.EveryThird,
    "every fifth call a 500": bad.EveryFifth,
    "lists and tags that lag by 20 s": lambda: OldLists(20),
    "GetAccountSettings denied": lambda: bad.Denied("lambda", "GetAccountSettings"),
    "an account of 10": lambda: Account(10),
    "an account of 50": lambda: Account(50),
    "an account of 1,000": lambda: Account(1_000),
    "all that passes by itself at once": lambda: Day(
        bad.LateRole(10), bad.LatePolicy(8), SlowFunctions(5), SlowMappings(12), bad.NamesStillTaken(60),
        bad.FewTurns("apigateway", "DeleteRestApi", 30, others=2), OldLists(20), Account(10),
    ),
}  # fmt: skip


@pytest.fixture
def opened(cloud: Cloud, clock: VirtualClock, tmp_path: Path) -> Iterator[Callable[[Scenario], Pipeline]]:
    """Opens the lab on such a day, as `open_pipeline` does, for a target that passes for AWS."""
    target = replace(resolve(), traits=TRAITS)

    def open_on(day: Scenario) -> Pipeline:
        session = Session(target)
        day.install(session._boto3.events, clock=clock)
        ledger = Ledger(tmp_path / "ledger.jsonl")
        return Pipeline(session, NAMES, ledger, fitting(Settings(), session, NAMES))

    yield open_on
    plain = Pipeline(Session(target), NAMES, Ledger(tmp_path / "ledger.jsonl"))
    clock.advance(1_000)
    assert sweep.remaining(plain.session, NAMES.prefix) == []
    plain.teardown()


def stands(pipeline: Pipeline) -> list[str]:
    return [key for key in STEPS if pipeline.look_up(key)]


@pytest.mark.parametrize("day", DAYS.values(), ids=DAYS)
def test_the_pipeline_comes_and_goes(
    opened: Callable[[Scenario], Pipeline], clock: VirtualClock, day: Callable[[], Scenario]
) -> None:
    lab = opened(day())
    lab.build()
    assert [each.said for each in lab.preflight() if each.level == "refused"] == []
    lab.restore("table")
    assert stands(lab) == ["table"]  # at once, and built again at once
    lab.build()
    clock.advance(60)
    assert stands(lab) == list(STEPS)
    done = lab.teardown()
    assert done.refused == ()
    assert stands(lab) == []
    found, unseen = sweep.look(lab.session, prefix=NAMES.prefix)
    assert unseen == []
    done += sweep.remove(lab.session, found)
    assert sweep.still_there(lab.session, NAMES.prefix, done) == []
    assert not lab.ledger.path.exists()
    assert clock.now() < 900


def test_in_a_classroom_down_goes_on_with_the_rest_and_says_what_it_waits_for(
    opened: Callable[[Scenario], Pipeline], clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Thirty learners share the account's one DeleteRestApi in 30 s: fourteen are before this one."""
    lab = opened(bad.FewTurns("apigateway", "DeleteRestApi", 30, others=14))
    lab.build()
    monkeypatch.setattr("webhook_lab.cli.pipeline.find_pipeline", lambda: lab)
    before, sleep, gone_by_then = clock.now(), clock.advance, []

    def wait(seconds: float) -> None:
        if seconds > 10:  # the cleanup's own wait
            gone_by_then.append(stands(lab))
        sleep(seconds)

    monkeypatch.setattr(retry.time, "sleep", wait)
    result = CliRunner().invoke(main, ["down", "--json"])
    facts = json.loads(result.stdout)
    assert (result.exit_code, facts["left"], len(facts["removed"])) == (0, [], len(STEPS))
    assert facts["removed"][-1]["kind"] == "api"
    assert f"{NAMES.api} is asked to go for up to 16 min" in result.stderr
    assert 400 < clock.now() - before < 440
    assert gone_by_then
    assert set(map(tuple, gone_by_then)) == {("api",)}
