"""`webhook-lab prove` on a cloud: what it finds, and that however it ends nothing is left of it."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
import pytest
from click.testing import CliRunner

from tests.cloud import test_kills
from webhook_lab.aws import target
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.traits import LOCAL_CLOUD
from webhook_lab.cli import main
from webhook_lab.cli.own_lab import own_lab
from webhook_lab.cli.proof import Proof
from webhook_lab.cli.prove import proven
from webhook_lab.course.chapters import chapter_numbered
from webhook_lab.ledger import state_folder
from webhook_lab.local_cloud import Cloud

HERE = Path(__file__).parents[2]
NAME = "lab-proof"
CHAPTER = chapter_numbered("06")
OPEN = 'from webhook_lab.lab import Lab\n\nlab = Lab.open(chapter="06")'
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends signals otherwise")


@pytest.fixture(autouse=True)
def lab(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("WEBHOOK_LAB_NAME", NAME)
    monkeypatch.setattr(test_kills, "PREFIX", f"{NAME}-prove")
    yield
    assert CliRunner().invoke(main, ["sweep", "--prefix", f"{NAME}-prove", "--yes"]).exit_code == 0


def nothing_stands() -> None:
    assert test_kills.standing() == set()


def nothing_is_left() -> None:
    nothing_stands()
    assert not list(state_folder().glob(f"*--{NAME}-prove.jsonl"))


def course(folder: Path, *cells: str) -> Path:
    """A course whose chapter 06 is these cells."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    nbformat.write(notebook, folder / CHAPTER.file)
    return folder


def facts_in(report: Path) -> dict[str, Any]:
    text = report.read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text.rpartition("```json\n")[2].partition("\n```")[0])
    return found


def test_a_chapter_is_proven_in_a_lab_of_its_own_and_nothing_is_left(tmp_path: Path, cloud: Cloud) -> None:
    report = tmp_path / "proof.md"
    done = CliRunner().invoke(main, ["prove", "--only", "06", "--report", str(report), "--json"])
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    (chapter,) = facts["chapters"]
    assert {each["outcome"] for each in chapter["promises"]} == {"held"}
    assert facts["counts"]["held"] == len(chapter["promises"]) > 2
    assert (facts["held"], facts["left"], chapter["red"], facts["lab"]) == (True, [], [], f"{NAME}-prove")
    assert {each["call"] for each in chapter["calls"]} >= {"apigateway.CreateRestApi", "sqs.CreateQueue"}
    assert all(each["seconds"] > 0 for each in chapter["promises"][:1])
    assert facts_in(report).items() <= facts.items()
    text = report.read_text(encoding="utf-8")
    assert [
        each for each in (cloud.account, cloud.secret_access_key, cloud.access_key_id) if each in text
    ] == []
    nothing_is_left()


def test_a_checkpoint_that_fails_is_not_held_and_the_rest_is_still_tried(tmp_path: Path) -> None:
    claims = [
        "the API takes any method on any path, and may invoke the function",
        "all six places wrote the message down",
    ]
    folder = course(
        tmp_path, OPEN, *(f'lab.checkpoint("{claim}")' for claim in claims), "1 / 0", "lab.created()"
    )
    with own_lab():
        result = proven([CHAPTER], folder, tmp_path / "proof.md", ask=lambda usd: None)
    assert result.code == 1
    (chapter,) = facts_in(tmp_path / "proof.md")["chapters"]
    became = {each["claim"]: each["outcome"] for each in chapter["promises"]}
    assert [became[claim] for claim in claims] == ["not held", "not held"]
    assert set(became.values()) == {"not held", "not reached"}
    assert [each["cell"] for each in chapter["red"]] == [2, 3, 4]
    assert chapter["cells"] == 5
    nothing_is_left()


@pytest.mark.parametrize(
    ("cells", "cells_run", "said"),
    [
        (("1 / 0", "lab.created()"), 1, "ZeroDivisionError"),
        ((OPEN, "import os; os._exit(1)"), 1, "DeadKernelError"),
    ],
    ids=["nothing was opened", "the kernel died"],
)
def test_a_chapter_that_cannot_go_on_is_told_as_such(
    tmp_path: Path, cells, cells_run: int, said: str
) -> None:
    folder = course(tmp_path, *cells)
    with own_lab():
        result = proven([CHAPTER], folder, tmp_path / "proof.md", ask=lambda usd: None)
    (chapter,) = result.facts["chapters"]
    assert (result.code, chapter["cells"]) == (1, cells_run)
    assert said in chapter["red"][-1]["said"]
    nothing_is_left()


@pytest.mark.parametrize(
    "arguments", [[], ["--ceiling", "0.001", "--yes"]], ids=["nobody agrees", "the ceiling is lower"]
)
def test_where_it_costs_something_nothing_is_built_unless_somebody_agrees(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(target, "LOCAL_CLOUD", replace(LOCAL_CLOUD, charges=True))
    monkeypatch.setattr(sys.modules[proven.__module__], "take_down", lambda _: pytest.fail("it began"))
    report = tmp_path / "proof.md"
    done = CliRunner().invoke(main, ["prove", "--only", "06", "--report", str(report), *arguments])
    assert done.exit_code == 1
    assert "it may cost up to USD 0.01" in done.stderr
    assert not report.exists()
    nothing_stands()


TURNS = 5
"""How often it tells what it is at: from its name to the last removal."""


@pytest.mark.parametrize(
    ("turn", "end"),
    [
        *((turn, KeyboardInterrupt()) for turn in range(TURNS)),
        (2, SystemExit(143)),
        (2, RuntimeError("unforeseen")),
    ],
)
def test_ended_at_any_turn_it_removes_all_and_says_how_far_it_came(
    turn: int, end: BaseException, tmp_path: Path
) -> None:
    turns = list[str]()

    def tell(said: str) -> None:
        turns.append(said)
        if len(turns) == turn + 1:
            raise end

    folder, report = course(tmp_path, OPEN, "lab.create_api()"), tmp_path / "proof.md"
    with own_lab(), pytest.raises(type(end)):
        proven([CHAPTER], folder, report, ask=lambda usd: None, tell=tell)
    nothing_stands()
    assert report.exists() is (turn > 0), "before it has begun there is nothing to write down"
    if turn > 0:
        nothing_is_left()
        facts = facts_in(report)
        assert (facts["held"], facts["left"]) == (False, [])
        assert facts["interrupted"]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), SystemExit(143)], ids=type)
def test_a_signal_while_the_report_is_written_is_heard_when_it_is_whole(
    end: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["target", "region", "lab", "began", "version", "python", "system", "ceiling"]
    about = dict.fromkeys(names, "told")
    proof, report = Proof(about, []), tmp_path / "proof.md"
    written, ends = Path.write_text, [end]

    def interrupted_once(path: Path, text: str, **how: Any) -> int:
        written(path, text[: len(text) // 2], **how)
        if ends:
            raise ends.pop()
        return written(path, text, **how)

    monkeypatch.setattr(Path, "write_text", interrupted_once)
    with pytest.raises(type(end)), sys.modules[proven.__module__]._written_down(proof, report, []):
        pass
    assert facts_in(report) == proof.facts()


BUILT = 23
"""Rows that chapter 06 leaves in its ledger when all that it needs stands."""


@posix
@pytest.mark.parametrize(
    "rows",
    [12, *(pytest.param(rows, marks=pytest.mark.long) for rows in (0, 1, 4, 8, 16, 20, BUILT, BUILT + 1))],
)
def test_a_signal_at_any_moment_leaves_nothing(rows: int, tmp_path: Path) -> None:
    """A moment is a fact: so many rows of the ledger, or, with more than it ever has, that all is removed."""
    report, log = tmp_path / "proof.md", tmp_path / "log"
    how = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)[rows % 3]
    command = [sys.executable, "-m", "webhook_lab.cli", "prove", "--only", "06", "--report", report]
    with log.open("wb") as output:
        proof = subprocess.Popen(command, cwd=HERE, stderr=output, stdout=output, env={**os.environ})

    def has_come() -> bool | None:
        assert proof.poll() is None, log.read_text(encoding="utf-8")
        said = log.read_bytes()
        return b"Removing it all" in said or (b"06 Open" in said and len(ledger_rows()) >= rows) or None

    try:
        retry_until(has_come, seconds=150, reason="the moment", longest_pause=0.02)
        proof.send_signal(how)
        proof.send_signal(signal.SIGTERM)  # and nobody's impatience keeps it from cleaning up
        code = proof.wait(120)
    finally:
        proof.kill()
    said = log.read_text(encoding="utf-8")
    assert code in (0, 130, 128 + how), said
    assert "Traceback" not in said
    nothing_is_left()
    assert facts_in(report)["left"] == []
    assert re.search(r"Left behind: 0\.", said)


def ledger_rows() -> list[str]:
    try:
        (ledger,) = state_folder().glob(f"*--{NAME}-prove.jsonl")
        return ledger.read_text(encoding="utf-8").splitlines()
    except (ValueError, FileNotFoundError):
        return []
