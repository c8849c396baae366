"""Which AWS a lab talks to: the local cloud (default), any endpoint, or a real account."""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import boto3
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.utils import is_valid_endpoint_url, is_valid_ipv6_endpoint_url

from webhook_lab import local_cloud
from webhook_lab.aws.errors import LabError, explain
from webhook_lab.aws.signed import signed_get
from webhook_lab.aws.traits import AWS, ENDPOINT, LOCAL_CLOUD, Traits

__all__ = ["AWS", "ENDPOINT", "LOCAL_CLOUD", "Target", "Traits", "local_cloud_lives", "resolve"]

DEFAULT_REGION = "us-east-1"
CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-us-gov": "console.amazonaws-us-gov.com",
    "aws-cn": "console.amazonaws.cn",
}
"""Where each partition has its console, behind the region's name; botocore's own data does not say."""
_TOLD = 80
"""Characters of an address that a message repeats."""
_LONGEST_INSTANCE = 120
"""Characters: a ledger's file is called by it and by the lab, and a file's name has room for 255."""
HEALTH_PATH = "/_ministack/health"
"""Where a local cloud says that it is well, to its owner alone."""


@dataclass(frozen=True)
class Target:
    """One AWS: where it is, who we are there, and what holds there.

    Args:
        name: ``"local"``, ``"endpoint"`` or ``"aws"``.
        endpoint_url: None on AWS.
        access_key_id: None to use boto3's own credential chain. The same for the secret.
        instance: identifies this AWS among all others; the ledger is kept by it.
        partition: ``"aws"``, ``"aws-us-gov"``, ``"aws-cn"``, …, from the caller's ARN.
        signed_in: the learner's own session, already asked for the account, so that one MFA code is enough;
            None where the keys above count.
    """

    name: str
    endpoint_url: str | None
    region: str
    account: str
    access_key_id: str | None
    secret_access_key: str | None = field(repr=False)
    instance: str
    traits: Traits
    partition: str = "aws"
    signed_in: boto3.Session | None = field(default=None, repr=False, compare=False)

    @property
    def session(self) -> boto3.Session:
        """The boto3 session that clients for this target are made from."""
        if self.signed_in:
            return self.signed_in
        return _keys_only(self.access_key_id, self.secret_access_key)

    @property
    def region_to_name(self) -> str | None:
        """The region, where boto3 would not find it by itself: it reads no AWS_REGION, and has no default."""
        return self.region if self.signed_in and self.signed_in.region_name != self.region else None

    @property
    def dns_suffix(self) -> str:
        """How the host names of the partition end, such as ``"amazonaws.com"``; from botocore's own data."""
        partitions = botocore.loaders.create_loader().load_data("partitions")
        found = {each["id"]: each["outputs"]["dnsSuffix"] for each in partitions["partitions"]}
        return str(found[self.partition])

    def arn(self, service: str, resource: str) -> str:
        """The ARN of a resource in this region and account, such as ``arn("sqs", "orders")``."""
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def invoke_url(self, api_id: str, stage: str) -> str:
        """Where the stage of a REST API answers, without a slash at the end."""
        if self.endpoint_url is None:
            return f"https://{api_id}.execute-api.{self.region}.{self.dns_suffix}/{stage}"
        return f"{self.endpoint_url}/restapis/{api_id}/{stage}/_user_request_"

    def console_page_url(self, page: str) -> str | None:
        """The whole address of a page of the AWS console, or None where there is no console.

        Args:
            page: path, query and fragment, such as ``"lambda/home?region=us-east-1#/functions/publish"``.
        """
        if not self.traits.console or (host := CONSOLES.get(self.partition)) is None:
            return None
        return f"https://{self.region}.{host}/{page}"


def resolve(environ: Mapping[str, str] = os.environ) -> Target:
    """Find the AWS that the environment asks for, starting the local cloud where that is the one.

    Reads WEBHOOK_LAB_TARGET ("local" when unset, "aws", or an http URL), WEBHOOK_LAB_AWS_ACCOUNT, AWS_REGION.
    The learner's AWS files (profiles, regions, credentials) count for "aws" only.

    Raises:
        LabError: no such target, nobody there, no valid credentials, or another account than the one named.
    """
    asked = environ.get("WEBHOOK_LAB_TARGET", "").strip() or "local"
    where = f"use WEBHOOK_LAB_TARGET={asked if len(asked) <= _TOLD else asked[:_TOLD] + '…'}"
    region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION")
    if asked == "local":
        try:
            return _of_cloud(local_cloud.shared_cloud())
        except local_cloud.CloudError as error:
            raise LabError("start the local cloud", error.said, error.try_this) from error
    if asked == "aws":
        try:
            return _aws(where, region, environ)
        except OSError as error:  # one of boto3's files cannot be read
            raise LabError(where, str(error), "Make that file readable, or name another one.") from error
    if is_address(asked):
        return _endpoint(where, asked.rstrip("/"), region or DEFAULT_REGION, environ)
    raise LabError(
        where, "that is not a target", "Use 'local', 'aws', or an address such as http://127.0.0.1:4566."
    )


def is_address(text: str) -> bool:
    """Whether boto3 and everybody else would take it for the address of an endpoint."""
    try:
        url = urlsplit(text)
        hosts = is_valid_endpoint_url(text) or is_valid_ipv6_endpoint_url(text)
        return bool(hosts) and url.scheme in ("http", "https") and url.port != 0 and text.split() == [text]
    except ValueError:  # a port that is none, or half an IPv6 address
        return False


def local_cloud_lives(endpoint_url: str, instance: str) -> bool:
    """Whether the local cloud known as `instance` (``"local-<nonce>"``) still answers at `endpoint_url`."""
    try:
        return f"local-{local_cloud.identify(endpoint_url)}" == instance
    except OSError:
        return False


def _of_cloud(cloud: local_cloud.Cloud) -> Target:
    url, instance = cloud.endpoint_url, f"local-{cloud.nonce}"
    key, secret = cloud.access_key_id, cloud.secret_access_key
    return Target("local", url, cloud.region, cloud.account, key, secret, instance, LOCAL_CLOUD)


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
    account, partition = _caller(where, _keys_only(key, secret), region, url)
    instance = re.sub(r"[^a-z0-9]+", "-", f"endpoint {url} {account} {region}".lower())
    if len(instance) > _LONGEST_INSTANCE:
        instance = f"{instance[:_LONGEST_INSTANCE]}-{hashlib.sha256(instance.encode()).hexdigest()[:12]}"
    return Target("endpoint", url, region, account, key, secret, instance, ENDPOINT, partition)


def _check_credentials(where: str, url: str, credentials: Credentials, region: str) -> None:
    """Whether a local cloud takes them. Its account is known, and making a client to ask takes 0.1 s."""
    with explain(where):
        status, text = signed_get(url + HEALTH_PATH, credentials, region)
        if status != 200:
            answer = json.loads(text)
            raise ClientError(
                {"Error": {"Code": answer["__type"], "Message": answer["message"]}}, "GetCallerIdentity"
            )


def _aws(where: str, region: str | None, environ: Mapping[str, str]) -> Target:
    named = environ.get("WEBHOOK_LAB_AWS_ACCOUNT", "").strip()
    if not re.fullmatch(r"\d{12}", named):
        said = f"WEBHOOK_LAB_AWS_ACCOUNT is {named!r}" if named else "WEBHOOK_LAB_AWS_ACCOUNT is not set"
        raise LabError(where, said, "Set it to the 12 digits of the account you mean to build in.")
    # Our own clients ignore these, and a profile's endpoints too; those that a cell makes would go there.
    for name, elsewhere in environ.items():
        if name.startswith("AWS_ENDPOINT_URL") and elsewhere:
            raise LabError(where, f"{name} sends boto3 to {elsewhere}", f"Unset {name}.")
    with explain(where):
        session = boto3.Session()
        region = region or session.region_name or DEFAULT_REGION
    caller, partition = _caller(where, session, region, None)
    if caller != named:
        raise LabError(
            where,
            f"these credentials belong to account {caller}, not {named}",
            "Sign in to the account you named, or name this one in WEBHOOK_LAB_AWS_ACCOUNT.",
        )
    instance = f"aws-{caller}-{region}"
    return Target("aws", None, region, caller, None, None, instance, AWS, partition, session)


def client_config(endpoint_url: str | None, *, attempts: int) -> Config:
    """What every client is made with: it goes to the target and nowhere else.

    An endpoint that the environment or a profile configures for a service is ignored. To an endpoint that was
    named, no proxy leads, and a wish for FIPS hosts, which only AWS has, does not count.
    """
    named = endpoint_url is not None
    return Config(
        connect_timeout=5,
        retries={"mode": "standard", "total_max_attempts": attempts},
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg]  # the stubs are older
        proxies={} if named else None,
        use_fips_endpoint=False if named else None,
        use_dualstack_endpoint=False if named else None,
    )


def _keys_only(key: str | None, secret: str | None) -> boto3.Session:
    """A session that reads none of the learner's AWS files: what is wrong there breaks nothing here."""
    nowhere = (None, None, os.devnull, None)
    none = {"profile": (None, None, None, None), "config_file": nowhere, "credentials_file": nowhere}
    return boto3.Session(key, secret, botocore_session=botocore.session.Session(session_vars=none))


def _caller(where: str, session: boto3.Session, region: str, endpoint_url: str | None) -> tuple[str, str]:
    """The caller's account and partition."""
    with explain(where):
        config = client_config(endpoint_url, attempts=2)
        sts = session.client("sts", region_name=region, endpoint_url=endpoint_url, config=config)
        try:
            identity = sts.get_caller_identity()
            return identity["Account"], identity["Arn"].split(":")[1]
        except (KeyError, IndexError) as error:
            raise LabError(where, "whatever answers there is no AWS", "Check the address.") from error
