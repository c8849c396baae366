"""A watch over queues and a log that are fakes: what a run is judged by, and by whose clock."""

import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from webhook_lab.aws.clock import Clock
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.target import AWS
from webhook_lab.watch.watch import Watch

NOW = 1_700_000_000_000
IDS = [f"lab:{n}" for n in range(5)]


class Cloud:
    """A session, its target, and its SQS and CloudWatch: two queues of messages, and a log."""

    traits = AWS

    def __init__(self) -> None:
        self.queue: list[dict[str, Any]] = []
        self.hidden: list[dict[str, Any]] = []
        self.dead: list[dict[str, Any]] = []
        self.dead_unseen = False  # by their depth
        self.events: list[dict[str, Any]] = []
        self.target = self.sqs = self
        self.looked_at = Counter[str]()

    def client(self, _service: str, *, recorded: bool) -> "Cloud":
        assert not recorded
        return self

    def now(self) -> int:
        return NOW

    def get_queue_attributes(self, QueueUrl: str, AttributeNames: list[str]) -> dict[str, Any]:
        held = (
            [0 if self.dead_unseen else len(self.dead), 0, 0]
            if QueueUrl == "dlq"
            else [len(self.queue), len(self.hidden), 0]
        )
        return {"Attributes": dict(zip(AttributeNames, map(str, held), strict=True))}

    def receive_message(self, QueueUrl: str, **_: Any) -> dict[str, Any]:
        assert QueueUrl == "dlq", "a receive of what waits in the queue counts"
        return {"Messages": self.dead}

    def change_message_visibility_batch(self, QueueUrl: str, Entries: list[Any]) -> None:
        assert {each["VisibilityTimeout"] for each in Entries} == {0}

    def filter_log_events(self, startTime: int, **_: Any) -> dict[str, Any]:
        return {"events": [each for each in self.events if each["timestamp"] >= startTime]}

    def settle(self, *ids: str) -> None:
        for id_ in ids:
            number = str(len(self.events))
            line = {"event": "record_finish", "id": id_, "message_id": f"m{number}", "outcome": "stored"}
            message = json.dumps({**line, "request_id": number, "at": NOW + 1})
            self.events.append({"eventId": number, "timestamp": NOW + 1, "message": message})


def messages(*ids: str) -> list[dict[str, Any]]:
    return [{"MessageId": f"of {id_}", "ReceiptHandle": id_, "Body": json.dumps({"id": id_})} for id_ in ids]


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


def watch_of(cloud: Cloud) -> Watch:
    watch = Watch(cloud, queue_url="queue", dlq_url="dlq", log_group="g", limit=2)  # type: ignore[arg-type]
    return watch.start()


def wait(watch: Watch, accepted: list[str], *, seconds: float = 10) -> Watch:
    retry_until(lambda: watch.is_over(accepted) or None, seconds=seconds, reason="the run to be over")
    return watch


def test_deliveries_that_are_missing_are_not_taken_for_dead_letters_that_were_there(cloud: Cloud) -> None:
    cloud.dead = [*messages(*[f"old:{n}" for n in range(5)]), {**messages("")[0], "Body": "no envelope"}]
    watch = watch_of(cloud)
    with pytest.raises(LabError):
        wait(watch, IDS, seconds=1.5)
    facts = watch.stop().facts(IDS)
    assert (facts["dead"], facts["lost"]) == (0, 5)


def test_dead_letters_are_counted_one_by_one_beside_older_ones(cloud: Cloud) -> None:
    cloud.dead = messages("old:0", "old:1")
    watch = watch_of(cloud)
    cloud.settle(*IDS[:3])
    cloud.dead += messages(*IDS[3:], "another:0")
    facts = wait(watch, IDS).stop().facts(IDS)
    assert (facts["stored"], facts["dead"], facts["lost"]) == (3, 2, 0)
    assert watch.places(IDS) == {"settled": 3, "dead": 2, "waiting": 0, "in flight": 0, "lost": 0}


def test_at_the_end_dead_letters_count_that_the_depth_does_not_show_yet(cloud: Cloud) -> None:
    watch = watch_of(cloud)
    cloud.dead, cloud.dead_unseen = messages(*IDS), True
    facts = watch.stop().facts(IDS)
    assert (facts["dead"], facts["lost"]) == (5, 0)


def test_what_was_taken_back_and_died_again_is_dead(cloud: Cloud) -> None:
    cloud.dead = messages("old:0", "old:1")
    watch = watch_of(cloud)
    cloud.dead = []
    watch._look_at_dlq()
    cloud.dead = messages("old:1")
    assert watch.stop().facts(["old:0", "old:1"])["dead"] == 1


def test_waiting_in_flight_and_lost_are_different_numbers(cloud: Cloud) -> None:
    watch = watch_of(cloud)
    cloud.settle(IDS[0])
    cloud.queue, cloud.hidden = messages(*IDS[1:3]), messages(IDS[3])
    assert watch.stop().places(IDS) == {"settled": 1, "dead": 0, "waiting": 2, "in flight": 1, "lost": 1}
    facts = watch.facts(IDS)
    assert (facts["waiting"], facts["in flight"], facts["lost"]) == (2, 1, 1)
    assert not watch.is_over(IDS)


@pytest.mark.parametrize("place", ["queue", "hidden"])
def test_a_message_that_was_there_before_keeps_no_run_waiting(cloud: Cloud, place: str) -> None:
    setattr(cloud, place, messages("old:poison"))
    watch = watch_of(cloud)
    cloud.settle(*IDS)
    assert wait(watch, IDS).stop().places(IDS)["settled"] == 5


def test_what_others_left_is_neither_stored_nor_dead_in_this_run(cloud: Cloud) -> None:
    cloud.hidden = messages("old:poison")
    watch = watch_of(cloud)
    cloud.settle(*IDS, "old:late")
    cloud.hidden, cloud.dead = [], messages("old:poison")
    facts = wait(watch, IDS).stop().facts(IDS)
    assert (facts["stored"], facts["dead"], facts["lost"]) == (5, 0, 0)


@pytest.mark.parametrize("place", ["queue", "hidden"])
def test_nor_does_one_that_a_depth_of_a_minute_ago_did_not_show(cloud: Cloud, place: str) -> None:
    cloud.traits = replace(AWS, patience=1)
    watch = watch_of(cloud)
    setattr(cloud, place, messages("old:poison"))
    cloud.settle(*IDS[:4])
    with pytest.raises(LabError):
        wait(watch, IDS, seconds=2)
    cloud.settle(IDS[4])
    assert wait(watch, IDS).stop().places(IDS)["settled"] == 5


def test_what_is_taken_back_is_watched_by_its_own_ids(cloud: Cloud) -> None:
    cloud.dead = messages("old:0", "old:1")
    watch = watch_of(cloud)
    with watch.dead.taking_back() as own:
        cloud.dead = []
    assert own == ["old:0", "old:1"]
    cloud.settle("old:0")
    with pytest.raises(LabError):
        wait(watch, own, seconds=1.5)
    cloud.dead = messages("old:1")
    facts = wait(watch, own).stop().facts(own)
    assert (facts["stored"], facts["dead"], facts["lost"]) == (1, 1, 0)


def test_a_run_goes_on_while_one_of_its_own_messages_is_in_the_queue(cloud: Cloud) -> None:
    watch = watch_of(cloud)
    cloud.settle(*IDS)
    cloud.hidden = messages(IDS[0])  # the second message of a delivery that was settled
    with pytest.raises(LabError):
        wait(watch, IDS, seconds=1.5)
    cloud.hidden = []
    wait(watch, IDS)
    assert not watch.is_over([*IDS, IDS[0]]), "accepted twice, and one of them is not settled"
    watch.stop()


@pytest.mark.parametrize(
    ("off_by", "taken_for"), [(0, 0), (-400, 0), (300_000, 300_400), (-7_200_000, -7_199_600)]
)
def test_a_clock_that_is_wrong_is_set_right_by_the_date_of_an_answer(
    monkeypatch: pytest.MonkeyPatch, off_by: int, taken_for: int
) -> None:
    here = NOW + 400 + off_by
    monkeypatch.setattr("webhook_lab.aws.clock._here", lambda: here)
    clock = Clock()
    assert clock.now() == here, "nothing was heard yet"
    clock.hear("Tue, 14 Nov 2023 22:13:20 GMT", asked_at=here - 20, answered_at=here)
    assert here - clock.now() == taken_for
    assert clock.now() <= NOW + 400
