"""Tests of the tests: what is broken on purpose is noticed, by the test that says so by its name."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sabotage.mutations import MUTATIONS, Mutation

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("handlers", "webhook_lab", "tests", "tools", "pyproject.toml", "conftest.py", "README.md")
SECONDS = 300.0
"""Longer than any of these tests takes (all of them: four times that); one that hangs has noticed nothing."""


def ids(mutation: Mutation) -> str:
    return mutation.what.replace(" ", "-")


def run(checkout: Path, *tests: str, seconds: float = SECONDS) -> int:
    """pytest's exit code, with the library of that checkout in place of the installed one."""
    environment = {**os.environ, "PYTHONPATH": str(checkout)}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    done = subprocess.run(command, cwd=checkout, env=environment, check=False, timeout=seconds)
    return done.returncode


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the tests need, to be broken."""
    copy = tmp_path_factory.mktemp("sabotaged")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy / name)
    return copy


@pytest.mark.parametrize("mutation", MUTATIONS, ids=ids)
def test_what_a_mutation_alters_stands_there_once(mutation: Mutation) -> None:
    """And the test that it names is there: otherwise the long test below would break nothing."""
    assert (ROOT / mutation.file).read_text(encoding="utf-8").count(mutation.said) == 1
    assert mutation.said != mutation.instead
    file, _, name = mutation.turns_red.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.long
def test_unbroken_all_are_green(checkout: Path) -> None:
    assert run(checkout, *sorted({each.turns_red for each in MUTATIONS}), seconds=4 * SECONDS) == 0


@pytest.mark.long
@pytest.mark.parametrize("mutation", MUTATIONS, ids=ids)
def test_broken_it_turns_red(mutation: Mutation, checkout: Path) -> None:
    file = checkout / mutation.file
    whole = file.read_text(encoding="utf-8")
    file.write_text(whole.replace(mutation.said, mutation.instead), encoding="utf-8")
    try:
        assert run(checkout, mutation.turns_red) == 1  # tests failed; anything else is an accident
    finally:
        file.write_text(whole, encoding="utf-8")
