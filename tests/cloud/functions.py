"""A client of any cloud, and a function on it, with nothing of the library in between."""

import json
from typing import Any

import boto3
from botocore.config import Config

from tests.cloud.pipe import zip_of
from webhook_lab.local_cloud import Cloud
from webhook_lab.local_cloud.runtime import count_leases, finding, runtime_folder

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}


def client(cloud: Cloud, service: str, key: str = "", secret: str = "", token: str | None = None) -> Any:
    """A boto3 client with the cloud's own credentials, or with others."""
    return boto3.client(
        service, endpoint_url=cloud.endpoint_url, region_name=cloud.region,
        aws_access_key_id=key or cloud.access_key_id,
        aws_secret_access_key=secret or cloud.secret_access_key, aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}),
    )  # fmt: skip


def run_a_function(
    cloud: Cloud,
    source: str = "def handler(event, context): return {}",
    may: str = "logs:PutLogEvents",
    **event: str,
) -> Any:
    """Create the function "f" and invoke it: its process stays, warm. What it returned comes back."""
    iam, functions = client(cloud, "iam"), client(cloud, "lambda")
    role = iam.create_role(RoleName="f", AssumeRolePolicyDocument=_policy(TRUST))["Role"]["Arn"]
    allowed = {"Effect": "Allow", "Action": may, "Resource": "*"}
    iam.put_role_policy(RoleName="f", PolicyName="f", PolicyDocument=_policy(allowed))
    functions.create_function(
        FunctionName="f", Runtime="python3.13", Role=role, Handler="app.handler", Timeout=20,
        Code={"ZipFile": zip_of(source)},
    )  # fmt: skip
    functions.get_waiter("function_active_v2").wait(FunctionName="f")
    return json.loads(functions.invoke(FunctionName="f", Payload=json.dumps(event))["Payload"].read())


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def leases(cloud: Cloud) -> int:
    """How many programs lease the shared cloud at this moment."""
    root = runtime_folder()
    with finding(root, 60):
        return count_leases(root / f"shared-{cloud.nonce}")
