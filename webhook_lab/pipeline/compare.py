"""Two pipelines setting by setting: the one that was built by calls, and the one that a stack made."""

from dataclasses import dataclass
from typing import Any

from webhook_lab.pipeline.build import Pipeline
from webhook_lab.pipeline.steps import STEPS
from webhook_lab.resources.ownership import absent_is_none

_REASONS = {
    "Lines are kept": "an incident is looked into weeks later",
    "Deletion protection": "what was stored outlives a wrong command",
    "Termination protection": "the stack does too",
    "Alarms": "nobody watches at night",
    "Dashboards": "whoever is called looks there first",
}


@dataclass(frozen=True)
class Setting:
    """One setting of one resource in both; names are without their prefix."""

    resource: str
    name: str
    lab: str
    stack: str

    @property
    def same(self) -> bool:
        return self.lab == self.stack

    @property
    def why(self) -> str:
        """Empty where both are the same."""
        return "" if self.same else _REASONS.get(self.name, "nobody has meant this")


def compare(lab: Pipeline, stack: Pipeline) -> list[Setting]:
    """Every setting of every step, and what only one of them may have.

    Raises:
        LabError: one of them lacks a step.
    """
    settings = []
    for key, step in STEPS.items():
        for each in (lab, stack):
            each.forget(key)
        here, there = (dict(each.get(key).rows()) for each in (lab, stack))
        settings += [
            Setting(step.label, name, _plain(here.get(name, "-"), lab), _plain(there.get(name, "-"), stack))
            for name in {**here, **there}
        ]
    additions = zip(_additions(lab).items(), _additions(stack).values(), strict=True)
    return settings + [Setting(label, name, here, there) for ((label, name), here), there in additions]


def _plain(text: str, pipeline: Pipeline) -> str:
    return text.replace(f"{pipeline.names.prefix}-", "…-")


def _additions(pipeline: Pipeline) -> dict[tuple[str, str], str]:
    """What no step of the lab has, as AWS tells it."""
    aws, names = pipeline.session, pipeline.names
    table: Any = aws.dynamodb.describe_table(TableName=names.table)["Table"]
    stacks = absent_is_none(
        lambda: aws.cloudformation.describe_stacks(StackName=names.prefix)["Stacks"], "ValidationError"
    )
    kept = bool(stacks and stacks[0].get("EnableTerminationProtection"))
    alarms: list[Any] = aws.cloudwatch.describe_alarms(AlarmNamePrefix=f"{names.prefix}-")["MetricAlarms"]
    own = [each for each in alarms if not each["AlarmName"].startswith(f"{names.stack}-")]
    boards = aws.cloudwatch.list_dashboards(DashboardNamePrefix=f"{names.prefix}-pipeline")
    return {
        ("table", "Deletion protection"): "on" if table.get("DeletionProtectionEnabled") else "off",
        ("stack", "Termination protection"): "on" if kept else "off",
        ("alarms", "Alarms"): str(len(own)),
        ("dashboard", "Dashboards"): str(len(boards["DashboardEntries"])),
    }
