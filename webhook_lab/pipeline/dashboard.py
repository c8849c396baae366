"""A CloudWatch dashboard with the course's own charts: what waits, runs, fails, and is answered."""

import json
from typing import Any

from webhook_lab.facts import quotas
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.settings import Settings
from webhook_lab.resources.any_url_api import STAGE

Line = tuple[str, ...]
_WIDTH, _HEIGHT = 12, 6


def charts(names: Names, settings: Settings) -> dict[str, tuple[list[Line], int | None]]:
    """By title: the metrics of a chart (namespace, metric, dimension, value), and where a limit is drawn."""
    queue, dlq = ("QueueName", names.queue), ("QueueName", names.dlq)
    publish, subscribe = (("FunctionName", names.function(each)) for each in ("publish", "subscribe"))
    api = ("ApiName", names.api, "Stage", STAGE)
    visible, hidden = "ApproximateNumberOfMessagesVisible", "ApproximateNumberOfMessagesNotVisible"
    return {
        "Messages waiting and in flight": ([("AWS/SQS", visible, *queue), ("AWS/SQS", hidden, *queue)], None),
        "Subscribe invocations running": (
            [("AWS/Lambda", "ConcurrentExecutions", *subscribe)],
            settings.maximum_concurrency,
        ),
        "Age of the oldest message": ([("AWS/SQS", "ApproximateAgeOfOldestMessage", *queue)], None),
        "Dead letters": ([("AWS/SQS", visible, *dlq)], None),
        "Requests and refusals": (
            [("AWS/ApiGateway", m, *api) for m in ("Count", "4XXError", "5XXError")],
            None,
        ),
        "Errors and throttles": (
            [("AWS/Lambda", m, *of) for of in (publish, subscribe) for m in ("Errors", "Throttles")],
            None,
        ),
    }


def dashboard(names: Names, settings: Settings) -> dict[str, Any]:
    """The dashboard as a resource of the template."""
    widgets = [
        _widget(place, title, *chart) for place, (title, chart) in enumerate(charts(names, settings).items())
    ]
    body = json.dumps({"widgets": widgets}, indent=1)
    properties = {"DashboardName": f"{names.prefix}-pipeline", "DashboardBody": body}
    return {"Dashboard": {"Type": "AWS::CloudWatch::Dashboard", "Properties": properties}}


def _widget(place: int, title: str, lines: list[Line], limit: int | None) -> dict[str, Any]:
    counted = {"Count", "4XXError", "5XXError", "Errors", "Throttles"}
    properties: dict[str, Any] = {
        "title": title,
        "region": "${AWS::Region}",
        "metrics": [list(line) for line in lines],
        "stat": "Sum" if lines[0][1] in counted else "Maximum",
        "period": quotas.SQS_METRICS_EVERY.value,
    }
    if limit is not None:
        properties["annotations"] = {"horizontal": [{"label": "MaximumConcurrency", "value": limit}]}
    where = {"x": place % 2 * _WIDTH, "y": place // 2 * _HEIGHT, "width": _WIDTH, "height": _HEIGHT}
    return {"type": "metric", **where, "properties": properties}
