"""Another kind of resource is one class and one line: it is built, shown, listed, torn down and swept."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import ClassVar, Self

import pytest

from webhook_lab import sweep
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS, Pipeline
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.steps import Step
from webhook_lab.resources.ownership import Tags, absent_is_none, from_pairs, is_ours, pages, to_pairs
from webhook_lab.resources.resource import Listed, Resource, Rows
from webhook_lab.show.cards import ledger_card, resource_card, sweep_card, teardown_card

PREFIX = "lab-ninth"


@dataclass(frozen=True)
class Topic(Resource):
    """An SNS topic, on which publish might announce what it has queued."""

    kind: ClassVar[str] = "topic"
    title: ClassVar[str] = "SNS topic"

    display_name: str
    arn: str = ""

    @property
    def id(self) -> str:
        return self.arn

    def ensure(self, aws: Session, tags: Tags) -> Self:
        arn = sns(aws).create_topic(
            Name=self.name, Attributes={"DisplayName": self.display_name}, Tags=to_pairs(tags)
        )["TopicArn"]
        return replace(self, arn=arn)

    @classmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        arn = aws.target.arn("sns", name)
        found = absent_is_none(lambda: sns(aws).get_topic_attributes(TopicArn=arn)["Attributes"], "NotFound")
        if found is None or not (tags is None or is_ours(_tags(aws, arn), tags)):
            return None
        return cls(name, found["DisplayName"], arn)

    @classmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        sns(aws).delete_topic(TopicArn=identity)
        return True

    @classmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:
        for row in pages(sns(aws), "list_topics", "Topics"):
            arn = row["TopicArn"]
            yield Listed(arn.rsplit(":", 1)[-1], arn, arn, partial(_tags, aws, arn))

    def rows(self) -> Rows:
        return (("Shown as", self.display_name),)

    @classmethod
    def console_page(cls, aws: Session, name: str) -> str:
        return f"sns/v3/home?region={aws.target.region}#/topic/{aws.target.arn('sns', name)}"


def sns(aws: Session) -> object:
    return aws.client("sns")


def _tags(aws: Session, arn: str) -> dict[str, str]:
    return from_pairs(sns(aws).list_tags_for_resource(ResourceArn=arn)["Tags"])


@pytest.fixture
def pipeline(cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    step = Step(
        "topic",
        Topic,
        lambda names: f"{names.prefix}-news",
        lambda _: Topic(f"{PREFIX}-news", "News"),
        "topic",
    )
    monkeypatch.setitem(STEPS, "topic", step)  # the one line
    return Pipeline(Session(resolve()), Names(PREFIX), Ledger(tmp_path / "ledger.jsonl"))


def test_a_ninth_kind_is_built_shown_torn_down_and_swept(pipeline: Pipeline) -> None:
    session = pipeline.session
    pipeline.build("topic")
    assert pipeline.look_up("topic") == pipeline.get("topic")
    assert repr(resource_card(pipeline.get("topic"))).startswith(f"SNS topic: {PREFIX}-news\n  Shown as")
    assert ("SNS topic", f"{PREFIX}-news") in {
        row[:2] for row in ledger_card(pipeline.ledger.open_rows()).rows
    }

    removed = pipeline.teardown().removed
    assert ("topic", f"{PREFIX}-news") == (removed[0].kind, removed[0].name)
    assert "SNS topic" in repr(teardown_card(removed, sweep.remaining(session, PREFIX)))
    assert sweep.remaining(session, PREFIX) == []

    pipeline.ensure("topic")
    pipeline.ledger.retire()  # lost: only the tag tells
    found = sweep.remaining(session, PREFIX)
    assert [(each.kind, each.name, each.why) for each in found] == [("topic", f"{PREFIX}-news", "tag")]
    assert "SNS topic" in repr(sweep_card(found))
    sweep.remove(session, found)
    assert sweep.remaining(session, PREFIX) == []
