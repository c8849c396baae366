"""Look at a queue's messages and leave them in it. SQS itself shows a message only to who receives it."""

import json
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.aws.signed import signed_get
from webhook_lab.resources.queue import give_back, receive

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

_HIDDEN_SECONDS = 20  # while the others are received; then each is given back
_MOST = 1_000  # messages: few enough to be received and given back within that time


def messages_of(session: Session, *, queue_url: str, sqs: "SQSClient | None" = None) -> list[dict[str, Any]]:
    """The messages of a queue as boto3 receives them, each once; they stay there.

    Where only a receive shows them, up to 1,000 of those that are visible are received and given back at
    once by a visibility timeout of 0. **Each look then counts as one receive of each**: so it is for a
    dead-letter queue only, which has none of its own. Looks of this session are left out of their counts.

    Args:
        sqs: a client of the caller's own for that, where its calls are not to be recorded.

    Raises:
        LabError: the target refused to say.
        ClientError: SQS refused; what was received by then is given back, or is so by SQS after 20 s.
    """
    if (peeked := peek(session, queue_url=queue_url)) is not None:
        return peeked
    sqs, received = sqs or session.sqs, dict[str, Any]()
    try:
        while len(received) < _MOST:
            batch = receive(sqs, url=queue_url, hidden=_HIDDEN_SECONDS)
            seen = {each["MessageId"]: each for each in batch}
            known = seen.keys() <= received.keys()  # none, or the first ones again
            received |= seen
            session.looked_at.update(seen.keys())
            if known:
                break
    finally:
        give_back(sqs, url=queue_url, messages=list(received.values()))
    return [_less(each, session.looked_at[id_]) for id_, each in received.items()]


def _less(message: dict[str, Any], looks: int) -> dict[str, Any]:
    """The message as it was before it was only looked at so often."""
    attributes = message.get("Attributes", {})
    if received := attributes.get("ApproximateReceiveCount"):
        attributes = {**attributes, "ApproximateReceiveCount": str(max(0, int(received) - looks))}
    return {**message, "Attributes": attributes}


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
