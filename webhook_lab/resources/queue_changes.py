"""What was set of a queue, until SQS acts on it: "can take up to 60 seconds" (SetQueueAttributes)."""

import json
import time
from collections.abc import Mapping
from typing import Any

from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session


def being_set(aws: Session, url: str) -> dict[Any, str]:
    """What this session has set of the queue so lately that SQS may neither show it nor act on it yet."""
    since = time.time() - aws.target.traits.queue_lag
    calls = [each for each in aws.calls.since() if each.operation == "SetQueueAttributes" and each.at > since]
    taken = [each.params for each in calls if each.params["QueueUrl"] == url and each.error is None]
    return {name: value for params in taken for name, value in params["Attributes"].items()}


def settle(aws: Session, url: str) -> bool:
    """Wait until SQS acts on what this session has set of the queue, by whichever call; False: on nothing.

    Raises:
        LabError: SQS does not show what was set, as where somebody else has set it anew.
    """
    if not (wanted := being_set(aws, url)):
        return False
    traits, names = aws.target.traits, list(wanted)

    def shown() -> Any:
        return aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]

    return retry_until(
        lambda: not (being_set(aws, url) or differing_in(shown(), wanted)) or None,
        seconds=traits.allow(traits.queue_lag),
        reason="SQS to act on what was set of the queue",
    )


def differing_in(found: Mapping[str, str], wanted: Mapping[Any, str]) -> dict[Any, str]:
    """What is wanted and not found so."""
    return {key: value for key, value in wanted.items() if not _same(found.get(key, ""), value)}


def _same(found: str, wanted: str) -> bool:
    # By value: a redrive policy is JSON, in whatever order and spacing it was written.
    return found == wanted or (bool(found and wanted) and json.loads(found) == json.loads(wanted))
