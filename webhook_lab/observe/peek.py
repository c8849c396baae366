"""Look at a queue's messages without receiving them, where the target offers that. SQS itself does not."""

import json
from typing import Any

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.aws.signed import signed_get


def peek(session: Session, *, queue_url: str) -> list[dict[str, Any]] | None:
    """The messages of a queue as boto3 would receive them; None where only receiving shows them.

    On AWS every look is a receive: it hides the message for a while and raises its receive count.

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
