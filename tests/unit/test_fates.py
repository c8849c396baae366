"""What became of each message, put together from the log, the table and the dead-letter queue."""

import pytest

from webhook_lab.show.charts import receives_chart
from webhook_lab.watch.fates import fates
from webhook_lab.watch.history import History
from webhook_lab.watch.rows import Fate


def dead(id_: str, receives: int) -> dict[str, object]:
    return {"MessageId": id_, "Attributes": {"ApproximateReceiveCount": str(receives)}}


def test_each_message_is_where_it_was_found_last() -> None:
    found = fates(
        ["stored", "poison", "unseen", "late", "waiting"],
        begun={"stored": 1, "poison": 3, "late": 1},
        items=[
            {"message_id": "stored", "receive_count": 1},
            {"message_id": "late", "receive_count": 2},
            {"id": "charge:order-7", "owner": "second"},
        ],
        dead=[dead("poison", 3), dead("unseen", 3), dead("late", 3)],
    )
    assert found == [
        Fate("stored", 1, 1, "table"),
        Fate("poison", 3, 3, "dlq"),
        Fate("unseen", 3, 0, "dlq"),
        Fate("late", 3, 1, "dlq"),
        Fate("waiting", 0, 0, "queue"),
    ]
    assert [each.message_id for each in found if each.never_ran] == ["unseen"]


@pytest.mark.parametrize("begun", [{}, {"repeats": 1}, {"repeats": 2}])
def test_a_message_whose_delivery_another_one_brought_is_stored(begun: dict[str, int]) -> None:
    item = {"message_id": "first", "receive_count": 3, "delivered_by": {"first", "repeats"}}
    first, repeats = fates(["first", "repeats"], begun=begun, items=[item], dead=[])
    assert (first.place, first.receives) == ("table", 3)
    assert (repeats.place, repeats.receives) == ("table", max(1, begun.get("repeats", 0)))


def test_work_that_was_begun_and_never_finished_counts_as_having_run() -> None:
    starts = [{"event": "record_start", "request_id": f"r{at}", "message_id": "m", "at": at} for at in (1, 2)]
    finish = {"request_id": "r2", "message_id": "m", "id": "d", "at": 3, "outcome": "stored"}
    history = History().add([*starts, {"event": "record_finish", **finish}])
    assert (history.begun["m"], len(history.attempts())) == (2, 1)


FATES = [*(Fate(f"m{i}", 1 + i % 2, 1, "table") for i in range(90)),
         *(Fate(f"d{i}", 3, 0, "dlq") for i in range(30)), Fate("p", 3, 3, "dlq")]  # fmt: skip


def test_the_chart_says_how_many_died_without_having_run() -> None:
    chart = receives_chart(FATES)
    assert chart.says == (
        "30 of 121 messages died without having run",
        "Each of them was received 3 times, and no function ever saw it",
    )
    assert "31 in the dead-letter queue, 30 of these without having run" in chart.summary
    above, below = chart.figure.axes
    columns = [(bar.get_height(), other.get_height()) for bar, other in zip(above.patches, below.patches)]  # noqa: B905
    assert columns[-30:] == [(3, 0)] * 30
    assert chart.png().startswith(b"\x89PNG")


def test_the_chart_of_a_run_in_which_all_ran_says_so() -> None:
    assert receives_chart(FATES[:90:2]).says == (
        "Every one of 45 messages ran", "None was received more than once"
    )  # fmt: skip
    assert receives_chart([]).says[0] == "No message"


def test_a_function_that_cannot_begin_is_not_taken_for_over_pull() -> None:
    broken = receives_chart(FATES, {"Runtime.ImportModuleError": 12, "timeout": 1}).says[1]
    assert broken.endswith("and invocations failed: Runtime.ImportModuleError 12 times")
    assert receives_chart(FATES, {"timeout": 1}).says == receives_chart(FATES).says
