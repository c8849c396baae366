"""A Lambda function made from a zip, and how many of its executions the account keeps for it.

Calls: GetFunction; CreateFunction, UpdateFunctionCode, UpdateFunctionConfiguration, PutFunctionConcurrency,
DeleteFunctionConcurrency; DeleteFunction; GetAccountSettings; Invoke. Waits with boto3's function_active_v2
and function_updated_v2: a function takes no change while another is under way.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_on
from webhook_lab.facts import quotas
from webhook_lab.resources import ownership
from webhook_lab.resources.ownership import Tags, Wait, absent_is_none, existed, is_ours

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_GONE = "ResourceNotFoundException"


@dataclass(frozen=True)
class Function:
    """A function: timeout in seconds, memory in MB, `code_sha256` in base64 as Lambda gives it.

    `reserved_concurrency` is None where nothing is reserved: it then shares what the account has left.
    """

    name: str
    arn: str
    runtime: str
    timeout: int
    memory: int
    environment: dict[str, str]
    reserved_concurrency: int | None
    code_sha256: str
    role_arn: str


class ReservationRefused(LabError):
    """The account must keep its last unreserved executions, so it cannot reserve any for this function."""


def ensure_function(
    lambda_: "LambdaClient",
    *,
    name: str,
    role_arn: str,
    zip_bytes: bytes,
    runtime: str,
    timeout: int,
    memory: int,
    environment: Mapping[str, str],
    tags: Tags,
    reserved_concurrency: int | None,
    wait: Wait,
    handler: str = "app.handler",
) -> Function:
    """Create the function, or restore its code, settings and reservation; return when it can be invoked.

    Raises:
        Foreign: a function of that name is not ours.
        ReservationRefused: everything else is done; see `unreserved_allows`.
    """
    wanted: dict[str, Any] = {
        "Role": role_arn,
        "Runtime": runtime,
        "Handler": handler,
        "Timeout": timeout,
        "MemorySize": memory,
        "Environment": {"Variables": dict(environment)},
    }
    if (found := _look(lambda_, name)) is None:
        code: Any = {"ZipFile": zip_bytes}
        found = {
            "Configuration": ownership.once_role_is_known(
                lambda: lambda_.create_function(FunctionName=name, Code=code, Tags=dict(tags), **wanted)
            )
        }
        wait("lambda", "function_active_v2", FunctionName=name)
    else:
        ownership.refuse_foreign(f"function {name!r}", found.get("Tags", {}), tags)
        _restore(lambda_, name, found["Configuration"], wanted, zip_bytes, wait)
    if _reserved(found) != reserved_concurrency:
        set_reserved_concurrency(lambda_, name=name, reserved=reserved_concurrency)
    arn, settings = found["Configuration"]["FunctionArn"], (runtime, timeout, memory, dict(environment))
    return Function(name, arn, *settings, reserved_concurrency, _sha256(zip_bytes), role_arn)


def _restore(
    lambda_: "LambdaClient", name: str, found: Any, wanted: dict[str, Any], zip_bytes: bytes, wait: Wait
) -> None:
    """Change what differs, one change after the other."""
    if found.get("State") == "Pending":
        wait("lambda", "function_active_v2", FunctionName=name)
    if found.get("LastUpdateStatus") == "InProgress":
        wait("lambda", "function_updated_v2", FunctionName=name)
    if found.get("CodeSha256") != _sha256(zip_bytes):
        _once_free(lambda: lambda_.update_function_code(FunctionName=name, ZipFile=zip_bytes))
        wait("lambda", "function_updated_v2", FunctionName=name)
    have = {**found, "Environment": {"Variables": _variables(found)}}
    differing = {key: value for key, value in wanted.items() if have.get(key) != value}
    if found.get("LastUpdateStatus") == "Failed":
        differing = wanted
    if differing:
        _once_free(lambda: lambda_.update_function_configuration(FunctionName=name, **differing))
        wait("lambda", "function_updated_v2", FunctionName=name)


def set_reserved_concurrency(lambda_: "LambdaClient", *, name: str, reserved: int | None) -> None:
    """Keep `reserved` executions for the function and allow it no more; None gives them back, 0 stops it.

    Raises:
        ReservationRefused: the account has too few executions to keep any for one function.
    """
    if reserved is None:
        lambda_.delete_function_concurrency(FunctionName=name)
        return
    try:
        _once_free(
            lambda: lambda_.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=reserved)
        )
    except ClientError as error:
        if "UnreservedConcurrentExecution" not in str(error):
            raise
        raise ReservationRefused(
            f"reserve {reserved} executions for function {name!r}",
            str(error.response["Error"]["Message"]),
            "Set reserved_concurrency=None: the mapping's MaximumConcurrency then throttles alone.",
        ) from error


def unreserved_allows(lambda_: "LambdaClient", reserved: int, *, held: int = 0) -> bool:
    """Whether the account can reserve that many and still leave as many unreserved as Lambda insists on.

    Args:
        held: what the same function has reserved already.
    """
    unreserved = lambda_.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    return unreserved + held - reserved >= quotas.LAMBDA_UNRESERVED_CONCURRENCY.value


def warm_up(lambda_: "LambdaClient", *, name: str, executions: int) -> None:
    """Have environments ready for so many executions at once, by as many empty batches at the same time.

    The first invocation in each takes longer by what its start takes: a second or so on a small machine.
    """

    def invoke(_: int) -> None:
        lambda_.invoke(FunctionName=name, Payload=b'{"Records": []}')["Payload"].read()

    with ThreadPoolExecutor(executions) as at_once:
        list(at_once.map(invoke, range(executions)))


def describe_function(lambda_: "LambdaClient", *, name: str, tags: Tags | None = None) -> Function | None:
    """The function as it is now, or None."""
    found = _look(lambda_, name)
    if found is None or not is_ours(found.get("Tags", {}), tags):
        return None
    now = found["Configuration"]
    settings = (now["Runtime"], now["Timeout"], now["MemorySize"], _variables(now), _reserved(found))
    return Function(name, now["FunctionArn"], *settings, now["CodeSha256"], now["Role"])


def delete_function(lambda_: "LambdaClient", *, name: str, tags: Tags | None = None) -> bool:
    """Delete the function with its reservation and resource policy. False when there was none."""
    if tags is not None and describe_function(lambda_, name=name, tags=tags) is None:
        return False
    return existed(lambda: _once_free(lambda: lambda_.delete_function(FunctionName=name)), _GONE)


def _once_free(change: Callable[[], object]) -> object:
    return ownership.once_role_is_known(
        lambda: retry_on(
            change,
            codes=("ResourceConflictException",),
            seconds=60,
            reason="the function is still taking another change",
        )
    )


def _look(lambda_: "LambdaClient", name: str) -> Any:
    return absent_is_none(lambda: lambda_.get_function(FunctionName=name), _GONE)


def _reserved(found: Any) -> Any:
    return found.get("Concurrency", {}).get("ReservedConcurrentExecutions")


def _variables(configuration: Any) -> dict[str, str]:
    return dict(configuration.get("Environment", {}).get("Variables", {}))


def _sha256(zip_bytes: bytes) -> str:
    return base64.b64encode(hashlib.sha256(zip_bytes).digest()).decode()
