"""Invoking a function: for what it returns, and to have its environments ready. Calls: Invoke."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError, code_of
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session

_COLD_SECONDS = 60.0
"""How long environments that are cut off while they start are started again."""


def invoke(aws: Session, *, name: str, event: Any) -> tuple[Any, str]:
    """What the function returned for the event, and what it raised in place of that: empty where it did not.

    Raises:
        ClientError: Lambda did not run it.
    """
    answer = aws.lambda_.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    returned = json.loads(answer["Payload"].read() or b"null")
    if not answer.get("FunctionError"):
        return returned, ""
    return None, str(returned.get("errorMessage", "it raised") if isinstance(returned, dict) else returned)


def warm_up(aws: Session, *, name: str, executions: int) -> None:
    """Have environments ready for so many executions at once, by as many empty batches at the same time.

    The first invocation in each takes longer by what its start takes: a second or so on a small machine.

    Raises:
        LabError: the function fails, or is cut off time after time: not even an empty batch is taken.
    """

    def one(_: int) -> None:
        within = f"function {name!r} to take an empty batch within its timeout"
        seconds = aws.target.traits.allow(_COLD_SECONDS)
        retry_until(lambda: _takes_nothing(aws, name), seconds=seconds, reason=within)

    with ThreadPoolExecutor(executions) as at_once:
        list(at_once.map(one, range(executions)))


def _takes_nothing(aws: Session, name: str) -> bool | None:
    """Whether it takes an empty batch; None: it was cut off, as one may be that starts on a busy machine."""
    try:
        _, raised = invoke(aws, name=name, event={"Records": []})
    except ClientError as error:
        if code_of(error) != "TooManyRequestsException":
            raise
        return True  # as many as may run do run, on an earlier run's messages: there is nothing to warm
    if "Task timed out" in raised:
        return None
    if raised:
        raise LabError(f"warm up function {name!r}", raised, "Read its lines: `webhook-lab show logs`.")
    return True
