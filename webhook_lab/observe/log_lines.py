"""The handlers' own JSON lines. Times are inside the line: CloudWatch stamps a whole invocation alike."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mypy_boto3_logs import CloudWatchLogsClient


def read_lines(logs: "CloudWatchLogsClient", *, log_group: str, since: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the JSON lines that the functions of `log_group` wrote, oldest first within each page.

    Args:
        since: epoch milliseconds; lines that CloudWatch received earlier are left out.
    """
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=log_group, startTime=since):
        for event in page["events"]:
            try:
                line = json.loads(event["message"])
            except ValueError:
                continue
            if isinstance(line, dict) and "event" in line:
                yield line
