"""Look at a queue's messages and leave them in it. SQS itself shows a message only to who receives it."""

import json
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.aws.signed import signed_get
from webhook_lab.facts import quotas

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_HIDDEN_SECONDS = 20  # while the others are received; then each is given back
_MOST = 1_000  # messages: few enough to be received and given back within that time


def messages_of(session: Session, *, queue_url: str, sqs: "SQSClient | None" = None) -> list[dict[str, Any]]:
    """The messages of a queue as boto3 receives them, each once; they stay there.

    Where only a receive shows them, up to 1,000 of those that are visible are received and given back at
    once by a visibility timeout of 0. **Each look then counts as one receive of each**: harmless in a
    dead-letter queue, and one step nearer to it in a queue that has one.

    Args:
        sqs: a client of the caller's own for that, where its calls are not to be recorded.

    Raises:
        LabError: the target refused to say.
        ClientError: SQS refused; what was received by then is given back, or is so by SQS after 20 s.
    """
    if (seen := peek(session, queue_url=queue_url)) is not None:
        return seen
    sqs, most = sqs or session.sqs, quotas.SQS_BATCH_ENTRIES.value
    received: dict[str, Any] = {}
    ask: Any = {"MessageSystemAttributeNames": ["All"], "MessageAttributeNames": ["All"]}
    try:
        while len(received) < _MOST:
            # Long polling asks every server of SQS: an empty answer then means that no more wait.
            batch: list[Any] = sqs.receive_message(
                QueueUrl=queue_url,
                MaxNumberOfMessages=most,
                VisibilityTimeout=_HIDDEN_SECONDS,
                WaitTimeSeconds=1,
                **ask,
            ).get("Messages", [])
            if all(each["MessageId"] in received for each in batch):  # none, or the first ones again
                break
            received |= {each["MessageId"]: each for each in batch}
    finally:
        handles = [each["ReceiptHandle"] for each in received.values()]
        for start in range(0, len(handles), most):
            # One that is refused is no longer hidden by us: its time was up.
            sqs.change_message_visibility_batch(
                QueueUrl=queue_url,
                Entries=[
                    {"Id": str(i), "ReceiptHandle": handle, "VisibilityTimeout": 0}
                    for i, handle in enumerate(handles[start : start + most])
                ],
            )
    return list(received.values())


def peek(session: Session, *, queue_url: str) -> list[dict[str, Any]] | None:
    """The messages of a queue without receiving them; None where only `messages_of` shows them.

    Raises:
        LabError: the target refused to say.
    """
    path = session.target.traits.peek_path
    if path is None:
        return None
    query = {"QueueUrl": queue_url, "region": session.target.region, "account": session.target.account}
    url = f"{session.target.endpoint_url}{path}"
    status, text = signed_get(url, session.credentials, session.target.region, query)
    if status != 200:
        raise LabError(f"peek at {queue_url}", text, "Run the notebook's first cell again.")
    by_account = json.loads(text)["messages"]
    regions = [region for regions in by_account.values() for region in regions.values()]
    queues = [queue for region in regions for queue in region.values()]
    return [_as_received(message) for queue in queues for message in queue]


def _as_received(message: dict[str, Any]) -> dict[str, Any]:
    attributes = {"ApproximateReceiveCount": str(message["ReceiveCount"]), **message["Attributes"]}
    return {"MessageId": message["MessageId"], "Body": message["Body"], "Attributes": attributes}
