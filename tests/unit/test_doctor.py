"""The doctor says OK or FAIL for each requirement, with the fix."""

import importlib.metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab import doctor
from webhook_lab.doctor import Check, Report
from webhook_lab.local_cloud.runtime import runtime_folder

REQUIRES = [
    "boto3>=1.43.106",
    "ipywidgets>=8.1,<9",
    'ministack==1.5.33 ; extra == "local"',
    "hypercorn (>=0.18); extra == 'local'",
    'boto3-stubs[sqs,sts]>=1.43 ; extra == "test"',
    "no-such-thing>=1 ; python_version < '3'",
]


def environment(tmp_path: Path, **more: str) -> dict[str, str]:
    """One in which no target is found, so that nothing is started."""
    return {"WEBHOOK_LAB_HOME": str(tmp_path), "WEBHOOK_LAB_TARGET": "nowhere", **more}


def by_name(report: Report) -> dict[str, Check]:
    return {check.name: check for check in report.checks}


def test_a_machine_without_a_target_fails_only_what_needs_one(tmp_path: Path) -> None:
    report = doctor.examine(environment(tmp_path))
    assert not report.ok
    assert report.text().splitlines()[:9] == [
        "OK    Python 3.11 or newer",
        "OK    packages",
        "OK    embedded AWS",
        "OK    loopback network",
        "OK    state folder",
        "OK    runtime folder",
        "OK    file lock",
        "OK    temporary space",
        "FAIL  target",
    ]
    assert [check.name for check in report.checks if not check.ok] == [
        "target",
        "permission to look",
        "throttle",
    ]


def test_a_failed_check_says_what_was_seen_and_the_fix_and_a_good_one_only_when_asked() -> None:
    report = Report((Check("one", True, "seen one"), Check("two", False, "seen two", "mend two")))
    assert repr(report) == "OK    one\nFAIL  two\n      said: seen two\n      try:  mend two"
    assert "said: seen one" in report.text(details=True)
    assert not report.ok


def test_what_the_target_says_reaches_the_report_with_what_to_try(tmp_path: Path) -> None:
    check = by_name(doctor.examine(environment(tmp_path)))["target"]
    assert not check.ok
    assert "that is not a target" in check.said
    assert "aws" in check.fix


def test_requirements_are_told_apart_by_their_extra_and_their_system() -> None:
    asked = {extra: list(map(str, doctor.requirements(REQUIRES, extra))) for extra in ("", "local", "test")}
    assert [line.split(";")[0] for line in asked[""]] == ["boto3>=1.43.106", "ipywidgets<9,>=8.1"]
    assert [line.split(";")[0] for line in asked["local"]] == ["ministack==1.5.33", "hypercorn>=0.18"]
    assert [line.split(">")[0] for line in asked["test"]] == ["boto3-stubs[sqs,sts]"]


@pytest.mark.parametrize(
    ("wanted", "have", "met"),
    [
        ("it>=1.43.106", "1.43.99", False),
        ("it>=8.1,<9", "8.1.9", True),
        ("it>=8.1,<9", "9.0.0rc1", False),
        ("it>=6", "6.0.0", True),
        ("it>=6", "7rc1", True),
        ("it>=6", None, False),
        ("it", "0.1", True),
    ],
)
def test_a_version_meets_a_requirement_by_its_numbers(wanted: str, have: str | None, met: bool) -> None:
    problems = doctor.unmet(doctor.requirements([wanted], ""), lambda name: have)
    assert (problems == []) is met, problems


def test_every_missing_package_is_named_with_the_version_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: REQUIRES)
    monkeypatch.setattr(doctor, "_installed", lambda name: "8.0" if name == "ipywidgets" else None)
    check = by_name(doctor.examine(environment(tmp_path)))["packages"]
    assert check.said == "boto3 is not installed (>=1.43.106 is asked); ipywidgets is 8.0 (<9,>=8.1 is asked)"
    assert "make env" in check.fix


def test_the_embedded_aws_is_asked_for_on_the_local_target_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(environ: dict[str, str], sessions: list[Any]) -> str:
        raise doctor.Problem("nothing is started in this test", "")

    monkeypatch.setattr(doctor, "_target", refuse)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: REQUIRES)
    monkeypatch.setattr(doctor, "_installed", lambda name: None if name == "ministack" else "1000")
    assert by_name(doctor.examine(environment(tmp_path, WEBHOOK_LAB_TARGET="aws")))["embedded AWS"].ok
    check = by_name(doctor.examine(environment(tmp_path, WEBHOOK_LAB_TARGET="")))["embedded AWS"]
    assert check.said == "ministack is not installed (==1.5.33 is asked)"


def test_a_folder_that_cannot_be_written_to_fails_with_the_variable_that_moves_it(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be", encoding="utf-8")
    checks = by_name(doctor.examine(environment(tmp_path / "home")))
    for name in ("state folder", "runtime folder", "file lock"):
        assert not checks[name].ok
        assert "WEBHOOK_LAB_HOME" in checks[name].fix


def test_nothing_is_left_in_the_folders_that_were_tried(tmp_path: Path) -> None:
    doctor.examine(environment(tmp_path))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "state"]


def test_the_folder_that_is_tried_is_the_one_that_local_clouds_use(tmp_path: Path) -> None:
    environ = environment(tmp_path)
    assert doctor._runtime_folder(environ) == runtime_folder(environ)


def account(unreserved: int, limit: int, limited: bool = True) -> Any:
    settings = {"AccountLimit": {"UnreservedConcurrentExecutions": unreserved, "ConcurrentExecutions": limit}}
    return SimpleNamespace(
        target=SimpleNamespace(traits=SimpleNamespace(limits_account_concurrency=limited)),
        lambda_=SimpleNamespace(get_account_settings=lambda: settings),
    )


@pytest.mark.parametrize(
    ("unreserved", "limit", "can"), [(1000, 1000, True), (102, 102, True), (101, 1000, False)]
)
def test_an_account_that_cannot_reserve_is_told_so_and_does_not_fail(
    unreserved: int, limit: int, can: bool
) -> None:
    check = doctor._check("throttle", lambda: doctor._reserved_concurrency(account(unreserved, limit)))
    assert check.ok
    assert check.said == f"{unreserved} of {limit} executions are unreserved"
    assert ("MaximumConcurrency alone" in check.fix) is not can
    assert ("try:" in Report((check,)).text()) is not can


def test_a_refused_list_call_fails_in_the_words_of_aws() -> None:
    def list_queues(**params: Any) -> None:
        error = {"Code": "AccessDenied", "Message": "not authorized to perform: sqs:ListQueues"}
        raise ClientError({"Error": error}, "ListQueues")  # type: ignore[arg-type]

    session: Any = SimpleNamespace(sqs=SimpleNamespace(list_queues=list_queues))
    check = doctor._check("permission to look", lambda: doctor._permissions(session))
    assert not check.ok
    assert "sqs:ListQueues" in check.said
    assert check.fix
