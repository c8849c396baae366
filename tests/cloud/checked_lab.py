"""What the tests of checks share: a lab at the beginning of a chapter, and what its checks say."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.course.chapters import chapter_numbered
from webhook_lab.lab import Lab
from webhook_lab.ledger import Ledger
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.naming import Names

Verdict = Callable[[], str]
NAMES = Names("lab-checked")


def at(chapter: str) -> pytest.MarkDecorator:
    """Lets a test's `lab` begin there."""
    return pytest.mark.parametrize("lab", [chapter], indirect=True)


@pytest.fixture(scope="module")
def ledger(session: Session, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """Of a lab that is gone when the module is."""
    ledger = Ledger(tmp_path_factory.mktemp("checked") / "ledger.jsonl")
    yield ledger
    Pipeline(session, NAMES, ledger).teardown()


@pytest.fixture
def lab(
    session: Session, ledger: Ledger, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Lab:
    """A lab of its own name, at the beginning of the chapter that the test asks for; see `at`."""
    monkeypatch.setattr("webhook_lab.lab.looking.DRAIN_SECONDS", 5.0)
    pipeline, chapter = Pipeline(session, NAMES, ledger), chapter_numbered(request.param)
    pipeline.restore(chapter.starts_with)
    return Lab(pipeline, chapter)


@pytest.fixture
def verdict(lab: Lab, capsys: pytest.CaptureFixture[str]) -> Verdict:
    """What the chapter's exercise says of the lab now."""

    def said() -> str:
        capsys.readouterr()
        lab.exercise()
        return capsys.readouterr().out.strip()

    return said


def fails(lab: Lab, claim: str, reason: str) -> None:
    """The checkpoint does not hold, for a reason that matches, and names the claim."""
    with pytest.raises(LabError, match=reason) as refused:
        lab.checkpoint(claim)
    assert claim in refused.value.where


def only_receives(lab: Lab, monkeypatch: pytest.MonkeyPatch, *, patience: float = 0) -> None:
    """From now on only a receive shows a message, as on AWS."""
    traits = replace(lab.aws.target.traits, peek_path=None, patience=patience)
    monkeypatch.setattr(lab.aws, "target", replace(lab.aws.target, traits=traits))


def received(lab: Lab) -> dict[str, int]:
    """How often each message of the queue has been received with this receive, by its body."""
    answer = lab.aws.sqs.receive_message(
        QueueUrl=lab.queue_url, MaxNumberOfMessages=10, MessageSystemAttributeNames=["All"]
    )
    found = answer.get("Messages", [])
    return {each["Body"]: int(each["Attributes"]["ApproximateReceiveCount"]) for each in found}
