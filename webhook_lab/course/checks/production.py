"""Checks of chapter 14: those of the chapters before judge the stack; then what a runbook has to end."""

from webhook_lab import sweep
from webhook_lab.course.checks import front_door, publisher, queue, subscriber, table
from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.facts.runbook import verdict
from webhook_lab.resources.bucket import bucket_of
from webhook_lab.resources.stack import Stack

CHECKS = Checks()
EARLIER = {
    "the table stands, on demand and keyed by id": table,
    "the queue has a dead-letter queue behind it": queue,
    "Lambda runs the code in this folder": publisher,
    "the role allows sending to one queue and writing one log": publisher,
    "the function may read its queue and write its table": subscriber,
    "two executions are reserved, where the account can spare them": subscriber,
    "nothing warns of over-pull": subscriber,
    "the mapping hands over ten messages at most, to two invocations at most": subscriber,
    "the API takes any method on any path, and may invoke the function": front_door,
    "all that was answered 202 is stored": front_door,
    "all 256 byte values came out as they went in": front_door,
}
"""Claims of earlier chapters that any pipeline has to keep, by the module that checks them."""
for _claim, _module in EARLIER.items():
    CHECKS.claim(_claim)(_module.CHECKS.claims[_claim])


@CHECKS.claim("the stack is gone, and left nothing")
def _gone(lab: OpenLab) -> None:
    aws, name = lab.aws, lab.names.stack
    assert Stack.describe(aws, name) is None, "the stack still stands"
    left = [each.name for each in sweep.remaining(aws, name)]
    buckets = [each["Name"] for each in aws.s3.list_buckets()["Buckets"]]
    left += [each for each in buckets if each == bucket_of(aws, name)]
    left += [
        each["AlarmName"] for each in aws.cloudwatch.describe_alarms(AlarmNamePrefix=name)["MetricAlarms"]
    ]
    boards = aws.cloudwatch.list_dashboards(DashboardNamePrefix=name)["DashboardEntries"]
    left += [each["DashboardName"] for each in boards]
    assert not left, f"there still is {', '.join(left)}"


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    if lab.stage is None or lab.diagnosis is None:
        return None
    wrong = verdict(lab.stage.day, *lab.diagnosis)
    assert wrong is None, wrong
    return "Cause and cure are the runbook's."
