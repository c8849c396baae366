"""The boto3 clients of one lab. Each records the calls it makes, so that a notebook can show them."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from webhook_lab.aws.calls import CallLog
from webhook_lab.aws.clock import Clock
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.target import Target, without_profile

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


class Session:
    """Clients for one target, made when first asked for."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.calls = CallLog()
        self.clock = Clock()
        self._boto3 = boto3.Session(
            aws_access_key_id=target.access_key_id,
            aws_secret_access_key=target.secret_access_key,
            region_name=target.region,
            botocore_session=None if target.access_key_id is None else without_profile(),
        )

    @property
    def credentials(self) -> Any:
        """What the clients sign with, for a request that no client makes."""
        return self._boto3.get_credentials()

    def client(self, service: str, *, recorded: bool = True) -> Any:
        """A new client; the properties below keep theirs. What watches all the time is not recorded."""
        # Nobody throttles on this machine, and a cloud that is gone should be said to be gone at once.
        on_this_machine = self.target.endpoint_url is not None
        config = Config(
            max_pool_connections=POOL_CONNECTIONS,
            retries={"mode": "standard", "total_max_attempts": 2 if on_this_machine else 5},
            connect_timeout=5,
            proxies={} if on_this_machine else None,
        )
        client = self._boto3.client(
            service,  # type: ignore[call-overload]
            endpoint_url=self.target.endpoint_url,
            config=config,
        )
        self.clock.attach(client)
        if recorded:
            self.calls.attach(client)
        return client

    def now(self) -> int:
        """Epoch milliseconds by the clock of AWS, as its answers told it: the time that log lines carry."""
        return self.clock.now()

    @cached_property
    def sqs(self) -> "SQSClient":
        return self.client("sqs")  # type: ignore[no-any-return]

    @cached_property
    def lambda_(self) -> "LambdaClient":
        return self.client("lambda")  # type: ignore[no-any-return]

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self.client("dynamodb")  # type: ignore[no-any-return]

    @cached_property
    def iam(self) -> "IAMClient":
        return self.client("iam")  # type: ignore[no-any-return]

    @cached_property
    def apigateway(self) -> "APIGatewayClient":
        return self.client("apigateway")  # type: ignore[no-any-return]

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self.client("logs")  # type: ignore[no-any-return]

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        return self.client("cloudwatch")  # type: ignore[no-any-return]

    @cached_property
    def tagging(self) -> "ResourceGroupsTaggingAPIClient":
        return self.client("resourcegroupstaggingapi")  # type: ignore[no-any-return]

    def wait(self, service: str, waiter: str, **params: Any) -> None:
        """Wait with boto3's own waiter, such as ``("lambda", "function_active_v2", FunctionName=…)``.

        Raises:
            LabError: when it gives up, with the waiter's last reason.
        """
        from botocore.exceptions import WaiterError

        attribute = "lambda_" if service == "lambda" else service
        try:
            with self.calls.waiting(service, waiter, params):
                getattr(self, attribute).get_waiter(waiter).wait(**params, WaiterConfig=POLL)
        except WaiterError as error:
            raise LabError(
                f"wait for {waiter}", str(error), "Look at the resource in the console, then retry."
            ) from error
