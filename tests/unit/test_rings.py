"""`make test` adds up what its rings say, and is red when one of them is, or says nothing."""

from pathlib import Path

import pytest

from tools import rings

SUITE = '<testsuites><testsuite tests="9" failures="1" errors="2" skipped="3"/></testsuites>'


def test_a_report_is_counted_by_outcome(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(SUITE)
    assert rings.counts_in(tmp_path / "report.xml") == {"passed": 3, "skipped": 3, "failed": 3}


def test_a_pytest_that_left_no_report_failed(tmp_path: Path) -> None:
    assert rings.counts_in(tmp_path / "report.xml") == {"failed": 1}


@pytest.mark.parametrize(
    ("codes", "exit_code"), [([0, 0, 0], 0), ([2, 0, 0], 1), ([0, 0, 1], 1), ([0, -9, 0], 1)]
)
def test_one_red_ring_is_enough_and_the_others_still_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], codes: list[int], exit_code: int
) -> None:
    left = iter(codes)
    monkeypatch.setattr("sys.argv", ["rings"])
    monkeypatch.setattr(rings, "run", lambda arguments: (next(left), rings.Counter(passed=2, skipped=1)))
    with pytest.raises(SystemExit) as end:
        rings.main()
    assert end.value.code == exit_code
    assert capsys.readouterr().out == "6 passed, 3 skipped, 0 failed\n"


def test_files_run_one_after_the_other_on_an_endpoint_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_LAB_TARGET", "http://127.0.0.1:4566")
    assert rings.spread() == []


@pytest.mark.parametrize(
    ("failed_alone", "code", "said"), [(0, 0, "0 failed alone"), (1, 1, "1 failed alone")]
)
def test_what_fails_beside_others_runs_once_more_alone(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    failed_alone: int,
    code: int,
    said: str,
) -> None:
    monkeypatch.delenv("WEBHOOK_LAB_TARGET", raising=False)
    asked: list[list[str]] = []

    def run(arguments: list[str]) -> tuple[int, rings.Counter[str]]:
        asked.append(arguments)
        if "--last-failed" not in arguments:
            return 1, rings.Counter(passed=7, failed=2)
        return code, rings.Counter(passed=2 - failed_alone, failed=failed_alone)

    monkeypatch.setattr(rings, "run", run)
    assert rings.run_spread(["tests/unit"]) == (
        code,
        rings.Counter(passed=9 - failed_alone, failed=failed_alone),
    )
    assert "--dist=loadfile" not in asked[1]
    assert said in capsys.readouterr().out
