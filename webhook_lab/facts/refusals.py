"""What AWS says when settings do not go together: once, for preflight, for the model and for the local cloud.

Each answers None where AWS takes the settings. The rules are those of Lambda's developer guide, "Using Lambda
with Amazon SQS" and "Configuring reserved concurrency".
"""

from webhook_lab.facts import quotas

INVALID = "InvalidParameterValueException: "
"""Lambda's code for all of these, as boto3 shows it before the words."""


def hidden_too_short(visibility: float, timeout: float) -> str | None:
    """Of a queue that hides a message for less time than its function may run, both in seconds."""
    if visibility >= timeout:
        return None
    return (
        f"Queue visibility timeout: {visibility:g} seconds is less than Function timeout: {timeout:g} seconds"
    )


def window_missing(batch_size: int, window: float) -> str | None:
    """Of a batch that is too large without a batching window, in seconds."""
    most = quotas.MAPPING_BATCH_WITHOUT_WINDOW.value
    if batch_size <= most or window:
        return None
    asks = "Maximum batch window in seconds must be greater than 0"
    return f"{asks} if maximum batch size is greater than {most}"


def too_few_left(unreserved: int, minimum: int) -> str | None:
    """Of a reservation that leaves so many executions to functions without one."""
    if unreserved >= minimum:
        return None
    return (
        "Specified ReservedConcurrentExecutions for function decreases account's "
        f"UnreservedConcurrentExecution below its minimum value of [{minimum}]."
    )


def may_not_call(call: str) -> str:
    """Of a role that does not let its function's mapping make this call on the queue."""
    return f"The function execution role does not have permissions to call {call} on SQS"
