"""Run the rings of tests one after the other and add up what they say.

`python -m tools.rings`: what `make test` runs; `--check`: without a server; `--long`: what takes minutes.

Test files are spread over the processors, but for those marked `alone`: what they show depends on several
things that run in step. Notebooks likewise; a round of them is one lab that they share. An endpoint that is
set is one lab too, so nothing runs beside anything there.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
QUICK = ["tests/unit", "tests/handlers", "tests/sabotage"]
SERVERS = ["tests/database", "tests/cloud", "tests/days"]
NOTEBOOKS = ["tests/notebooks"]
LONG = ["--long", *QUICK, *SERVERS, *NOTEBOOKS, "-m"]
MOST = 4
"""Processes. Each starts servers of its own, which want processors too."""


def spread() -> list[str]:
    """pytest's arguments for files that may run at the same time."""
    if os.environ.get("WEBHOOK_LAB_TARGET", "local") != "local":
        return []
    return [f"--numprocesses={min(os.cpu_count() or 1, MOST)}", "--dist=loadfile"]


def counts_in(report: Path) -> Counter[str]:
    """How many tests passed, failed and were skipped; a pytest that left no report failed once."""
    if not report.exists():
        return Counter(failed=1)
    found: Counter[str] = Counter()
    for suite in ElementTree.parse(report).iter("testsuite"):
        number = {name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")}
        bad = number["failures"] + number["errors"]
        found += Counter(
            passed=number["tests"] - bad - number["skipped"], skipped=number["skipped"], failed=bad
        )
    return found


def run(arguments: list[str]) -> tuple[int, Counter[str]]:
    """pytest's exit code (negative if a signal ended it) and counts."""
    with tempfile.TemporaryDirectory(prefix="webhook-lab-rings-") as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", *arguments, f"--junitxml={report}"]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        return code, counts_in(report)


def run_spread(arguments: list[str]) -> tuple[int, Counter[str]]:
    """Run files at the same time; what fails there runs once more with nothing beside it, and says so.

    A test on a processor that others use up may miss its deadline; one that fails alone too has failed.
    """
    code, counts = run([*arguments, *spread()])
    if code != 1 or not spread():  # 1: tests failed; anything else is no matter of the neighbours
        return code, counts
    print(f"{counts['failed']} failed beside others. Once more, with nothing beside them:", flush=True)
    again, alone = run([*arguments, "--last-failed", "--last-failed-no-failures=none"])
    print(f"Of {counts['failed']} that failed beside others, {alone['failed']} failed alone.", flush=True)
    return again, counts - Counter(failed=counts["failed"]) + alone


def main() -> None:
    """Every ring runs, whatever an earlier one says. The last line has the sums."""
    if "--check" in sys.argv:
        results = [run_spread(QUICK)]
    elif "--long" in sys.argv:
        results = [run_spread([*LONG, "long and not alone"]), run([*LONG, "long and alone"])]
    else:
        beside_others = run_spread([*QUICK, *SERVERS, "-m", "not alone"])
        results = [beside_others, run([*SERVERS, "-m", "alone"]), run(NOTEBOOKS)]
    total = sum((counts for _, counts in results), Counter())
    print(", ".join(f"{total[what]} {what}" for what in ("passed", "skipped", "failed")))
    sys.exit(int(any(code for code, _ in results)))


if __name__ == "__main__":
    main()
