"""What a production stack rings for: what goes wrong, each as a rule on one metric of one resource."""

from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.settings import Settings
from webhook_lab.resources.alarm import Alarm, Rule

OLDEST_SECONDS = 300
"""How long a delivery may wait before somebody is called: our choice, above what a burst takes to drain."""


def _lambda(metric: str) -> Rule:
    return Rule(metric, namespace="AWS/Lambda", dimension="FunctionName", statistic="Sum")


THROTTLES, ERRORS = _lambda("Throttles"), _lambda("Errors")


def _api(metric: str, threshold: int) -> Rule:
    return Rule(metric, threshold, namespace="AWS/ApiGateway", dimension="ApiName", statistic="Sum")


REFUSED = 5
"""Refusals a minute that are nobody's business: scanners try their luck at any open address."""


def alarms(names: Names, settings: Settings) -> dict[str, Alarm]:
    """Every alarm of a production stack, by its key."""
    publish, subscribe = names.function("publish"), names.function("subscribe")
    rules = {
        "oldest_waits": (names.queue, Rule("ApproximateAgeOfOldestMessage", OLDEST_SECONDS)),
        "dead_letters": (names.dlq, settings.dead_letter_alarm),
        "throttles": (subscribe, THROTTLES),
        "refusals": (names.api, _api("4XXError", REFUSED)),
        "server_errors": (names.api, _api("5XXError", 0)),
        "publish_errors": (publish, ERRORS),
        "subscribe_errors": (subscribe, ERRORS),
    }
    return {
        key: Alarm(f"{names.prefix}-{key.replace('_', '-')}", watched, rule)
        for key, (watched, rule) in rules.items()
    }
