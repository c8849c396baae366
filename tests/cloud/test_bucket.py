"""The bucket of the claim check: private, swept, emptied with the lab; and a body that came through it."""

import hashlib
import json
import os

import pytest

from webhook_lab import sweep
from webhook_lab.facts import quotas
from webhook_lab.lab import Lab

BODY = os.urandom(3 * quotas.SQS_MESSAGE_BYTES.value // 4) * 2
"""More than a message holds, and no text."""


@pytest.fixture(scope="module")
def lab(lab_with_bucket: Lab) -> Lab:
    return lab_with_bucket


def test_a_body_that_no_message_holds_comes_through_the_bucket(lab: Lab) -> None:
    answer = lab.send("/large", BODY, headers={"webhook-id": lab.delivery_id("large")})
    item = lab.wait_for(answer)
    claim = item["body_claim"]
    kept = lab.aws.s3.get_object(Bucket=claim["bucket"], Key=claim["key"])["Body"].read()
    assert answer.status == 202
    assert kept == BODY
    assert item["body_sha256"] == claim["key"] == hashlib.sha256(BODY).hexdigest()
    assert claim["size"] == len(BODY)


def test_what_a_hand_has_altered_is_restored(lab: Lab) -> None:
    bucket = lab.pipeline.look_up("bucket")
    lab.aws.s3.delete_public_access_block(Bucket=bucket.bucket)
    lab.aws.s3.delete_bucket_lifecycle(Bucket=bucket.bucket)
    assert lab.pipeline.look_up("bucket") != bucket
    lab.create_bucket()
    assert lab.pipeline.look_up("bucket") == bucket
    assert bucket.private
    assert bucket.expires_after == lab.pipeline.settings.body_days


def test_roles_may_use_the_bucket_only_where_it_is_used(lab: Lab) -> None:
    granted = {handler: json.dumps(lab.pipeline.look_up(f"{handler}_role").policy) for handler in ROLES}
    assert all(ROLES[handler] in policy for handler, policy in granted.items())
    lab.configure(claim_check=False)
    for handler in ROLES:
        lab.create_role(handler)
        assert "s3:" not in json.dumps(lab.pipeline.look_up(f"{handler}_role").policy)
    lab.configure(claim_check=True)
    for handler in ROLES:
        lab.create_role(handler)


ROLES = {"publish": "s3:PutObject", "subscribe": "s3:GetObject"}


def test_a_sweep_finds_it_and_empties_it(lab: Lab) -> None:
    lab.create_bucket()
    bucket = lab.pipeline.look_up("bucket").bucket
    lab.aws.s3.put_object(Bucket=bucket, Key="left", Body=b"behind")
    found = [each for each in sweep.remaining(lab.aws, lab.names.prefix) if each.kind == "bucket"]
    assert [each.name for each in found] == [lab.names.bucket]
    assert sweep.remove(lab.aws, found).refused == ()
    assert lab.pipeline.look_up("bucket") is None
