"""Chapter 00: the target answers, a first resource comes and goes, and the table is created."""

from math import inf

from webhook_lab.aws.errors import explain
from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import kept_a_day
from webhook_lab.pipeline import STEPS
from webhook_lab.resources.account import account_limits
from webhook_lab.resources.table import BILLING, Table

CHECKS = Checks()
CHECKS.claim("the log group stands, and keeps its lines for one day")(kept_a_day)


@CHECKS.claim("DynamoDB, SQS and Lambda answer")
def _answers(lab: OpenLab) -> None:
    with explain("ask the services"):
        lab.aws.dynamodb.list_tables(Limit=1)
        lab.aws.sqs.list_queues(MaxResults=1)
        lab.aws.lambda_.list_functions(MaxItems=1)


@CHECKS.claim("nothing of this lab stands yet")
def _nothing_stands(lab: OpenLab) -> None:
    standing = [step.name(lab.names) for key, step in STEPS.items() if lab.pipeline.look_up(key)]
    assert not standing, f"these stand: {', '.join(standing)}"


@CHECKS.claim("this account can run more functions at once than the throttle lets through")
def _throttle_matters(lab: OpenLab) -> None:
    with explain("read the account's concurrency"):
        limits = account_limits(lab.aws)
    throttle = lab.pipeline.settings.maximum_concurrency
    assert throttle is not None, "the lab's settings have no maximum concurrency"
    most = limits.concurrent if limits else inf  # what nobody tells us counts as unlimited
    assert throttle < most, f"the account runs {most} executions at most, and the throttle is {throttle}"


@CHECKS.claim("the log group is gone again")
def _log_group_gone(lab: OpenLab) -> None:
    assert lab.pipeline.look_up("publish_logs") is None, "the log group stands"


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    with explain(f"look up table {lab.names.table!r}"):
        table = Table.describe(lab.aws, lab.names.table)
    if table is None:
        return None
    advice = "Delete it and let the lab create it."
    assert lab.pipeline.look_up("table"), f"The table does not carry this lab's tag. {advice}"
    assert table.billing == BILLING, f"The table stands, with billing mode {table.billing}. {advice}"
    return "The table stands, and it is the lab's own."
