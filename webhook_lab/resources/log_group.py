"""The log group that a function writes to, made by us so that its lines expire and teardown can remove it.

Calls: DescribeLogGroups, ListTagsForResource; CreateLogGroup, PutRetentionPolicy; DeleteLogGroup.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar, Self
from urllib.parse import quote

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import code_of
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.facts import prices, spoken
from webhook_lab.resources.ownership import (
    Tags,
    absent_is_none,
    existed,
    is_ours,
    looks_again,
    pages,
    refuse_foreign,
    to_pairs,
)
from webhook_lab.resources.resource import IN_USE, Listed, Resource, Rows

LOGS = "/aws/lambda/"
"""What the names of functions' log groups begin with."""
_GONE = "ResourceNotFoundException"


@dataclass(frozen=True)
class LogGroup(Resource):
    """A log group; `retention_days` is None where lines never expire. `arn` has no ``:*`` at its end."""

    kind: ClassVar[str] = "log_group"
    title: ClassVar[str] = "CloudWatch log group"
    idle: ClassVar[str] = IN_USE.format(f"{prices.LOGS_INGESTED} of lines")

    retention_days: int | None
    arn: str = ""

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create the log group, or restore its retention.

        Raises:
            Foreign: a log group of that name is not ours.
        """
        name, found = self.name, self._look(aws, self.name)
        if found is None:
            aws.logs.create_log_group(logGroupName=name, tags=dict(tags))
        else:
            refuse_foreign(f"log group {name!r}", found[1], tags)
        if self.retention_days and (found is None or found[0].retention_days != self.retention_days):
            aws.logs.put_retention_policy(logGroupName=name, retentionInDays=self.retention_days)
        if found is None:
            reason = f"log group {name!r} to be listed"
            found = retry_until(
                lambda: self._look(aws, name), seconds=aws.target.traits.allow(15), reason=reason
            )
        return replace(self, arn=found[0].arn)

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        found = cls._look(aws, name)
        return found[0] if found and is_ours(found[1], tags) else None

    @classmethod
    def _look(cls, aws: Session, name: str) -> tuple[Self, dict[str, str]] | None:
        """The group with its tags; None also for one that is listed still and gone, so that it has none."""
        # Listed by prefix and in order of names: the group itself comes before those that its name begins.
        for group in aws.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
            if group["logGroupName"] == name:
                found = cls(name, group.get("retentionInDays"), group["arn"].removesuffix(":*"))
                tags = absent_is_none(partial(_tags, aws, found.arn), _GONE)
                return None if tags is None else (found, tags)
        return None

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Delete the log group with every line in it, deletion protection or not. False: there was none."""
        delete = partial(aws.logs.delete_log_group, logGroupName=identity)
        try:
            return existed(delete, _GONE)
        except ClientError as error:
            if code_of(error) != "ValidationException":
                raise
        aws.logs.put_log_group_deletion_protection(
            logGroupIdentifier=identity, deletionProtectionEnabled=False
        )
        return existed(delete, _GONE)

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:  # noqa: ARG003
        """Every log group of a function; Lambda makes some itself, which then belong with their function."""
        for row in pages(aws.logs, "describe_log_groups", "logGroups", logGroupNamePrefix=LOGS):
            name, arn = row["logGroupName"], row["arn"].removesuffix(":*")
            of = (("function", name.removeprefix(LOGS)),)
            yield Listed(name, name, arn, partial(_tags, aws, arn), goes_with=of)

    def cloudformation(self, logical_id: str, tags: Tags) -> dict[str, Any]:
        properties = {
            "LogGroupName": self.name,
            "RetentionInDays": self.retention_days,
            "Tags": to_pairs(tags),
        }
        return {logical_id: {"Type": "AWS::Logs::LogGroup", "Properties": properties}}

    def rows(self) -> Rows:
        kept = spoken(self.retention_days, "days") if self.retention_days else "for ever"
        return (("Lines are kept", kept),)

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:
        group = quote(name, safe="")
        return f"cloudwatch/home?region={aws.target.region}#logsV2:log-groups/log-group/{group}"


def _tags(aws: Session, arn: str) -> dict[str, str]:
    return aws.logs.list_tags_for_resource(resourceArn=arn).get("tags", {})
