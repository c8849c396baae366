"""Checks of chapter 05: the throttled subscribe function, its mapping, and what came through."""

from webhook_lab.aws.retry import retry_until
from webhook_lab.course.checks import look
from webhook_lab.course.checks.claims import Checks, OpenLab
from webhook_lab.course.checks.look import allowed, ended, held, missing, stored, there, throttles
from webhook_lab.facts import quotas
from webhook_lab.watch.concurrency import peak_concurrency

CHECKS = Checks()
BURST = 20
RAISED = 5


@CHECKS.claim("the function may read its queue and write its table")
def _reads_and_writes(lab: OpenLab) -> None:
    queue, table = (lab.pipeline.get(key).arn for key in ("queue", "table"))
    reading = ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")
    wanted = {(action, queue) for action in reading}
    wanted |= {(action, table) for action in ("dynamodb:PutItem", "dynamodb:UpdateItem")}
    found = allowed(lab.pipeline.look_up("subscribe_role"))
    assert {pair for pair in found if not pair[0].startswith("logs:")} == wanted, f"it allows {sorted(found)}"


@CHECKS.claim("two executions are reserved, where the account can spare them")
def _reserved(lab: OpenLab) -> None:
    reserved = there(lab, "subscribe_function").reserved_concurrency
    wanted = lab.pipeline.settings.reserved_concurrency
    assert reserved == wanted, f"reserved are {reserved}, not {wanted}"


@CHECKS.claim("nothing warns of over-pull")
def _no_over_pull(lab: OpenLab) -> None:
    said = [finding.said for finding in lab.pipeline.preflight() if finding.rule == "over-pull"]
    assert not said, "; ".join(said)


@CHECKS.claim("the mapping hands over ten messages at most, to two invocations at most")
def _connected(lab: OpenLab) -> None:
    mapping, function = there(lab, "mapping"), there(lab, "subscribe_function")
    settings = (mapping.state, mapping.batch_size, mapping.maximum_concurrency)
    assert settings == ("Enabled", 10, 2), f"state, batch size and maximum concurrency are {settings}"
    assert mapping.report_batch_item_failures, "one failure returns the whole batch"
    queue, least = lab.pipeline.get("queue"), quotas.VISIBILITY_PER_TIMEOUT.value * function.timeout
    assert queue.visibility_timeout >= least, f"a message reappears in less than {least} s"


@CHECKS.claim("the first message came through")
def _first_came_through(lab: OpenLab) -> None:
    by = stored(lab, "first")["delivered_by"]
    assert len(by) == 1, f"{len(by)} messages carried it"


@CHECKS.claim("twenty deliveries are stored, and never more than two invocations ran")
def _never_more_than_two(lab: OpenLab) -> None:
    ids = {f"github:{lab.delivery_id(f'burst-{number}')}#/github" for number in range(BURST)}
    lost = missing(lab, ids)
    assert not lost, f"{BURST - len(lost)} of {BURST} are stored"

    peak = peak_concurrency(lab.logs("subscribe", until=sorted(ids)))
    assert peak <= 2, f"{peak} ran at once"


@CHECKS.claim("the bad message alone went back to the queue")
def _bad_one_alone(lab: OpenLab) -> None:
    stored(lab, "good")

    def once_alone() -> bool | None:
        # The recorded batch that the chapter shows fails by one message too, which no queue holds.
        return (len(ended(lab, "subscribe", "failed")) >= 2 and held(lab) == 1) or None

    reason = "the bad message to fail, and to be alone in the queue"
    retry_until(once_alone, seconds=lab.aws.target.traits.allow(look.SECONDS), reason=reason)


@CHECKS.solved
def _exercise(lab: OpenLab) -> str | None:
    reserved, maximum = throttles(lab)
    kept = lab.pipeline.settings.reserved_concurrency  # None: this account can reserve none
    if (reserved, maximum) == (kept, 2):
        return None
    enough = reserved is None if kept is None else reserved == RAISED
    assert enough, f"Reserved are {reserved}: MaximumConcurrency {maximum} would be throttled there."
    assert maximum == RAISED, f"{reserved} are reserved, but the mapping's MaximumConcurrency is {maximum}."
    return "Five at once, and the mapping reads no more than the function may run."
