"""Chapter 00: the target answers, a first resource comes and goes, and the table is created."""

from webhook_lab.aws.errors import explain
from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.pipeline import STEPS
from webhook_lab.resources.table import BILLING, Table


def _answers(bench: Bench) -> None:
    with explain("ask the services"):
        bench.aws.dynamodb.list_tables(Limit=1)
        bench.aws.sqs.list_queues(MaxResults=1)
        bench.aws.lambda_.list_functions(MaxItems=1)


def _nothing_stands(bench: Bench) -> None:
    standing = [step.name(bench.names) for key, step in STEPS.items() if bench.pipeline.look_up(key)]
    assert not standing, f"these stand: {', '.join(standing)}"


def _throttle_matters(bench: Bench) -> None:
    with explain("read the account's concurrency"):
        most = bench.aws.lambda_.get_account_settings()["AccountLimit"]["ConcurrentExecutions"]
    throttle = bench.pipeline.settings.maximum_concurrency
    assert throttle is not None, "the lab's settings have no maximum concurrency"
    assert throttle < most, f"the account runs {most} executions at most, and the throttle is {throttle}"


def _log_group_stands(bench: Bench) -> None:
    group = bench.pipeline.look_up("publish_logs")
    assert group is not None, "there is no such log group"
    assert group.retention_days == 1, f"it keeps its lines for {group.retention_days or 'all'} days"


def _log_group_gone(bench: Bench) -> None:
    assert bench.pipeline.look_up("publish_logs") is None, "the log group stands"


def _exercise(bench: Bench) -> str | None:
    with explain(f"look up table {bench.names.table!r}"):
        table = Table.describe(bench.aws, bench.names.table)
    if table is None:
        return None
    advice = "Delete it and let the lab create it."
    assert bench.pipeline.look_up("table"), f"The table does not carry this lab's tag. {advice}"
    assert table.billing == BILLING, f"The table stands, with billing mode {table.billing}. {advice}"
    return "The table stands, and it is the lab's own."


CHECKS = Checks(
    checkpoints={
        "DynamoDB, SQS and Lambda answer": _answers,
        "nothing of this lab stands yet": _nothing_stands,
        "this account can run more functions at once than the throttle lets through": _throttle_matters,
        "the log group stands, and keeps its lines for one day": _log_group_stands,
        "the log group is gone again": _log_group_gone,
    },
    exercise=_exercise,
)
