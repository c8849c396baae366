"""The exported folder by its own README, far from the checkout: AWS's command line and nothing of ours."""

import base64
import hashlib
import os
import shlex
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from cfnlint.api import ManualArgs, lint
from click.testing import CliRunner

from tools.recorded import deliveries_folder
from webhook_lab.aws.retry import retry_until
from webhook_lab.cli import main
from webhook_lab.local_cloud import Cloud, private_cloud
from webhook_lab.send.recorded import read_deliveries
from webhook_lab.send.sender import Delivery, post
from webhook_lab.watch.items import read_items

BODIES = (b"", bytes(range(256)), "naïve + 100 % = “ja”\r\n".encode(), b'{"order": 1}')
pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The AWS CLI in an environment of its own."""
    folder = tmp_path_factory.mktemp("aws-cli")
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    install = [programs / "python", "-m", "pip", "install", "-q", "awscli"]
    if subprocess.run(install, check=False, capture_output=True).returncode:
        pytest.skip("the AWS CLI could not be installed")
    return programs / "aws"


@pytest.fixture
def fresh() -> Iterator[Cloud]:
    with private_cloud() as cloud:
        yield cloud


def commands(folder: Path) -> list[list[str]]:
    """The README's commands, one after the other."""
    lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
    told = " && ".join(line.strip() for line in lines if line.startswith("    "))
    return [shlex.split(each.replace("CODE_BUCKET", "code-of-mine")) for each in told.split(" && ")]


def deliveries() -> list[Delivery]:
    recorded = deliveries_folder()
    made = [Delivery(f"/any/{n}", body, {"webhook-id": f"mine-{n}"}, "POST") for n, body in enumerate(BODIES)]
    return made + (list(read_deliveries([recorded])) if recorded.is_dir() else [])


def test_its_own_readme_deploys_it_and_deletes_it_to_nothing(aws: Path, fresh: Cloud, tmp_path: Path) -> None:
    folder = tmp_path / "elsewhere"
    assert CliRunner().invoke(main, ["export", str(folder)]).exit_code == 0
    text = (folder / "template.yaml").read_text(encoding="utf-8")
    assert lint(text, config=ManualArgs(regions=["us-east-1"])) == []

    environment = {**os.environ, **fresh.environment(), "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true"}

    def run(command: list[str]) -> str:
        whole = [str(aws), *command[1:]]
        done = subprocess.run(
            whole, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
        )
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
        return done.stdout

    make, delete = commands(folder)[:4], commands(folder)[4:]
    assert "Url" in [run(each) for each in make][-1]
    client = {
        name: boto3.client(
            name,
            endpoint_url=fresh.endpoint_url,
            region_name=fresh.region,
            aws_access_key_id=fresh.access_key_id,
            aws_secret_access_key=fresh.secret_access_key,
        )
        for name in ("apigateway", "dynamodb", "s3", "lambda", "sqs", "iam", "logs", "cloudwatch")
    }
    api = client["apigateway"].get_rest_apis()["items"][0]
    url = f"{fresh.endpoint_url}/restapis/{api['id']}/prod/_user_request_"
    sent = deliveries()
    assert {post(url, each).status for each in sent} == {202}

    def once_all_are_stored() -> set[str] | None:
        items = read_items(client["dynamodb"], table="webhooks-deliveries")
        if len(items) < len(sent):
            return None
        bodies = [
            base64.b64decode(item["body"]) if item["body_is_base64"] else item["body"].encode()
            for item in items
        ]
        return {hashlib.sha256(body).hexdigest() for body in bodies}

    stored = retry_until(once_all_are_stored, seconds=120, reason="all that was sent to be stored")
    assert stored == {hashlib.sha256(each.body).hexdigest() for each in sent}

    for each in delete:
        run(each)
    assert client["apigateway"].get_rest_apis()["items"] == []
    assert client["dynamodb"].list_tables()["TableNames"] == []
    assert client["s3"].list_buckets()["Buckets"] == []
    assert client["lambda"].list_functions()["Functions"] == []
    assert client["lambda"].list_event_source_mappings()["EventSourceMappings"] == []
    assert client["sqs"].list_queues().get("QueueUrls", []) == []
    assert client["iam"].list_roles(PathPrefix="/webhook-lab/")["Roles"] == []
    assert client["logs"].describe_log_groups()["logGroups"] == []
    assert client["cloudwatch"].describe_alarms()["MetricAlarms"] == []
    assert client["cloudwatch"].list_dashboards()["DashboardEntries"] == []
