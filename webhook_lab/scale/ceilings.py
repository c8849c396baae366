"""Which limit comes next: every one that a delivery has to pass, as a rate."""

from dataclasses import dataclass

from webhook_lab.facts import quotas
from webhook_lab.scale.arrivals import publish_gate
from webhook_lab.scale.scenario import SETTING, Scenario


@dataclass(frozen=True)
class Ceiling:
    """One limit.

    Args:
        rate: deliveries a second that it lets through.
        source: who says so.
    """

    what: str
    rate: float
    source: str


def ceilings(scenario: Scenario) -> list[Ceiling]:
    """All of them, the one that is reached first first."""
    batch, batch_time = scenario.batch, scenario.seconds_for(scenario.batch)
    each = batch / batch_time
    growing = quotas.MAPPING_STARTS_WITH, quotas.MAPPING_ENDS_WITH
    found = [
        Ceiling("API Gateway's throttle", scenario.api_rate, quotas.API_RATE.source),
        Ceiling("publish, in the account's concurrency", publish_gate(scenario)[0],
              quotas.LAMBDA_ACCOUNT_CONCURRENCY.source),
        Ceiling(f"the first {growing[0].value} pollers", growing[0].value * each, growing[0].source),
        Ceiling(f"{growing[1].value:,} pollers, after minutes", growing[1].value * each, growing[1].source),
        Ceiling("subscribe, in its concurrency", scenario.room * each, SETTING),
        Ceiling("120,000 in flight", scenario.in_flight_most / batch_time, quotas.SQS_IN_FLIGHT.source),
        Ceiling("120,000 in flight, if every message fails",
              scenario.in_flight_most / max(scenario.visibility_timeout, 1e-9), quotas.SQS_IN_FLIGHT.source),
        Ceiling("a new table's write units", scenario.table_writes / max(scenario.write_units, 1),
              quotas.DYNAMODB_NEW_TABLE_WRITES.source),
    ]  # fmt: skip
    if scenario.maximum_concurrency:
        found.append(Ceiling("MaximumConcurrency", scenario.maximum_concurrency * each, SETTING))
    if scenario.message_groups:
        found.append(Ceiling("FIFO message groups", scenario.message_groups * each, SETTING))
        fifo = quotas.SQS_FIFO_RATE
        found.append(Ceiling("a FIFO queue's sends", fifo.value, fifo.source))
    return sorted(found, key=lambda each: each.rate)
