"""Which AWS a lab talks to: the local cloud (default), any endpoint, or a real account.

How they differ is declared here, as `Traits`, and read from here: no other module asks which target it is on.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import quote, urlsplit

import boto3
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from webhook_lab import local_cloud
from webhook_lab.aws.errors import LabError, explain
from webhook_lab.aws.signed import signed_get

DEFAULT_REGION = "us-east-1"
HEALTH_PATH = "/_ministack/health"
"""Where a local cloud says that it is well, to its owner alone."""


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
    charges: bool = False


AWS = Traits("AWS", console=True, charges=True)
ENDPOINT = Traits(
    "another endpoint", moves_messages=False, publishes_metrics=False, checks_mappings=False
)  # what works on any
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
    log_lag=0.5,
)


@dataclass(frozen=True)
class Target:
    """One AWS: where it is, who we are there, and what holds there.

    Args:
        name: ``"local"``, ``"endpoint"`` or ``"aws"``.
        endpoint_url: None on AWS.
        access_key_id: None to use boto3's own credential chain. The same for the secret.
        instance: identifies this AWS among all others; the ledger is kept by it.
    """

    name: str
    endpoint_url: str | None
    region: str
    account: str
    access_key_id: str | None
    secret_access_key: str | None
    instance: str
    traits: Traits

    def invoke_url(self, api_id: str, stage: str) -> str:
        """Where the stage of a REST API answers, without a slash at the end."""
        if self.endpoint_url is None:
            return f"https://{api_id}.execute-api.{self.region}.amazonaws.com/{stage}"
        return f"{self.endpoint_url}/restapis/{api_id}/{stage}/_user_request_"

    partition: ClassVar[str] = "aws"
    domain: ClassVar[str] = "amazonaws.com"

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource of ours, such as ``arn("sqs", "lab-webhooks")``."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def console_page_url(self, page: str) -> str | None:
        """The AWS console's page of a resource, or None where there is no console."""
        return f"https://{self.region}.console.aws.amazon.com/{page}" if self.traits.console else None

    def console_url(self, kind: str, name: str) -> str | None:
        """The AWS console's page of a resource, or None where there is no console."""
        page = _CONSOLE_PAGES.get(kind)
        if not self.traits.console or page is None:
            return None
        name = quote(name, safe="")
        return f"https://{self.region}.console.aws.amazon.com/" + page.format(
            r=self.region, a=self.account, n=name
        )


_CONSOLE_PAGES = {
    "table": "dynamodbv2/home?region={r}#table?name={n}",
    "queue": "sqs/v3/home?region={r}#/queues/https%3A%2F%2Fsqs.{r}.amazonaws.com%2F{a}%2F{n}",
    "function": "lambda/home?region={r}#/functions/{n}",
    "role": "iam/home#/roles/details/{n}",
    "log_group": "cloudwatch/home?region={r}#logsV2:log-groups/log-group/{n}",
    "alarm": "cloudwatch/home?region={r}#alarmsV2:alarm/{n}",
    "api": "apigateway/main/apis?region={r}",
}


def resolve(environ: Mapping[str, str] = os.environ) -> Target:
    """Find the AWS that the environment asks for, starting the local cloud where that is the one.

    Reads WEBHOOK_LAB_TARGET ("local" when unset, "aws", or an http URL), WEBHOOK_LAB_AWS_ACCOUNT, AWS_REGION.

    Raises:
        LabError: no such target, nobody there, no valid credentials, or another account than the one named.
    """
    asked = environ.get("WEBHOOK_LAB_TARGET", "").strip() or "local"
    where = f"use WEBHOOK_LAB_TARGET={asked}"
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or DEFAULT_REGION
    if asked == "local":
        try:
            return _of_cloud(local_cloud.shared_cloud())
        except local_cloud.CloudError as error:
            raise LabError("start the local cloud", error.said, error.try_this) from error
    if asked == "aws":
        return _aws(where, region, environ)
    if _is_address(asked):
        return _endpoint(where, asked.rstrip("/"), region, environ)
    raise LabError(
        where, "that is not a target", "Use 'local', 'aws', or an address such as http://127.0.0.1:4566."
    )


def _is_address(text: str) -> bool:
    try:
        url = urlsplit(text)
        return url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # a port that is none, or half an IPv6 address
        return False


def local_cloud_lives(endpoint_url: str, instance: str) -> bool:
    """Whether the local cloud known as `instance` (``"local-<nonce>"``) still answers at `endpoint_url`."""
    try:
        return f"local-{local_cloud.identify(endpoint_url)}" == instance
    except OSError:
        return False


def _of_cloud(cloud: local_cloud.Cloud) -> Target:
    return Target(
        "local",
        cloud.endpoint_url,
        cloud.region,
        cloud.account,
        cloud.access_key_id,
        cloud.secret_access_key,
        f"local-{cloud.nonce}",
        LOCAL_CLOUD,
    )


def _endpoint(where: str, url: str, region: str, environ: Mapping[str, str]) -> Target:
    try:
        nonce = local_cloud.identify(url)
    except OSError as error:
        raise LabError(
            where,
            f"nobody answers there ({error})",
            "Start what should answer: `webhook-lab open` again, if that named it. Or unset "
            "WEBHOOK_LAB_TARGET to use the local cloud.",
        ) from error
    key, secret = environ.get("AWS_ACCESS_KEY_ID", "test"), environ.get("AWS_SECRET_ACCESS_KEY", "test")
    if nonce:
        _check_credentials(where, url, Credentials(key, secret), region)
        return _of_cloud(local_cloud.Cloud(url, nonce, key, secret, region))
    account = _account(where, region, endpoint_url=url, aws_access_key_id=key, aws_secret_access_key=secret)
    instance = re.sub(r"[^a-z0-9]+", "-", f"endpoint {url} {account} {region}".lower())
    return Target("endpoint", url, region, account, key, secret, instance, ENDPOINT)


def _check_credentials(where: str, url: str, credentials: Credentials, region: str) -> None:
    """Whether a local cloud takes them. Its account is known, and making a client to ask takes 0.1 s."""
    with explain(where):
        status, text = signed_get(url + HEALTH_PATH, credentials, region)
        if status != 200:
            answer = json.loads(text)
            raise ClientError(
                {"Error": {"Code": answer["__type"], "Message": answer["message"]}}, "GetCallerIdentity"
            )


def _aws(where: str, region: str, environ: Mapping[str, str]) -> Target:
    named = environ.get("WEBHOOK_LAB_AWS_ACCOUNT", "").strip()
    if not re.fullmatch(r"\d{12}", named):
        said = f"WEBHOOK_LAB_AWS_ACCOUNT is {named!r}" if named else "WEBHOOK_LAB_AWS_ACCOUNT is not set"
        raise LabError(where, said, "Set it to the 12 digits of the account you mean to build in.")
    if elsewhere := environ.get("AWS_ENDPOINT_URL"):
        raise LabError(where, f"AWS_ENDPOINT_URL sends boto3 to {elsewhere}", "Unset AWS_ENDPOINT_URL.")
    caller = _account(where, region)
    if caller != named:
        raise LabError(
            where,
            f"these credentials belong to account {caller}, not {named}",
            "Sign in to the account you named, or name this one in WEBHOOK_LAB_AWS_ACCOUNT.",
        )
    return Target("aws", None, region, caller, None, None, f"aws-{caller}-{region}", AWS)


def without_profile() -> botocore.session.Session:
    """A botocore session that reads no AWS_PROFILE: a stale one would break what needs no profile."""
    return botocore.session.Session(session_vars={"profile": (None, None, None, None)})


def _account(where: str, region: str, **client: str) -> str:
    with explain(where):
        config = Config(connect_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
        session = boto3.Session(region_name=region, botocore_session=without_profile() if client else None)
        sts = session.client("sts", config=config, **client)  # type: ignore[call-overload]
        try:
            return str(sts.get_caller_identity()["Account"])
        except KeyError as error:
            raise LabError(where, "whatever answers there is no AWS", "Check the address.") from error
