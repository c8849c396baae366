"""An event source mapping is judged when it is created or changed, by the queue, function and role there are.

AWS: refuses one whose queue is not there or may not be read by the function's role, whose function may run
    longer than the queue hides a message, whose batch is above ten without a window, whose filter is none
    (docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html, /invocation-eventfiltering.html).
Emulator: takes them all, and passes over a pattern that it cannot read.
Shown by: test_a_mapping_that_aws_refuses_is_refused_here_too
Upstream: a fix retires this.
"""

import json
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import lambda_svc, sqs

from webhook_lab.facts.refusals import hidden_too_short, may_not_call, window_missing
from webhook_lab.local_cloud.batches import CALLS

Asked = dict[str, Any]

_NO_QUEUE = (
    "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
    "SQS Error Message: The specified queue does not exist for this wsdl version."
)


def mappings_are_judged() -> None:
    """Have what creates and what changes a mapping look first."""
    create, update = lambda_svc._create_esm, lambda_svc._update_esm

    def create_if_it_may_be(asked: Asked) -> Any:
        return _refusal(asked) or create(asked)

    def update_if_it_may_be(uuid: str, asked: Asked) -> Any:
        esm = lambda_svc._esms.get(uuid) or {}
        name = ":".join(filter(None, (esm.get("FunctionName"), esm.get("Qualifier"))))
        return _refusal({**esm, "FunctionName": name, **asked}) or update(uuid, asked)

    lambda_svc._create_esm, lambda_svc._update_esm = create_if_it_may_be, update_if_it_may_be


def _refusal(asked: Asked) -> Any:
    """AWS's answer to a mapping with these settings; None where it takes them, or the emulator refuses."""
    arn = asked.get("EventSourceArn", "")
    name, qualifier, unknown = lambda_svc._resolve_existing_esm_function(asked.get("FunctionName", ""))
    if ":sqs:" not in arn or unknown:
        return None
    _, function = lambda_svc._get_func_record_for_qualifier(name, qualifier)
    said = _said_of_settings(asked) or _said_of_ends(arn, sqs._queue_by_arn(arn), function)
    return said and lambda_svc.error_response_json("InvalidParameterValueException", said, 400)


def _said_of_settings(asked: Asked) -> str | None:
    if said := window_missing(asked.get("BatchSize", 0), asked.get("MaximumBatchingWindowInSeconds") or 0):
        return said
    filters = (asked.get("FilterCriteria") or {}).get("Filters") or []
    if not all(_is_pattern(each.get("Pattern")) for each in filters):
        return "Invalid filter pattern definition."
    return None


def _is_pattern(text: str | None) -> bool:
    """Whether it is JSON, and an object whose every end is a list of what may be there."""
    try:
        pattern = json.loads(text or "")
    except ValueError:
        return False
    return isinstance(pattern, dict) and _ends_in_lists(pattern)


def _ends_in_lists(pattern: Any) -> bool:
    return isinstance(pattern, list) or (
        isinstance(pattern, dict) and all(_ends_in_lists(each) for each in pattern.values())
    )


def _said_of_ends(arn: str, queue: Asked | None, function: Asked) -> str | None:
    if queue is None:
        return _NO_QUEUE
    for call in CALLS:
        if not _may(function["Role"], f"sqs:{call}", arn, queue["attributes"].get("Policy")):
            return may_not_call(call)
    return hidden_too_short(int(queue["attributes"]["VisibilityTimeout"]), function["Timeout"])


def _may(role_arn: str, action: str, queue_arn: str, queue_policy: str | None) -> bool:
    """Whether the role's policies, or the queue's, let it; neither may forbid it."""
    account, role = role_arn.split(":")[4], role_arn.rpartition("/")[2]
    asks = iam_evaluator.EvalContext(
        f"arn:aws:sts::{account}:assumed-role/{role}/mapping", "AssumedRole", account, action, queue_arn,
        queue_arn.split(":")[3],
    )  # fmt: skip
    by_role = iam_evaluator.evaluate(asks, iam_evaluator._gather_role_policies(role, account)).decision
    by_queue = iam_evaluator.evaluate_resource_policy(queue_policy or "{}", asks).decision
    return "Deny" not in (by_role, by_queue) and "Allow" in (by_role, by_queue)
