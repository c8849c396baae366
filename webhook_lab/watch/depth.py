"""How many messages a queue holds. SQS keeps count: a look costs the same whatever the backlog."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LOOKS_UNTIL_EMPTY = 5
"""A queue is taken for empty when so many looks in a row say so: the counts are approximate."""

_METRICS: dict[Any, str] = {
    "ApproximateNumberOfMessages": "visible",
    "ApproximateNumberOfMessagesNotVisible": "in_flight",
    "ApproximateNumberOfMessagesDelayed": "delayed",
}


def look(sqs: "SQSClient", *, url: str) -> dict[str, int]:
    """About how many messages are "visible", "in_flight" and "delayed" now."""
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(_METRICS))["Attributes"]
    return {metric: int(found[attribute]) for attribute, metric in _METRICS.items()}
