"""What holds for every test: the long ones run when asked for, and what is required may not be skipped.

WEBHOOK_LAB_REQUIRE lists markers (`browser,recorded`): a test that has one fails where it would be skipped,
unless it is a long one that nobody asked for. A test that hangs is ended; the others go on.
"""

import os
import signal
from collections.abc import Generator

import pytest

# What runs this in the background (nohup, or a shell's &) may make it, and all that it starts, deaf to
# signals that some tests send.
for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", signal.SIG_DFL)):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, handler)


HANGS_SECONDS = {"long": 2_400, "browser": 900}
"""After so long a test with that marker hangs. Far more than any takes: no test's result hangs on it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests that take minutes")
    parser.addoption("--rounds", action="store_true", help="run the notebooks in order, reversed, and again")
    parser.addoption("--learner", action="store_true", help="run the notebooks with a learner's rights alone")
    parser.addoption("--notebooks", metavar="FOLDER", help="run the notebooks of this folder, once, in order")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        seconds = [HANGS_SECONDS[each.name] for each in item.iter_markers() if each.name in HANGS_SECONDS]
        item.add_marker(pytest.mark.timeout(max(seconds, default=300)))
    if not config.getoption("long"):
        skip = pytest.mark.skip(reason="takes minutes: make test-long")
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    required = os.environ.get("WEBHOOK_LAB_REQUIRE", "").replace(" ", "").split(",")
    marker = next((name for name in required if name and item.get_closest_marker(name)), None)
    left_out = item.get_closest_marker("long") and not item.config.getoption("long")
    if report.skipped and marker and not left_out:
        report.outcome = "failed"
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.longrepr = f"WEBHOOK_LAB_REQUIRE asks for {marker}. {reason}"
    return report
