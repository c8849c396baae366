"""What is asked of the model: what arrives, and every setting and limit that it has to pass.

Beside each parameter stands who says so: a page of AWS's documentation, the pipeline's own settings, or
"assumption" where nobody does.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import psutil

from webhook_lab.aws.errors import LabError
from webhook_lab.facts import quotas, senders
from webhook_lab.facts.fact import Fact
from webhook_lab.facts.refusals import INVALID, hidden_too_short, too_few_left, window_missing

SETTING = "your setting"
ASSUMED = "assumption"
BYTES_EACH = 16
"""What the exact model keeps for each message that waits: when it arrived, and room to sort."""
_MB = 1024 * 1024


def _setting(default: Any) -> Any:
    return field(default=default, metadata={"source": SETTING})


def _assumed(default: Any) -> Any:
    return field(default=default, metadata={"source": ASSUMED})


def _documented(fact: Fact[Any]) -> Any:
    return field(default=fact.value, metadata={"source": fact.source})


@dataclass(frozen=True)
class Flow:
    """Deliveries of one sender, evenly spaced.

    Args:
        messages: how many.
        start: seconds after which the first comes.
        seconds: over how long they are spread; 0: all at once.
        sender: whose they are, for what gives each its turn.
    """

    messages: int
    start: float = 0.0
    seconds: float = 0.0
    sender: str = "sender"

    def __post_init__(self) -> None:
        if isinstance(self.messages, bool) or not isinstance(self.messages, int) or self.messages < 0:
            raise _refused(f"{self.messages!r} messages", "Use a whole number, 0 or more.")
        for name in ("start", "seconds"):
            _no_less_than(name, getattr(self, name), 0)


@dataclass(frozen=True)
class Scenario:
    """A load and a pipeline. Times are in seconds, sizes in bytes, rates in a second.

    Raises:
        LabError: what AWS would refuse, with its reason, or what is no number.
    """

    flows: tuple[Flow, ...] = field(metadata={"source": "what you ask"})
    batch_size: int = _setting(10)
    batching_window: float = _setting(0.0)
    maximum_concurrency: int | None = _setting(2)
    reserved_concurrency: int | None = _setting(2)
    function_timeout: float = _setting(30.0)
    visibility_timeout: float = _setting(180.0)
    max_receive_count: int | None = _setting(5)
    queue_retention: float = _setting(345_600.0)
    report_batch_item_failures: bool = _setting(True)
    work_seconds: float = _setting(0.0)
    message_groups: int | None = _setting(None)
    """Of a FIFO queue, which has one batch of a group in flight; None: a standard queue."""
    account_concurrency: int = _documented(quotas.LAMBDA_ACCOUNT_CONCURRENCY)
    in_flight_most: int = _documented(quotas.SQS_IN_FLIGHT)
    api_rate: float = _documented(quotas.API_RATE)
    api_burst: int = _documented(quotas.API_BURST)
    environments_each_10s: int = _documented(quotas.LAMBDA_SCALES_BY)
    table_writes: float = _documented(quotas.DYNAMODB_NEW_TABLE_WRITES)
    payload_bytes: int = _documented(senders.GITHUB_PAYLOAD)
    publish_seconds: float = _assumed(0.02)
    each_batch_seconds: float = _assumed(0.02)
    """Between two invocations of a poller: deleting, receiving, invoking."""
    each_message_seconds: float = _assumed(0.005)
    """That a message takes beside the work: reading it and storing it."""
    poisoned: float = _assumed(0.0)
    """The share of messages that fail whenever they are tried."""
    failing: tuple[float, float] = _assumed((0.0, 0.0))
    """From when until when every message fails, as while a database is down."""
    random_arrivals: bool = _assumed(False)
    random_work: bool = _assumed(False)
    """Work of random length, exponential around its mean."""
    seed: int = _assumed(0)

    def __post_init__(self) -> None:
        _check(self)

    @classmethod
    def of(cls, settings: object, *flows: Flow, **instead: Any) -> Self:
        """The scenario of a pipeline's settings, those of the same name, with others `instead`."""
        shared = {each.name for each in fields(cls)} & set(getattr(settings, "__dataclass_fields__", ()))
        try:
            return cls(flows, **{name: getattr(settings, name) for name in shared} | instead)
        except TypeError as error:
            known = ", ".join(each.name for each in fields(cls))
            raise LabError("set up a model", str(error), f"The parameters are {known}.") from error

    def but(self, **instead: Any) -> Self:
        """The same with other values."""
        return replace(self, **instead)

    @property
    def messages(self) -> int:
        """How many deliveries come in all."""
        return sum(flow.messages for flow in self.flows)

    @property
    def batch(self) -> int:
        """Messages in a full batch: as many as one invocation's payload takes, at most the batch size."""
        most = quotas.LAMBDA_PAYLOAD.value * _MB // max(self.payload_bytes, 1)
        return max(1, min(self.batch_size, most))

    @property
    def room(self) -> int:
        """How many invocations of subscribe the account lets run at once."""
        free = self.account_concurrency - quotas.LAMBDA_UNRESERVED_CONCURRENCY.value
        return self.reserved_concurrency or max(free, 1)

    @property
    def pollers_most(self) -> int:
        """How many pollers there can be at most, however long the queue is busy."""
        most = self.maximum_concurrency or quotas.MAPPING_ENDS_WITH.value
        return min(most, self.message_groups or most)

    @property
    def write_units(self) -> int:
        """DynamoDB's write units for one item."""
        return math.ceil(self.payload_bytes / quotas.DYNAMODB_WRITE_UNIT_BYTES.value)

    def seconds_for(self, messages: int) -> float:
        """How long a poller has to do with a batch of so many, if the table keeps up."""
        return self.each_batch_seconds + messages * (self.each_message_seconds + self.work_seconds)

    def parameters(self) -> Iterator[tuple[str, str, str]]:
        """Each parameter, its value and who says so."""
        for each in fields(self):
            value = getattr(self, each.name)
            said = f"{value:,}" if isinstance(value, int | float) and value is not True else str(value)
            if each.name != "flows":
                yield each.name, said, each.metadata["source"]


def fits(scenario: Scenario) -> None:
    """Refuse what the exact model has no memory for.

    Raises:
        LabError: and what would answer all the same.
    """
    needed, free = scenario.messages * BYTES_EACH, psutil.virtual_memory().available
    if needed > free // 2:
        said = (
            f"{scenario.messages:,} messages take {needed / _MB:,.0f} MB, and {free / _MB:,.0f} MB are free"
        )
        raise LabError("run the exact model", said, "Take the fluid answer: `outline(scenario)`.")


def _check(scenario: Scenario) -> None:
    numbers = {
        each.name: value
        for each in fields(scenario)
        if isinstance(value := getattr(scenario, each.name), int | float) and not isinstance(value, bool)
    }
    for name, value in numbers.items():
        _no_less_than(name, value, 0)
    for name in (
        "batch_size",
        "account_concurrency",
        "api_rate",
        "api_burst",
        "table_writes",
        "in_flight_most",
    ):
        _no_less_than(name, numbers[name], 1)
    for name in ("max_receive_count", "message_groups", "reserved_concurrency"):
        _no_less_than(name, numbers.get(name, 1), 1)
    for when in scenario.failing:
        _no_less_than("failing", when, 0)
    if scenario.poisoned > 1:
        raise _refused(f"poisoned is {scenario.poisoned!r}", "Use a share from 0 to 1.")
    _check_mapping(scenario)


def _check_mapping(scenario: Scenario) -> None:
    """What PutFunctionConcurrency and CreateEventSourceMapping refuse."""
    left = scenario.account_concurrency - (scenario.reserved_concurrency or 0)
    kept = quotas.LAMBDA_UNRESERVED_CONCURRENCY.value
    if scenario.reserved_concurrency and (said := too_few_left(left, kept)):
        raise _refused(
            INVALID + said, f"Reserve at most {max(scenario.account_concurrency - kept, 0)}, or None."
        )
    least, most = quotas.MAPPING_CONCURRENCY_LEAST.value, quotas.MAPPING_CONCURRENCY_MOST.value
    if (throttle := scenario.maximum_concurrency) is not None and not least <= throttle <= most:
        said = f"MaximumConcurrency is {throttle!r}, and AWS takes {least} to {most:,}"
        raise _refused(
            said, f"Try {least}; for one at a time a FIFO queue: maximum_concurrency=None, message_groups=1."
        )
    if said := hidden_too_short(scenario.visibility_timeout, scenario.function_timeout):
        advised = quotas.VISIBILITY_PER_TIMEOUT.value * scenario.function_timeout
        raise _refused(INVALID + said, f"Set the visibility timeout to {advised:g} s.")
    if said := window_missing(scenario.batch_size, int(scenario.batching_window)):
        raise _refused(INVALID + said, "Set batching_window=1.")
    if scenario.batch_size > quotas.MAPPING_BATCH_LARGEST.value:
        raise _refused(f"a batch of {scenario.batch_size:,}", f"AWS takes {quotas.MAPPING_BATCH_LARGEST}.")


def _no_less_than(name: str, value: Any, least: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or value < least:
        raise _refused(f"{name} is {value!r}", f"Use a number, {least:g} or more.")


def _refused(said: str, try_this: str) -> LabError:
    return LabError("set up a model", said, try_this)
