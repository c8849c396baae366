"""The checks of chapters 00, 02 and 03: each claim holds where it should, else says what is so."""

from dataclasses import replace
from typing import Any

import pytest

from tests.cloud import checked_lab
from tests.cloud.checked_lab import Verdict, at, fails, only_receives, received
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.lab import Lab
from webhook_lab.resources.queue import Depth

Receipt = dict[str, Any]

ledger, lab, verdict = checked_lab.ledger, checked_lab.lab, checked_lab.verdict
at_00, at_02, at_03 = map(at, ("00", "02", "03"))


# --- 00


@at_00
def test_an_aws_that_refuses_these_credentials_does_not_answer(lab: Lab) -> None:
    lab.checkpoint("DynamoDB, SQS and Lambda answer")
    lab.aws = Session(replace(lab.aws.target, secret_access_key="wrong"))
    with pytest.raises(LabError, match="SignatureDoesNotMatch"):
        lab.checkpoint("DynamoDB, SQS and Lambda answer")


@at_00
def test_nothing_stands_until_something_does(lab: Lab) -> None:
    lab.checkpoint("nothing of this lab stands yet")
    lab.create_table()
    fails(lab, "nothing of this lab stands yet", "these stand: lab-checked-deliveries")


@at_00
def test_a_throttle_above_what_the_account_runs_is_none(lab: Lab) -> None:
    claim = "this account can run more functions at once than the throttle lets through"
    lab.checkpoint(claim)
    lab.configure(maximum_concurrency=100_000)
    fails(lab, claim, "the throttle is 100000")
    lab.configure(maximum_concurrency=None)
    fails(lab, claim, "no maximum concurrency")


@at_00
def test_the_log_group_has_to_stand_to_forget_after_a_day_and_to_go_again(lab: Lab) -> None:
    stands, gone = "the log group stands, and keeps its lines for one day", "the log group is gone again"
    fails(lab, stands, "there is no publish log group")
    lab.checkpoint(gone)
    name = lab.names.log_group("publish")
    lab.create_log_group("publish")
    lab.checkpoint(stands)
    fails(lab, gone, "the log group stands")
    lab.aws.logs.put_retention_policy(logGroupName=name, retentionInDays=3)
    fails(lab, stands, "for 3 days")
    lab.aws.logs.delete_retention_policy(logGroupName=name)
    fails(lab, stands, "for all days")


@at_00
def test_a_table_of_that_name_that_is_not_the_labs_solves_nothing(lab: Lab, verdict: Verdict) -> None:
    assert verdict() == "Exercise: not tried yet."
    lab.aws.dynamodb.create_table(
        TableName=lab.names.table,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert "does not carry this lab's tag" in verdict()
    lab.aws.dynamodb.delete_table(TableName=lab.names.table)
    lab.create_table()
    assert verdict() == "Exercise: solved. The table stands, and it is the lab's own."


# --- 02


def put(lab: Lab, name: str, body: str, **more: Any) -> None:
    item = {"id": {"S": lab.delivery_id(name)}, "body": {"S": body}, **more}
    lab.aws.dynamodb.put_item(TableName=lab.names.table, Item=item)


@at_02
def test_the_table_stands_only_with_its_time_to_live(lab: Lab) -> None:
    claim = "the table stands, on demand and keyed by id"
    fails(lab, claim, "there is no table")
    lab.create_table()
    lab.checkpoint(claim)
    lab.aws.dynamodb.update_time_to_live(
        TableName=lab.names.table,
        TimeToLiveSpecification={"Enabled": False, "AttributeName": "expires_at"},
    )
    fails(lab, claim, "expires items by None")


@at_02
@pytest.mark.parametrize(
    ("claim", "name", "holds", "does_not"),
    [
        ("the plain second write replaced the first", "order-1", "second copy", "first copy"),
        ("the refused write changed nothing", "order-2", "first copy", "second copy"),
    ],
)
def test_which_copy_is_stored_is_asked_of_the_table(
    lab: Lab, claim: str, name: str, holds: str, does_not: str
) -> None:
    lab.create_table()
    fails(lab, claim, f"{name} is not stored")
    put(lab, name, does_not)
    fails(lab, claim, f"is '{does_not}'")
    put(lab, name, holds)
    lab.checkpoint(claim)


@at_02
def test_write_units_are_those_of_the_stored_item(lab: Lab) -> None:
    claim = "a body of 2,500 bytes takes three write units"
    lab.create_table()
    fails(lab, claim, "large is not stored")
    put(lab, "large", "x" * 500)
    fails(lab, claim, "has 500 bytes")
    put(lab, "large", "x" * 3_500)
    fails(lab, claim, "took 4 write units")
    put(lab, "large", "x" * 2_500)
    lab.checkpoint(claim)


@at_02
@pytest.mark.parametrize(
    ("body", "delivered_by", "says"),
    [
        ("second copy", {"SS": ["message-1", "message-2"]}, "The body is 'second copy'"),
        ("first copy", {"SS": ["message-1"]}, "does not hold message-2"),
        ("first copy", {"L": [{"S": "message-1"}, {"S": "message-2"}]}, "delivered_by is no set"),
        ("first copy", {"SS": ["message-1", "message-2", "message-3"]}, "holds 3 message ids"),
        ("first copy", {"SS": ["message-1", "message-2"]}, "Exercise: solved."),
    ],
)
def test_a_repetition_is_noted_in_a_set_and_the_first_body_stays(
    lab: Lab, verdict: Verdict, body: str, delivered_by: dict[str, Any], says: str
) -> None:
    lab.create_table()
    assert verdict() == "Exercise: not tried yet."
    put(lab, "order-3", body, delivered_by=delivered_by)
    assert says in verdict()


# --- 03


def send(lab: Lab, body: str, key: str = "queue") -> None:
    lab.aws.sqs.send_message(QueueUrl=lab.pipeline.get(key).url, MessageBody=body)


def receive(lab: Lab, key: str = "queue") -> Receipt:
    url = lab.pipeline.get(key).url
    received = lab.aws.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1)
    return {"QueueUrl": url, "ReceiptHandle": received["Messages"][0]["ReceiptHandle"]}


@at_03
def test_the_dead_letter_queue_has_to_be_behind_the_queue(lab: Lab) -> None:
    claim = "the queue has a dead-letter queue behind it"
    fails(lab, claim, "there is no dead-letter queue")
    lab.create_dead_letter_queue()
    fails(lab, claim, "there is no queue")
    lab.create_queue(max_receive_count=1)
    fails(lab, claim, "moved after 1 receives")
    lab.create_queue(dead_letter_arn=None)
    fails(lab, claim, "no dead-letter queue")
    lab.create_queue()
    lab.checkpoint(claim)


@at_03
def test_a_message_is_in_flight_from_its_receive_to_its_delete(lab: Lab) -> None:
    lab.create_dead_letter_queue()
    lab.create_queue()
    send(lab, "order 1")
    fails(lab, "the message is in flight", "1 visible and 0 in flight, not 0 and 1")
    receipt = receive(lab)
    lab.checkpoint("the message is in flight")
    gone = (
        "the deleted message is gone",
        "the late message came and is gone",
        "nothing of what SQS refused is in the queue",
    )
    for claim in gone:
        fails(lab, claim, "0 visible and 1 in flight")
    lab.aws.sqs.delete_message(**receipt)
    for claim in gone:
        lab.checkpoint(claim)


@at_03
def test_a_poison_message_has_to_leave_the_queue_for_the_other(lab: Lab) -> None:
    claim = "the poison message is in the dead-letter queue"
    lab.create_dead_letter_queue()
    lab.create_queue()
    fails(lab, claim, "in the dead-letter queue 0 visible")
    send(lab, "poison")
    fails(lab, claim, "in the queue 1 visible")
    lab.aws.sqs.delete_message(**receive(lab))
    send(lab, "poison", "dlq")
    lab.checkpoint(claim)


@at_03
def test_where_things_show_late_a_claim_is_asked_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.create_dead_letter_queue()
    lab.create_queue()
    traits = replace(lab.aws.target.traits, patience=60)
    monkeypatch.setattr(lab.aws, "target", replace(lab.aws.target, traits=traits))
    stale = [Depth(1, 0, 0), Depth(1, 0, 0)]
    now = lab.depth
    monkeypatch.setattr(lab, "depth", lambda key="queue": stale.pop() if stale else now(key))
    lab.checkpoint("the deleted message is gone")
    assert not stale


@at_03
def test_an_exercise_that_shows_late_is_asked_again(
    lab: Lab, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.create_dead_letter_queue()
    lab.create_queue()
    send(lab, "poison")
    only_receives(lab, monkeypatch, patience=60)
    stale, now = [Depth(0, 0, 0), Depth(0, 0, 0)], lab.depth
    monkeypatch.setattr(lab, "depth", lambda key="queue": stale.pop() if stale else now(key))
    assert verdict().startswith("Exercise: solved.")
    assert not stale


@at_03
def test_a_moved_message_is_counted_and_not_received_where_only_a_receive_shows_it(
    lab: Lab, verdict: Verdict, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab.create_dead_letter_queue()
    lab.create_queue()
    only_receives(lab, monkeypatch)
    send(lab, "poison", "dlq")
    assert verdict() == "Exercise: not tried yet."
    send(lab, "poison")
    assert "in both queues" in verdict()
    lab.aws.sqs.delete_message(**receive(lab, "dlq"))
    for _ in range(6):
        assert verdict().startswith("Exercise: solved.")
    assert received(lab) == {"poison": 1}, "each look was a receive"
    send(lab, "poison", "dlq")
    receive(lab, "dlq")
    assert "in flight" in verdict()


@at_03
def test_a_message_is_moved_without_losing_or_doubling_it(lab: Lab, verdict: Verdict) -> None:
    lab.create_dead_letter_queue()
    lab.create_queue()
    send(lab, "poison", "dlq")
    assert verdict() == "Exercise: not tried yet."
    receipt = receive(lab, "dlq")
    assert "the queue has no copy of it" in verdict()
    send(lab, "poison")
    assert "in both queues" in verdict()
    lab.aws.sqs.delete_message(**receipt)
    assert verdict().startswith("Exercise: solved.")
    send(lab, "poison")
    assert "holds 2 messages" in verdict()
    for _ in range(2):
        lab.aws.sqs.delete_message(**receive(lab))
    assert "The message is lost" in verdict()
