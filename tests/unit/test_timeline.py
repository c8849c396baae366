"""One message's moments out of what each place wrote down, and how they are shown."""

from dataclasses import replace
from typing import Any

from webhook_lab.show.timeline import timeline_card
from webhook_lab.watch.rows import Answer, Moment
from webhook_lab.watch.timeline import WAY, follow

ANSWER = Answer(202, b'{"message_id": "m1", "id": "webhook:1"}', 1_000, 20.4)
ITEM = {"received_at": 1_004, "queued_at": 1_006, "finished_at": 1_030}


def publish_lines(request_id: str, message_id: str | None, *, arrived: int | None = 1_002) -> list[Any]:
    about = {"request_id": request_id}
    return [
        {"event": "invocation_start", "at": 1_003, "api_received_at": arrived, **about},
        {"event": "record_start", "at": 1_004, "id": "webhook:1", **about},
        {"event": "record_finish", "at": 1_007, "message_id": message_id, "outcome": "queued", **about},
        {"event": "invocation_finish", "at": 1_007, **about},
    ]


def subscribe_lines(message_id: str) -> list[Any]:
    about = {"request_id": "s1", "message_id": message_id, "id": "webhook:1"}
    return [
        {"event": "record_start", "at": 1_029, **about},
        {"event": "record_finish", "at": 1_031, "outcome": "stored", **about},
    ]


def test_every_place_is_told_by_its_own_record_and_in_order() -> None:
    moments = follow(
        ANSWER,
        publish_lines=[*publish_lines("other", "m2"), *publish_lines("p1", "m1")],
        subscribe_lines=[*subscribe_lines("m2"), *subscribe_lines("m1")],
        item=ITEM,
    )
    assert [(each.at, each.where) for each in moments] == [
        (1_000, "sender"), (1_002, "API Gateway"), (1_003, "publish"), (1_006, "queue"), (1_007, "publish"),
        (1_020, "sender"), (1_029, "subscribe"), (1_030, "table"), (1_031, "subscribe"),
    ]  # fmt: skip


def test_what_happens_in_one_millisecond_is_told_in_the_order_of_cause_and_effect() -> None:
    at_once = [
        [{**line, "at": 1_000} for line in lines]
        for lines in (publish_lines("p1", "m1", arrived=1_000), subscribe_lines("m1"))
    ]
    moments = follow(
        replace(ANSWER, milliseconds=0),
        publish_lines=at_once[0],
        subscribe_lines=at_once[1],
        item=dict.fromkeys(ITEM, 1_000),
    )
    where = [each.where for each in moments]
    assert tuple(dict.fromkeys(where)) == WAY
    assert where[3:6] == ["queue", "publish", "subscribe"]
    assert where[-2:] == ["subscribe", "sender"]


def test_what_was_not_written_down_is_not_told() -> None:
    moments = follow(
        ANSWER, publish_lines=publish_lines("p1", "m1", arrived=None), subscribe_lines=(), item=None
    )
    assert {each.where for each in moments} == {"sender", "publish"}


def test_a_timeline_shows_every_moment_in_milliseconds_after_the_first() -> None:
    card = timeline_card([Moment(1_000, "sender", "posts <it>"), Moment(2_234, "table", "is given the item")])
    assert repr(card).splitlines() == [
        "2 moments of one message",
        "       0 ms  sender       posts <it>",
        "   1,234 ms  table        is given the item",
    ]
    drawn = card._repr_html_()
    assert drawn.count("<circle") == 2
    assert "posts &lt;it&gt;" in drawn
    assert "1,500 ms" in drawn


def test_a_timeline_of_one_moment_or_of_none_is_drawn_too() -> None:
    assert "1 ms" in timeline_card([Moment(1_000, "sender", "posts")])._repr_html_()
    assert "no moments" in timeline_card([])._repr_html_()
