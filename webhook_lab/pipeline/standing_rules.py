"""Preflight's rules about what stands: an account's concurrency, policies, deployments, names."""

from collections.abc import Iterator, Sequence

from webhook_lab.facts import pages, quotas
from webhook_lab.facts.refusals import INVALID, may_not_call, too_few_left
from webhook_lab.pipeline.permissions import allows, lets_api_invoke
from webhook_lab.pipeline.plan import Finding, Plan
from webhook_lab.resources.any_url_api import STAGE
from webhook_lab.resources.policies import MAPPING_ACTIONS


def _concurrency(plan: Plan) -> Iterator[Finding]:
    reserved, maximum = plan.reserved_concurrency, plan.maximum_concurrency
    unreserved = plan.unreserved_concurrency
    if reserved is None:
        return
    fact = quotas.LAMBDA_UNRESERVED_CONCURRENCY
    # An account whose whole limit is below 100 is told its own limit as the minimum.
    stays = min(fact.value, plan.account_concurrency or fact.value)
    left = stays if unreserved is None else unreserved + plan.already_reserved - reserved
    if said := too_few_left(left, stays):
        try_this = "Leave reserved concurrency out, and throttle with MaximumConcurrency alone."
        yield Finding("refused", "unreserved concurrency", INVALID + said, try_this, fact.source)
    if maximum is None:
        said = (
            f"reserved concurrency {reserved} without MaximumConcurrency: the mapping reads more than the "
            "function may run, and what was only ever throttled ends in the DLQ, without one log line"
        )
        least = max(reserved, quotas.MAPPING_CONCURRENCY_LEAST.value)
        yield Finding("warning", "over-pull", said, f"Set MaximumConcurrency to {least}.", pages.SCALING)
    elif maximum > reserved:
        said = f"MaximumConcurrency {maximum} is more than the {reserved} reserved: the rest is throttled"
        try_this = f"Reserve {maximum}, or set MaximumConcurrency to {reserved}."
        yield Finding("warning", "over-pull", said, try_this, pages.SCALING)
    elif plan.other_mappings:
        yield from _together(reserved, (maximum, *plan.other_mappings))


def _together(reserved: int, maxima: Sequence[int | None]) -> Iterator[Finding]:
    """Each mapping keeps to its own maximum and knows nothing of the others: their sum has to fit."""
    needed = sum(maximum or 0 for maximum in maxima)
    if None in maxima:
        said = (
            f"one of the function's {len(maxima)} mappings has no MaximumConcurrency, {reserved} are reserved"
        )
        yield Finding("warning", "over-pull", said, "Set MaximumConcurrency on each mapping.", pages.SCALING)
    elif needed > reserved:
        said = f"the function's {len(maxima)} mappings may run {needed} together, and {reserved} are reserved"
        yield Finding(
            "warning", "over-pull", said, f"Reserve {needed}, or lower their maxima.", pages.SCALING
        )


def _permissions(plan: Plan) -> Iterator[Finding]:
    for action in MAPPING_ACTIONS:
        if plan.mapping_policy is not None and not allows(plan.mapping_policy, action, plan.queue_arn):
            call = action.removeprefix("sqs:")
            said = INVALID + may_not_call(call)
            yield Finding(
                "refused", "mapping role", said, f"Allow {action} on {plan.queue_arn}.", pages.MAPPING
            )
    if plan.api_arn and not lets_api_invoke(plan.function_policy, plan.api_arn, STAGE):
        said = (
            "500 Internal server error to the sender; in the API's execution log: Execution failed due to "
            "configuration error: Invalid permissions on Lambda function"
        )
        try_this = f"Call AddPermission for apigateway.amazonaws.com with SourceArn {plan.api_arn}/*/*."
        yield Finding("refused", "API permission", said, try_this, pages.API_ARNS)


def _deployment(plan: Plan) -> Iterator[Finding]:
    if plan.undeployed:
        said = f"changed since stage {STAGE!r} was deployed, which serves what it had then: "
        said += ", ".join(plan.undeployed)
        try_this = f"Call CreateDeployment for stage {STAGE!r}."
        yield Finding("warning", "API deployment", said, try_this, pages.API_DEPLOY)


def _queue_name(plan: Plan) -> Iterator[Finding]:
    taken = quotas.SQS_NAME_REUSE_DELAY
    if plan.queue_deleted_ago is not None and plan.queue_deleted_ago < taken.value:
        said = (
            f"AWS.SimpleQueueService.QueueDeletedRecently: You must wait {taken.value} seconds after "
            "deleting a queue before you can create another with the same name."
        )
        left = round(taken.value - plan.queue_deleted_ago)
        try_this = f"It is asked for again until AWS takes it: {left} s more."
        yield Finding("warning", "queue name", said, try_this, taken.source)


STANDING = (_concurrency, _permissions, _deployment, _queue_name)
