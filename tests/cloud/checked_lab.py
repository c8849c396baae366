"""What the tests of checks share: a lab at the beginning of a chapter, and what its checks say."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.course.chapters import chapter_numbered
from webhook_lab.lab import Lab
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.naming import Names

Verdict = Callable[[], str]


def at(chapter: str) -> pytest.MarkDecorator:
    """Lets a test's `lab` begin there."""
    return pytest.mark.parametrize("lab", [chapter], indirect=True)


@pytest.fixture(scope="module")
def session(cloud: Cloud) -> Session:
    return Session(resolve())


@pytest.fixture
def lab(
    session: Session, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    """A lab of its own name, at the beginning of the chapter that the test asks for; see `at`."""
    monkeypatch.setattr("webhook_lab.lab.lab.DRAIN_SECONDS", 5.0)
    pipeline = Pipeline(session, Names("lab-checked"), Ledger(tmp_path / "ledger.jsonl"))
    chapter = chapter_numbered(request.param)
    pipeline.build(chapter.starts_with)
    yield Lab(pipeline, chapter)
    pipeline.teardown()


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
