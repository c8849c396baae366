"""The exported folder as a stack on the local cloud: the same pipeline, and gone without a trace."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from webhook_lab import sweep
from webhook_lab.aws.errors import Foreign, LabError
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.ledger import Ledger
from webhook_lab.pipeline import STEPS, Pipeline
from webhook_lab.pipeline.compare import compare
from webhook_lab.pipeline.export import export, production, stack_of
from webhook_lab.pipeline.naming import Names
from webhook_lab.resources.bucket import bucket_of
from webhook_lab.resources.stack import Stack, delete_stack
from webhook_lab.send.sender import Delivery, post
from webhook_lab.watch.items import read_items

NAMES = Names("lab-stacked")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    export(tmp_path / "production", Pipeline(None, NAMES, None).settings)  # type: ignore[arg-type]
    return tmp_path / "production"


@pytest.fixture
def pipeline(session: Session, tmp_path: Path) -> Iterator[Pipeline]:
    pipeline = Pipeline(session, NAMES, Ledger(tmp_path / "ledger.jsonl"))
    yield pipeline
    pipeline.teardown()


def stack_pipeline(pipeline: Pipeline) -> Pipeline:
    return Pipeline(pipeline.session, Names(NAMES.stack), pipeline.ledger, production(pipeline.settings))


def nothing_left(session: Session) -> None:
    assert Stack.describe(session, NAMES.stack) is None
    assert sweep.remaining(session, NAMES.prefix) == sweep.remaining(session, NAMES.stack) == []
    names = [each["Name"] for each in session.s3.list_buckets()["Buckets"]]
    assert bucket_of(session, NAMES.stack) not in names
    assert session.cloudwatch.describe_alarms(AlarmNamePrefix=NAMES.prefix)["MetricAlarms"] == []
    assert session.cloudwatch.list_dashboards(DashboardNamePrefix=NAMES.prefix)["DashboardEntries"] == []


def test_the_stack_is_the_pipeline_setting_by_setting(pipeline: Pipeline, folder: Path) -> None:
    pipeline.build()
    pipeline.ensure("stack", **stack_of(folder))
    both = compare(pipeline, stack_pipeline(pipeline))
    differing = {(each.resource, each.name): (each.lab, each.stack) for each in both if not each.same}
    assert differing == {
        ("publish log group", "Lines are kept"): ("1 day", "30 days"),
        ("subscribe log group", "Lines are kept"): ("1 day", "30 days"),
        ("table", "Deletion protection"): ("off", "on"),
        ("stack", "Termination protection"): ("off", "on"),
        ("alarms", "Alarms"): ("0", "7"),
        ("dashboard", "Dashboards"): ("0", "1"),
    }
    assert "nobody has meant this" not in {each.why for each in both}
    assert [each.rule for each in stack_pipeline(pipeline).preflight()] in ([], ["runtime here"])
    stack_pipeline(pipeline).ensure("mapping", batch_size=3)
    changed = {each.name: each.why for each in compare(pipeline, stack_pipeline(pipeline))}
    assert changed["Batch size"] == "nobody has meant this"


def test_it_takes_deliveries_byte_for_byte_and_goes_without_a_trace(pipeline: Pipeline, folder: Path) -> None:
    session = pipeline.session
    pipeline.ensure("stack", **stack_of(folder))
    api = stack_pipeline(pipeline).get("api")
    body = bytes(range(256))
    url, table = session.target.invoke_url(api.id, api.stage), Names(NAMES.stack).table
    assert post(url, Delivery("/any", body, {}, "POST")).status == 202
    retry_until(
        lambda: read_items(session.dynamodb, table=table) or None, seconds=60, reason="it to be stored"
    )
    with pytest.raises(ClientError, match="TerminationProtection"):
        delete_stack(session, NAMES.stack)
    assert [each.kind for each in sweep.remaining(session, NAMES.prefix)] == ["stack"]
    assert [each.kind for each in pipeline.teardown().removed] == ["stack"]
    nothing_left(session)


def test_a_protected_table_outlives_its_stack(pipeline: Pipeline, folder: Path) -> None:
    session = pipeline.session
    pipeline.ensure("stack", **stack_of(folder))
    session.cloudformation.update_termination_protection(
        StackName=NAMES.stack, EnableTerminationProtection=False
    )
    with pytest.raises(LabError, match=r"Table: .*protected against deletion"):
        delete_stack(session, NAMES.stack)
    assert stack_pipeline(pipeline).look_up("table")
    assert read_items(session.dynamodb, table=Names(NAMES.stack).table) == []
    pipeline.remove("stack")
    nothing_left(session)


def test_unchanged_it_is_left_alone_and_other_code_is_a_change(pipeline: Pipeline, folder: Path) -> None:
    pipeline.ensure("stack", **stack_of(folder))
    assert pipeline.ensure("stack", **stack_of(folder)).status == "CREATE_COMPLETE"
    app = folder / "handlers" / "publish" / "app.py"
    app.write_text(f"{app.read_text(encoding='utf-8')}\n# another line\n", encoding="utf-8")
    before = stack_pipeline(pipeline).get("publish_function").code_sha256
    assert pipeline.ensure("stack", **stack_of(folder)).status == "UPDATE_COMPLETE"
    assert stack_pipeline(pipeline).get("publish_function").code_sha256 != before


def test_a_template_edited_by_hand_fails_in_cloudformations_words(pipeline: Pipeline, folder: Path) -> None:
    path = folder / "template.yaml"
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole.replace("VisibilityTimeout: 180", "VisibilityTimeout: 999999"), encoding="utf-8")
    with pytest.raises(LabError, match=r"Queue: ") as refused:
        pipeline.ensure("stack", **stack_of(folder))
    assert "create stack" in refused.value.where
    path.write_text(whole.replace("AWS::SQS::Queue", "AWS::SQS::Quue"), encoding="utf-8")
    with pytest.raises(LabError, match="Quue"):
        pipeline.ensure("stack", **stack_of(folder))
    path.write_text(whole, encoding="utf-8")  # mended, it stands in the place of what was rolled back
    assert pipeline.ensure("stack", **stack_of(folder)).status == "CREATE_COMPLETE"


def test_a_stack_of_somebody_elses_is_left_alone(pipeline: Pipeline, folder: Path) -> None:
    cloudformation = pipeline.session.cloudformation
    body = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    cloudformation.create_stack(StackName=NAMES.stack, TemplateBody=body)
    try:
        with pytest.raises(Foreign, match=NAMES.stack):
            pipeline.ensure("stack", **stack_of(folder))
        assert pipeline.remove("stack")  # the row of what was asked for, and nothing else
        assert Stack.describe(pipeline.session, NAMES.stack)
    finally:
        cloudformation.delete_stack(StackName=NAMES.stack)


def test_a_kill_between_bucket_and_stack_leaves_nothing(pipeline: Pipeline, folder: Path) -> None:
    session = pipeline.session
    stack = Stack(NAMES.stack, **stack_of(folder))
    stack._with_code(session)  # what is done before the stack is asked for
    pipeline.ledger.intend("stack", NAMES.stack)
    assert [each.kind for each in pipeline.teardown().removed] == ["stack"]
    nothing_left(session)


def test_every_step_of_the_stack_is_found_by_its_name(pipeline: Pipeline, folder: Path) -> None:
    pipeline.ensure("stack", **stack_of(folder))
    assert [key for key in STEPS if stack_pipeline(pipeline).look_up(key) is None] == []
