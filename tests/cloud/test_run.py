"""Bursts, the watch and the throttle of a lab, on the local cloud."""

import contextlib
import io
import json
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_until
from webhook_lab.lab import Lab
from webhook_lab.local_cloud import Cloud

pytestmark = pytest.mark.alone
ORDER = ("PutFunctionConcurrency", "UpdateEventSourceMapping")


@pytest.fixture(scope="module")
def lab(cloud: Cloud) -> Iterator[Lab]:
    with contextlib.redirect_stdout(io.StringIO()):
        opened = Lab.open(chapter="08")
        yield opened
        opened.teardown()


def changes(lab: Lab, mark: int) -> list[str]:
    return [call.operation for call in lab.aws.calls.since(mark) if call.operation in ORDER]


@pytest.mark.parametrize("invocations", [1, 0, -2, 1001, 2.5, True, "3"])
@pytest.mark.parametrize("watched", [False, True])
def test_a_throttle_out_of_range_changes_nothing(lab: Lab, invocations: int, watched: bool) -> None:
    lab.watched = lab.watch(show=False) if watched else None
    mark = lab.aws.calls.mark()
    with pytest.raises(LabError, match="whole number from 2 to 1,000"):
        lab.set_throttle(invocations)
    assert not changes(lab, mark)
    if lab.watched:
        lab.watched.stop()
        assert lab.watched.watch.limit == 2
        lab.watched = None


def test_a_burst_is_counted_to_its_end(lab: Lab) -> None:
    run = lab.watch(show=False)
    lab.burst(10, redelivered=0.5, providers=["standard-webhooks", "github"])
    facts = run.wait().facts()
    assert facts.pop("peak concurrency") <= 2
    assert facts == {
        "sent": 15, "rejected": 0, "stored": 10, "duplicates": 5, "dead": 0,
        "waiting": 0, "in flight": 0, "lost": 0,
    }  # fmt: skip


def test_a_burst_out_of_range_sends_nothing(lab: Lab) -> None:
    with pytest.raises(LabError, match="number of deliveries"):
        lab.burst(0)
    with pytest.raises(LabError, match="cap"):
        lab.burst(10, cap=5)


def test_what_is_taken_back_is_watched_until_it_has_come_out(lab: Lab) -> None:
    lab.create_mapping(enabled=False)
    answers = [lab.send("/refunds", f"{number}") for number in range(3)]
    while messages := lab.aws.sqs.receive_message(QueueUrl=lab.queue_url, WaitTimeSeconds=1).get("Messages"):
        for each in messages:
            lab.aws.sqs.send_message(QueueUrl=lab.dlq_url, MessageBody=each["Body"])
            lab.aws.sqs.delete_message(QueueUrl=lab.queue_url, ReceiptHandle=each["ReceiptHandle"])
    run = lab.watch(show=False)
    assert not run.is_over()
    assert lab.redrive().rows[:2] == (("Moved", "3 messages"), ("Left", "no messages"))
    lab.create_mapping()
    facts = run.wait().facts()
    assert (facts["stored"], facts["dead"]) == (3, 0)
    assert all(lab.item(str(answer.id)) for answer in answers)


def test_a_run_that_is_not_over_in_time_says_where_its_messages_are(lab: Lab) -> None:
    lab.create_mapping(enabled=False)
    run = lab.watch(show=False)
    lab.burst(5).wait()
    with pytest.raises(LabError, match="5 waiting, 0 in flight, 0 lost"):
        run.wait(seconds=1)
    lab.create_mapping()
    run = lab.watch(show=False)
    lab.burst(1)
    assert run.wait().facts()["lost"] == 0


def test_a_run_that_is_stopped_early_says_so_before_each_number(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.create_mapping(enabled=False)
    run = lab.watch(show=False)
    lab.burst(5).wait()
    run.stop()
    facts = run.facts()
    assert (facts["waiting"], facts["in flight"], facts["lost"], facts["stored"]) == (5, 0, 0, 0)
    told = "stopped before all had come out: 0 settled, 0 dead, 5 waiting, 0 in flight, 0 lost"
    assert told in capsys.readouterr().out
    for look in (run.fates, run.receives, run.latencies, run.timeline, lambda: run.prediction(5)):
        look()
        assert told in capsys.readouterr().out
    assert run.prediction(5).says == ("Predicted 5.0 s; stopped after 0.0 s, with 5 not out yet",)
    lab.create_mapping()
    capsys.readouterr()
    run = lab.watch(show=False)  # what the earlier one left is none of its own
    lab.burst(1)
    assert run.wait().facts()["stored"] == 1
    assert "stopped before" not in capsys.readouterr().out


def test_a_prediction_for_settings_that_did_not_stand_is_refused(lab: Lab) -> None:
    run = lab.watch(show=False)
    lab.burst(2)
    run.wait()
    assert run.prediction(5, work_seconds=0, batch_size=10, maximum_concurrency=2)
    assert run.on_paper(lab.scenario()).facts["stored"] == 2
    with pytest.raises(LabError, match=r"it is for work_seconds 0\.25, and the run had 0\.0"):
        run.prediction(5, work_seconds=0.25)
    with pytest.raises(LabError, match="batch_size 1, and the run had 10"):
        run.on_paper(lab.scenario(batch_size=1))


def test_controls_grey_out_when_others_take_their_place_and_when_the_run_is_over(lab: Lab) -> None:
    def threads() -> int:
        return sum(thread.name == "control" for thread in threading.enumerate())

    before = threads()
    run = lab.watch(show=False)
    first, second = lab.controls(most=10), lab.controls(most=10)
    assert (first.send.disabled, second.send.disabled) == (True, False)
    run.stop()
    third = lab.controls(most=10)
    assert second.send.disabled
    assert third.send.disabled
    retry_until(lambda: threads() == before or None, seconds=10, reason="the controls' threads to end")


def test_attempts_are_waited_for_and_dead_letters_noted(lab: Lab) -> None:
    answer = lab.send("/hello", "{}")
    (attempt,) = lab.attempts.wait(answer, 1)
    assert (attempt.message_id, attempt.outcome) == (answer.message_id, "stored")
    assert attempt in lab.attempts()
    chart = lab.attempts.chart({"the delivery": answer})
    assert chart.says == ("1 message, and none failed",)
    sent = lab.aws.sqs.send_message(QueueUrl=lab.dlq_url, MessageBody="dead")
    named = json.dumps({"message_id": sent["MessageId"]}).encode()
    assert lab.attempts.wait_for_dead(replace(answer, body=named)) == 1
    assert sent["MessageId"] in lab.attempts.dead_since
    assert lab.attempts.wait_for("stored", answer) == attempt
