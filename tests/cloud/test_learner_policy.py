"""Every command works for who has the rights that `webhook-lab policy` prints, and no others."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.policy.authorization import Need
from tests.policy.enforcing import enforced, read_needs
from tests.policy.record import KEPT
from webhook_lab.aws.retry import retry_until
from webhook_lab.cli import main
from webhook_lab.lab import Lab
from webhook_lab.lab.classroom import ClassRoom
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import open_pipeline
from webhook_lab.pipeline.learner import learner_policy
from webhook_lab.resources.alarm import Alarm
from webhook_lab.resources.rest_api import STATEMENT_ID
from webhook_lab.send.events import event
from webhook_lab.send.sender import post

NAME = "lab-learner"


@pytest.fixture(autouse=True)
def named(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBHOOK_LAB_NAME", NAME)


@pytest.fixture
def needed() -> list[str]:
    """A line for each need of a call that was made under the policy."""
    return []


def learning(needed: list[str], who: str) -> AbstractContextManager[None]:
    """What is called in the block is called by who has a learner's rights alone."""
    return enforced(learner_policy("lab"), lambda call, need: needed.append(json.dumps([who, call, *need])))


def run(needed: list[str], *command: str) -> None:
    with learning(needed, command[0]):
        result = CliRunner().invoke(main, [*command, "--json"])
    assert result.exit_code == 0, result.output


def no_news(needed: list[str], tmp_path: Path) -> None:
    """All that was needed is among what is kept, so that it is judged in tests/unit/test_learner_needs.py."""
    file = tmp_path / "needs.jsonl"
    file.write_text("\n".join(needed) + "\n", encoding="utf-8")
    now, kept = (_pairs(each) for each in (file, KEPT))
    assert now - kept == set(), f"python -m tests.policy.record {KEPT} {file}"


def _pairs(file: Path) -> set[tuple[str, str]]:
    lines = file.read_text(encoding="utf-8").splitlines()
    return {(call, need.action) for _, call, need in read_needs(lines)}


def test_each_command_needs_no_more_than_the_policy(needed: list[str], tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(b"hello")
    for line in (
        "doctor",
        "up --secret",
        "status",
        "up",
        f"send {body}",
        "show table",
        "show logs",
        "redrive",
    ):
        run(needed, *line.split())
    for line in ("catch-up 06", "sweep", "down", "sweep --yes"):
        run(needed, *line.split())
    no_news(needed, tmp_path)


def changed_by_hand() -> None:
    """By somebody who may do anything: what `up` puts right again."""
    lab = open_pipeline()
    aws, names, anybody = lab.session, lab.names, {"AWS": "*"}
    trust = {"Effect": "Allow", "Principal": anybody, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    aws.iam.update_assume_role_policy(RoleName=lab.look_up("publish_role").name, PolicyDocument=document)
    aws.dynamodb.update_table(
        TableName=names.table,
        BillingMode="PROVISIONED",
        ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1},
    )
    pictures: Any = [{"op": "add", "path": "/binaryMediaTypes/image~1png"}]
    aws.apigateway.update_rest_api(restApiId=lab.look_up("api").id, patchOperations=pictures)
    function = {"FunctionName": names.function("publish"), "StatementId": STATEMENT_ID}
    aws.lambda_.remove_permission(**function)
    source = "arn:aws:execute-api:us-east-1:000000000000:gone/*"
    aws.lambda_.add_permission(
        **function,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=source,
    )


def test_what_was_changed_by_hand_is_mended_with_the_same_rights(needed: list[str], tmp_path: Path) -> None:
    run(needed, "up")
    changed_by_hand()
    run(needed, "up")
    lab = open_pipeline()
    role, any_policy = lab.look_up("publish_role").name, "arn:aws:iam::aws:policy/ReadOnlyAccess"
    lab.session.iam.attach_role_policy(RoleName=role, PolicyArn=any_policy)
    run(needed, "down")
    no_news(needed, tmp_path)


def test_a_lab_of_the_last_chapter_needs_no_more_even_where_its_bucket_was_opened_by_hand(
    needed: list[str], tmp_path: Path
) -> None:
    lab = Lab.open(chapter="15")
    lab.configure(claim_check=True)
    with learning(needed, "a lab of chapter 15"):
        lab.create_bucket()
        lab.pipeline.ensure("alarm")  # as where metrics are published
        lab.pipeline.ensure("alarm")
    bucket = lab.pipeline.look_up("bucket").arn.rpartition(":")[2]
    lab.aws.s3.delete_public_access_block(Bucket=bucket)
    kms: Any = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    lab.aws.s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [kms]})
    with learning(needed, "a lab of chapter 15"):
        lab.create_bucket()
        lab.teardown()
        assert Alarm.delete(lab.aws, lab.names.alarm)
    no_news(needed, tmp_path)


def test_a_teachers_board_needs_no_more(needed: list[str], tmp_path: Path) -> None:
    with learning(needed, "class"):
        room = ClassRoom.open()
        room.board()
        report = event("standard-webhooks", 1, secret=room.secret, run="learner", path="/class")
        assert post(room.url, report).status == 202
        retry_until(asking(room, needed), seconds=30, reason="the board to ask for what came")
        room.teardown()
    no_news(needed, tmp_path)


def asking(room: ClassRoom, needed: list[str]) -> Callable[[], bool | None]:
    """Looks at the board; whether it has asked for single items by now."""

    def look() -> bool | None:
        room.board()
        return any("BatchGetItem" in line for line in needed) or None

    return look


def test_another_learners_lab_is_out_of_reach() -> None:
    def nobody(call: str, need: Need) -> None: ...

    with enforced(learner_policy("lab-ben"), nobody):
        result = CliRunner().invoke(main, ["up", "--json"])
    said = json.loads(result.stdout)["error"]["said"]
    assert result.exit_code == 1
    assert "not authorized to perform: dynamodb:DescribeTable on " in said
    assert NAME in said
