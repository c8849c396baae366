"""Take the dead-letter queue's messages back to the queue, in the way that the target has."""

from webhook_lab.aws.errors import explain
from webhook_lab.pipeline.build import Pipeline
from webhook_lab.resources.redrive import Redriven, Told, redrive_by_hand, redrive_by_task


def redrive(pipeline: Pipeline, told: Told = lambda _: None) -> Redriven:
    """Move every message, and lose none; see `webhook_lab.resources.redrive`.

    Args:
        told: called with how many were moved so far, where it is done by hand.

    Raises:
        LabError: a queue is missing, or SQS refused or failed to move them.
    """
    sqs, dlq, queue = pipeline.session.sqs, pipeline.get("dlq"), pipeline.get("queue")
    with explain(f"redrive dead-letter queue {dlq.name!r}"):
        if pipeline.session.target.traits.moves_messages:
            return redrive_by_task(sqs, dlq_url=dlq.url, dlq_arn=dlq.arn, queue_arn=queue.arn)
        return redrive_by_hand(sqs, dlq_url=dlq.url, queue_url=queue.url, told=told)
