"""The exported template: judged by cfn-lint and SAM's own translator, and it says what the settings say."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from cfnlint.api import ManualArgs, lint
from click.testing import CliRunner
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from webhook_lab.aws.errors import LabError
from webhook_lab.cli import main
from webhook_lab.course.chapters import CHAPTERS
from webhook_lab.facts.production import CHECKLIST
from webhook_lab.pipeline import STEPS, Settings
from webhook_lab.pipeline.checklist import holds
from webhook_lab.pipeline.export import as_yaml, export, logical_id, stack_of, template
from webhook_lab.show.night_cards import checklist_card


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "production"
    export(folder, Settings())
    return folder


def test_cfn_lint_has_nothing_to_say(folder: Path) -> None:
    text = (folder / "template.yaml").read_text(encoding="utf-8")
    assert lint(text, config=ManualArgs(regions=["us-east-1", "eu-central-1"])) == []


def test_sam_translates_it_and_adds_no_role(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    data = yaml_parse((folder / "template.yaml").read_text(encoding="utf-8"))
    for each in data["Resources"].values():
        if each["Type"] == "AWS::Serverless::Function":
            each["Properties"]["CodeUri"] = "s3://bucket/key"
    plain = transform(copy.deepcopy(data), {}, SimpleNamespace(load=dict))["Resources"]
    kinds = [each["Type"] for each in plain.values()]
    assert "AWS::Serverless::Function" not in kinds
    assert kinds.count("AWS::Lambda::Function") == 2
    assert kinds.count("AWS::IAM::Role") == 2  # SAM's own would carry a policy that makes log groups
    assert "ManagedPolicyArns" not in json.dumps(plain, default=str)


def test_each_step_is_in_it_and_says_what_the_settings_say() -> None:
    settings = Settings(visibility_timeout=300, max_receive_count=7, maximum_concurrency=5, batch_size=3)
    resources = template(settings)["Resources"]
    assert {logical_id(key) for key in STEPS} <= resources.keys()
    queue, mapping = resources["Queue"]["Properties"], resources["Mapping"]["Properties"]
    assert (queue["VisibilityTimeout"], queue["RedrivePolicy"]["maxReceiveCount"]) == (300, 7)
    assert (mapping["ScalingConfig"], mapping["BatchSize"]) == ({"MaximumConcurrency": 5}, 3)


def test_what_is_left_out_of_the_settings_is_left_out_of_the_template() -> None:
    settings = Settings(reserved_concurrency=None, maximum_concurrency=None, report_batch_item_failures=False)
    data = template(settings)
    assert "ReservedConcurrentExecutions" not in data["Resources"]["SubscribeFunction"]["Properties"]
    assert not {"ScalingConfig", "FunctionResponseTypes"} & data["Resources"]["Mapping"]["Properties"].keys()


def test_no_secret_of_the_lab_is_written_down() -> None:
    settings = Settings(
        signed_prefix="/", signing_secret="whsec_QUJD", handshakes="meta", handshake_secret="open sesame"
    )
    text = as_yaml(template(settings))
    assert "whsec_QUJD" not in text
    assert "open sesame" not in text


def test_other_code_in_the_api_is_another_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    def deployment() -> str:
        return next(each for each in template(Settings())["Resources"] if "Deployment" in each)

    before = deployment()
    assert deployment() == before
    monkeypatch.setattr("webhook_lab.resources.rest_api.BINARY", ["image/png"])
    assert deployment() != before


def test_the_same_settings_give_the_same_folder(folder: Path, tmp_path: Path) -> None:
    export(tmp_path / "again", Settings())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        assert (tmp_path / "again" / path.relative_to(folder)).read_bytes() == path.read_bytes()


def test_its_readme_has_ten_lines(folder: Path) -> None:
    assert len((folder / "README.md").read_text(encoding="utf-8").splitlines()) == 10


def test_a_folder_that_holds_something_is_refused_without_force(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(LabError, match="not empty") as refused:
        export(tmp_path, Settings())
    assert "--force" in refused.value.try_this
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    export(tmp_path, Settings(), force=True)
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == "mine"
    assert (tmp_path / "template.yaml").is_file()


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_what_is_no_folder_is_refused_in_plain_words(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(LabError, match="export to") as refused:
        export(tmp_path / place, Settings())
    assert refused.value.try_this.startswith("Name a folder")


def test_a_folder_without_a_template_cannot_be_deployed(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"template\.yaml"):
        stack_of(tmp_path)


def test_the_yaml_reads_back_as_the_data() -> None:
    data: Any = yaml_parse(as_yaml(template(Settings())))
    assert data["Resources"]["Queue"]["Properties"]["QueueName"] == {"Fn::Sub": "${AWS::StackName}-webhooks"}
    assert data["Resources"]["Mapping"]["Properties"]["EventSourceArn"] == {"Fn::GetAtt": ["Queue", "Arn"]}
    board = data["Resources"]["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    assert len(json.loads(board)["widgets"]) == 6
    assert "&id" not in yaml.dump(as_yaml(template(Settings())))


ALL = [{"PolicyDocument": {"Statement": [{"Action": ["*"], "Resource": "*"}]}}]
# What has to go wrong in a template for one line of the checklist not to hold.
BROKEN: dict[str, tuple[str, str, Any]] = {
    "expiry": ("Table", "TimeToLiveSpecification", None),
    "last_resort": ("DeadLetterQueue", "MessageRetentionPeriod", 60),
    "hidden": ("Queue", "VisibilityTimeout", 30),
    "privilege": ("PublishRole", "Policies", ALL),
    "logs": ("PublishLogs", "RetentionInDays", None),
    "front_door": ("ApiPermission", "SourceArn", None),
    "bytes": ("Api", "BinaryMediaTypes", []),
    "secret": ("PublishFunction", "Environment", {"Variables": {"SIGNING_SECRET": "whsec_QUJD"}}),
    "five_receives": ("Queue", "RedrivePolicy", {"maxReceiveCount": 2}),
    "partial": ("Mapping", "FunctionResponseTypes", None),
    "throttle": ("Mapping", "ScalingConfig", {"MaximumConcurrency": 3}),
    "alarms": ("OldestWaits", "MetricName", "Other"),
    "dashboard": ("Dashboard", "DashboardBody", "{}"),
    "tracing": ("PublishFunction", "Tracing", None),
    "protection": ("Table", "DeletionProtectionEnabled", None),
}  # fmt: skip


@pytest.mark.parametrize("key", CHECKLIST)
def test_each_line_of_the_checklist_can_fail(key: str) -> None:
    data = template(Settings())
    assert all(holds(data).values())
    logical, name, value = BROKEN[key]
    properties = data["Resources"][logical]["Properties"]
    properties.pop(name) if value is None else properties.update({name: value})
    assert [each for each, kept in holds(data).items() if not kept] == [key]
    assert "DOES NOT HOLD" in repr(checklist_card(data))


def test_the_checklist_names_chapters_that_there_are() -> None:
    assert {line.chapter for line in CHECKLIST.values()} <= {chapter.number for chapter in CHAPTERS}


def test_a_setting_that_breaks_a_line_is_exported_and_said() -> None:
    assert not holds(template(replace(Settings(), max_receive_count=2)))["five_receives"]


def test_the_command_needs_no_aws_and_refuses_a_full_folder(tmp_path: Path) -> None:
    asked = ["export", str(tmp_path / "out")]
    first = CliRunner().invoke(main, [*asked, "--json"])
    assert (first.exit_code, set(json.loads(first.stdout)["checklist"].values())) == (0, {True})
    again = CliRunner().invoke(main, asked)
    assert again.exit_code == 1
    assert "not empty" in again.stderr
    assert CliRunner().invoke(main, [*asked, "--force"]).exit_code == 0


def test_a_pipeline_that_keeps_large_bodies_in_a_bucket_is_not_exported_without_it(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no bucket for large bodies"):
        export(tmp_path / "production", Settings(claim_check=True))
    assert not (tmp_path / "production").exists()
