"""Each action of each role's policy is needed: without it something fails, with all of them nothing does.

The local cloud holds what functions, mappings and the direct door ask for against their roles. What it cannot
hold is in `NOT_EXECUTED`, with what AWS says of it.
"""

import copy
import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError

from webhook_lab.facts import quotas
from webhook_lab.lab import Lab

LARGE = b"\xff" * quotas.SQS_MESSAGE_BYTES.value
WRITES_LOG = "Lambda writes a function's log with its role (Lambda guide, lambda-intro-execution-role)"
NOT_EXECUTED = {
    (role, action): WRITES_LOG
    for role in ("publish", "subscribe")
    for action in ("logs:CreateLogStream", "logs:PutLogEvents")
}
"""Here the emulator itself writes the log, whatever the role."""


@pytest.fixture(scope="module")
def lab(lab_with_bucket: Lab) -> Lab:
    """All that its roles can be asked for, and a mapping that reads nothing."""
    lab_with_bucket.create_role("direct")
    lab_with_bucket.create_direct_api()
    lab_with_bucket.create_mapping(enabled=False)
    return lab_with_bucket


def taken(lab: Lab) -> dict[str, Any]:
    """The queue's next message, as the mapping would hand it to the function."""
    asked: Any = {"AttributeNames": ["All"], "WaitTimeSeconds": 5}
    (message,) = lab.aws.sqs.receive_message(QueueUrl=lab.queue_url, **asked)["Messages"]
    lab.aws.sqs.delete_message(QueueUrl=lab.queue_url, ReceiptHandle=message["ReceiptHandle"])
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {},
    }


def subscribed(lab: Lab, record: dict[str, Any]) -> bool:
    """Whether the subscribe function takes a message."""
    name, event = lab.names.function("subscribe"), json.dumps({"Records": [record]})
    answer = json.loads(lab.aws.lambda_.invoke(FunctionName=name, Payload=event)["Payload"].read())
    return bool(answer == {"batchItemFailures": []})


def sends(lab: Lab) -> bool:
    return lab.send("/any").status == 202


def keeps_what_is_large(lab: Lab) -> bool:
    return lab.send("/any", LARGE + secrets.token_bytes(8)).status == 202


def a_message(lab: Lab, body: bytes = b"x") -> dict[str, Any]:
    lab.aws.sqs.purge_queue(QueueUrl=lab.queue_url)
    assert lab.send("/any", body).status == 202
    return taken(lab)


def reads(lab: Lab) -> bool:
    """AWS and the local cloud judge the function's role when its mapping is changed."""
    uuid = lab.pipeline.look_up("mapping").uuid
    try:
        lab.aws.lambda_.update_event_source_mapping(UUID=uuid, BatchSize=10)
    except ClientError as error:
        if "does not have permissions" not in str(error):
            raise
        return False
    return True


def direct_sends(lab: Lab) -> bool:
    return bool(lab.send("/any", door="direct_api").status < 300)


@contextmanager
def without(lab: Lab, role: str, action: str) -> Iterator[None]:
    """The role's policy lacks one action in the block."""
    policy = copy.deepcopy(lab.pipeline.look_up(f"{role}_role").policy)
    for statement in policy["Statement"]:
        kept = [each for each in statement["Action"] if each != action]
        statement["Action"] = kept or ["sts:GetCallerIdentity"]  # a policy without a statement is none
    lab.pipeline.ensure(f"{role}_role", policy=policy)
    try:
        yield
    finally:
        lab.pipeline.ensure(f"{role}_role")


Try = Callable[[Lab], Callable[[], bool]]


def ready(work: Callable[[Lab], bool]) -> Try:
    return lambda lab: lambda: work(lab)


def first(lab: Lab) -> Callable[[], bool]:
    record = a_message(lab)
    return lambda: subscribed(lab, record)


def again(lab: Lab) -> Callable[[], bool]:
    """The same delivery in another message: what it came by is added to the item."""
    record = a_message(lab)
    assert subscribed(lab, record)
    return lambda: subscribed(lab, {**record, "messageId": secrets.token_hex(8)})


def large(lab: Lab) -> Callable[[], bool]:
    record = a_message(lab, LARGE + secrets.token_bytes(8))
    return lambda: subscribed(lab, record)


TRIES: dict[tuple[str, str], Try] = {
    ("publish", "sqs:SendMessage"): ready(sends),
    ("publish", "s3:PutObject"): ready(keeps_what_is_large),
    ("subscribe", "sqs:ReceiveMessage"): ready(reads),
    ("subscribe", "sqs:DeleteMessage"): ready(reads),
    ("subscribe", "sqs:GetQueueAttributes"): ready(reads),
    ("subscribe", "dynamodb:PutItem"): first,
    ("subscribe", "dynamodb:UpdateItem"): again,
    ("subscribe", "s3:GetObject"): large,
    ("direct", "sqs:SendMessage"): ready(direct_sends),
}
"""What fails without an action: prepared with all rights, then tried without that one."""


@pytest.mark.parametrize(("role", "action"), TRIES)
def test_without_one_action_something_fails_that_works_with_it(lab: Lab, role: str, action: str) -> None:
    attempt = TRIES[role, action](lab)
    with without(lab, role, action):
        assert not attempt()
    assert attempt()


def test_every_action_of_every_role_is_tried_or_said_to_be_out_of_reach(lab: Lab) -> None:
    allowed = {
        (role, action)
        for role in ("publish", "subscribe", "direct")
        for statement in lab.pipeline.look_up(f"{role}_role").policy["Statement"]
        for action in statement["Action"]
    }
    assert allowed == TRIES.keys() | NOT_EXECUTED.keys()
