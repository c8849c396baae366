"""A Lambda function made from a zip, and how many of its executions the account keeps for it.

Calls: GetFunction; CreateFunction, UpdateFunctionCode, UpdateFunctionConfiguration, PutFunctionConcurrency,
DeleteFunctionConcurrency; DeleteFunction; ListFunctions, ListTags; Invoke. Waits with
boto3's function_active_v2 and function_updated_v2: a function takes no change while another is under way.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar, Self

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_on, retry_until
from webhook_lab.aws.session import Session
from webhook_lab.facts import prices, spoken
from webhook_lab.resources.ownership import (
    Tags,
    absent_is_none,
    existed,
    is_ours,
    looks_again,
    once_role_is_known,
    pages,
    refuse_foreign,
)
from webhook_lab.resources.resource import IN_USE, Listed, Resource, Rows, tail

HANDLER = "app.handler"
"""What Lambda calls in every zip of ours."""

_GONE = "ResourceNotFoundException"
_COLD_SECONDS = 60.0
"""How long environments that are cut off while they start are started again."""


class ReservationRefused(LabError):
    """The account must keep its last unreserved executions, so it cannot reserve any for this function."""


@dataclass(frozen=True)
class Function(Resource):
    """A function: timeout in seconds, memory in MB, `code_sha256` in base64 as Lambda gives it.

    `reserved_concurrency` is None where nothing is reserved: it then shares what the account has left.
    `zip_bytes` is what it is made of, where it is wanted; Lambda gives the digest only.
    """

    kind: ClassVar[str] = "function"
    title: ClassVar[str] = "Lambda function"
    idle: ClassVar[str] = IN_USE.format(f"{prices.LAMBDA_REQUESTS} and {prices.LAMBDA_GB_SECONDS}")

    role_arn: str
    runtime: str
    timeout: int
    memory: int
    environment: Mapping[str, str] = field(repr=False)
    reserved_concurrency: int | None = None
    zip_bytes: bytes = field(default=b"", repr=False, compare=False)
    code_sha256: str = ""
    arn: str = ""

    @looks_again
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create the function, or restore its code, settings and reservation; return when it can be invoked.

        Raises:
            Foreign: a function of that name is not ours.
            ReservationRefused: everything else is done; see `account.unreserved_allows`.
        """
        name, found = self.name, _look(aws, self.name)
        if found is None:
            code: Any = {"ZipFile": self.zip_bytes}
            create = partial(aws.lambda_.create_function, Code=code, Tags=dict(tags), **self._wanted())
            found = {"Configuration": once_role_is_known(lambda: create(FunctionName=name))}
            aws.wait("lambda", "function_active_v2", FunctionName=name)
        else:
            refuse_foreign(f"function {name!r}", found.get("Tags", {}), tags)
            self._restore(aws, found["Configuration"])
        if _reserved(found) != self.reserved_concurrency:
            set_reserved_concurrency(aws, name=name, reserved=self.reserved_concurrency)
        arn, sha256 = found["Configuration"]["FunctionArn"], _sha256(self.zip_bytes)
        return replace(self, arn=arn, code_sha256=sha256)

    def _wanted(self) -> dict[str, Any]:
        return {
            "Role": self.role_arn,
            "Runtime": self.runtime,
            "Handler": HANDLER,
            "Timeout": self.timeout,
            "MemorySize": self.memory,
            "Environment": {"Variables": dict(self.environment)},
        }

    def cloudformation(self, logical_id: str, tags: Tags) -> dict[str, Any]:
        """SAM's resource, which takes its code from a folder; which one, the export says.

        It hands on the tracing header that a request came with, and records nothing itself (PassThrough).
        """
        reserved = {"ReservedConcurrentExecutions": self.reserved_concurrency}
        properties = {
            "FunctionName": self.name,
            **self._wanted(),
            **(reserved if self.reserved_concurrency is not None else {}),
            "Tracing": "PassThrough",
            "Tags": dict(tags),
        }
        return {logical_id: {"Type": "AWS::Serverless::Function", "Properties": properties}}

    def _restore(self, aws: Session, found: Any) -> None:
        """Change what differs, one change after the other."""
        name, lambda_, wanted = self.name, aws.lambda_, self._wanted()
        if found.get("State") == "Pending":
            aws.wait("lambda", "function_active_v2", FunctionName=name)
        if found.get("LastUpdateStatus") == "InProgress":
            aws.wait("lambda", "function_updated_v2", FunctionName=name)
        if found.get("CodeSha256") != _sha256(self.zip_bytes):
            _once_free(lambda: lambda_.update_function_code(FunctionName=name, ZipFile=self.zip_bytes))
            aws.wait("lambda", "function_updated_v2", FunctionName=name)
        have = {**found, "Environment": {"Variables": _variables(found)}}
        differing = {key: value for key, value in wanted.items() if have.get(key) != value}
        if found.get("LastUpdateStatus") == "Failed":
            differing = wanted
        if differing:
            _once_free(lambda: lambda_.update_function_configuration(FunctionName=name, **differing))
            aws.wait("lambda", "function_updated_v2", FunctionName=name)

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        found = _look(aws, name)
        if found is None or not is_ours(found.get("Tags", {}), tags):
            return None
        now = found["Configuration"]
        return cls(
            name,
            role_arn=now["Role"],
            runtime=now["Runtime"],
            timeout=now["Timeout"],
            memory=now["MemorySize"],
            environment=_variables(now),
            reserved_concurrency=_reserved(found),
            code_sha256=now["CodeSha256"],
            arn=now["FunctionArn"],
        )

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Delete the function with its reservation and resource policy. False when there was none."""
        return existed(lambda: _once_free(lambda: aws.lambda_.delete_function(FunctionName=identity)), _GONE)

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:  # noqa: ARG003
        for row in pages(aws.lambda_, "list_functions", "Functions"):
            name, arn = row["FunctionName"], row["FunctionArn"]
            yield Listed(name, name, arn, partial(_listed_tags, aws, arn))

    def rows(self) -> Rows:
        reserved = "none: it shares what the account has left"
        if self.reserved_concurrency is not None:
            reserved = spoken(self.reserved_concurrency, "executions")
        variables = (f"{name} = {_shown(name, value)}" for name, value in sorted(self.environment.items()))
        return (
            ("Runtime", self.runtime),
            ("Timeout", spoken(self.timeout, "seconds")),
            ("Memory", spoken(self.memory, "MB")),
            ("Execution role", tail(self.role_arn)),
            ("Reserved concurrency", reserved),
            ("Environment", "\n".join(variables) or "empty"),
        )

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:
        return f"lambda/home?region={aws.target.region}#/functions/{name}"


def set_reserved_concurrency(aws: Session, *, name: str, reserved: int | None) -> None:
    """Keep `reserved` executions for the function and allow it no more; None gives them back, 0 stops it.

    Raises:
        ReservationRefused: the account has too few executions to keep any for one function.
    """
    if reserved is None:
        aws.lambda_.delete_function_concurrency(FunctionName=name)
        return
    put = partial(aws.lambda_.put_function_concurrency, FunctionName=name)
    try:
        _once_free(lambda: put(ReservedConcurrentExecutions=reserved))
    except ClientError as error:
        if "UnreservedConcurrentExecution" not in str(error):
            raise
        raise ReservationRefused(
            f"reserve {reserved} executions for function {name!r}",
            str(error.response["Error"]["Message"]),
            "Set reserved_concurrency=None: the mapping's MaximumConcurrency then throttles alone.",
        ) from error


def warm_up(aws: Session, *, name: str, executions: int) -> None:
    """Have environments ready for so many executions at once, by as many empty batches at the same time.

    The first invocation in each takes longer by what its start takes: a second or so on a small machine.

    Raises:
        LabError: the function fails, or is cut off time after time: not even an empty batch is taken.
    """

    def invoke(_: int) -> None:
        within = f"function {name!r} to take an empty batch within its timeout"
        seconds = aws.target.traits.allow(_COLD_SECONDS)
        retry_until(lambda: _takes_nothing(aws, name), seconds=seconds, reason=within)

    with ThreadPoolExecutor(executions) as at_once:
        list(at_once.map(invoke, range(executions)))


def _takes_nothing(aws: Session, name: str) -> bool | None:
    """Whether it takes an empty batch; None: it was cut off, as one may be that starts on a busy machine."""
    try:
        answer = aws.lambda_.invoke(FunctionName=name, Payload=b'{"Records": []}')
    except ClientError as error:
        if error.response["Error"]["Code"] != "TooManyRequestsException":
            raise
        return True  # as many as may run do run, on an earlier run's messages: there is nothing to warm
    said = answer["Payload"].read()
    if not answer.get("FunctionError"):
        return True
    told = str(json.loads(said).get("errorMessage", said))
    if "Task timed out" in told:
        return None
    raise LabError(f"warm up function {name!r}", told, "Read its lines: `webhook-lab show logs`.")


def _once_free(change: Callable[[], object]) -> object:
    return once_role_is_known(
        lambda: retry_on(
            change,
            codes=("ResourceConflictException",),
            seconds=60,
            reason="the function is still taking another change",
        )
    )


def _look(aws: Session, name: str) -> Any:
    return absent_is_none(lambda: aws.lambda_.get_function(FunctionName=name), _GONE)


def _listed_tags(aws: Session, arn: str) -> dict[str, str]:
    return aws.lambda_.list_tags(Resource=arn).get("Tags", {})


def _reserved(found: Any) -> Any:
    return found.get("Concurrency", {}).get("ReservedConcurrentExecutions")


def _variables(configuration: Any) -> dict[str, str]:
    return dict(configuration.get("Environment", {}).get("Variables", {}))


def _sha256(zip_bytes: bytes) -> str:
    return base64.b64encode(hashlib.sha256(zip_bytes).digest()).decode()


def is_secret(name: str) -> bool:
    """Whether the value of an environment variable of this name must not be shown."""
    return "SECRET" in name or "PASSWORD" in name


def _shown(name: str, value: str) -> str:
    if is_secret(name):
        return "set, not shown" if value else "not set"
    return f"the URL of {value.rpartition('/')[2]}" if "://" in value else value or "empty"
