"""The alarm on the dead-letter queue: CloudWatch's, or its rule judged by us where there are no metrics."""

from webhook_lab.aws.errors import explain
from webhook_lab.pipeline.build import Pipeline
from webhook_lab.resources.alarm import Alarm, state_of
from webhook_lab.resources.queue import depth


def dead_letter_alarm(pipeline: Pipeline) -> Alarm:
    """Create the alarm where the target publishes metrics, and return it with its state.

    Elsewhere nothing is created: the same rule is judged by what the queue holds at this moment.

    Raises:
        LabError: there is no dead-letter queue, or AWS refused.
    """
    names, rule = pipeline.names, pipeline.settings.dead_letter_alarm
    if pipeline.session.target.traits.publishes_metrics:
        alarm: Alarm = pipeline.ensure("alarm")
        return alarm
    with explain(f"read the depth of {names.dlq!r}"):
        visible = depth(pipeline.session.sqs, url=pipeline.get("dlq").url).visible
    return Alarm(names.alarm, "", names.dlq, rule, state_of(rule, visible))
