"""A fault at every single call of a build, a restore, a redrive and a teardown: recorded, then one by one.

Whatever it is, the step ends done, or with one clear message, and then the ledger knows of all that stands;
asked again, it is done, and removed, nothing is left. Nothing of the library has a say in what stands.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.account import standing
from tests.days.clocks import VirtualClock
from tests.days.faults import FAULTS, Changing, Fault, Strike, outcome
from webhook_lab.aws.errors import explain
from webhook_lab.aws.session import Session
from webhook_lab.aws.target import resolve
from webhook_lab.ledger import Ledger
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS, Pipeline, Settings
from webhook_lab.pipeline.naming import Names
from webhook_lab.pipeline.operations import redrive
from webhook_lab.pipeline.steps import step_of
from webhook_lab.resources.cleanup import Cleanup, clean_up
from webhook_lab.resources.queue import Depth, depth, empty_queue

PREFIX = "lab-faults"
BUILT = (*STEPS, "alarm", "direct_role", "direct_api", "bucket")
"""A stack is CloudFormation's own: it has its tests."""


@pytest.fixture(scope="module")
def day() -> Changing:
    return Changing()


@pytest.fixture(scope="module")
def session(cloud: Cloud, day: Changing) -> Session:
    target = resolve()  # with metrics, as on AWS: an alarm is a step like any other
    made = Session(replace(target, traits=replace(target.traits, publishes_metrics=True)))
    day.install(made._boto3.events)
    return made


@pytest.fixture
def pipeline(session: Session, tmp_path: Path, clock: VirtualClock) -> Iterator[Pipeline]:
    made = Pipeline(session, Names(f"{PREFIX}-{uuid.uuid4().hex[:4]}"), Ledger(tmp_path / "ledger.jsonl"))
    yield made
    made.teardown()


class Cases:
    """Every call of an action under one fault; what went wrong is gathered, so that one run shows it all."""

    def __init__(self, day: Changing, fault: Fault) -> None:
        self.day, self.fault, self.tried = day, fault, 0
        self.wrong: list[str] = []

    def each(self, calls: list[str], what: str, case: Callable[[Callable[..., Any]], None]) -> None:
        for at, operation in enumerate(calls, 1):
            polls = calls[max(0, at - 3) : at].count(operation)
            if polls == 3:  # two of those that ask until something is so are enough
                continue
            strike = Strike(operation, calls[:at].count(operation), self.fault)

            def faulty(action: Callable[[], object], strike: Strike = strike) -> Any:
                with self.day.being(strike):
                    error = outcome(action)
                assert self.fault.lasting or not error, f"once is nothing to speak of: {error}"
                return error

            try:
                case(faulty)
                assert strike.struck or polls == 2, "it was never struck"
                self.tried += bool(strike.struck)
            except Exception as error:
                self.wrong.append(f"{what}, {operation} ({at}): {type(error).__name__}: {error}")

    def judge(self) -> None:
        print(f"{self.tried} cases")
        assert self.tried
        assert not self.wrong, "\n".join(self.wrong)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_building(pipeline: Pipeline, day: Changing, fault: Fault) -> None:
    cases = Cases(day, fault)
    for key in BUILT:
        kind, name = step_of(key).kind.kind, step_of(key).name(pipeline.names)
        calls = day.count(lambda key=key: pipeline.ensure(key))
        pipeline.remove(key)
        assert standing(kind, name) == 0

        def case(faulty: Callable[..., Any], key: str = key, kind: str = kind, name: str = name) -> None:
            try:
                error = faulty(lambda: pipeline.ensure(key))
                if error and standing(kind, name):
                    assert pipeline.ledger.row(kind, name), "it stands, and the ledger does not know"
                built = pipeline.ensure(key)
                assert standing(kind, name) == 1
                assert pipeline.look_up(key) == built
            finally:
                pipeline.remove(key)
            assert standing(kind, name) == 0
            assert pipeline.ledger.row(kind, name) is None

        cases.each(calls, f"building {key}", case)
        pipeline.ensure(key)
    cases.judge()


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_mending_what_a_restore_finds_otherwise(pipeline: Pipeline, day: Changing, fault: Fault) -> None:
    cases, bent = Cases(day, fault), bent_twin(pipeline)
    for key in STEPS:
        bent.ensure(key)
        calls = day.count(lambda key=key: pipeline.ensure(key))
        kind, name = step_of(key).kind.kind, step_of(key).name(pipeline.names)

        def case(faulty: Callable[..., Any], key: str = key, kind: str = kind, name: str = name) -> None:
            bent.ensure(key)
            if faulty(lambda: pipeline.ensure(key)):
                assert pipeline.ledger.row(kind, name), "it stands, and the ledger does not know"
            assert pipeline.ensure(key) == pipeline.look_up(key)
            assert standing(kind, name) == 1

        cases.each(calls, f"mending {key}", case)
    cases.judge()


def bent_twin(pipeline: Pipeline) -> Pipeline:
    """The same lab with other settings: each step that has any differs."""
    settings = Settings(
        visibility_timeout=200, dlq_retention=600, queue_retention=700, max_receive_count=9,
        log_retention_days=3, function_timeout=7, memory=256, batch_size=3, maximum_concurrency=5,
        reserved_concurrency=1, subscriber="subscribe_postgres",
    )  # fmt: skip
    return Pipeline(pipeline.session, pipeline.names, pipeline.ledger, settings)


@pytest.mark.long
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_removing(pipeline: Pipeline, day: Changing, fault: Fault) -> None:
    cases = Cases(day, fault)
    for key in BUILT:
        pipeline.ensure(key)
        kind, name = step_of(key).kind.kind, step_of(key).name(pipeline.names)
        calls = day.count(lambda key=key: clean_up([pipeline._task(step_of(key))]))

        def case(faulty: Callable[..., Any], key: str = key, kind: str = kind, name: str = name) -> None:
            pipeline.ensure(key)
            done: list[Cleanup] = []
            assert faulty(lambda: done.append(clean_up([pipeline._task(step_of(key))]))) is None
            for left in done[0].refused:
                assert all((left.said, left.try_this)), left
            if not done[0].removed:
                assert done[0].refused
                assert pipeline.ledger.row(kind, name), "nobody would ask for it again"
                pipeline.remove(key)
            assert standing(kind, name) == 0
            assert pipeline.ledger.row(kind, name) is None

        cases.each(calls, f"removing {key}", case)
        pipeline.ensure(key)
    cases.judge()


@pytest.mark.parametrize("purge", [True, False])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_emptying_a_queue(pipeline: Pipeline, day: Changing, fault: Fault, purge: bool) -> None:
    cases, sqs = Cases(day, fault), pipeline.session.sqs
    pipeline.build("queue")
    url = pipeline.get("queue").url

    def fill() -> None:
        for number in range(12):
            sqs.send_message(QueueUrl=url, MessageBody=str(number))

    def empty() -> None:
        with explain("empty the queue"):
            empty_queue(sqs, url=url, purge=purge)

    fill()
    calls = day.count(empty)

    def case(faulty: Callable[..., Any]) -> None:
        fill()
        if faulty(empty):
            sqs.purge_queue(QueueUrl=url)
        elif not fault.name.startswith("reset after"):  # what was received and not heard of is in flight
            assert depth(sqs, url=url) == Depth(0, 0, 0)
        sqs.purge_queue(QueueUrl=url)

    cases.each(calls, "emptying", case)
    cases.judge()


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_redriving(pipeline: Pipeline, day: Changing, fault: Fault) -> None:
    cases, sqs = Cases(day, fault), pipeline.session.sqs
    pipeline.build("queue")
    dlq, queue = pipeline.get("dlq").url, pipeline.get("queue").url

    def fill() -> None:
        for url in (dlq, queue):
            sqs.purge_queue(QueueUrl=url)
        for number in range(3):
            sqs.send_message(QueueUrl=dlq, MessageBody=str(number))

    fill()
    calls = day.count(lambda: redrive(pipeline))

    def case(faulty: Callable[..., Any]) -> None:
        fill()
        if faulty(lambda: redrive(pipeline)):
            redrive(pipeline)
        assert (depth(sqs, url=dlq).visible, depth(sqs, url=queue).visible) == (0, 3)

    cases.each(calls, "redriving", case)
    cases.judge()
