"""What a real account does every day: what was done shows late, and changes take their time.

Old answers are held in the process that the scenario runs in. Where the local cloud would act on a change
that AWS has not made yet, the request itself is held back and answered at once.
"""

import contextlib
import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.days.scenarios import Answer, Call, Day, Scenario, refusal

DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
LOOK_SECONDS = 1.0
"""Between two looks at a queue's depths, which are kept to be shown later."""


def normal_day(account: int = 1_000) -> Day:
    """Everything in this module, in an account that may run so many executions at once."""
    return Day(
        LateLogs(5),
        OldDepths(20),
        OldLists(20),
        SlowMappings(15),
        SlowQueueAttributes(30),
        SlowFunctions(3),
        Account(account),
    )


class LateLogs(Scenario):
    """A log event shows so many seconds after it was written."""

    def __init__(self, seconds: float) -> None:
        self._ms = round(seconds * 1000)

    def answered(self, call: Call, answer: Answer) -> None:
        if call.is_a("logs", "FilterLogEvents", "GetLogEvents"):
            latest = call.clock.epoch_ms() - self._ms
            answer["events"] = [each for each in answer["events"] if each["timestamp"] <= latest]


class OldDepths(Scenario):
    """A queue's depths are those of so many seconds ago, or the first that were ever seen here."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._seen: dict[str, deque[tuple[float, dict[str, str]]]] = {}

    def asked(self, call: Call) -> None:
        if call.is_a("sqs") and "QueueUrl" in call.params:
            self._follow(call, call.params["QueueUrl"])

    def answered(self, call: Call, answer: Answer) -> None:
        if call.is_a("sqs", "CreateQueue", "GetQueueUrl"):
            self._follow(call, answer["QueueUrl"])
        elif call.is_a("sqs", "DeleteQueue"):
            self._seen.pop(call.params["QueueUrl"], None)
        elif call.is_a("sqs", "GetQueueAttributes") and (seen := self._seen.get(call.params["QueueUrl"])):
            then = call.clock.now() - self._seconds
            old = next((depths for at, depths in reversed(seen) if at <= then), seen[0][1])
            attributes = answer.get("Attributes", {})
            attributes.update({name: old[name] for name in DEPTHS if name in attributes and name in old})

    def _follow(self, call: Call, url: str) -> None:
        if url not in self._seen:
            with contextlib.suppress(ClientError):  # there is none
                seen = deque([(call.clock.now(), self._look(call, url))], maxlen=300)
                self._seen[url] = seen
                self._again(call, url, seen)

    def _again(self, call: Call, url: str, seen: deque[tuple[float, dict[str, str]]]) -> None:
        def look() -> None:
            if self._seen.get(url) is seen:
                with contextlib.suppress(ClientError):
                    seen.append((call.clock.now(), self._look(call, url)))
                self._again(call, url, seen)

        call.clock.later(LOOK_SECONDS, look, owed=False)

    @staticmethod
    def _look(call: Call, url: str) -> dict[str, str]:
        answer = call.really("GetQueueAttributes", QueueUrl=url, AttributeNames=list(DEPTHS))
        return dict(answer.get("Attributes", {}))


@dataclass(frozen=True)
class _Listing:
    """One list of AWS's: where its entries stand, and what adds one or takes it away.

    Args:
        id_of: what an entry is known by.
        made: the same out of the params and the answer of `create`.
        deleted: the same out of the params of `delete`.
        shows: whether a list asked for with these params has the entry; the whole entry is given.
    """

    service: str
    operation: str
    field: str
    create: str
    delete: str
    id_of: Callable[[Any], str]
    made: Callable[[Mapping[str, Any], Answer], str]
    deleted: Callable[[Mapping[str, Any]], str]
    shows: Callable[[Mapping[str, Any], Any], bool] = lambda params, entry: True


LISTS = (
    _Listing(
        "sqs", "ListQueues", "QueueUrls", "CreateQueue", "DeleteQueue",
        id_of=str, made=lambda _, answer: answer["QueueUrl"], deleted=lambda params: params["QueueUrl"],
        shows=lambda params, url: url.rsplit("/", 1)[1].startswith(params.get("QueueNamePrefix", "")),
    ),
    _Listing(
        "iam", "ListRoles", "Roles", "CreateRole", "DeleteRole",
        id_of=lambda role: role["RoleName"], made=lambda params, _: params["RoleName"],
        deleted=lambda params: params["RoleName"],
        shows=lambda params, role: role["Path"].startswith(params.get("PathPrefix", "/")),
    ),
    _Listing(
        "lambda", "ListFunctions", "Functions", "CreateFunction", "DeleteFunction",
        id_of=lambda each: each["FunctionName"], made=lambda params, _: params["FunctionName"],
        deleted=lambda params: params["FunctionName"],
    ),
    _Listing(
        "lambda", "ListEventSourceMappings", "EventSourceMappings",
        "CreateEventSourceMapping", "DeleteEventSourceMapping",
        id_of=lambda each: each["UUID"], made=lambda _, answer: answer["UUID"],
        deleted=lambda params: params["UUID"],
        shows=lambda params, each: params.get("FunctionName", "") in each["FunctionArn"]
        and params.get("EventSourceArn", "") in each["EventSourceArn"],
    ),
    _Listing(
        "apigateway", "GetRestApis", "items", "CreateRestApi", "DeleteRestApi",
        id_of=lambda api: api["id"], made=lambda _, answer: answer["id"],
        deleted=lambda params: params["restApiId"],
    ),
    _Listing(
        "dynamodb", "ListTables", "TableNames", "CreateTable", "DeleteTable",
        id_of=str, made=lambda params, _: params["TableName"], deleted=lambda params: params["TableName"],
    ),
    _Listing(
        "logs", "DescribeLogGroups", "logGroups", "CreateLogGroup", "DeleteLogGroup",
        id_of=lambda group: group["logGroupName"], made=lambda params, _: params["logGroupName"],
        deleted=lambda params: params["logGroupName"],
        shows=lambda params, group: group["logGroupName"].startswith(params.get("logGroupNamePrefix", "")),
    ),
    _Listing(
        "s3", "ListBuckets", "Buckets", "CreateBucket", "DeleteBucket",
        id_of=lambda bucket: bucket["Name"], made=lambda params, _: params["Bucket"],
        deleted=lambda params: params["Bucket"],
    ),
)  # fmt: skip
TOKENS = ("NextToken", "nextToken", "Marker", "NextMarker", "position", "LastEvaluatedTableName")
"""What an answer has that is not the last page."""


class OldLists(Scenario):
    """What was made does not stand in its list yet, and what was deleted does still, for so many seconds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._made: dict[tuple[str, str], float] = {}
        self._gone: dict[tuple[str, str], tuple[float, Any]] = {}

    def asked(self, call: Call) -> None:
        for each in LISTS:
            if call.is_a(each.service, each.create, each.delete):
                with contextlib.suppress(ClientError):
                    listed = call.really(each.operation).get(each.field, [])
                    call.notes[self] = {each.id_of(entry): entry for entry in listed}

    def answered(self, call: Call, answer: Answer) -> None:
        now, before = call.clock.now(), call.notes.get(self, {})
        for each in LISTS:
            if call.is_a(each.service, each.create):
                known = each.operation, each.made(call.params, answer)
                self._gone.pop(known, None)
                if known[1] not in before:
                    self._made[known] = now
            elif call.is_a(each.service, each.delete):
                known = each.operation, each.deleted(call.params)
                shown = now - self._made.pop(known, -self._seconds) >= self._seconds
                if known[1] in before and shown:
                    self._gone[known] = now, before[known[1]]
            elif call.is_a(each.service, each.operation):
                self._alter(each, call, answer)

    def _alter(self, each: _Listing, call: Call, answer: Answer) -> None:
        oldest, real = call.clock.now() - self._seconds, answer.get(each.field, [])
        young = {name for (list_, name), at in self._made.items() if list_ == each.operation and at > oldest}
        shown = [entry for entry in real if each.id_of(entry) not in young]
        if not any(answer.get(token) for token in TOKENS):
            there = {each.id_of(entry) for entry in real}
            for (list_, name), (at, entry) in self._gone.items():
                late = list_ == each.operation and at > oldest and name not in there
                if late and each.shows(call.params, entry):
                    shown.append(_as_sent(entry))
        if shown or each.field in answer:
            answer[each.field] = shown


def _as_sent(entry: Any) -> Any:
    """The entry before botocore read it: afterwards a role's policy is no JSON text any more."""
    document = "AssumeRolePolicyDocument"
    if isinstance(entry, dict) and isinstance(entry.get(document), dict):
        return {**entry, document: json.dumps(entry[document])}
    return entry


class SlowMappings(Scenario):
    """An event source mapping takes so many seconds to be created, changed or deleted, and says so."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._changing: dict[str, tuple[float, str]] = {}

    def asked(self, call: Call) -> Answer | None:
        if call.is_a("lambda", "CreateEventSourceMapping"):
            made = call.really(Enabled=False)
            if call.params.get("Enabled", True):
                call.really_later(self._seconds, "UpdateEventSourceMapping", UUID=made["UUID"], Enabled=True)
            return self._begin(call, made, "Creating")
        if call.is_a("lambda", "UpdateEventSourceMapping", "DeleteEventSourceMapping"):
            now = call.really("GetEventSourceMapping", UUID=call.params["UUID"])
            if state := self._state(call, now["UUID"]):
                raise refusal("ResourceInUseException", f"Cannot change the mapping: it is {state}.")
            if call.operation == "UpdateEventSourceMapping":  # AWS refuses at once what the ends do not allow
                same = {"UUID": now["UUID"], "BatchSize": now["BatchSize"]}
                call.really("UpdateEventSourceMapping", **same)
            call.really_later(self._seconds)
            return self._begin(call, now, _becomes(call, now))
        return None

    def answered(self, call: Call, answer: Answer) -> None:
        if call.is_a("lambda", "GetEventSourceMapping", "ListEventSourceMappings"):
            for each in answer.get("EventSourceMappings", [answer]):
                each["State"] = self._state(call, each["UUID"]) or each["State"]

    def _begin(self, call: Call, now: Answer, state: str) -> Answer:
        self._changing[now["UUID"]] = call.clock.now() + self._seconds, state
        return {**now, "State": state}

    def _state(self, call: Call, uuid: str) -> str | None:
        until, state = self._changing.get(uuid, (0.0, ""))
        return state if call.clock.now() < until else None


def _becomes(call: Call, now: Answer) -> str:
    """What a mapping says while this change is under way."""
    enabled = now["State"] in ("Enabled", "Enabling", "Updating", "Creating")
    if call.operation == "DeleteEventSourceMapping":
        return "Deleting"
    if call.params.get("Enabled", enabled) == enabled:
        return "Updating"
    return "Disabling" if enabled else "Enabling"


class SlowQueueAttributes(Scenario):
    """What SetQueueAttributes sets is in force so many seconds later, and read then."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def asked(self, call: Call) -> Answer | None:
        if not call.is_a("sqs", "SetQueueAttributes"):
            return None
        call.really("GetQueueAttributes", QueueUrl=call.params["QueueUrl"], AttributeNames=["QueueArn"])
        call.really_later(self._seconds)
        return {}


class SlowFunctions(Scenario):
    """A function is Pending for so many seconds once created, and InProgress after each change."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._pending: dict[str, float] = {}
        self._changing: dict[str, float] = {}

    def asked(self, call: Call) -> None:
        if call.is_a("lambda", "Invoke") and self._is(self._pending, call):
            raise _conflict("The function is currently in the following state: Pending")
        if call.is_a("lambda", "UpdateFunctionCode", "UpdateFunctionConfiguration") and (
            self._is(self._pending, call) or self._is(self._changing, call)
        ):
            raise _conflict("An update is in progress for resource: " + call.params["FunctionName"])

    def answered(self, call: Call, answer: Answer) -> None:
        until = call.clock.now() + self._seconds
        if call.is_a("lambda", "CreateFunction"):
            self._pending[answer["FunctionName"]] = until
        if call.is_a("lambda", "UpdateFunctionCode", "UpdateFunctionConfiguration"):
            self._changing[answer["FunctionName"]] = until
        if call.is_a("lambda"):
            found = answer.get("Functions", [answer.get("Configuration", answer)])
            for each in found:
                self._show(call, each)

    def _show(self, call: Call, configuration: Answer) -> None:
        name, now = configuration.get("FunctionName", ""), call.clock.now()
        if self._pending.get(name, 0) > now:
            configuration["State"] = "Pending"
        if self._changing.get(name, 0) > now:
            configuration["LastUpdateStatus"] = "InProgress"

    @staticmethod
    def _is(until: dict[str, float], call: Call) -> bool:
        return until.get(call.params["FunctionName"].rsplit(":", 1)[-1], 0) > call.clock.now()


def _conflict(said: str) -> ClientError:
    said = f"The operation cannot be performed at this time. {said}"
    return refusal("ResourceConflictException", said, 409)


class Account(Scenario):
    """An account of so many concurrent executions: it says so, and keeps its last hundred unreserved.

    One that has fewer in all can reserve none: its minimum is its own limit.
    """

    def __init__(self, executions: int) -> None:
        self._executions, self._least = executions, min(100, executions)

    def asked(self, call: Call) -> Answer | None:
        if call.is_a("lambda", "GetAccountSettings"):
            free = self._executions - sum(self._reserved(call).values())
            limit = {"ConcurrentExecutions": self._executions, "UnreservedConcurrentExecutions": free}
            return {"AccountLimit": limit, "AccountUsage": {}}
        if call.is_a("lambda", "PutFunctionConcurrency"):
            others = self._reserved(call)
            others.pop(call.params["FunctionName"], None)
            wanted = call.params["ReservedConcurrentExecutions"]
            if wanted and self._executions - sum(others.values()) - wanted < self._least:
                said = "Specified ReservedConcurrentExecutions for function decreases account's "
                said += f"UnreservedConcurrentExecution below its minimum value of [{self._least}]."
                raise refusal("InvalidParameterValueException", said)
        return None

    @staticmethod
    def _reserved(call: Call) -> dict[str, int]:
        """By function, what is reserved for it."""
        found = {}
        for each in call.really("ListFunctions").get("Functions", []):
            answer = call.really("GetFunctionConcurrency", FunctionName=each["FunctionName"])
            found[each["FunctionName"]] = answer.get("ReservedConcurrentExecutions", 0)
        return found
