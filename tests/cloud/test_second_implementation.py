"""The whole control plane on moto's server, which nobody here wrote: built, looked at, torn down, swept.

Where moto differs from AWS, AWS's way is put over its answers (`DIFFERENCES`), each with its source. What
moto does not do at all is in `NOT_THERE`.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from click.testing import CliRunner

from webhook_lab import sweep
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.cli import main
from webhook_lab.ledger import Ledger, state_folder
from webhook_lab.pipeline import STEPS, Pipeline, Settings
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.steps import EXTRAS
from webhook_lab.resources.account import account_limits
from webhook_lab.resources.policies import direct_policy

pytestmark = pytest.mark.long  # a minute
SERVER = """
import os, sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()  # until its owner is gone
os._exit(0)  # it has nothing to save, and waits for none of its connections
"""
NAMES = Names("lab-moto")
EXTRA = [key for key in EXTRAS if key != "stack"]
NOT_THERE = {
    "stack": "moto's CloudFormation knows neither API Gateway's stages nor UpdateTerminationProtection",
    "GetAccountSettings": "404; AWS answers with the account's limits",
}
Params = dict[str, Any]
Call = Callable[[BaseClient, str, Params], Any]


def _tagged_bucket(call: Call, client: BaseClient, params: Params) -> Any:
    """moto makes the bucket without them: CreateBucketConfiguration has Tags (API_CreateBucket)."""
    answer = call(client, "CreateBucket", params)
    if tags := params.get("CreateBucketConfiguration", {}).get("Tags"):
        call(client, "PutBucketTagging", {"Bucket": params["Bucket"], "Tagging": {"TagSet": tags}})
    return answer


def _binary_apis(call: Call, client: BaseClient, params: Params) -> Any:
    """moto forgets what CreateRestApi was told: binaryMediaTypes are the API's (API_CreateRestApi)."""
    answer = call(client, "GetRestApis", params)
    answer["items"] = [_binary(each) for each in answer["items"]]
    return answer


def _binary_api(call: Call, client: BaseClient, params: Params) -> Any:
    """In API_GetRestApi too."""
    return _binary(call(client, "GetRestApi", params))


def _binary(api: Params) -> Params:
    return {**api, "binaryMediaTypes": ["*/*"] if api["name"] == NAMES.api else []}


def _summarised_deployment(call: Call, client: BaseClient, params: Params) -> Any:
    """moto gives no apiSummary: with embed=apisummary it has each method deployed (API_GetDeployment)."""
    answer, api = call(client, "GetDeployment", params), {"restApiId": params["restApiId"]}
    resources = call(client, "GetResources", {**api, "embed": ["methods"]})["items"]
    methods = {each["path"]: {verb: {} for verb in each.get("resourceMethods", {})} for each in resources}
    return {**answer, "apiSummary": {path: verbs for path, verbs in methods.items() if verbs}}


DIFFERENCES = {
    "CreateBucket": _tagged_bucket,
    "GetRestApi": _binary_api,
    "GetRestApis": _binary_apis,
    "GetDeployment": _summarised_deployment,
}


@pytest.fixture(scope="module")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a moto server of this module's own, which is what the environment points to."""
    server = [sys.executable, "-W", "ignore", "-c", SERVER]
    with (
        pytest.MonkeyPatch.context() as patch,
        subprocess.Popen(
            server, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process,
    ):
        assert process.stdin
        assert process.stdout
        url = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        for name, value in (
            ("WEBHOOK_LAB_HOME", str(tmp_path_factory.mktemp("home"))),
            ("WEBHOOK_LAB_TARGET", url),
            ("WEBHOOK_LAB_NAME", NAMES.prefix),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ):
            patch.setenv(name, value)
        call = BaseClient._make_api_call
        patch.setattr(BaseClient, "_make_api_call", lambda *asked: as_aws(call, *asked))
        yield url
        process.stdin.close()
        process.wait(timeout=20)


def as_aws(call: Call, client: BaseClient, operation: str, params: Params) -> Any:
    if put_right := DIFFERENCES.get(operation):
        return put_right(call, client, params)
    return call(client, operation, params)


@pytest.fixture
def pipeline(moto: str, tmp_path: Path) -> Iterator[Pipeline]:
    target = resolve()
    target = replace(target, traits=replace(target.traits, publishes_metrics=True, patience=0))
    made = Pipeline(Session(target), NAMES, Ledger(tmp_path / "ledger.jsonl"), Settings(claim_check=True))
    yield made
    made.teardown()


def build_all(pipeline: Pipeline) -> dict[str, Any]:
    """Every resource of every chapter but the stack."""
    keys = ("bucket", *STEPS, *(key for key in EXTRA if key != "bucket"))
    return {key: pipeline.ensure(key) for key in keys}


def test_what_is_built_stands_as_it_was_wanted_and_building_it_again_changes_nothing(
    pipeline: Pipeline,
) -> None:
    built = build_all(pipeline)
    assert len(built) == len(STEPS) + len(EXTRA)
    assert {key: pipeline.look_up(key) for key in built} == {key: pipeline.get(key) for key in built}
    assert all(pipeline.look_up(key).rows() for key in built)
    mark = pipeline.session.calls.mark()
    assert build_all(pipeline) == built
    again = {each.operation for each in pipeline.session.calls.since(mark)}
    assert {each for each in again if not each.startswith(("Get", "List", "Describe", "Head"))} == set()
    assert pipeline.preflight() == []


def test_what_differs_from_the_settings_is_mended(pipeline: Pipeline) -> None:
    build_all(pipeline)
    altered = {
        "queue": {"visibility_timeout": 7},
        "subscribe_function": {"timeout": 9, "environment": {}, "reserved_concurrency": 1},
        "mapping": {"batch_size": 1, "maximum_concurrency": 3},
        "subscribe_logs": {"retention_days": 3},
        "direct_role": {"policy": direct_policy(queue_arn=pipeline.get("dlq").arn)},
        "bucket": {"expires_after": 2},
    }
    for key, instead in altered.items():
        pipeline.ensure(key, **instead)
        assert {name: getattr(pipeline.look_up(key), name) for name in instead} == instead
        wanted = pipeline.ensure(key)
        assert pipeline.look_up(key) == wanted


def test_a_teardown_leaves_nothing(pipeline: Pipeline) -> None:
    build_all(pipeline)
    done = pipeline.teardown()
    assert (len(done.removed), done.refused) == (len(STEPS) + len(EXTRA), ())
    assert sweep.remaining(pipeline.session, None) == []
    assert not pipeline.ledger.path.exists()


def test_a_sweep_finds_all_of_it_when_the_ledger_is_gone_and_a_strangers_stay(pipeline: Pipeline) -> None:
    session = pipeline.session
    build_all(pipeline)
    fifo = {"FifoQueue": "true", "ReceiveMessageWaitTimeSeconds": "2"}  # as chapter 07 makes it
    session.sqs.create_queue(QueueName=f"{NAMES.prefix}-run.fifo", Attributes=fifo, tags=NAMES.tags)
    strangers = session.sqs.create_queue(QueueName=f"{NAMES.queue}-mine")["QueueUrl"]
    pipeline.ledger.path.unlink()
    found = sweep.remaining(session, NAMES.prefix)
    assert len(found) == len(STEPS) + len(EXTRA) + 1
    assert sweep.remaining(session, None) == found
    assert sweep.remove(session, found).refused == ()
    assert sweep.remaining(session, None) == []
    session.sqs.delete_queue(QueueUrl=strangers)  # it is still there


@pytest.mark.parametrize("chapter_begins_with", [None, "mapping"])
def test_each_state_is_restored_from_any(pipeline: Pipeline, chapter_begins_with: str | None) -> None:
    build_all(pipeline)
    pipeline.settings = Settings()
    pipeline.restore(chapter_begins_with)
    keys = list(STEPS)
    standing = keys[: keys.index(chapter_begins_with) + 1] if chapter_begins_with else []
    assert [key for key in (*STEPS, *EXTRA) if pipeline.look_up(key)] == standing


def test_the_commands_do_it_too(moto: str) -> None:
    def facts(*command: str) -> Any:
        result = CliRunner().invoke(main, [*command, "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    assert facts("up")["endpoint_url"] == moto
    assert facts("status")["standing"] == list(STEPS)
    for ledger in state_folder().glob("*.jsonl"):
        ledger.unlink()
    assert len(facts("sweep", "--yes")["removed"]) == len(STEPS)
    assert facts("down")["remaining"] == 0


def test_what_moto_has_not_is_what_is_listed(pipeline: Pipeline) -> None:
    session, stack = pipeline.session, NAMES.stack
    with pytest.raises(ClientError, match="404"):
        session.lambda_.get_account_settings()
    assert account_limits(session) is None  # unknown counts as unlimited
    with pytest.raises(ResponseParserError):  # a web page that says 500
        session.cloudformation.update_termination_protection(
            StackName=stack, EnableTerminationProtection=False
        )
