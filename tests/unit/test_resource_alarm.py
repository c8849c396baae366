"""The alarm's calls to CloudWatch, one by one, and its rule judged without it."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.aws.errors import Foreign
from webhook_lab.resources.alarm import (
    Alarm,
    Rule,
    delete_alarm,
    describe_alarm,
    ensure_alarm,
    state_of,
)

NAME, QUEUE = "lab-dead-letters", "lab-webhooks-dlq"
ARN = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{NAME}"
TAGS = {"webhook-lab": "lab"}
PAIRS = [{"Key": "webhook-lab", "Value": "lab"}]
PUT: dict[str, Any] = {
    "Namespace": "AWS/SQS",
    "MetricName": "ApproximateNumberOfMessagesVisible",
    "Dimensions": [{"Name": "QueueName", "Value": QUEUE}],
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 0.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "ActionsEnabled": False,
}
MADE = Alarm(NAME, ARN, QUEUE, Rule(), "INSUFFICIENT_DATA")


def script_look(script: Any, tags: list[dict[str, str]] | None = None, **found: Any) -> None:
    """Someone looks: there is an alarm with these settings, or none."""
    alarm = {"AlarmName": NAME, "AlarmArn": ARN, "StateValue": "INSUFFICIENT_DATA", **PUT, **found}
    alarms = [] if found == {"AlarmName": ""} else [alarm]
    script.add_response("describe_alarms", {"MetricAlarms": alarms}, {"AlarmNames": [NAME]})
    if tags is not None:
        script.add_response("list_tags_for_resource", {"Tags": tags}, {"ResourceARN": ARN})


def script_absent(script: Any) -> None:
    script_look(script, AlarmName="")


def script_put(script: Any) -> None:
    script.add_response("put_metric_alarm", {}, {"AlarmName": NAME, "Tags": PAIRS, **PUT})


def ensure(cloudwatch: Any) -> Alarm:
    return ensure_alarm(cloudwatch, name=NAME, queue_name=QUEUE, rule=Rule(), tags=TAGS)


@pytest.mark.parametrize(("visible", "state"), [(0, "OK"), (1, "ALARM"), (1_000, "ALARM")])
def test_one_dead_letter_is_an_alarm(visible: int, state: str) -> None:
    assert state_of(Rule(), visible) == state


def test_an_absent_alarm_is_created_with_its_tags_and_listed_in_a_moment(
    stub: Any, pauses: list[float]
) -> None:
    cloudwatch, script = stub("cloudwatch")
    script_absent(script)
    script_put(script)
    script_absent(script)
    script_look(script)
    assert ensure(cloudwatch) == MADE
    assert len(pauses) == 1


def test_an_alarm_that_stands_is_left_as_it_is_and_says_its_state(stub: Any) -> None:
    cloudwatch, script = stub("cloudwatch")
    script_look(script, PAIRS, StateValue="ALARM")
    assert ensure(cloudwatch).state == "ALARM"


@pytest.mark.parametrize("change", [{"Threshold": 5.0}, {"Period": 300}, {"ActionsEnabled": True}])
def test_an_alarm_with_another_rule_is_put_right(stub: Any, change: dict[str, Any]) -> None:
    cloudwatch, script = stub("cloudwatch")
    script_look(script, PAIRS, **change)
    script_put(script)
    script_look(script)
    assert ensure(cloudwatch) == MADE


def test_somebody_elses_alarm_is_left_alone(stub: Any) -> None:
    cloudwatch, script = stub("cloudwatch")
    script_look(script, [], Threshold=5.0)
    with pytest.raises(Foreign, match=NAME):
        ensure(cloudwatch)
    script_look(script, [])
    assert describe_alarm(cloudwatch, name=NAME, tags=TAGS) is None
    script_look(script, [])
    assert not delete_alarm(cloudwatch, name=NAME, tags=TAGS)


@pytest.mark.parametrize("code", ["AccessDenied", "LimitExceeded"])
def test_a_refusal_is_raised_as_aws_said_it(stub: Any, code: str) -> None:
    cloudwatch, script = stub("cloudwatch")
    script_absent(script)
    script.add_client_error("put_metric_alarm", code)
    with pytest.raises(ClientError, match=code):
        ensure(cloudwatch)


def test_an_alarm_is_deleted_once(stub: Any) -> None:
    cloudwatch, script = stub("cloudwatch")
    script_look(script, PAIRS)
    script.add_response("delete_alarms", {}, {"AlarmNames": [NAME]})
    assert delete_alarm(cloudwatch, name=NAME, tags=TAGS)
    script_absent(script)
    assert not delete_alarm(cloudwatch, name=NAME, tags=TAGS)
