"""The claim check, at its other end: a body too large for its message is read where publish put it.

Where bodies are expected, CLAIM_CHECK says so, as it does to publish.
"""

import os
from functools import cache
from typing import Any

import boto3


def fetch(claim: dict[str, Any]) -> bytes:
    """The body that was put there. Whoever calls this checks it by its digest, as any other body."""
    found = s3().get_object(Bucket=claim["bucket"], Key=claim["key"])
    return bytes(found["Body"].read())


@cache
def s3() -> Any:
    """Made once, kept while the environment lives."""
    return boto3.client("s3")


if os.environ.get("CLAIM_CHECK"):
    s3()  # while the function starts, which its timeout does not count
