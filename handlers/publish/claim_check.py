"""The claim check: a body that no message and no item can hold lies in a bucket, and the message says where.

The body goes there first, under its digest. Killed before the message is sent, publish has answered nobody:
the sender sends again, and the same body takes the same place. What nobody claims expires.
"""

import os
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

BUCKET = os.environ.get("CLAIM_CHECK", "")
ONCE = Config(connect_timeout=2, read_timeout=6, retries={"total_max_attempts": 1})
"""With SQS's own patience it stays under API Gateway's 29 s."""
S3: Any = boto3.client("s3", config=ONCE) if BUCKET else None


class Kept(NamedTuple):
    """A body, and where in the bucket it belongs."""

    key: str
    body: bytes


def with_claim(envelope: dict[str, Any], body: bytes) -> tuple[Kept, dict[str, Any]]:
    """What goes into the bucket, and the envelope that claims it."""
    kept = Kept(envelope["body_sha256"], body)
    claim = {"bucket": BUCKET, "key": kept.key, "size": len(body)}
    return kept, {**envelope, "body": "", "body_is_base64": False, "body_claim": claim}


def keep(kept: Kept) -> None:
    S3.put_object(Bucket=BUCKET, Key=kept.key, Body=kept.body)
