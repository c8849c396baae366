"""What would make a green run mean nothing turns it red: each canary is a notebook with one thing wrong."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
TWO = [new_output("execute_result", data={"text/plain": "2"}, execution_count=1)]
THREE = [new_output("execute_result", data={"text/plain": "3"}, execution_count=1)]
COMPLAINT = [
    new_output("stream", name="stderr", text="UsageError: Line magic function `%matplotlb` not found.\n")
]
DEMONSTRATION = """\
from webhook_lab.show.expected import expected_error
with expected_error("ValueError"):
    {body}"""
STRAY = "import boto3\nurl = boto3.client('sqs').create_queue(QueueName='stray')"

IGNORED = ["nbval-ignore-output"]
NOTEBOOKS: dict[str, list[tuple[str, list[Any], list[str]]]] = {
    "01_faithful": [
        ("1 + 1", TWO, []),
        (DEMONSTRATION.format(body="raise ValueError('as announced')"), [], IGNORED),
    ],
    "02_mutated_output": [("1 + 1", TWO, []), ("1 + 1", THREE, []), ("1 + 1", TWO, [])],
    # The complaint is stored: for nbval alone this notebook is green.
    "03_misspelled_magic": [("%matplotlb inline\n1 + 1", COMPLAINT, [])],
    "04_misspelled_magic_ignored": [("%matplotlb inline\n1 + 1", COMPLAINT, IGNORED)],
    "05_error_that_no_longer_errors": [(DEMONSTRATION.format(body="pass"), [], IGNORED)],
    # The last, since those after it would find the stray queue as well.
    "06_resource_left_behind": [(STRAY, [], [])],
}
"""Notebook -> its cells: source, stored outputs, tags."""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Notebook -> test -> "passed", "skipped", or why it failed; all from one run."""
    folder = tmp_path_factory.mktemp("canaries")
    for name, cells in NOTEBOOKS.items():
        written = [
            new_code_cell(source, outputs=outputs, execution_count=number, metadata={"tags": tags})
            for number, (source, outputs, tags) in enumerate(cells, start=1)
        ]
        text = nbformat.writes(new_notebook(cells=written))
        (folder / f"{name}.ipynb").write_text(text, encoding="utf-8")
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    report = folder / "report.xml"
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/notebooks/rounds.py", f"--notebooks={folder}", "--color=no",
         f"--junitxml={report}", f"--basetemp={folder / 'tmp'}", "-p", "no:cacheprovider"],
        cwd=ROOT, env=environ, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip
    assert answer.returncode == 1, answer.stdout + answer.stderr
    found: dict[str, dict[str, str]] = {}
    for case in ElementTree.parse(report).iter("testcase"):
        where = next((name for name in NOTEBOOKS if name in case.get("classname", "")), "end")
        result = next((child for child in case if child.tag in ("failure", "error", "skipped")), None)
        text = "passed" if result is None else "skipped" if result.tag == "skipped" else result.text
        found.setdefault(where, {})[case.get("name", "")] = text or ""
    return found


def test_a_faithful_notebook_passes(outcomes: dict[str, dict[str, str]]) -> None:
    assert set(outcomes["01_faithful"].values()) == {"passed"}
    assert len(outcomes["01_faithful"]) == 3


def test_a_mutated_stored_output_fails(outcomes: dict[str, dict[str, str]]) -> None:
    assert "Cell outputs differ" in outcomes["02_mutated_output"]["Cell 1"]
    assert outcomes["02_mutated_output"]["Cell 0"] == "passed"
    assert outcomes["02_mutated_output"]["Cell 2"] == "skipped"


@pytest.mark.parametrize("notebook", ["03_misspelled_magic", "04_misspelled_magic_ignored"])
def test_a_misspelled_magic_fails(outcomes: dict[str, dict[str, str]], notebook: str) -> None:
    assert "UsageError: Line magic function `%matplotlb` not found" in outcomes[notebook]["Cell 0"]


def test_an_error_demonstration_that_no_longer_errors_fails(outcomes: dict[str, dict[str, str]]) -> None:
    assert "did not fail" in outcomes["05_error_that_no_longer_errors"]["Cell 0"]


def test_a_resource_left_behind_fails(outcomes: dict[str, dict[str, str]]) -> None:
    found = outcomes["06_resource_left_behind"]
    assert found.pop("nothing but the pipeline stands") == "the notebook left behind: queue stray"
    assert set(found.values()) == {"passed"}
