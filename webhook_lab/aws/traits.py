"""How one target differs from another, declared: no other module asks which target it is on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Traits:
    """What holds on one target and not on another.

    Args:
        label: the target in words, for cards.
        publishes_metrics: CloudWatch gets metrics of SQS and Lambda, so alarms can be set on them.
        limits_account_concurrency: the account keeps 100 executions unreserved.
        peek_path: where messages can be read without receiving them; None where receiving is the only way.
        console: the AWS console shows these resources.
        purges_at_once: a purge is over when answered; on AWS it may take what is sent in the next minute.
        function_python: functions run under this machine's Python, whatever runtime they name.
        patience: seconds for which what the services show may lag behind what was done: a check that fails
            is asked again so long, and a list is of now. SQS: depths "may not achieve consistency until at
            least 1 minute" after producers stop (GetQueueAttributes), what is set may take "up to 60 seconds"
            (SetQueueAttributes); lists and tags are eventually consistent, and no figure is given.
        log_lag: seconds after which a line that a function wrote has shown up in its log group; allowed for,
            not promised by anybody.
        depth_lag: seconds after which a queue's depth has shown up; allowed for, not promised by anybody.
        queue_lag: seconds until SQS acts on what was set of a queue: "can take up to 60 seconds"
            (SetQueueAttributes).
        functions_reach_loopback: a function can connect to what listens on this machine.
        charges: each request costs money, so that a run of many has to name the most it may make.
    """

    label: str
    publishes_metrics: bool = True
    limits_account_concurrency: bool = True
    purges_at_once: bool = False
    peek_path: str | None = None
    console: bool = False
    function_python: bool = False
    patience: float = 120.0
    log_lag: float = 10.0
    depth_lag: float = 30.0
    queue_lag: float = 60.0
    functions_reach_loopback: bool = False
    charges: bool = False

    def allow(self, seconds: float) -> float:
        """How long to wait for what is done within `seconds`, and may show as late as the services do."""
        return seconds + self.patience


AWS = Traits("AWS", console=True, charges=True)
# What works on any.
ENDPOINT = Traits("another endpoint", publishes_metrics=False)
LOCAL_CLOUD = Traits(
    "the local cloud on this machine",
    publishes_metrics=False,
    purges_at_once=True,
    limits_account_concurrency=False,
    peek_path="/_ministack/sqs/messages",
    function_python=True,
    patience=0,
    depth_lag=0,
    queue_lag=0,
    functions_reach_loopback=True,
    log_lag=0.5,
)
