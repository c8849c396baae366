"""Change the throttle of a pipeline that stands, also while it drains its queue."""

from dataclasses import replace

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.facts import quotas
from webhook_lab.pipeline.build import Pipeline
from webhook_lab.resources.function import set_reserved_concurrency, warm_up

LEAST, MOST = quotas.MAPPING_CONCURRENCY_LEAST.value, quotas.MAPPING_CONCURRENCY_MOST.value


def set_throttle(pipeline: Pipeline, invocations: int) -> None:
    """Let so many invocations run at once, and return when that is in force.

    At no moment may the mapping have more than is reserved, or it would read what cannot run: the reserved
    value is raised before the mapping's MaximumConcurrency, and lowered after it. An account that reserves
    nothing (see `open_pipeline`) changes the mapping alone.

    Raises:
        LabError: not a whole number from 2 to 1,000, or AWS refused; then the mapping is as it was.
    """
    if isinstance(invocations, bool) or not isinstance(invocations, int) or not LEAST <= invocations <= MOST:
        said = f"{invocations!r} is not a whole number from {LEAST:,} to {MOST:,}"
        raise LabError("set the throttle", said, f"MaximumConcurrency is at least {LEAST}: try {LEAST}.")
    settings = pipeline.settings
    reserves = settings.reserved_concurrency is not None
    reserved = invocations if reserves else None
    raising = invocations > (settings.reserved_concurrency or 0)
    if reserves and raising:
        _reserve(pipeline, invocations)
    pipeline.ensure("mapping", maximum_concurrency=invocations)  # waits out "Updating"
    if reserves and not raising:
        _reserve(pipeline, invocations)
    pipeline.settings = replace(settings, reserved_concurrency=reserved, maximum_concurrency=invocations)


def throttle_of(pipeline: Pipeline) -> int:
    """How many invocations the settings let run at once."""
    both = (pipeline.settings.reserved_concurrency, pipeline.settings.maximum_concurrency)
    return min((each for each in both if each), default=quotas.LAMBDA_ACCOUNT_CONCURRENCY.value)


def warm_subscriber(pipeline: Pipeline) -> None:
    """Have as many environments of the subscribe function ready as the throttle lets run (20 at most)."""
    name = pipeline.names.function("subscribe")
    with explain(f"warm up function {name!r}"):
        warm_up(pipeline.session.lambda_, name=name, executions=min(throttle_of(pipeline), 20))


def _reserve(pipeline: Pipeline, executions: int) -> None:
    name = pipeline.names.function("subscribe")
    with explain(f"reserve {executions} executions for function {name!r}"):
        set_reserved_concurrency(pipeline.session.lambda_, name=name, reserved=executions)
    pipeline.forget("subscribe_function")
