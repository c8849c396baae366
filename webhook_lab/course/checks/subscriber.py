"""Checks of chapter 05: the throttled subscribe function, its mapping, and what came through."""

from webhook_lab.aws.retry import retry_until
from webhook_lab.course.checks.bench import Bench, Checks
from webhook_lab.course.checks.look import allowed
from webhook_lab.facts import quotas
from webhook_lab.resources.function import Function
from webhook_lab.resources.mapping import Mapping
from webhook_lab.watch.concurrency import peak_concurrency

BURST = 20
RAISED = 5
SECONDS = 60.0  # for what CloudWatch and SQS show late


def _function(bench: Bench) -> Function:
    function: Function | None = bench.pipeline.look_up("subscribe_function")
    assert function, "there is no function"
    return function


def _mapping(bench: Bench) -> Mapping:
    mapping: Mapping | None = bench.pipeline.look_up("mapping")
    assert mapping, "nothing connects the queue to the function"
    return mapping


def _reads_and_writes(bench: Bench) -> None:
    queue, table = (bench.pipeline.get(key).arn for key in ("queue", "table"))
    reading = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    wanted = {(action, queue) for action in reading}
    wanted |= {(action, table) for action in ("dynamodb:PutItem", "dynamodb:UpdateItem")}
    found = allowed(bench.pipeline.look_up("subscribe_role"))
    assert {pair for pair in found if not pair[0].startswith("logs:")} == wanted, f"it allows {sorted(found)}"


def _reserved(bench: Bench) -> None:
    reserved, wanted = _function(bench).reserved_concurrency, bench.pipeline.settings.reserved_concurrency
    assert reserved == wanted, f"reserved are {reserved}, not {wanted}"


def _no_over_pull(bench: Bench) -> None:
    said = [finding.said for finding in bench.pipeline.preflight() if finding.rule == "over-pull"]
    assert not said, "; ".join(said)


def _connected(bench: Bench) -> None:
    mapping, function = _mapping(bench), _function(bench)
    settings = (mapping.state, mapping.batch_size, mapping.maximum_concurrency)
    assert settings == ("Enabled", 10, 2), f"state, batch size and maximum concurrency are {settings}"
    assert mapping.report_batch_item_failures, "one failure returns the whole batch"
    queue, least = bench.pipeline.get("queue"), quotas.VISIBILITY_PER_TIMEOUT.value * function.timeout
    assert queue.visibility_timeout >= least, f"a message reappears in less than {least} s"


def _first_came_through(bench: Bench) -> None:
    item = bench.item(f"github:{bench.delivery_id('first')}")
    assert item, "the table does not hold it"
    assert len(item["delivered_by"]) == 1, f"{len(item['delivered_by'])} messages carried it"


def _never_more_than_two(bench: Bench) -> None:
    ids = {f"github:{bench.delivery_id(f'burst-{number}')}" for number in range(BURST)}
    stored = [each for each in ids if bench.item(each)]
    assert len(stored) == BURST, f"{len(stored)} of {BURST} are stored"

    def once_written() -> int | None:
        lines = bench.logs("subscribe")
        told = {line.get("id") for line in lines if line["event"] == "record_finish"}
        return peak_concurrency(lines) if ids <= told else None

    peak = retry_until(once_written, seconds=SECONDS, reason="the functions' log lines")
    assert peak <= 2, f"{peak} ran at once"


def _bad_one_alone(bench: Bench) -> None:
    assert bench.item(f"github:{bench.delivery_id('good')}"), "the good one is not stored"

    def once_alone() -> bool | None:
        ends = [line for line in bench.logs("subscribe") if line.get("outcome") == "failed"]
        held = bench.depth()
        # The recorded batch that the chapter shows fails by one message too, which no queue holds.
        return True if len(ends) >= 2 and held.visible + held.in_flight == 1 else None

    retry_until(once_alone, seconds=SECONDS, reason="the bad message to fail, and to be alone in the queue")


def _exercise(bench: Bench) -> str | None:
    reserved, maximum = _function(bench).reserved_concurrency, _mapping(bench).maximum_concurrency
    kept = bench.pipeline.settings.reserved_concurrency  # None: this account can reserve none
    if (reserved, maximum) == (kept, 2):
        return None
    enough = reserved is None if kept is None else reserved == RAISED
    assert enough, f"Reserved are {reserved}: MaximumConcurrency {maximum} would be throttled there."
    assert maximum == RAISED, f"{reserved} are reserved, but the mapping's MaximumConcurrency is {maximum}."
    return "Five at once, and the mapping reads no more than the function may run."


CHECKS = Checks(
    checkpoints={
        "the function may read its queue and write its table": _reads_and_writes,
        "two executions are reserved, where the account can spare them": _reserved,
        "nothing warns of over-pull": _no_over_pull,
        "the mapping hands over ten messages at most, to two invocations at most": _connected,
        "the first message came through": _first_came_through,
        "twenty deliveries are stored, and never more than two invocations ran": _never_more_than_two,
        "the bad message alone went back to the queue": _bad_one_alone,
    },
    exercise=_exercise,
)
