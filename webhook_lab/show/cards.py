"""One card for each kind of thing that a notebook shows, in AWS's words.

Nothing on a card differs between runs or targets: names and no ARNs, no ids, no times, no addresses.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from webhook_lab import sweep
from webhook_lab.facts import Fact, prices, spoken
from webhook_lab.facts.fact import dollars
from webhook_lab.resources import event_source_mapping
from webhook_lab.resources.alarm import Alarm
from webhook_lab.resources.function import Function
from webhook_lab.resources.log_group import LogGroup
from webhook_lab.resources.queue import Queue
from webhook_lab.resources.rest_api import RestApi
from webhook_lab.resources.role import Role
from webhook_lab.resources.table import Table
from webhook_lab.show.card import Card, Cell, Link, counted
from webhook_lab.show.deliveries import items_card, peek_card, redrive_card

__all__ = [
    "Card",
    "comparison_card",
    "facts_card",
    "items_card",
    "ledger_card",
    "peek_card",
    "redrive_card",
    "resource_card",
    "sweep_card",
    "teardown_card",
]

_NOTHING = f"{dollars(0)} a month"
_PER_REQUEST = f"{_NOTHING}; in use {{}}"
_IDLE = {
    "table": _PER_REQUEST.format(prices.DYNAMODB_WRITES),
    "queue": _PER_REQUEST.format(prices.SQS_REQUESTS),
    "role": f"{_NOTHING}; roles are free",
    "logs": _PER_REQUEST.format(f"{prices.LOGS_INGESTED} of lines"),
    "function": _PER_REQUEST.format(f"{prices.LAMBDA_REQUESTS} and {prices.LAMBDA_GB_SECONDS}"),
    "mapping": (
        f"{_NOTHING}: about {prices.IDLE_RECEIVES}, of which SQS gives {prices.SQS_FREE_REQUESTS:,} free; "
        f"else {dollars(round(prices.IDLE_RECEIVES.value / 1e6 * prices.SQS_REQUESTS.value, 2))}"
    ),
    "api": _PER_REQUEST.format(prices.REST_API_REQUESTS),
    "alarm": f"{prices.ALARM_MONTHS}; the first {prices.FREE_ALARMS} of an account are free",
}
_KINDS = {
    "table": "DynamoDB table",
    "queue": "SQS queue",
    "dlq": "SQS dead-letter queue",
    "role": "IAM role",
    "logs": "CloudWatch log group",
    "function": "Lambda function",
    "mapping": "Event source mapping",
    "api": "REST API",
    "alarm": "CloudWatch alarm",
}
_SAME_COST = {"dlq": "queue"}


class Named(Protocol):
    """A ledger row, a removed resource, or one that a sweep found: what kind it is, and its name."""

    @property
    def kind(self) -> str: ...
    @property
    def name(self) -> str: ...


def resource_card(resource: object, *, console_url: str | None = None) -> Card:
    """The card of any resource: its settings that matter, and what it costs idle on AWS.

    Args:
        console_url: its page in the AWS console, where there is one.

    Raises:
        TypeError: there is no card for such a thing.
    """
    for kind, card in _CARDS.items():
        if isinstance(resource, kind):
            return card(resource, console_url)
    raise TypeError(f"no card for {type(resource).__name__}")


def _card(kind: str, name: str, link: str | None, *rows: tuple[Cell, ...]) -> Card:
    return Card(_KINDS[kind], name, (*rows, ("Idle on AWS", _IDLE[kind])), link=link)


def _table(table: Table, link: str | None) -> Card:
    billing = "on demand (PAY_PER_REQUEST)" if table.billing == "PAY_PER_REQUEST" else table.billing
    expires = f"by {table.ttl_attribute} (time to live)" if table.ttl_attribute else "never"
    key = ("Partition key", table.key)
    return _card("table", table.name, link, key, ("Capacity", billing), ("Items expire", expires))


def _queue(queue: Queue, link: str | None) -> Card:
    after = "none: a message that keeps failing is lost when it expires"
    if queue.dead_letter_arn:
        after = f"{_tail(queue.dead_letter_arn)} after {spoken(queue.max_receive_count, 'receives')}"
    return _card(
        "queue",
        queue.name,
        link,
        ("Visibility timeout", spoken(queue.visibility_timeout, "seconds")),
        ("Receive wait time", spoken(queue.receive_wait, "seconds")),
        ("Message retention", spoken(queue.retention, "seconds")),
        ("Dead-letter queue", after),
    )


def _role(role: Role, link: str | None) -> Card:
    statements = (role.policy or {}).get("Statement", [])
    allows = "\n".join(f"{_listed(one['Action'])} on {_tail(_listed(one['Resource']))}" for one in statements)
    return _card("role", role.name, link, ("Path", role.path), ("Allows", allows or "nothing"))


def _log_group(group: LogGroup, link: str | None) -> Card:
    kept = spoken(group.retention_days, "days") if group.retention_days else "for ever"
    return _card("logs", group.name, link, ("Lines are kept", kept))


def _function(function: Function, link: str | None) -> Card:
    reserved = "none: it shares what the account has left"
    if function.reserved_concurrency is not None:
        reserved = spoken(function.reserved_concurrency, "executions")
    environment = "\n".join(
        f"{name} = {_variable(name, v)}" for name, v in sorted(function.environment.items())
    )
    return _card(
        "function",
        function.name,
        link,
        ("Runtime", function.runtime),
        ("Timeout", spoken(function.timeout, "seconds")),
        ("Memory", spoken(function.memory, "MB")),
        ("Execution role", _tail(function.role_arn)),
        ("Reserved concurrency", reserved),
        ("Environment", environment or "empty"),
    )


def _mapping(mapping: event_source_mapping.Mapping, link: str | None) -> Card:
    most = "not set: only the function's own concurrency limits it"
    if mapping.maximum_concurrency is not None:
        most = spoken(mapping.maximum_concurrency, "invocations")
    failures = "one failed message returns its whole batch"
    if mapping.report_batch_item_failures:
        failures = "only failed messages return (ReportBatchItemFailures)"
    return _card(
        "mapping",
        f"{_tail(mapping.queue_arn)} -> {mapping.function_name}",
        link,
        ("Batch size", spoken(mapping.batch_size, "messages")),
        ("Maximum concurrency", most),
        ("When a message fails", failures),
    )


def _api(api: RestApi, link: str | None) -> Card:
    paths = "\n".join(f"ANY {path}" for path in api.paths)
    return _card(
        "api",
        api.name,
        link,
        ("Methods and paths", paths or "none"),
        ("Invokes", _tail(api.function_arn) if api.function_arn else "nothing"),
        ("Stage", api.stage or "not deployed"),
    )


def _alarm(alarm: Alarm, link: str | None) -> Card:
    rule = alarm.rule
    card = _card(
        "alarm",
        alarm.name,
        link,
        ("Watches", f"{rule.metric} of {alarm.queue_name}"),
        ("Alarm when", f"more than {rule.threshold} in {_periods(rule.periods, rule.period)}"),
        ("Without a value", "no alarm (notBreaching)"),
        ("Tells", "nobody: it has no action"),
        ("State", alarm.state),
    )
    if alarm.arn:
        return card
    judged = "There are no metrics here, so no alarm was created: lab judged its rule by the queue's depth."
    return replace(card, title="The rule of a CloudWatch alarm", note=judged)


def _periods(count: int, seconds: int) -> str:
    each = spoken(seconds, "seconds")
    return f"a period of {each}" if count == 1 else f"{count} periods of {each} in a row"


_CARDS: dict[type, Callable[[Any, str | None], Card]] = {
    Table: _table,
    Queue: _queue,
    Role: _role,
    LogGroup: _log_group,
    Function: _function,
    event_source_mapping.Mapping: _mapping,
    RestApi: _api,
    Alarm: _alarm,
}


def facts_card(title: str, facts: Mapping[str, Fact[Any]], note: str = "") -> Card:
    """Numbers with their sources: what each is called, its value, and the page that says so."""
    rows = tuple((name, str(fact), Link(fact.source)) for name, fact in facts.items())
    checked = ", ".join(sorted({fact.checked for fact in facts.values()}))
    return Card(title, "", rows, ("what", "value", f"source, checked {checked}"), note)


def comparison_card(
    title: str, header: Sequence[str], rows: Iterable[Sequence[Cell]], note: str = ""
) -> Card:
    """Any few rows under column names; numbers are set to the right."""
    return Card(title, "", tuple(tuple(row) for row in rows), tuple(header), note)


def ledger_card(rows: Sequence[Named]) -> Card:
    """What a lab made and has not removed, and what each costs idle on AWS."""
    table = tuple((_kind(row.kind), row.name, _idle(row.kind)) for row in rows)
    title = f"This lab holds {counted(len(rows), 'resource')}"
    return Card(title, "", table, ("resource", "name", "idle on AWS") if table else ())


def teardown_card(removed: Sequence[Named], left: Sequence[Named]) -> Card:
    """What a teardown removed, and what AWS still shows of this lab: nothing, if all went well."""
    table = (
        *((_kind(row.kind), row.name, "removed") for row in removed),
        *((_kind(row.kind), row.name, "STILL THERE") for row in left),
    )
    title = f"{counted(len(removed), 'resource')} removed, {len(left)} left"
    note = "" if left else "Asked of AWS, by tag, by role path and by name: nothing of this lab is left."
    return Card(title, "", table, ("resource", "name", "") if table else (), note)


def sweep_card(found: Sequence[sweep.Found], *, removed: bool = False) -> Card:
    """What a sweep found, and how each is known to be the lab's."""
    rows = tuple((_kind(each.kind), each.name, f"by its {each.why}") for each in found)
    then = f", and removed {'it' if len(found) == 1 else 'them'}" if removed and found else ""
    title = f"The sweep found {counted(len(found), 'resource')}{then}"
    return Card(title, "", rows, ("resource", "name", "known") if rows else ())


def _short(kind: str) -> str:
    """The kind behind a step's key or a sweep's kind: "publish_logs" and "log_group" are both "logs"."""
    return "logs" if kind == "log_group" else kind if kind in _KINDS else kind.rpartition("_")[2]


def _kind(kind: str) -> str:
    return _KINDS.get(_short(kind), kind)


def _idle(kind: str) -> str:
    short = _short(kind)
    return _IDLE.get(_SAME_COST.get(short, short), _NOTHING)


def _tail(arn: str) -> str:
    """An ARN's own name, without account, region and kind."""
    name = arn.split(":", 5)[-1].removesuffix(":*")
    for kind in ("table/", "log-group:", "function:"):
        name = name.removeprefix(kind)
    return name.rpartition("/")[2] if name.startswith("role/") else name


def _listed(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _variable(name: str, value: str) -> str:
    if "SECRET" in name:
        return "set, not shown" if value else "not set"
    return f"the URL of {value.rpartition('/')[2]}" if "://" in value else value or "empty"
