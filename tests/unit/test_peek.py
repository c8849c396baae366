"""A look at messages where only a receive shows them: each is given back, whatever happens."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from botocore.stub import ANY

from webhook_lab.aws.session import Session
from webhook_lab.aws.target import AWS, Target
from webhook_lab.watch.peek import messages_of, peek

URL = "https://sqs.us-east-1.amazonaws.com/123456789012/lab-webhooks-dlq"


@pytest.fixture
def aws(stub: Callable[[str], tuple[Any, Any]]) -> tuple[Session, Any]:
    target = Target("aws", None, "us-east-1", "123456789012", "none", "none", "aws", AWS)
    session = Session(target)
    session.sqs, script = stub("sqs")
    return session, script


def script_receive(script: Any, *ids: str, received: int = 0) -> None:
    messages: list[dict[str, Any]]
    messages = [{"MessageId": id_, "ReceiptHandle": f"handle of {id_}", "Body": id_} for id_ in ids]
    for message in messages if received else ():
        message["Attributes"] = {"ApproximateReceiveCount": str(received)}
    script.add_response(
        "receive_message",
        {"Messages": messages} if ids else {},
        {
            "QueueUrl": URL,
            "MaxNumberOfMessages": 10,
            "VisibilityTimeout": 20,
            "WaitTimeSeconds": 1,
            "MessageSystemAttributeNames": ["All"],
            "MessageAttributeNames": ["All"],
        },
    )


def script_give_back(script: Any, *ids: str) -> None:
    entries = [
        {"Id": str(i), "ReceiptHandle": f"handle of {id_}", "VisibilityTimeout": 0}
        for i, id_ in enumerate(ids)
    ]
    script.add_response(
        "change_message_visibility_batch",
        {"Successful": [], "Failed": []},
        {"QueueUrl": URL, "Entries": entries},
    )


def test_each_is_received_once_and_given_back_in_tens(aws: tuple[Session, Any]) -> None:
    session, script = aws
    ids = [f"m{number}" for number in range(12)]
    script_receive(script, *ids[:10])
    script_receive(script, *ids[10:])
    script_receive(script)
    script_give_back(script, *ids[:10])
    script_give_back(script, *ids[10:])
    assert [each["MessageId"] for each in messages_of(session, queue_url=URL)] == ids


def test_the_look_ends_when_the_first_ones_come_again(aws: tuple[Session, Any]) -> None:
    session, script = aws
    script_receive(script, "m1", "m2")
    script_receive(script, "m1")
    script_give_back(script, "m1", "m2")
    assert len(messages_of(session, queue_url=URL)) == 2


def test_an_empty_queue_shows_nothing_and_changes_nothing(aws: tuple[Session, Any]) -> None:
    session, script = aws
    script_receive(script)
    assert messages_of(session, queue_url=URL) == []


def test_what_was_received_is_given_back_when_a_later_receive_is_refused(aws: tuple[Session, Any]) -> None:
    session, script = aws
    script_receive(script, "m1")
    script.add_client_error("receive_message", "OverLimit", expected_params=dict.fromkeys(_ASKED, ANY))
    script_give_back(script, "m1")
    with pytest.raises(ClientError, match="OverLimit"):
        messages_of(session, queue_url=URL)


def test_looks_are_left_out_of_how_often_a_message_was_received(aws: tuple[Session, Any]) -> None:
    session, script = aws
    for looks in (1, 2, 3):
        script_receive(script, "m1", received=3 + looks)
        script_receive(script)
        script_give_back(script, "m1")
    for _ in range(3):
        (message,) = messages_of(session, queue_url=URL)
        assert message["Attributes"]["ApproximateReceiveCount"] == "3"


_ASKED = (
    "QueueUrl",
    "MaxNumberOfMessages",
    "VisibilityTimeout",
    "WaitTimeSeconds",
    "MessageSystemAttributeNames",
    "MessageAttributeNames",
)


def test_a_peek_that_is_no_receive_is_not_to_be_had_on_aws(aws: tuple[Session, Any]) -> None:
    assert peek(aws[0], queue_url=URL) is None
