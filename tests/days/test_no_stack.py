"""Whatever befalls a single call of a command: it says what is so, or what went wrong, and shows no stack."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.parsers import ResponseParserError
from click.testing import CliRunner

from tests.days.clocks import VirtualClock
from tests.days.faults import FAULTS, Changing, Fault, Strike
from tests.days.scenarios import Call
from tests.unit.test_ledger import DAMAGE
from webhook_lab.aws import session as sessions
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.cli import main
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS, open_pipeline
from webhook_lab.pipeline import open as opening

PREFIX = "lab-nostack"


def portal(_: Call) -> None:
    """What answers is a hotel's page, with the status 200."""
    raise ResponseParserError("Unable to parse response (not well-formed), invalid XML received: <html>")


def silence(call: Call) -> None:
    raise ReadTimeoutError(endpoint_url=call.request.url)


HOSTILE = (
    *(fault for fault in FAULTS if fault.lasting),
    Fault("a portal's page", portal, lasting=True),
    Fault("no answer", silence, lasting=True),
)


@pytest.fixture(scope="module")
def warm(cloud: Cloud) -> tuple[Session, Changing]:
    made, day = Session(resolve()), Changing()
    day.install(made._boto3.events)
    for name in Session.__annotations__:
        getattr(made, name)
    return made, day


@pytest.fixture
def day(
    warm: tuple[Session, Changing], clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Changing]:
    """What all commands of a test meet, whose clients are made once: that takes half a second."""
    monkeypatch.setenv("WEBHOOK_LAB_NAME", PREFIX)
    for module in (opening, sessions):
        monkeypatch.setattr(module, "Session", lambda _: warm[0])
    yield warm[1]
    assert open_pipeline().teardown().refused == ()


def run(*command: str) -> tuple[int, dict[str, Any]]:
    """Its exit code and what it says; fails where that is a stack."""
    result = CliRunner().invoke(main, [*command, "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output, result.output
    assert result.exit_code in (0, 1), result.output
    facts: dict[str, Any] = json.loads(result.stdout)
    return result.exit_code, facts


def judge(day: Changing, command: list[str], fault: Fault) -> int:
    """Try the command with the fault at each of its calls; how many cases that were."""
    right, wrong = run(*command)[1], list[str]()
    calls = day.count(lambda: run(*command))
    for at, operation in enumerate(calls, 1):
        strike = Strike(operation, calls[:at].count(operation), fault)
        try:
            with day.being(strike):
                code, facts = run(*command)
            assert strike.struck
            if code == 0:
                assert facts == right, "it says that all is well, and something else"
            elif "error" in facts:
                assert all(facts["error"].values()), facts
        except Exception as error:
            wrong.append(f"{operation} ({at}): {type(error).__name__}: {error}")
    assert not wrong, "\n".join(wrong)
    assert calls
    return len(calls)


@pytest.mark.long
@pytest.mark.parametrize("fault", HOSTILE, ids=str)
def test_commands_where_the_pipeline_stands(day: Changing, fault: Fault) -> None:
    run("up")
    commands = ("up", "status", "doctor", "sweep", "show table", "show logs", "redrive")
    tried = sum(judge(day, each.split(), fault) for each in commands)
    print(f"{tried} cases")


@pytest.mark.long
@pytest.mark.parametrize("fault", HOSTILE, ids=str)
def test_down_and_sweep_where_two_resources_stand(day: Changing, fault: Fault) -> None:
    tried = 0
    for command in (("down",), ("sweep", "--yes")):
        open_pipeline().build("dlq")
        calls, wrong = day.count(partial(run, *command)), list[str]()
        for at, operation in enumerate(calls, 1):
            open_pipeline().build("dlq")
            strike = Strike(operation, calls[:at].count(operation), fault)
            tried += 1
            try:
                with day.being(strike):
                    code, facts = run(*command)
                assert strike.struck
                stays = [key for key in ("table", "dlq") if open_pipeline().look_up(key)]
                if code == 0:
                    assert not stays
                elif stays and "error" not in facts:
                    assert len(facts["left"]) >= len(stays), facts
                assert run("down")[1]["remaining"] == 0
            except Exception as error:
                wrong.append(f"{command[0]}, {operation} ({at}): {type(error).__name__}: {error}")
        assert not wrong, "\n".join(wrong)
    print(f"{tried} cases")


def a_folder(path: Path) -> None:
    path.mkdir(parents=True)


def a_loop(path: Path) -> None:
    path.parent.mkdir(parents=True)
    path.symlink_to(path)


def no_folder(path: Path) -> None:
    path.parent.parent.mkdir(parents=True, exist_ok=True)
    path.parent.write_text("a file where the folder should be")


def damaged(text: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")

    return write


PLACES: dict[str, Callable[[Path], None]] = {
    **{name: damaged(text) for name, text in DAMAGE.items()},
    "a folder in its place": a_folder,
    "a link to itself": a_loop,
    "no folder for it": no_folder,
}


@pytest.mark.parametrize("spoil", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("command", ["up", "status", "doctor", "env", "sweep", "down"])
def test_commands_at_a_ledger_that_is_damaged_in_any_way(
    day: Changing,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    spoil: Callable[[Path], None],
) -> None:
    """What is created is written down; where it cannot be, nothing is created, and that is said."""
    name = open_pipeline().ledger.path.name
    monkeypatch.setenv("WEBHOOK_LAB_HOME", str(tmp_path / "spoilt"))
    ledger = tmp_path / "spoilt" / "state" / name
    spoil(ledger)
    code, facts = run(command)
    lab = open_pipeline()
    standing = [step for key, step in STEPS.items() if lab.look_up(key)]
    assert all(lab.ledger.row(step.kind.kind, step.name(lab.names)) for step in standing)
    if "error" in facts:
        assert (command, code) == ("up", 1)
        assert "WEBHOOK_LAB_HOME" in facts["error"]["try"]
    assert run("down")[1]["remaining"] == 0
