"""The checks of chapters 04 to 07 and 15: each claim holds where it should, else says what is so."""

import json
from typing import Any

import pytest

from tests.cloud import checked_lab
from tests.cloud.checked_lab import Verdict, at, fails, only_receives, received
from webhook_lab.aws.errors import LabError
from webhook_lab.course.checks import look
from webhook_lab.lab import Lab
from webhook_lab.pipeline.packaging import package, source_folder
from webhook_lab.send.signing import github_headers, new_secret, standard_webhooks_headers

PING = json.loads((source_folder("publish") / "events" / "github_ping.json").read_text(encoding="utf-8"))

ledger, lab, verdict = checked_lab.ledger, checked_lab.lab, checked_lab.verdict
at_04, at_05, at_06, at_07, at_15 = map(at, ("04", "05", "06", "07", "15"))


def waits_in_vain(lab: Lab, claim: str, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("webhook_lab.lab.looking.DRAIN_SECONDS", 0.0)
        with pytest.raises(LabError, match=f"a line with outcome '{line}'"):
            lab.checkpoint(claim)


def publish(lab: Lab, name: str, **instead: Any) -> dict[str, Any]:
    headers = {"X-GitHub-Delivery": lab.delivery_id(name)}
    return lab.invoke("publish", {**PING, "headers": headers, **instead})


def build(lab: Lab, handler: str) -> None:
    lab.create_log_group(handler)
    lab.create_role(handler)
    lab.create_function(handler)


def store(lab: Lab, name: str, *message_ids: str) -> None:
    """An item as subscribe would have left it of a delivery of GitHub's."""
    own = lab.delivery_id(name)
    headers, by = {"M": {"x-github-delivery": {"S": own}}}, {"SS": list(message_ids)}
    item: Any = {"id": {"S": f"github:{own}#/github"}, "headers": headers, "delivered_by": by}
    item["path"] = {"S": "/elsewhere"}
    lab.aws.dynamodb.put_item(TableName=lab.names.table, Item=item)


# --- 04


@at_04
def test_the_function_runs_this_code(lab: Lab) -> None:
    claim = "Lambda runs the code in this folder"
    fails(lab, claim, "there is no .* function")
    build(lab, "publish")
    lab.checkpoint(claim)
    other = package("subscribe").zip_bytes
    lab.aws.lambda_.update_function_code(FunctionName=lab.names.function("publish"), ZipFile=other)
    fails(lab, claim, "it runs code with digest")


@at_04
def test_the_role_allows_nothing_and_then_what_the_function_needs(lab: Lab) -> None:
    nothing = "the role allows nothing, and nothing was queued"
    enough = "the role allows sending to one queue and writing one log"
    fails(lab, nothing, "there is no publish role")
    lab.create_log_group("publish")
    lab.create_role("publish", policy=None)
    lab.checkpoint(nothing)
    fails(lab, enough, r"the role allows \[\]")
    lab.aws.sqs.send_message(QueueUrl=lab.queue_url, MessageBody="x")
    fails(lab, nothing, "the queue holds 1")
    lab.create_role("publish")
    lab.checkpoint(enough)
    fails(lab, nothing, "its role allows .*sqs:SendMessage")
    policy = lab.pipeline.get("publish_role").policy
    policy["Statement"][0]["Action"].append("sqs:DeleteMessage")
    lab.create_role("publish", policy=policy)
    fails(lab, enough, "sqs:DeleteMessage")


@at_04
def test_the_message_is_the_delivery(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    holds = "the queue holds the delivery whole, under its sender's id"
    logged = "the log says what was queued, and as which message"
    refused = "what could not be kept whole was refused, and none of it queued"
    build(lab, "publish")
    fails(lab, holds, "the queue does not hold it")
    publish(lab, "another")
    fails(lab, logged, "no line says that it was queued")
    publish(lab, "ping")
    for claim in (holds, logged):
        lab.checkpoint(claim)
    altered = json.dumps({**look.envelopes(lab)[-1], "body": "other"})
    waits_in_vain(lab, refused, "too_large", monkeypatch)
    publish(lab, "ping", body="x" * 500_000, isBase64Encoded=False)
    lab.checkpoint(refused)
    publish(lab, "long", body="x" * 5_000, isBase64Encoded=False)
    fails(lab, refused, "the queue holds a body of 5000 bytes")
    lab.aws.sqs.purge_queue(QueueUrl=lab.queue_url)
    lab.aws.sqs.send_message(QueueUrl=lab.queue_url, MessageBody=altered)
    fails(lab, holds, "the body was altered")


@at_04
@pytest.mark.parametrize(
    ("instead", "says"),
    [
        ({"path": "/orders/8"}, "not yet. The queue holds 'hello from /orders/8'."),
        ({"path": "/orders/7", "headers": {}, "body": "eA=="}, "not yet. The id begins with 'lab:'"),
        ({"path": "/orders/7"}, "not yet. The body is not one of your own."),
        ({"path": "/orders/7", "body": ""}, "not yet. The body is not one of your own."),
        ({"path": "/orders/7", "body": "eA=="}, "solved."),
    ],
)
def test_an_event_of_ones_own_is_judged_by_its_message(
    lab: Lab, verdict: Verdict, instead: dict[str, Any], says: str
) -> None:
    build(lab, "publish")
    publish(lab, "ping")
    assert verdict() == "Exercise: not tried yet."
    publish(lab, "order-7", **instead)
    assert verdict().startswith(f"Exercise: {says}")


@at_04
@pytest.mark.parametrize(
    ("instead", "says"),
    [
        ({"path": "/orders/8"}, "not yet. The queue holds 'hello from /orders/8'."),
        ({"path": "/orders/7", "headers": {}, "body": "eA=="}, "not yet. The id begins with 'lab:'"),
        ({"path": "/orders/7", "body": "eA=="}, "solved."),
    ],
)
def test_where_only_a_receive_shows_a_message_an_exercise_receives_none(
    lab: Lab,
    verdict: Verdict,
    instead: dict[str, Any],
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    build(lab, "publish")
    publish(lab, "ping")
    only_receives(lab, monkeypatch)
    assert verdict() == "Exercise: not tried yet."
    publish(lab, "order-7", **instead)
    for _ in range(6):
        assert verdict().startswith(f"Exercise: {says}")
    assert set(received(lab).values()) == {1}, "each look was a receive"


@at_04
def test_the_message_is_judged_by_what_the_learner_received_where_only_a_receive_shows_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds = "the queue holds the delivery whole, under its sender's id"
    build(lab, "publish")
    publish(lab, "ping")
    only_receives(lab, monkeypatch)
    fails(lab, holds, "the queue does not hold it")
    lab.aws.sqs.receive_message(QueueUrl=lab.queue_url, VisibilityTimeout=0, WaitTimeSeconds=5)
    lab.checkpoint(holds)


# --- 05


@at_05
def test_the_subscribers_role_and_its_reservation(lab: Lab) -> None:
    role = "the function may read its queue and write its table"
    reserved = "two executions are reserved, where the account can spare them"
    lab.create_log_group("subscribe")
    lab.create_role("subscribe", policy=None)
    fails(lab, role, r"it allows \[\]")
    fails(lab, reserved, "there is no .* function")
    lab.create_role("subscribe")
    lab.checkpoint(role)
    lab.create_function("subscribe", reserved_concurrency=None)
    fails(lab, reserved, "reserved are None, not 2")
    lab.set_reserved_concurrency(2)
    lab.checkpoint(reserved)
    lab.configure(reserved_concurrency=None)  # as in an account that can spare none
    lab.set_reserved_concurrency(None)
    lab.checkpoint(reserved)


@at_05
def test_over_pull_is_warned_of(lab: Lab) -> None:
    lab.checkpoint("nothing warns of over-pull")
    lab.configure(maximum_concurrency=None)
    fails(lab, "nothing warns of over-pull", "reserved concurrency 2 without MaximumConcurrency")


@at_05
def test_the_mappings_settings_are_those_of_the_chapter(lab: Lab, verdict: Verdict) -> None:
    claim = "the mapping hands over ten messages at most, to two invocations at most"
    build(lab, "subscribe")
    fails(lab, claim, "there is no event source mapping")
    lab.create_mapping()
    lab.checkpoint(claim)
    assert verdict() == "Exercise: not tried yet."
    lab.create_mapping(report_batch_item_failures=False)
    fails(lab, claim, "one failure returns the whole batch")
    lab.create_mapping(maximum_concurrency=5)
    fails(lab, claim, r"\('Enabled', 10, 5\)")
    assert verdict().startswith("Exercise: not yet. Reserved are 2")
    lab.set_reserved_concurrency(5)
    assert verdict().startswith("Exercise: solved.")
    lab.create_mapping()
    assert "the mapping's MaximumConcurrency is 2" in verdict()
    lab.create_queue(visibility_timeout=60)
    lab.pipeline.forget("queue")
    fails(lab, claim, "a message reappears in less than 180 s")


@at_05
def test_what_came_through_is_asked_of_the_table(lab: Lab) -> None:
    first = "the first message came through"
    fails(lab, first, "first is not stored")
    store(lab, "first", "m1")
    lab.checkpoint(first)
    store(lab, "first", "m1", "m2")
    fails(lab, first, "2 messages carried it")


@at_05
@pytest.mark.parametrize("at_once", [2, 3])
def test_the_peak_is_read_from_the_log(lab: Lab, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    claim = "twenty deliveries are stored, and never more than two invocations ran"
    fails(lab, claim, "0 of 20 are stored")
    lines: list[dict[str, Any]] = []
    for number in range(20):
        name, start = f"burst-{number}", 10 * (number // at_once)
        id_ = f"github:{lab.delivery_id(name)}#/github"
        store(lab, name, "m")
        steps = (("invocation_start", start), ("record_finish", start + 5), ("invocation_finish", start + 9))
        seen = {"request_id": str(number), "id": id_, "message_id": "m", "outcome": "stored"}
        lines += [{"event": event, "at": at, **seen} for event, at in steps]
    monkeypatch.setattr(lab, "logs", lambda _handler, until: lines)
    if at_once == 2:
        lab.checkpoint(claim)
    else:
        fails(lab, claim, "3 ran at once")


@at_05
def test_other_settings_are_judged_and_not_kept(lab: Lab) -> None:
    before = lab.pipeline.settings
    lab.configure(reserved_concurrency=None)  # an account that can reserve none
    kept = lab.pipeline.settings
    card = lab.preflight(reserved_concurrency=2, maximum_concurrency=None)
    assert "over-pull" in [row[1] for row in card.rows]
    assert lab.pipeline.settings == kept != before
    with pytest.raises(LabError, match="configure"):
        lab.preflight(maximum=2)


@at_05
def test_the_lines_of_deliveries_are_awaited_by_their_ids(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = [json.loads(publish(lab, name)["body"])["id"] for name in ("a", "b")]
    lines = lab.logs("publish", until=sent)
    assert set(sent) <= {line.get("id") for line in lines}
    monkeypatch.setattr("webhook_lab.lab.looking.DRAIN_SECONDS", 0.0)
    with pytest.raises(LabError, match="log lines"):
        lab.logs("publish", until=[*sent, "another"])


@at_05
def test_the_bad_message_goes_back_alone(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    claim = "the bad message alone went back to the queue"
    build(lab, "subscribe")
    lab.create_mapping()
    fails(lab, claim, "good is not stored")
    publish(lab, "good")
    lab.wait_for(f"github:{lab.delivery_id('good')}#/github")
    recorded = source_folder("subscribe") / "events" / "one_poison_message.json"
    lab.invoke("subscribe", json.loads(recorded.read_text(encoding="utf-8")))
    with monkeypatch.context() as patch:
        patch.setattr(look, "SECONDS", 0.0)
        with pytest.raises(LabError, match="alone in the queue"):
            lab.checkpoint(claim)
    lab.aws.sqs.send_message(QueueUrl=lab.queue_url, MessageBody="no envelope")
    lab.checkpoint(claim)


# --- 06


@at_06
def test_the_api_takes_all_and_may_invoke(lab: Lab) -> None:
    claim = "the API takes any method on any path, and may invoke the function"
    fails(lab, claim, "there is no REST API")
    lab.create_rest_api()
    lab.checkpoint(claim)
    name = lab.names.function("publish")
    policy = json.loads(lab.aws.lambda_.get_policy(FunctionName=name)["Policy"])
    lab.aws.lambda_.remove_permission(FunctionName=name, StatementId=policy["Statement"][0]["Sid"])
    fails(lab, claim, "Invalid permissions on Lambda function")


@at_06
def test_what_was_sent_is_asked_of_the_table(lab: Lab) -> None:
    stored = "all that was answered 202 is stored"
    bytes_, places = "all 256 byte values came out as they went in", "all six places wrote the message down"
    lab.create_rest_api()
    for claim in (stored, places):
        fails(lab, claim, "nothing was answered 202")
    taken = lab.send("/photo", bytes(range(255)), headers={"Content-Type": "image/png"})
    lab.wait_for(taken)
    for claim in (stored, places):
        lab.checkpoint(claim)
    fails(lab, bytes_, "the table holds no such body")
    lab.wait_for(lab.send("/photo", bytes(range(256)), headers={"Content-Type": "image/png"}))
    lab.checkpoint(bytes_)
    lab.aws.dynamodb.delete_item(TableName=lab.names.table, Key={"id": {"S": taken.id or ""}})
    fails(lab, stored, "1 of 2 are stored")


@at_06
def test_a_repetition_needs_two_messages(lab: Lab) -> None:
    claim = "two messages carried the delivery, and it is stored once"
    lab.create_rest_api()
    fails(lab, claim, "order-1 is not stored")
    again = {"webhook-id": lab.delivery_id("order-1")}
    lab.wait_for(lab.send("/orders", "1", headers=again))
    fails(lab, claim, "it was delivered by 1")
    lab.wait_for(lab.send("/orders", "1", headers=again))
    lab.checkpoint(claim)


@at_06
def test_only_what_was_signed_comes_through(lab: Lab, verdict: Verdict) -> None:
    claim, secret, order = "under /signed/ only what was signed came through", new_secret(), b"{}"
    lab.create_rest_api()
    fails(lab, claim, "the function asks for no signature there")
    lab.configure(signed_prefix="/signed/", signing_secret=secret)
    lab.create_function("publish")
    lab.send("/signed/orders", order)
    fails(lab, claim, "1 were refused")
    lab.send("/signed/orders", order)
    fails(lab, claim, "signed is not stored")
    signed = standard_webhooks_headers(secret, order, delivery_id=lab.delivery_id("signed"))
    lab.wait_for(lab.send("/signed/orders", order, headers=signed))
    store(lab, "push-1", "m")
    fails(lab, claim, "push-1 went to /elsewhere")
    by_hand_stored = {"id": {"S": f"github:{lab.delivery_id('push-1')}#/github"}}
    lab.aws.dynamodb.delete_item(TableName=lab.names.table, Key=by_hand_stored)
    captured = "bytes that were captured are one item, whatever id they come under"
    for name, claims in (("push-1", [claim]), ("push-2", [claim, captured])):
        if name == "push-2":
            fails(lab, captured, "they were queued 1 times")
        push = github_headers(secret, order, delivery_id=lab.delivery_id(name))
        lab.wait_for(lab.send("/signed/orders", order, headers=push))
        for each in claims:
            lab.checkpoint(each)
    assert verdict() == "Exercise: not tried yet."
    by_hand = {"webhook-id": lab.delivery_id("by-hand")}
    lab.send("/signed/orders", order, headers=by_hand)
    assert verdict().startswith("Exercise: not yet. It was refused")
    lab.wait_for(lab.send("/orders", order, headers=by_hand))
    assert verdict().startswith("Exercise: not yet. It went to /orders")


@at_06
def test_a_question_has_to_be_answered_and_not_queued(lab: Lab) -> None:
    claim = "the question was answered, and nothing of it queued"
    lab.create_rest_api()
    question = '{"type": "url_verification", "challenge": "c"}'
    assert lab.send("/slack", question).status == 202
    fails(lab, claim, "nothing was answered 200")
    lab.configure(handshakes="slack")
    lab.create_function("publish")
    assert lab.send("/slack", question).body == b"c"
    lab.checkpoint(claim)


# --- 07


@at_07
def test_one_event_for_two_hooks_is_two_items(lab: Lab) -> None:
    claim = "one event for two hooks is two items, and a retry to one of them is none"
    fails(lab, claim, "it is stored for no path")
    push = {"X-GitHub-Delivery": lab.delivery_id("push")}
    for hook, reason in (("/ci", "it is stored for /ci"), ("/audit", "messages carried it"), ("/ci", "")):
        lab.wait_for(lab.send(hook, "{}", headers=push))
        if reason:
            fails(lab, claim, reason)
    lab.checkpoint(claim)


# --- 15


@at_15
def test_nothing_is_left_and_nothing_else_is_gone(lab: Lab) -> None:
    stands = "all eleven resources stand, and the ledger knows each"
    left = "nothing of the lab is left, and your own queue still stands"
    swept = "a sweep finds nothing"
    mine = f"{lab.names.queue}-mine"
    lab.checkpoint(stands)
    fails(lab, swept, "there still is .*lab-checked-webhooks")
    lab.aws.lambda_.delete_function(FunctionName=lab.names.function("publish"))
    fails(lab, stands, "there is no publish function")
    lab.teardown()
    fails(lab, stands, "the ledger does not know the table")
    fails(lab, left, "your own queue is gone")
    url = lab.aws.sqs.create_queue(QueueName=mine)["QueueUrl"]
    lab.checkpoint(left)
    lab.checkpoint(swept)
    lab.aws.sqs.delete_queue(QueueUrl=url)


@at_15
def test_only_a_stray_that_went_solves_the_exercise(lab: Lab, verdict: Verdict) -> None:
    lab.teardown()
    assert verdict() == "Exercise: not tried yet."
    lab.aws.sqs.create_queue(QueueName="lab-checked-stray", tags=lab.names.tags)
    assert verdict() == "Exercise: not yet. Still there: lab-checked-stray."
    assert "lab-checked-stray" in repr(lab.sweep())
    lab.sweep(remove=True)
    assert verdict().startswith("Exercise: solved.")
