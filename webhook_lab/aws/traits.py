"""How one target differs from another, declared: no other module asks which target it is on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """What holds on one target and not on another.

    Args:
        label: the target in words, for cards.
        moves_messages: StartMessageMoveTask is there.
        publishes_metrics: CloudWatch gets metrics of SQS and Lambda, so alarms can be set on them.
        limits_account_concurrency: the account keeps 100 executions unreserved.
        peek_path: where messages can be read without receiving them; None where receiving is the only way.
        console: the AWS console shows these resources.
        depths_at_once: a queue's depth is exact at once; on AWS it may lag by a minute.
        purges_at_once: a purge is over when answered; on AWS it may take what is sent in the next minute.
        function_python: functions run under this machine's Python, whatever runtime they name.
        log_lag: seconds after which a line that a function wrote has shown up in its log group; allowed for,
            not promised by anybody.
        checks_mappings: a mapping is refused when its function runs longer than its queue hides a message,
            and when its role may not read the queue.
        functions_reach_loopback: a function can connect to what listens on this machine.
        charges: each request costs money, so that a run of many has to name the most it may make.
    """

    label: str
    moves_messages: bool = True
    publishes_metrics: bool = True
    limits_account_concurrency: bool = True
    depths_at_once: bool = False
    purges_at_once: bool = False
    peek_path: str | None = None
    console: bool = False
    function_python: bool = False
    log_lag: float = 10.0
    checks_mappings: bool = True
    functions_reach_loopback: bool = False
    charges: bool = False


AWS = Traits("AWS", console=True, charges=True)
# What works on any.
ENDPOINT = Traits("another endpoint", moves_messages=False, publishes_metrics=False, checks_mappings=False)
LOCAL_CLOUD = Traits(
    "the local cloud on this machine",
    moves_messages=False,
    publishes_metrics=False,
    depths_at_once=True,
    purges_at_once=True,
    limits_account_concurrency=False,
    checks_mappings=False,
    peek_path="/_ministack/sqs/messages",
    function_python=True,
    functions_reach_loopback=True,
    log_lag=0.5,
)
