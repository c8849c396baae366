"""The boto3 clients of one lab. Each records the calls it makes, so that a notebook can show them."""

from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import WaiterError

from webhook_lab.aws.calls import CallLog
from webhook_lab.aws.clock import Clock
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.target import Target, client_config

if TYPE_CHECKING:
    from mypy_boto3_apigateway import APIGatewayClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_iam import IAMClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_resourcegroupstaggingapi import ResourceGroupsTaggingAPIClient
    from mypy_boto3_sqs import SQSClient

POOL_CONNECTIONS = 32
"""Connections kept per client: more than the threads that a notebook sends from."""

POLL: Any = {"Delay": 0.25, "MaxAttempts": 720}
"""How boto3's waiters ask here: four times a second for up to three minutes. Their own pace is 1 to 20 s."""


_SERVICES = {"lambda_": "lambda", "tagging": "resourcegroupstaggingapi"}
"""boto3's names of services, where a client here has another."""


class Session:
    """Clients for one target, made when first asked for.

    Attributes:
        looked_at: by message id, how often it was received only to be looked at.
    """

    sqs: "SQSClient"
    lambda_: "LambdaClient"
    dynamodb: "DynamoDBClient"
    iam: "IAMClient"
    apigateway: "APIGatewayClient"
    logs: "CloudWatchLogsClient"
    cloudwatch: "CloudWatchClient"
    tagging: "ResourceGroupsTaggingAPIClient"
    cloudformation: Any  # these two are typed by nobody here: one class calls each
    s3: Any

    def __init__(self, target: Target) -> None:
        self.target = target
        self.calls = CallLog()
        self.clock = Clock()
        self.looked_at = Counter[str]()
        self._boto3 = target.session

    @property
    def credentials(self) -> Any:
        """What the clients sign with, for a request that no client makes."""
        return self._boto3.get_credentials()

    def client(self, service: str, *, recorded: bool = True) -> Any:
        """A new client; those named above are made once. What watches all the time is not recorded."""
        # Nobody throttles on this machine, and a cloud that is gone should be said to be gone at once.
        url = self.target.endpoint_url
        config = client_config(url, attempts=2 if url else 5)
        client = self._boto3.client(
            service,  # type: ignore[call-overload]
            region_name=self.target.region,
            endpoint_url=url,
            config=config.merge(Config(max_pool_connections=POOL_CONNECTIONS)),
        )
        self.clock.attach(client)
        if recorded:
            self.calls.attach(client)
        return client

    def now(self) -> int:
        """Epoch milliseconds by the clock of AWS, as its answers told it: the time that log lines carry."""
        return self.clock.now()

    def __getattr__(self, name: str) -> Any:
        if name not in Session.__annotations__:
            raise AttributeError(f"{name!r} is no client of a Session")
        client = self.client(_SERVICES.get(name, name))
        setattr(self, name, client)  # from now on found without asking here
        return client

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *Session.__annotations__]  # what a notebook completes `lab.aws.` with

    def wait(self, service: str, waiter: str, **params: Any) -> None:
        """Wait with boto3's own waiter, such as ``("lambda", "function_active_v2", FunctionName=…)``.

        Raises:
            LabError: when it gives up, with the waiter's last reason.
        """
        attribute = "lambda_" if service == "lambda" else service
        try:
            with self.calls.waiting(service, waiter, params):
                getattr(self, attribute).get_waiter(waiter).wait(**params, WaiterConfig=POLL)
        except WaiterError as error:
            raise LabError(
                f"wait for {waiter}", str(error), "Look at the resource in the console, then retry."
            ) from error
