"""Where the emulator is unlike AWS in a way that the pipeline meets: put right, in this process."""

import asyncio
import time
from typing import Any

from ministack.core import iam_actions
from ministack.services import lambda_svc, sqs

from webhook_lab.facts import quotas

_LOOK_SECONDS = 0.05
"""Between two looks of a long poll: half of the emulator's own, which a message waits for."""
_WAIT_REFUSED = (
    "Value {} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."
)


def install() -> None:
    """Change the emulator so, before it answers anything."""
    _batches_need_no_permission_of_their_own()
    _drop_what_deleted_functions_print()
    _ready_at_once()
    _long_polls_heed_changes()
    _no_second_mapping_of_the_same()


def _batches_need_no_permission_of_their_own() -> None:
    """Who may send, delete or change one message may do so with ten in one call: IAM has one action for both.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html
    """
    action_of = iam_actions.extract_iam_action

    def of_one_message(service: str, *request: Any) -> str | None:
        action: str | None = action_of(service, *request)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    iam_actions.extract_iam_action = of_one_message


def _drop_what_deleted_functions_print() -> None:
    """A late line of a deleted function would create its log group again; on AWS its role may not."""
    emit = lambda_svc._emit_lambda_logs

    def emit_while_it_exists(function: dict[str, Any], *args: Any, **kwargs: Any) -> None:
        if (function.get("config") or function).get("FunctionName") in lambda_svc._functions:
            emit(function, *args, **kwargs)

    lambda_svc._emit_lambda_logs = emit_while_it_exists


def _ready_at_once() -> None:
    """A function is Pending for half a second here, for realism: a second of every build, for nothing."""
    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 0.0


def _long_polls_heed_changes() -> None:
    """A long poll would hide what it finds as long as was set when it began, which is up to 20 s ago.

    AWS says that a changed attribute holds within a minute; here it does at once. And no poll may be longer:
    the emulator would let one wait until the caller gives up, and tries again.
    """
    receive = sqs._HANDLERS["ReceiveMessage"]

    async def receive_by_short_polls(asked: dict[str, Any], queue_url: str) -> dict[str, Any]:
        queue = sqs._get_q(asked.get("QueueUrl", queue_url), "sqs:ReceiveMessage")
        wait = asked.get("WaitTimeSeconds", queue["attributes"].get("ReceiveMessageWaitTimeSeconds", "0"))
        if not 0 <= int(wait) <= quotas.SQS_WAIT_LONGEST.value:
            raise sqs._Err("InvalidParameterValue", _WAIT_REFUSED.format(wait))
        deadline = time.monotonic() + int(wait)
        while True:
            found: dict[str, Any] = await receive({**asked, "WaitTimeSeconds": 0}, queue_url)
            if found or (left := deadline - time.monotonic()) <= 0:
                return found
            await asyncio.sleep(min(_LOOK_SECONDS, left))

    sqs._HANDLERS["ReceiveMessage"] = receive_by_short_polls


def _no_second_mapping_of_the_same() -> None:
    """A queue has one mapping to a function, else two of them would read for it, each up to its own maximum.

    The words are AWS's, as reported in https://github.com/DataBiosphere/azul/issues/3399.
    """
    create = lambda_svc._create_esm

    def create_unless_it_is_there(asked: dict[str, Any]) -> Any:
        arn = asked.get("EventSourceArn", "")
        name, qualifier, _ = lambda_svc._resolve_existing_esm_function(asked.get("FunctionName", ""))
        for esm in lambda_svc._esms.values() if ":sqs:" in arn else ():
            if (esm["EventSourceArn"], esm["FunctionName"], esm["Qualifier"]) == (arn, name, qualifier):
                said = f'An event source mapping with SQS arn (" {arn} ") and function (" {name} ") '
                said += (
                    f"already exists. Please update or delete the existing mapping with UUID {esm['UUID']}"
                )
                return lambda_svc.error_response_json("ResourceConflictException", said, 409)
        return create(asked)

    lambda_svc._create_esm = create_unless_it_is_there
