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
    ("codes", "exit_code"), [([0, 0, 0], 0), ([1, 0, 0], 1), ([0, 0, 1], 1), ([0, -9, 0], 1)]
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
