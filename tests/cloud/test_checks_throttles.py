"""The checks of chapter 10, where they do not hold; its notebook and its exercise show where they do."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.course.chapters import chapter_numbered
from webhook_lab.course.checks.throttles import TRAP
from webhook_lab.lab import Lab
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import Pipeline
from webhook_lab.pipeline.naming import Names


@pytest.fixture(scope="module")
def pipeline(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    ledger = Ledger(tmp_path_factory.mktemp("throttles") / "ledger.jsonl")
    made = Pipeline(Session(resolve()), Names("lab-throttles"), ledger)
    yield made
    made.teardown()


@pytest.fixture
def lab(pipeline: Pipeline) -> Lab:
    pipeline.restore("api")
    return Lab(pipeline, chapter_numbered("10"))


def test_a_burst_that_was_not_sent_is_not_stored(lab: Lab) -> None:
    with pytest.raises(LabError, match="nothing was accepted"):
        lab.checkpoint("the same burst is stored, and nothing is dead")


def test_what_was_worked_on_has_not_died_unseen(lab: Lab) -> None:
    claim = "good messages are dead, and no invocation has seen them"
    with pytest.raises(LabError, match="the dead-letter queue is empty"):
        lab.checkpoint(claim)
    lab.aws.sqs.send_message(QueueUrl=lab.dlq_url, MessageBody="somebody else's")
    with pytest.raises(LabError, match="of the 1 dead each was worked on"):
        lab.checkpoint(claim)


def test_the_exercise_wants_the_queue_and_the_reservation_left_alone(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    def verdict() -> str:
        lab.exercise()
        return capsys.readouterr().out.strip()

    assert verdict() == "Exercise: not yet. Leave the queue as it is."
    lab.pipeline.settings = replace(lab.pipeline.settings, function_timeout=1)
    lab.create_function("subscribe")
    lab.create_queue(visibility_timeout=TRAP[0], max_receive_count=TRAP[1])
    lab.create_mapping(maximum_concurrency=None)
    assert verdict() == "Exercise: not tried yet."
    lab.create_mapping(maximum_concurrency=3)
    assert verdict() == "Exercise: not yet. The mapping may read for 3."
    lab.create_mapping(maximum_concurrency=2)
    lab.set_reserved_concurrency(5)
    assert verdict() == "Exercise: not yet. Leave the reservation as it is: 5 are reserved."
    lab.set_reserved_concurrency(2)
    assert verdict() == "Exercise: not yet. Now prove it: 0 of 100 deliveries were sent since."
