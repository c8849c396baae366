"""A CloudWatch alarm on how many messages wait in a queue: for a dead-letter queue, one is one too many.

Calls: DescribeAlarms, ListTagsForResource; PutMetricAlarm; DeleteAlarms. SQS gives CloudWatch its
metrics once a minute, and after an idle time up to 15 minutes late
(docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html).
Where nobody publishes metrics, `state_of` judges a queue's depth by the same `Rule`.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from webhook_lab.aws.retry import retry_until
from webhook_lab.facts import quotas
from webhook_lab.resources.ownership import Tags, from_pairs, is_ours, refuse_foreign, to_pairs

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
"""CloudWatch's words. The last: it has not seen a value yet."""


@dataclass(frozen=True)
class Rule:
    """It is an alarm when the metric was above `threshold` in `periods` periods of `period` s in a row.

    Of each period the largest value counts. No value is no alarm: an idle queue may publish none.
    """

    metric: str = "ApproximateNumberOfMessagesVisible"
    threshold: int = 0
    period: int = quotas.SQS_METRICS_EVERY.value
    periods: int = 1


@dataclass(frozen=True)
class Alarm:
    """An alarm, or the same rule judged by us; `arn` is empty where there is no alarm."""

    name: str
    arn: str
    queue_name: str
    rule: Rule
    state: State


def state_of(rule: Rule, visible: int) -> State:
    """What the alarm would say of a queue in which so many messages have been visible for long enough."""
    return "ALARM" if visible > rule.threshold else "OK"


def ensure_alarm(
    cloudwatch: "CloudWatchClient", *, name: str, queue_name: str, rule: Rule, tags: Tags
) -> Alarm:
    """Create the alarm, or restore its rule. It notifies nobody: give it an action for that.

    Raises:
        Foreign: an alarm of that name is not ours.
    """
    wanted: dict[str, Any] = {
        "Namespace": "AWS/SQS",
        "MetricName": rule.metric,
        "Dimensions": [{"Name": "QueueName", "Value": queue_name}],
        "Statistic": "Maximum",
        "Period": rule.period,
        "EvaluationPeriods": rule.periods,
        "Threshold": float(rule.threshold),
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "ActionsEnabled": False,
    }
    found = _look(cloudwatch, name)
    if found:
        refuse_foreign(f"alarm {name!r}", _tags(cloudwatch, found), tags)
    if any(found.get(key) != value for key, value in wanted.items()):
        # Tags are taken at creation alone; with an update CloudWatch leaves them as they are.
        cloudwatch.put_metric_alarm(AlarmName=name, Tags=to_pairs(tags), **wanted)
        found = retry_until(
            lambda: _look(cloudwatch, name) or None, seconds=15, reason=f"alarm {name!r} to be listed"
        )
    return _alarm(found)


def describe_alarm(cloudwatch: "CloudWatchClient", *, name: str, tags: Tags | None = None) -> Alarm | None:
    """The alarm as it is now, or None."""
    found = _look(cloudwatch, name)
    if not found or not (tags is None or is_ours(_tags(cloudwatch, found), tags)):
        return None
    return _alarm(found)


def delete_alarm(cloudwatch: "CloudWatchClient", *, name: str, tags: Tags | None = None) -> bool:
    """Delete the alarm. False when there was none."""
    if describe_alarm(cloudwatch, name=name, tags=tags) is None:
        return False
    cloudwatch.delete_alarms(AlarmNames=[name])
    return True


def _look(cloudwatch: "CloudWatchClient", name: str) -> Any:
    return next(iter(cloudwatch.describe_alarms(AlarmNames=[name]).get("MetricAlarms", [])), {})


def _tags(cloudwatch: "CloudWatchClient", found: Any) -> dict[str, str]:
    return from_pairs(cloudwatch.list_tags_for_resource(ResourceARN=found["AlarmArn"])["Tags"])


def _alarm(found: Any) -> Alarm:
    named = {each["Name"]: each["Value"] for each in found.get("Dimensions", [])}
    rule = Rule(found["MetricName"], int(found["Threshold"]), found["Period"], found["EvaluationPeriods"])
    queue_name, state = named.get("QueueName", ""), found.get("StateValue", "INSUFFICIENT_DATA")
    return Alarm(found["AlarmName"], found["AlarmArn"], queue_name, rule, state)
