"""Workflows, containers and the files about the project: pinned, capped, and of one mind."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
workflows = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@workflows
def test_an_action_is_pinned_by_hash_and_says_which_version_that_is(path: Path) -> None:
    for line in re.findall(r"uses: (.+)", path.read_text(encoding="utf-8")):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+", line), line


def test_one_action_has_one_hash() -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in WORKFLOWS)
    pinned = set(re.findall(r"uses: ([\w/-]+)@(\w+)", texts))
    assert len(pinned) == len({action for action, _ in pinned})


@workflows
def test_it_may_read_and_a_job_that_may_more_says_so(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "group" in workflow["concurrency"]
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 90
        steps = [step.get("with", {}) for step in job["steps"] if "checkout" in step.get("uses", "")]
        assert all(step["persist-credentials"] is False for step in steps)


@workflows
def test_what_it_makes_the_makefile_knows(path: Path) -> None:
    targets = re.findall(r"run: make ([\w-]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if f"\n{target}:" not in MAKEFILE] == []


def test_the_fast_rings_run_on_three_systems_and_every_python() -> None:
    matrix = read(ROOT / ".github" / "workflows" / "check.yml")["jobs"]["fast"]["strategy"]["matrix"]
    assert matrix["system"] == ["ubuntu", "macos", "windows"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]


def test_what_is_known_against_a_locked_package_is_asked_at_each_push_and_each_week() -> None:
    for name in ("check", "weekly"):
        steps = read(ROOT / ".github" / "workflows" / f"{name}.yml")["jobs"]["audit"]["steps"]
        assert steps[-1] == {"run": "make audit"}
    assert re.search(r"\n\tpipx run pip-audit==\d[\d.]+ .*--requirement requirements.lock\n", MAKEFILE)


def test_a_real_account_is_left_empty_whatever_happens() -> None:
    workflow = read(ROOT / ".github" / "workflows" / "account.yml")
    assert set(workflow[True]) == {"workflow_dispatch"}  # YAML reads "on" as true
    steps = workflow["jobs"]["notebooks"]["steps"]
    last = [step for step in steps if step.get("if") == "always()"]
    assert [step["run"].split()[1] for step in last] == ["down", "sweep"]
    assert steps[-2:] == last


def test_what_learners_type_is_never_put_into_a_shell_by_a_workflow() -> None:
    for path in WORKFLOWS:
        for job in read(path)["jobs"].values():
            assert not any("inputs." in step.get("run", "") for step in job["steps"])


def test_codespaces_opens_the_lab_on_its_first_chapter() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert container["postCreateCommand"] == "make env"
    assert "webhook-lab open" in container["postAttachCommand"]
    assert container["forwardPorts"] == [8888]


def test_binder_and_the_image_prove_that_the_lab_runs_there() -> None:
    assert "webhook-lab doctor" in (ROOT / "postBuild").read_text(encoding="utf-8")
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in image
    assert image.index("USER jovyan") < image.index("webhook-lab doctor")
    for copied in re.findall(r"^COPY (?:--\S+ )?(\S+) ", image, flags=re.MULTILINE):
        assert (ROOT / copied).exists()


def test_the_version_is_said_in_one_place_and_the_citation_agrees() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert read(ROOT / "CITATION.cff")["version"] == project["version"]
    assert f"\n## {project['version']}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    written = "__version__ = "
    assert not any(written in path.read_text("utf-8") for path in (ROOT / "webhook_lab").rglob("*.py"))


@pytest.mark.parametrize("name", ["README.md", "TEACHING.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_a_pages_links_lead_to_files(name: str) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", (ROOT / name).read_text(encoding="utf-8"))
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_what_is_derived_comes_from_commands_that_there_are() -> None:
    table = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for module in re.findall(r"python -m tools\.(\w+)", table):
        assert (ROOT / "tools" / f"{module}.py").is_file()
    for target in re.findall(r"`make ([\w-]+)`", table):
        assert f"\n{target}:" in MAKEFILE
