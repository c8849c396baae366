"""A CloudWatch alarm on one metric of one resource: for a dead-letter queue, one message is one too many.

Calls: DescribeAlarms, ListTagsForResource; PutMetricAlarm; DeleteAlarms. SQS gives CloudWatch its
metrics once a minute, and after an idle time up to 15 minutes late
(docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-monitoring-using-cloudwatch.html).
Where nobody publishes metrics, `state_of` judges a queue's depth by the same `Rule`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar, Literal, Self

from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.facts import prices, quotas, spoken
from webhook_lab.resources.ownership import (
    Tags,
    from_pairs,
    is_ours,
    looks_again,
    pages,
    refuse_foreign,
    to_pairs,
)
from webhook_lab.resources.resource import Listed, Resource, Rows

State = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]
"""CloudWatch's words. The last: it has not seen a value yet."""


@dataclass(frozen=True)
class Rule:
    """It is an alarm when the metric was above `threshold` in `periods` periods of `period` s in a row.

    Of each period the largest value counts, or the sum. No value is no alarm: an idle queue may publish none.

    Args:
        dimension: by which name of a resource the metric is kept, such as ``"QueueName"``.
    """

    metric: str = "ApproximateNumberOfMessagesVisible"
    threshold: int = 0
    period: int = quotas.SQS_METRICS_EVERY.value
    periods: int = 1
    namespace: str = "AWS/SQS"
    dimension: str = "QueueName"
    statistic: Literal["Maximum", "Sum"] = "Maximum"


@dataclass(frozen=True)
class Alarm(Resource):
    """An alarm on the resource called `watched`, or the same rule judged by us; then `arn` is empty."""

    kind: ClassVar[str] = "alarm"
    title: ClassVar[str] = "CloudWatch alarm"
    idle: ClassVar[str] = f"{prices.ALARM_MONTHS}; the first {prices.FREE_ALARMS} of an account are free"

    watched: str
    rule: Rule
    arn: str = ""
    state: State = "INSUFFICIENT_DATA"

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create the alarm, or restore its rule. It notifies nobody: give it an action for that.

        Raises:
            Foreign: an alarm of that name is not ours.
        """
        name, wanted = self.name, {**self._wanted(), "ActionsEnabled": False}
        found = _look(aws, name)
        if found:
            refuse_foreign(f"alarm {name!r}", _tags(aws, found["AlarmArn"]), tags)
        if any(found.get(key) != value for key, value in wanted.items()):
            # Tags are taken at creation alone; with an update CloudWatch leaves them as they are.
            aws.cloudwatch.put_metric_alarm(AlarmName=name, Tags=to_pairs(tags), **wanted)
            reason = f"alarm {name!r} to be listed"
            found = retry_until(
                lambda: _look(aws, name) or None, seconds=aws.target.traits.allow(15), reason=reason
            )
        return self._of(found)

    def _wanted(self) -> dict[str, Any]:
        rule = self.rule
        return {
            "Namespace": rule.namespace,
            "MetricName": rule.metric,
            "Dimensions": [{"Name": rule.dimension, "Value": self.watched}],
            "Statistic": rule.statistic,
            "Period": rule.period,
            "EvaluationPeriods": rule.periods,
            "Threshold": float(rule.threshold),
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }

    def cloudformation(self, logical_id: str, tags: Tags) -> dict[str, Any]:
        properties = {"AlarmName": self.name, **self._wanted(), "Tags": to_pairs(tags)}
        return {logical_id: {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        if not aws.target.traits.publishes_metrics:
            return None  # nothing to set one on; and making a client takes a tenth of a second
        found = _look(aws, name)
        if not found or not (tags is None or is_ours(_tags(aws, found["AlarmArn"]), tags)):
            return None
        return cls._of(found)

    @classmethod
    def _of(cls, found: Any) -> Self:
        dimension, watched = next(
            ((each["Name"], each["Value"]) for each in found.get("Dimensions", [])), ("", "")
        )
        rule = Rule(
            found["MetricName"],
            int(found["Threshold"]),
            found["Period"],
            found["EvaluationPeriods"],
            found["Namespace"],
            dimension,
            found["Statistic"],
        )
        state = found.get("StateValue", "INSUFFICIENT_DATA")
        return cls(found["AlarmName"], watched, rule, found["AlarmArn"], state)

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        existed = bool(_look(aws, identity))
        if existed:
            aws.cloudwatch.delete_alarms(AlarmNames=[identity])
        return existed

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:  # noqa: ARG003
        """Every alarm of the region on one metric; none where nothing publishes metrics."""
        if aws.target.traits.publishes_metrics:
            for row in pages(aws.cloudwatch, "describe_alarms", "MetricAlarms"):
                name, arn = row["AlarmName"], row["AlarmArn"]
                yield Listed(name, name, arn, partial(_tags, aws, arn))

    def rows(self) -> Rows:
        rule = self.rule
        return (
            ("Watches", f"{rule.metric} of {self.watched}"),
            ("Alarm when", f"more than {rule.threshold} in {_periods(rule.periods, rule.period)}"),
            ("Without a value", "no alarm (notBreaching)"),
            ("Tells", "nobody: it has no action"),
            ("State", self.state),
        )

    @property
    def card_title(self) -> tuple[str, str]:
        return self.title if self.arn else "The rule of a CloudWatch alarm", self.name

    @property
    def note(self) -> str:
        judged = (
            "There are no metrics here, so no alarm was created: lab judged its rule by the queue's depth."
        )
        return "" if self.arn else judged

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:
        return f"cloudwatch/home?region={aws.target.region}#alarmsV2:alarm/{name}"


def state_of(rule: Rule, visible: int) -> State:
    """What the alarm would say of a queue in which so many messages have been visible for long enough."""
    return "ALARM" if visible > rule.threshold else "OK"


def _look(aws: Session, name: str) -> Any:
    return next(iter(aws.cloudwatch.describe_alarms(AlarmNames=[name]).get("MetricAlarms", [])), {})


def _tags(aws: Session, arn: str) -> dict[str, str]:
    return from_pairs(aws.cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"])


def _periods(count: int, seconds: int) -> str:
    each = spoken(seconds, "seconds")
    return f"a period of {each}" if count == 1 else f"{count} periods of {each} in a row"
