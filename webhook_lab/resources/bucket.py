"""The S3 bucket for bodies that fit into no message: private, encrypted, and emptied by its lifecycle.

A stack's code lies in another one, made and deleted by the same functions.

Calls: HeadBucket, GetBucketTagging, GetPublicAccessBlock, GetBucketEncryption,
GetBucketLifecycleConfiguration; CreateBucket, PutPublicAccessBlock, PutBucketEncryption,
PutBucketLifecycleConfiguration; ListObjectsV2, DeleteObjects, DeleteBucket; ListBuckets. All of AWS shares
one space of names, so the bucket's own ends in account and region; in the lab it goes without them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Final, Self

from webhook_lab.aws.retry import retry_on
from webhook_lab.aws.session import Session
from webhook_lab.facts import prices, spoken
from webhook_lab.resources.ownership import (
    Tags,
    absent_is_none,
    existed,
    from_pairs,
    is_ours,
    pages,
    refuse_foreign,
    to_pairs,
)
from webhook_lab.resources.resource import IN_USE, Listed, Resource, Rows

ENCRYPTION: Final = "AES256"
_GONE = ("404", "403", "NoSuchBucket")  # 403: somebody else's
_BLOCK: Any = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
_HOME = "us-east-1"  # where a bucket stands whose creation names no place


@dataclass(frozen=True)
class Bucket(Resource):
    """A bucket whose objects expire so many days after they were written; None: never."""

    kind: ClassVar[str] = "bucket"
    title: ClassVar[str] = "S3 bucket"
    idle: ClassVar[str] = IN_USE.format(prices.S3_STORAGE)

    expires_after: int | None
    private: bool = True
    encryption: str = ENCRYPTION
    bucket: str = ""
    arn: str = ""

    @property
    def id(self) -> str:
        return self.bucket

    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create the bucket, or restore its privacy, encryption and lifecycle.

        Raises:
            Foreign: a bucket of that name in this account is not ours.
            ClientError: AWS refused, for one a name that another account has taken.
        """
        s3, bucket = aws.s3, bucket_of(aws, self.name)
        if not exists(aws, bucket):
            create(aws, bucket, Tags=to_pairs(tags))
        else:
            refuse_foreign(f"bucket {bucket!r}", _tags(aws, bucket), tags)
        found = self._look(aws, self.name)
        if not found.private:
            s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=_BLOCK)
        if found.encryption != self.encryption:
            rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": self.encryption}}
            s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
        if found.expires_after != self.expires_after:
            s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=self._lifecycle())
        return replace(self, bucket=bucket, arn=found.arn)

    def _lifecycle(self) -> Any:
        every: Any = {"ID": "expire", "Status": "Enabled", "Filter": {"Prefix": ""}}
        return {"Rules": [{**every, "Expiration": {"Days": self.expires_after}}]}

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        bucket = bucket_of(aws, name)
        if not exists(aws, bucket) or not (tags is None or is_ours(_tags(aws, bucket), tags)):
            return None
        return cls._look(aws, name)

    @classmethod
    def _look(cls, aws: Session, name: str) -> Self:
        s3, bucket = aws.s3, bucket_of(aws, name)
        blocked = _told(s3.get_public_access_block, bucket, "NoSuchPublicAccessBlockConfiguration")
        encrypted = _told(s3.get_bucket_encryption, bucket, "ServerSideEncryptionConfigurationNotFoundError")
        rules = _told(s3.get_bucket_lifecycle_configuration, bucket, "NoSuchLifecycleConfiguration")
        first: Any = next(iter(encrypted.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])), {})
        ends = (each.get("Expiration", {}).get("Days") for each in rules.get("Rules", []))
        return cls(
            name,
            expires_after=next(ends, None),
            private=blocked.get("PublicAccessBlockConfiguration") == _BLOCK,
            encryption=first.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", ""),
            bucket=bucket,
            arn=_arn(aws, bucket),
        )

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Empty the bucket and delete it. False when there was none."""
        return existed(lambda: _empty_and_delete(aws, identity), "NoSuchBucket")

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:
        ending = _ending(aws)
        for row in pages(aws.s3, "list_buckets", "Buckets", **({"Prefix": prefix} if prefix else {})):
            if (bucket := row["Name"]).endswith(ending):
                tags = partial(_tags, aws, bucket)
                yield Listed(bucket.removesuffix(ending), bucket, _arn(aws, bucket), tags)

    def rows(self) -> Rows:
        expires = (
            f"{spoken(self.expires_after, 'days')} after it was written" if self.expires_after else "never"
        )
        return (
            ("Public access", "blocked" if self.private else "not blocked"),
            (
                "Encryption",
                f"{self.encryption} (keys of S3)" if self.encryption == ENCRYPTION else self.encryption,
            ),
            ("An object expires", expires),
        )

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:
        return f"s3/buckets/{bucket_of(aws, name)}?region={aws.target.region}"


def bucket_of(aws: Session, name: str) -> str:
    """What AWS calls the bucket that the lab calls `name`."""
    return name + _ending(aws)


def _ending(aws: Session) -> str:
    return f"-{aws.target.account}-{aws.target.region}"


def _arn(aws: Session, bucket: str) -> str:
    return f"arn:{aws.target.partition}:s3:::{bucket}"


def exists(aws: Session, bucket: str) -> bool:
    """Whether there is such a bucket in this account."""
    owner = aws.target.account
    return existed(lambda: aws.s3.head_bucket(Bucket=bucket, ExpectedBucketOwner=owner), *_GONE)


def create(aws: Session, bucket: str, **settings: Any) -> None:
    """Create it in the target's region.

    Args:
        settings: more of CreateBucketConfiguration.
    """
    place = {} if aws.target.region == _HOME else {"LocationConstraint": aws.target.region}
    wanted: Any = {**place, **settings}
    aws.s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": wanted} if wanted else {}))


def _told(call: Callable[..., Any], bucket: str, none: str) -> Any:
    """What a Get call answers; empty where nothing of the kind is set."""
    return absent_is_none(lambda: call(Bucket=bucket), none) or {}


def _tags(aws: Session, bucket: str) -> dict[str, str]:
    return from_pairs(_told(aws.s3.get_bucket_tagging, bucket, "NoSuchTagSet").get("TagSet", []))


def _empty_and_delete(aws: Session, bucket: str) -> object:
    def attempt() -> object:
        for page in aws.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            if keys := [{"Key": each["Key"]} for each in page.get("Contents", [])]:
                aws.s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
        return aws.s3.delete_bucket(Bucket=bucket)

    return retry_on(
        attempt, codes=("BucketNotEmpty",), seconds=15, reason="an object that was being written has come"
    )
