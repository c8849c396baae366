"""The log group that a function writes to, made by us so that its lines expire and teardown can remove it.

Calls: DescribeLogGroups, ListTagsForResource; CreateLogGroup, PutRetentionPolicy; DeleteLogGroup.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from webhook_lab.aws.retry import retry_until
from webhook_lab.resources.ownership import Tags, existed, is_ours, refuse_foreign

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient as LogsClient


@dataclass(frozen=True)
class LogGroup:
    """A log group; `retention_days` is None where lines never expire. `arn` has no ``:*`` at its end."""

    name: str
    arn: str
    retention_days: int | None


def ensure_log_group(logs: "LogsClient", *, name: str, retention_days: int, tags: Tags) -> LogGroup:
    """Create the log group, or restore its retention.

    Raises:
        Foreign: a log group of that name is not ours.
    """
    found = _look(logs, name)
    if found is None:
        logs.create_log_group(logGroupName=name, tags=dict(tags))
    else:
        refuse_foreign(f"log group {name!r}", _tags(logs, found), tags)
    if found is None or found.retention_days != retention_days:
        logs.put_retention_policy(logGroupName=name, retentionInDays=retention_days)
    if found is None:
        found = retry_until(lambda: _look(logs, name), seconds=15, reason=f"log group {name!r} to be listed")
    return LogGroup(name, found.arn, retention_days)


def describe_log_group(logs: "LogsClient", *, name: str, tags: Tags | None = None) -> LogGroup | None:
    """The log group as it is now, or None."""
    found = _look(logs, name)
    return found if found and (tags is None or is_ours(_tags(logs, found), tags)) else None


def delete_log_group(logs: "LogsClient", *, name: str, tags: Tags | None = None) -> bool:
    """Delete the log group with every line in it. False when there was none."""
    if tags is not None and describe_log_group(logs, name=name, tags=tags) is None:
        return False
    return existed(lambda: logs.delete_log_group(logGroupName=name), "ResourceNotFoundException")


def _look(logs: "LogsClient", name: str) -> LogGroup | None:
    # Listed by prefix and in order of names: the group itself comes before those that its name begins.
    for group in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
        if group["logGroupName"] == name:
            return LogGroup(name, group["arn"].removesuffix(":*"), group.get("retentionInDays"))
    return None


def _tags(logs: "LogsClient", group: LogGroup) -> dict[str, str]:
    return logs.list_tags_for_resource(resourceArn=group.arn)["tags"]
