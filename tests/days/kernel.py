"""The way in for notebooks: every kernel that is started with `environment` has the day.

    environment(folder, "normal", "account of 10")

writes a startup file, which IPython runs before the first cell, into a profile in `folder`, and says what a
kernel is to inherit. Nothing in webhook_lab knows of it.
"""

import contextlib
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tests.days.normal import Account, normal_day
from tests.days.scenarios import Day, Scenario, under
from webhook_lab.aws import target
from webhook_lab.aws.traits import AWS, Traits

VARIABLE = "WEBHOOK_LAB_TESTS_DAY"
"""The names of scenarios, with commas between."""

SCENARIOS: dict[str, Callable[[], Scenario]] = {
    "normal": normal_day,
    "account of 10": lambda: Account(10),
    "account of 50": lambda: Account(50),
    "account of 1000": lambda: Account(1_000),
}
"""By name. Of several that answer the same call the one that is named first has its way."""

TRAITS: Traits = replace(AWS, publishes_metrics=False)
"""Those of AWS; but metrics of queues and functions, which alarms wait for, there are none here."""

_STARTUP = """import sys
sys.path.append({root!r})
from tests.days.kernel import begin
begin()
"""


@contextlib.contextmanager
def holds(scenario: Scenario, traits: Traits = TRAITS) -> Iterator[None]:
    """Have it hold in this process within the block, and the local cloud pass for AWS."""
    before = target.LOCAL_CLOUD
    target.LOCAL_CLOUD = traits
    try:
        with under(scenario):
            yield
    finally:
        target.LOCAL_CLOUD = before


def named(names: str) -> Scenario:
    """The scenarios with these names, with commas between, as one."""
    return Day(*(SCENARIOS[name.strip()]() for name in names.split(",")))


def begin() -> None:
    """Have the day of the environment hold until this process ends."""
    if names := os.environ.get(VARIABLE):
        _for_ever.enter_context(holds(named(names)))


_for_ever = contextlib.ExitStack()


def environment(folder: Path, *names: str) -> dict[str, str]:
    """Write the startup file into a profile in `folder`; what a kernel has to inherit to have the day.

    Raises:
        KeyError: there is no such scenario.
    """
    named(",".join(names))  # or it would fail where nobody sees it
    startup = folder / "profile_default" / "startup" / "00-day.py"
    startup.parent.mkdir(parents=True, exist_ok=True)
    startup.write_text(_STARTUP.format(root=str(Path(__file__).resolve().parents[2])))
    return {"IPYTHONDIR": str(folder), VARIABLE: ",".join(names)}
