"""What one does with a pipeline that stands: throttle it, warm it up, set its alarm, redrive."""

from dataclasses import replace

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.facts import quotas
from webhook_lab.pipeline.build import Pipeline
from webhook_lab.resources.alarm import Alarm, state_of
from webhook_lab.resources.function import set_reserved_concurrency
from webhook_lab.resources.invoking import warm_up
from webhook_lab.resources.queue import depth
from webhook_lab.resources.queue_changes import settle
from webhook_lab.resources.redrive import Redriven
from webhook_lab.resources.redrive import redrive as move_back

LEAST, MOST = quotas.MAPPING_CONCURRENCY_LEAST.value, quotas.MAPPING_CONCURRENCY_MOST.value
WARM_MOST = 20
"""Environments that are warmed up at most."""


def set_throttle(pipeline: Pipeline, invocations: int) -> None:
    """Let so many invocations run at once, also while a queue drains; return when that is in force.

    At no moment may the mapping have more than is reserved, or it would read what cannot run: the reserved
    value is raised before the mapping's MaximumConcurrency, and lowered after it, whatever the settings say
    of what stands. An account that reserves nothing (see `open_pipeline`) changes the mapping alone.

    Raises:
        LabError: not a whole number from 2 to 1,000, or AWS refused; then the mapping is as it was.
    """
    check_throttle(invocations)
    settings = pipeline.settings
    reserves = settings.reserved_concurrency is not None
    stands = pipeline.look_up("subscribe_function")
    raising = invocations > ((stands and stands.reserved_concurrency) or 0)
    if reserves and raising:
        _reserve(pipeline, invocations)
    pipeline.ensure("mapping", maximum_concurrency=invocations)  # waits out "Updating"
    if reserves and not raising:
        _reserve(pipeline, invocations)
    reserved = invocations if reserves else None
    pipeline.settings = replace(settings, reserved_concurrency=reserved, maximum_concurrency=invocations)


def check_throttle(invocations: int) -> None:
    """Refuse what is no throttle.

    Raises:
        LabError: not a whole number from 2 to 1,000.
    """
    if isinstance(invocations, bool) or not isinstance(invocations, int) or not LEAST <= invocations <= MOST:
        said = f"{invocations!r} is not a whole number from {LEAST:,} to {MOST:,}"
        raise LabError("set the throttle", said, f"MaximumConcurrency is at least {LEAST}: try {LEAST}.")


def throttle_of(pipeline: Pipeline) -> int:
    """How many invocations the settings let run at once."""
    both = (pipeline.settings.reserved_concurrency, pipeline.settings.maximum_concurrency)
    return min((each for each in both if each), default=quotas.LAMBDA_ACCOUNT_CONCURRENCY.value)


def warm_subscriber(pipeline: Pipeline) -> None:
    """Have as many environments of the subscribe function ready as the throttle lets run (20 at most)."""
    name = pipeline.names.function("subscribe")
    with explain(f"warm up function {name!r}"):
        warm_up(pipeline.session, name=name, executions=min(throttle_of(pipeline), WARM_MOST))


def settle_queue(pipeline: Pipeline) -> None:
    """Wait until SQS acts on what was set of the queue; see `settle`."""
    queue = pipeline.get("queue")
    with explain(f"look at queue {queue.name!r}"):
        settle(pipeline.session, queue.url)


def dead_letter_alarm(pipeline: Pipeline) -> Alarm:
    """Create the alarm where the target publishes metrics, and return it with its state.

    Elsewhere nothing is created: the same rule is judged by what the queue holds at this moment.

    Raises:
        LabError: there is no dead-letter queue, or AWS refused.
    """
    names, rule = pipeline.names, pipeline.settings.dead_letter_alarm
    if pipeline.session.target.traits.publishes_metrics:
        alarm: Alarm = pipeline.ensure("alarm")
        return alarm
    with explain(f"read the depth of {names.dlq!r}"):
        visible = depth(pipeline.session.sqs, url=pipeline.get("dlq").url).visible
    return Alarm(names.alarm, names.dlq, rule, state=state_of(rule, visible))


def redrive(pipeline: Pipeline) -> Redriven:
    """Move every message of the dead-letter queue back, and lose none; see `webhook_lab.resources.redrive`.

    Raises:
        LabError: a queue is missing, or SQS refused or failed to move them.
    """
    sqs, dlq, queue = pipeline.session.sqs, pipeline.get("dlq"), pipeline.get("queue")
    with explain(f"redrive dead-letter queue {dlq.name!r}"):
        return move_back(sqs, dlq_url=dlq.url, dlq_arn=dlq.arn, queue_arn=queue.arn)


def _reserve(pipeline: Pipeline, executions: int) -> None:
    name = pipeline.names.function("subscribe")
    with explain(f"reserve {executions} executions for function {name!r}"):
        set_reserved_concurrency(pipeline.session, name=name, reserved=executions)
    pipeline.forget("subscribe_function")
