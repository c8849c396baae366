"""The dead-letter queue's alarm: judged by us, and where CloudWatch has one, created, torn down and swept."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from webhook_lab import sweep
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.operations import dead_letter_alarm

PREFIX = "lab-alarmed"


@pytest.fixture
def pipeline(cloud: Cloud, tmp_path: Path) -> Iterator[Pipeline]:
    built = Pipeline(Session(resolve()), Names(PREFIX), Ledger(tmp_path / "ledger.jsonl"))
    built.build("queue")
    yield built
    built.teardown()


@pytest.fixture
def with_metrics(pipeline: Pipeline) -> Pipeline:
    """As on AWS. The emulator keeps alarms, and never judges them by a queue."""
    target = pipeline.session.target
    pipeline.session.target = replace(target, traits=replace(target.traits, publishes_metrics=True))
    return pipeline


def rows(pipeline: Pipeline) -> set[str]:
    return {row.kind for row in pipeline.ledger.open_rows()}


def test_without_metrics_the_rule_is_judged_by_the_depth_and_nothing_is_created(pipeline: Pipeline) -> None:
    assert dead_letter_alarm(pipeline).state == "OK"
    pipeline.session.sqs.send_message(QueueUrl=pipeline.get("dlq").url, MessageBody="dead")
    alarm = dead_letter_alarm(pipeline)
    assert (alarm.state, alarm.arn) == ("ALARM", "")
    assert "alarm" not in rows(pipeline)
    assert "cloudwatch" not in vars(pipeline.session)  # a client takes a tenth of a second to make


def test_with_metrics_an_alarm_is_created_once_and_goes_with_what_is_restored(with_metrics: Pipeline) -> None:
    lab = with_metrics
    alarm = dead_letter_alarm(lab)
    assert alarm.arn
    assert "alarm" in rows(lab)
    mark = lab.session.calls.mark()
    assert dead_letter_alarm(lab) == alarm
    assert "PutMetricAlarm" not in {call.operation for call in lab.session.calls.since(mark)}
    lab.restore("queue")
    assert "alarm" not in rows(lab)
    assert lab.look_up("alarm") is None


def test_a_teardown_takes_the_alarm_and_says_so(with_metrics: Pipeline) -> None:
    dead_letter_alarm(with_metrics)
    assert [each.kind for each in with_metrics.teardown().removed] == ["alarm", "queue", "queue", "table"]
    assert sweep.remaining(with_metrics.session, PREFIX) == []


def test_a_sweep_finds_an_alarm_without_the_ledger_and_no_strangers(with_metrics: Pipeline) -> None:
    dead_letter_alarm(with_metrics)
    strange = {"ComparisonOperator": "GreaterThanThreshold", "EvaluationPeriods": 1, "Threshold": 0.0}
    cloudwatch = with_metrics.session.cloudwatch
    name = f"{PREFIX}-audit-dead-letters"
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="x", MetricName="y", Period=60, Statistic="Sum", **strange
    )
    found = [each for each in sweep.remaining(with_metrics.session, PREFIX) if each.kind == "alarm"]
    assert [(each.name, each.why) for each in found] == [(f"{PREFIX}-dead-letters", "tag")]
    sweep.remove(with_metrics.session, found)
    assert with_metrics.look_up("alarm") is None
    cloudwatch.delete_alarms(AlarmNames=[name])
