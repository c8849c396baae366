"""An event source mapping behaves as AWS documents it. Time is the event loop's, so hours cost nothing."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.unit.fake_queue import FakeFunction, FakeQueue, a_queue, now, passing_at_once, until
from webhook_lab.facts import quotas
from webhook_lab.facts.pollers import LONGEST_BACK_OFF, Scale, pause_after
from webhook_lab.local_cloud.batches import PollerSettings, Refused, bytes_of, failed_of, within
from webhook_lab.local_cloud.poller import Pollers

TWENTY_SEEDS = range(20)
Burst = tuple[list[FakeQueue], FakeFunction, float]
HOURS = 11 * 3600
"""Longer than a pause may be doubled each time: after 1,024 times a float overflows."""
MOST_ATTEMPTS = 5 * HOURS / (0.5 * LONGEST_BACK_OFF) + 100
"""Of five pollers in so many hours, whose pauses grow."""


def fails(batch: object) -> None:
    raise ValueError


def odd(batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A filter that lets m1, m3, and so on through."""
    return [message for message in batch if int(message["MessageId"][1:]) % 2]


@dataclass
class Setting:
    """A mapping whose settings can be changed at any time."""

    settings: PollerSettings
    mapping: Pollers
    reports: list[str]

    def change(self, **changed: Any) -> None:
        self.settings = replace(self.settings, **changed)
        self.mapping.adjust()


@asynccontextmanager
async def a_mapping(
    queue: FakeQueue,
    function: FakeFunction,
    *,
    seed: int = 0,
    scale: Scale | None = None,
    wanted: Any = lambda batch: batch,
    **settings: Any,
) -> AsyncIterator[Setting]:
    """Polls while the block runs; afterwards every poller has ended, whatever it was doing."""
    reports: list[str] = []
    mapping = Pollers(
        queue, function, lambda: setting.settings,
        scale=scale, chance=random.Random(seed), wanted=wanted, report=reports.append,
    )  # fmt: skip
    setting = Setting(PollerSettings(**settings), mapping, reports)
    mapping.adjust()
    yield setting
    setting.change(enabled=False)
    await until(lambda: not mapping.running)


async def burst(seed: int, mappings: int = 1, **settings: Any) -> Burst:
    """Mappings of one function, of which two may run: 100 messages each, of half a second, in batches of 10.

    They are visible again after 6 s and received 3 times at most. Returned when nothing is left to do, with
    the seconds until then.
    """
    function = FakeFunction(work=0.5, reserved=2)
    chances = [random.Random(seed + i) for i in range(mappings)]
    queues = [a_queue(100, chance=chance, visibility=6.0, max_receive_count=3) for chance in chances]
    async with AsyncExitStack() as stack:
        for queue in queues:
            await stack.enter_async_context(a_mapping(queue, function, seed=seed, **settings))
        await until(lambda: not any(queue.messages for queue in queues))
        return queues, function, now()


@pytest.mark.parametrize("seed", TWENTY_SEEDS)
@passing_at_once
async def test_with_reserved_concurrency_alone_good_messages_land_in_the_dlq_without_having_run(
    seed: int,
) -> None:
    (queue,), function, _ = await burst(seed)
    never_ran = {stored.id for stored in queue.dead} - function.processed
    assert len(never_ran) >= 3
    assert function.throttles
    assert {stored.id for stored in queue.dead} | set(queue.deleted) == {f"m{i}" for i in range(100)}


@pytest.mark.parametrize("seed", TWENTY_SEEDS)
@passing_at_once
async def test_with_maximum_concurrency_no_message_ever_reaches_the_dlq(seed: int) -> None:
    (queue,), function, seconds = await burst(seed, maximum_concurrency=2)
    assert queue.dead == []
    assert (function.throttles, function.peak) == (0, 2)
    assert sorted(queue.deleted) == sorted(f"m{i}" for i in range(100))
    assert seconds <= 1.06 * 100 * 0.5 / 2


@pytest.mark.parametrize("seed", TWENTY_SEEDS)
@passing_at_once
async def test_two_mappings_whose_sum_exceeds_the_reservation_over_pull_again(seed: int) -> None:
    queues, function, _ = await burst(seed, mappings=2, maximum_concurrency=2)
    assert function.throttles
    assert queues[0].dead or function.peak == 2


@passing_at_once
async def test_a_throttled_batch_is_tried_until_its_visibility_ends_and_then_has_lost_one_receive() -> None:
    queue, function = a_queue(1), FakeFunction(reserved=0)
    async with a_mapping(queue, function, maximum_concurrency=2) as setting:
        await until(lambda: now() > 29.5)
        attempts = function.throttles
        assert 5 < attempts < 30  # pauses grow, up to a few seconds
        assert queue.messages[0].receives == 1
        await until(lambda: now() > 31)
        assert queue.messages[0].receives == 2  # abandoned, and given out anew
        function.reserved = 1
        await until(lambda: not queue.messages)
        assert setting.reports[0] == "PROBLEM: Function call throttled"
        assert setting.reports[-1] == "OK - 1 records"
    assert function.processed == {"m0"}


@passing_at_once
async def test_a_free_slot_is_found_within_the_longest_pause_after_hours_of_throttles() -> None:
    queue, function = a_queue(1, visibility=43_200.0), FakeFunction(reserved=0)
    async with a_mapping(queue, function) as setting:
        await asyncio.sleep(HOURS)
        assert queue.messages[0].receives == 1
        function.reserved, freed = 1, now()
        await until(lambda: not queue.messages)
        assert now() - freed < 1.5 * LONGEST_BACK_OFF + 1
        assert (queue.deleted, setting.mapping.running) == (["m0"], 5)
        assert set(setting.reports) == {"PROBLEM: Function call throttled", "OK - 1 records"}


@passing_at_once
async def test_after_a_function_error_the_batch_comes_back_when_its_visibility_ends() -> None:
    queue, function = FakeQueue(visibility=20.0), FakeFunction(work=0.01)
    function.answer = fails
    queue.send(10)
    async with a_mapping(queue, function, maximum_concurrency=2) as setting:
        await until(lambda: len(function.batches) >= 2)
        assert 20.0 <= now() < 21.0
        assert setting.reports == ["PROBLEM: Function call failed"]
        assert [stored.receives for stored in queue.messages] == [2] * 10
    assert queue.deleted == []


@passing_at_once
async def test_a_visibility_of_nothing_and_a_function_that_fails_do_not_spin() -> None:
    queue, function = FakeQueue(visibility=0.0), FakeFunction(work=0.0)
    function.answer = fails
    queue.send(1)
    async with a_mapping(queue, function) as setting:
        await asyncio.sleep(HOURS)
        assert setting.mapping.running == 5
    assert len(function.batches) < MOST_ATTEMPTS


@pytest.mark.parametrize("trouble", ["fails", "is throttled", "has partly failed"])
@passing_at_once
async def test_what_a_filter_rejects_is_deleted_whatever_becomes_of_the_batch(trouble: str) -> None:
    queue = a_queue(10, visibility=20.0, max_receive_count=1)
    function = FakeFunction(work=0.01, reserved=0 if trouble == "is throttled" else 5)
    partly = {"batchItemFailures": [{"itemIdentifier": f"m{i}"} for i in range(1, 10, 2)]}
    function.answer = fails if trouble == "fails" else lambda _: partly
    settings = {"maximum_concurrency": 2, "report_batch_item_failures": True}
    async with a_mapping(queue, function, wanted=odd, **settings):
        await until(lambda: not queue.messages)
    assert sorted(queue.deleted) == ["m0", "m2", "m4", "m6", "m8"]
    assert {stored.id for stored in queue.dead} == {"m1", "m3", "m5", "m7", "m9"}


@passing_at_once
async def test_a_batch_of_which_a_filter_lets_nothing_through_invokes_nothing() -> None:
    queue, function = a_queue(20), FakeFunction(work=0.01)
    async with a_mapping(queue, function, wanted=lambda batch: [], maximum_concurrency=2):
        await until(lambda: not queue.messages)
    assert (function.batches, len(queue.deleted)) == ([], 20)


BATCH = [{"MessageId": id_, "Body": ""} for id_ in "abc"]


@pytest.mark.parametrize(
    ("response", "failed"),
    [
        (None, ""),
        ({}, ""),
        ({"batchItemFailures": []}, ""),
        ({"batchItemFailures": None}, ""),
        ({"batchItemFailures": [{"itemIdentifier": "b"}]}, "b"),
        ({"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "a"}]}, "ac"),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, "abc"),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, "abc"),
        ({"batchItemFailures": [{"wrong": "b"}]}, "abc"),
        ({"batchItemFailures": [{"itemIdentifier": "unknown"}]}, "abc"),
        ({"batchItemFailures": "b"}, "abc"),
        ("not an object", "abc"),
    ],
)
def test_a_partial_batch_response_says_what_goes_back(response: Any, failed: str) -> None:
    assert failed_of(response, BATCH) == set(failed)


@pytest.mark.parametrize("partial", [True, False])
@passing_at_once
async def test_only_with_report_batch_item_failures_is_the_response_read(partial: bool) -> None:
    queue, function = FakeQueue(), FakeFunction(work=0.01)
    function.answer = lambda batch: {"batchItemFailures": [{"itemIdentifier": "m3"}]}
    queue.send(10)
    settings = {"maximum_concurrency": 2, "report_batch_item_failures": partial}
    async with a_mapping(queue, function, **settings) as setting:
        await until(lambda: setting.reports)
        assert [stored.id for stored in queue.messages] == (["m3"] if partial else [])
        said = "OK - 9 records, 1 failed" if partial else "OK - 10 records"
        assert setting.reports == [said]


@passing_at_once
async def test_a_batch_of_more_than_ten_is_gathered_from_several_receives() -> None:
    queue, function = a_queue(50), FakeFunction(work=0.01)
    async with a_mapping(queue, function, batch_size=25, batching_window=5, maximum_concurrency=2):
        await until(lambda: not queue.messages)
    assert [len(batch) for batch in function.batches] == [25, 25]
    assert function.began[0] < 1.0  # full: the window need not end


@pytest.mark.parametrize("window", [0, 1, 5, 30])
@passing_at_once
async def test_a_batch_that_does_not_fill_goes_when_its_window_ends(window: int) -> None:
    queue, function = FakeQueue(visibility=600.0), FakeFunction(work=0.01)
    async with a_mapping(queue, function, batching_window=window, maximum_concurrency=2):
        await until(lambda: now() > 100)
        sent = now()
        queue.send(1)
        await until(lambda: now() > sent + window / 2)
        queue.send(1)
        await until(lambda: not queue.messages)
        assert sum(map(len, function.batches)) == 2
        assert window <= function.began[0] - sent < window + 0.75


@passing_at_once
async def test_an_invocation_never_carries_more_than_six_megabytes() -> None:
    queue, function = FakeQueue(), FakeFunction(work=0.01)
    queue.send(10, body="x" * quotas.SQS_MESSAGE_BYTES.value)
    async with a_mapping(queue, function, maximum_concurrency=2):
        await until(lambda: not queue.messages)
    assert [len(batch) for batch in function.batches] == [6, 4]
    wide = [{"MessageId": "a", "Body": "é" * 3}]
    assert bytes_of(wide) == 6
    assert list(within(5, wide + wide)) == [wide, wide]  # one message always goes, however large


@pytest.mark.parametrize("seed", TWENTY_SEEDS)
@passing_at_once
async def test_messages_of_one_fifo_group_run_in_order_through_throttles_and_failures(
    seed: int,
) -> None:
    chance = random.Random(seed)
    queue = FakeQueue(chance, visibility=8.0, fifo=True)
    queue.send(60, groups=4)
    groups = {stored.id: stored.group for stored in queue.messages}
    function = FakeFunction(work=0.2, reserved=2)
    done: list[str] = []

    def sometimes(batch: list[dict[str, Any]]) -> None:
        if chance.random() < 0.2:
            raise ValueError
        done.extend(message["MessageId"] for message in batch)

    function.answer = sometimes
    async with a_mapping(queue, function, batch_size=5, seed=seed):
        await until(lambda: not queue.messages)
    assert function.throttles
    for group in set(groups.values()):
        first_time = [id_ for id_ in dict.fromkeys(done) if groups[id_] == group]
        assert first_time == [id_ for id_, of in groups.items() if of == group]


@passing_at_once
async def test_while_messages_are_left_pollers_are_added_by_the_minute_up_to_the_most() -> None:
    queue, function = FakeQueue(visibility=600.0), FakeFunction(work=200.0)
    async with a_mapping(queue, function, batch_size=1) as setting:
        await until(lambda: now() > 300)
        assert setting.mapping.running == quotas.MAPPING_STARTS_WITH.value  # idle: no need for more
        queue.send(3000)
        busy, seen = now(), []
        for minute in (0.9, 1.1, 2.1, 3.1, 4.1, 5.1):
            await until(lambda minute=minute: now() > busy + 60 * minute)
            seen.append(setting.mapping.running)
        assert seen == [5, 305, 605, 905, 1205, 1250]
        queue.messages.clear()
        await until(lambda: now() > busy + 700)
        assert setting.mapping.running == 5


@passing_at_once
async def test_throttles_take_pollers_away_again_but_never_below_five() -> None:
    queue, function = a_queue(1500, visibility=20.0), FakeFunction(work=1.0)
    async with a_mapping(queue, function, batch_size=1, scale=Scale(more=35)) as setting:
        await until(lambda: setting.mapping.running == 40)
        function.reserved, seen = 2, set()
        for _ in range(12):
            await asyncio.sleep(60)
            seen.add(setting.mapping.running)
        assert min(seen) == setting.mapping.running == 5
        assert len(seen) > 3  # step by step


@passing_at_once
async def test_maximum_concurrency_stops_the_reading_too() -> None:
    queue, function = a_queue(1000, visibility=600.0), FakeFunction(work=10.0)
    async with a_mapping(queue, function, batch_size=1, maximum_concurrency=3):
        await until(lambda: now() > 200)
        assert sum(stored.visible_at > now() for stored in queue.messages) == 3
    assert function.peak == 3


@passing_at_once
async def test_a_changed_maximum_and_batch_size_hold_from_the_next_read_on() -> None:
    queue, function = a_queue(1000, visibility=600.0), FakeFunction(work=1.0)
    async with a_mapping(queue, function, batch_size=2, maximum_concurrency=5) as setting:
        await until(lambda: now() > 9.5)
        assert (function.running, len(function.batches[-1])) == (5, 2)
        setting.change(maximum_concurrency=2, batch_size=1)
        assert not setting.mapping.settled  # three are still busy with what they had
        await until(lambda: setting.mapping.settled)
        assert now() < 12.5
        began = len(function.batches)
        await until(lambda: len(function.batches) > began + 10)
        assert function.running <= 2
        assert {len(batch) for batch in function.batches[began:]} == {1}
        setting.change(maximum_concurrency=4)
        assert setting.mapping.settled
        await until(lambda: function.running == 4, seconds=1.5)


@passing_at_once
async def test_a_changed_batch_size_holds_for_pollers_that_wait_for_messages_too() -> None:
    queue, function = FakeQueue(), FakeFunction()
    async with a_mapping(queue, function) as setting:
        await until(lambda: now() > 35)
        for size in (5, 3, 1):  # faster than the pollers can follow
            setting.change(batch_size=size)
        await asyncio.sleep(0.01)
        queue.send(10)
        await until(lambda: not queue.messages)
        assert (now() < 37, {len(batch) for batch in function.batches}) == (True, {1})
        assert setting.mapping.running == 5


@passing_at_once
async def test_a_mapping_that_waits_for_messages_stops_at_once() -> None:
    queue, function = FakeQueue(), FakeFunction()
    async with a_mapping(queue, function) as setting:
        await until(lambda: now() > 35)
        setting.change(enabled=False)
        for _ in range(5):
            await asyncio.sleep(0)
        assert (setting.mapping.running, now() < 35.1) == (0, True)
        began = len(queue.receives)
        queue.send(10)
        await until(lambda: now() > 500)
        assert (len(queue.receives), function.batches) == (began, [])


@passing_at_once
async def test_a_mapping_that_stops_finishes_what_runs_and_abandons_what_is_throttled() -> None:
    queue, function = a_queue(50, visibility=600.0), FakeFunction(work=10.0, reserved=1)
    async with a_mapping(queue, function, batch_size=1) as setting:
        await until(lambda: now() > 5)
        began = len(queue.receives)
        setting.change(enabled=False)
        await until(lambda: setting.mapping.running == 1, seconds=0.1)
        await until(lambda: not setting.mapping.running)
        assert 10 <= now() < 10.5
        assert len(queue.deleted) == 1
        await until(lambda: now() > 500)
        assert (len(queue.receives), len(function.batches)) == (began, 1)


@passing_at_once
async def test_a_mapping_that_is_enabled_again_goes_on() -> None:
    queue, function = FakeQueue(), FakeFunction(work=1.0)
    async with a_mapping(queue, function, enabled=False) as setting:
        queue.send(10)
        await until(lambda: now() > 100)
        assert queue.receives == []
        setting.change(enabled=True)
        await until(lambda: now() > 101)
        setting.change(enabled=False)
        setting.change(enabled=True)  # before its pollers could end
        assert setting.mapping.settled
        await until(lambda: not queue.messages)
        assert setting.mapping.running == 5


@passing_at_once
async def test_what_aws_refuses_is_reported_asked_seldom_and_ends_when_it_is_allowed() -> None:
    queue, function = a_queue(1), FakeFunction(work=0.01)
    queue.refusal = Refused("AccessDeniedException: not authorized to perform: sqs:ReceiveMessage")
    async with a_mapping(queue, function) as setting:
        await asyncio.sleep(HOURS)
        assert len(queue.receives) < MOST_ATTEMPTS
        assert set(setting.reports) == {f"PROBLEM: {queue.refusal}"}
        assert setting.mapping.running == 5
        queue.refusal, allowed = None, now()
        await until(lambda: not queue.messages)
        assert now() - allowed < 1.5 * LONGEST_BACK_OFF + 1


@passing_at_once
async def test_an_error_that_nobody_thought_of_ends_no_poller() -> None:
    queue, function = a_queue(1), FakeFunction(work=0.01)
    queue.refusal = KeyError("what?")
    async with a_mapping(queue, function) as setting:
        await until(lambda: setting.reports)
        queue.refusal = None
        await until(lambda: not queue.messages)
        assert setting.reports[0] == "PROBLEM: KeyError: 'what?'"


@pytest.mark.parametrize(
    ("attempt", "usual"), [(0, 0.1), (1, 0.2), (2, 0.4), (3, 0.8), (4, 1.6), (5, 3.2), (6, 5.0), (1_000, 5.0)]
)
def test_pauses_double_up_to_five_seconds_and_half_of_it_is_chance(attempt: int, usual: float) -> None:
    pauses = [pause_after(attempt, random.Random(seed)) for seed in range(50)]
    assert usual / 2 <= min(pauses) < 0.8 * usual
    assert 1.2 * usual < max(pauses) <= 1.5 * usual
