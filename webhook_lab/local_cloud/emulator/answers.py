"""Calls that AWS answers in another way than the emulator does."""

import asyncio
import time
from typing import Any

from ministack.core import iam_actions
from ministack.services import lambda_svc, sqs

from webhook_lab.facts import quotas

_LOOK_SECONDS = 0.05
"""Between two looks of a long poll: half of the emulator's own, which a message waits for."""
_LARGE, _SHARE = 1_000, 20
"""From so many messages on a count may take a twentieth of the time, unless a twentieth of them changed."""
_WAIT_REFUSED = (
    "Value {} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."
)


def batches_need_no_permission_of_their_own() -> None:
    """Who may send, delete or change one message may do so with ten in one call.

    AWS: IAM has one action for both
        (docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-api-permissions-reference.html).
    Emulator: asks for sqs:DeleteMessageBatch and the like, which no policy can name.
    Shown by: test_with_a_maximum_concurrency_none_dies
    Upstream: a fix retires this.
    """
    action_of = iam_actions.extract_iam_action

    def of_one_message(service: str, *request: Any) -> str | None:
        action: str | None = action_of(service, *request)
        return action.removesuffix("Batch") if action and service == "sqs" else action

    iam_actions.extract_iam_action = of_one_message


def functions_are_ready_at_once() -> None:
    """A created or changed function can be invoked immediately.

    AWS: it is Pending for some seconds; the library waits for function_active_v2 and function_updated_v2.
    Emulator: it is Pending for half a second, for realism: a second of every build, for nothing.
    Shown by: the bench's time of a build.
    Upstream: stays ours: a setting of it would do.
    """
    lambda_svc._LAMBDA_STATE_TRANSITION_DELAY = 0.0


def long_polls_heed_changes() -> None:
    """A long poll hides what it finds for as long as the queue says when it finds it.

    AWS: a changed visibility timeout holds within a minute, and no poll is longer than 20 s.
    Emulator: what was set when the poll began holds, up to 20 s later; a longer poll waits until its caller
        gives up and tries again.
    Shown by: test_a_poll_longer_than_aws_allows_is_refused_in_its_words
    Upstream: a fix retires this.
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


def no_second_mapping_of_the_same() -> None:
    """A queue has one mapping to a function, else two would read for it, each up to its own maximum.

    AWS: refuses, in these words (as reported in https://github.com/DataBiosphere/azul/issues/3399).
    Emulator: creates another one.
    Shown by: test_a_queue_has_one_mapping_to_a_function
    Upstream: a fix retires this.
    """
    create = lambda_svc._create_esm

    def create_unless_it_is_there(asked: dict[str, Any]) -> Any:
        arn = asked.get("EventSourceArn", "")
        name, qualifier, _ = lambda_svc._resolve_existing_esm_function(asked.get("FunctionName", ""))
        for esm in lambda_svc._esms.values() if ":sqs:" in arn else ():
            if (esm["EventSourceArn"], esm["FunctionName"], esm["Qualifier"]) == (arn, name, qualifier):
                said = f'An event source mapping with SQS arn (" {arn} ") and function (" {name} ") '
                said += "already exists. Please update or delete the existing mapping with UUID "
                return lambda_svc.error_response_json("ResourceConflictException", said + esm["UUID"], 409)
        return create(asked)

    lambda_svc._create_esm = create_unless_it_is_there


def receipt_handles_end() -> None:
    """A receipt handle hides its message for longer only while that is in flight.

    AWS: refuses, with MessageNotInflight
        (docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html).
    Emulator: a handle that has expired hides the message from others again.
    Shown by: test_an_expired_receipt_handle_hides_nothing
    Upstream: a fix retires this.
    """
    change = sqs._HANDLERS["ChangeMessageVisibility"]

    def change_in_flight(asked: dict[str, Any], queue_url: str) -> dict[str, Any]:
        queue, handle = sqs._get_q(asked.get("QueueUrl", queue_url)), asked.get("ReceiptHandle")
        if any(m["receipt_handle"] == handle and m["visible_at"] <= time.time() for m in queue["messages"]):
            raise sqs._Err("MessageNotInflight", "The specified message isn't in flight.")
        return change(asked, queue_url)  # type: ignore[no-any-return]

    def change_each(asked: dict[str, Any], queue_url: str) -> dict[str, Any]:
        sqs._get_q(asked.get("QueueUrl", queue_url), "sqs:ChangeMessageVisibility")
        entries = asked.get("Entries", [])
        sqs._validate_batch_entries(entries, "ChangeMessageVisibilityBatchRequestEntry")
        answer: dict[str, Any] = {"Successful": [], "Failed": []}
        for entry in entries:
            try:
                change_in_flight({**asked, **entry}, queue_url)
                answer["Successful"].append({"Id": entry["Id"]})
            except sqs._Err as error:
                said = {"Code": error.code, "Message": error.message, "SenderFault": True}
                answer["Failed"].append({"Id": entry["Id"], **said})
        return answer

    changes = {"ChangeMessageVisibility": change_in_flight, "ChangeMessageVisibilityBatch": change_each}
    sqs._HANDLERS.update(changes)


def counting_takes_little() -> None:
    """Counting what a large queue holds takes a twentieth of the time at most.

    AWS: depths are approximate, and as fast at any backlog.
    Emulator: counts message by message at each question. A watch asks five times a second: at a backlog of
        20,000 the server would do little else.
    Shown by: test_under_kills_nothing_is_lost_or_stored_twice_and_nothing_grows
    Upstream: a fix retires this.
    """
    count = sqs._refresh_counts

    def count_now_and_then(queue: dict[str, Any]) -> None:
        held, (again_at, counted) = len(queue["messages"]), queue.get("_counted", (0.0, 0))
        if time.monotonic() < again_at and abs(held - counted) < counted / _SHARE:
            return
        began = time.thread_time()  # on a busy machine a clock would show more than it took
        count(queue)
        pause = (time.thread_time() - began) * _SHARE if held >= _LARGE else 0
        queue["_counted"] = time.monotonic() + pause, held

    sqs._refresh_counts = count_now_and_then
