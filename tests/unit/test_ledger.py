import time
from pathlib import Path

import pytest

from webhook_lab.ledger import Ledger, Row, state_folder


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "state" / "ledger.jsonl")


def test_an_intent_is_on_disk_before_the_request_and_completed_after(ledger: Ledger) -> None:
    ledger.intend("table", "lab-deliveries")
    assert Ledger(ledger.path).open_rows() == [Row("table", "lab-deliveries", None)]
    ledger.done("table", "lab-deliveries", "arn:1")
    assert Ledger(ledger.path).open_rows() == [Row("table", "lab-deliveries", "arn:1")]


def test_what_is_removed_is_no_longer_open_and_can_be_created_again(ledger: Ledger) -> None:
    ledger.intend("queue", "q")
    ledger.removed("queue", "q")
    assert ledger.open_rows() == []
    ledger.intend("queue", "q")
    assert ledger.open_rows() == [Row("queue", "q", None)]


def test_since_when_something_is_gone_is_known_until_it_is_asked_for_again(ledger: Ledger) -> None:
    assert ledger.removed_at("queue", "q") is None
    ledger.intend("queue", "q")
    ledger.removed("queue", "q")
    ledger.removed("queue", "another")
    assert time.time() - (ledger.removed_at("queue", "q") or 0) < 60
    ledger.intend("queue", "q")
    assert ledger.removed_at("queue", "q") is None


def test_rows_keep_the_order_in_which_they_were_asked_for(ledger: Ledger) -> None:
    for name in "cab":
        ledger.intend("queue", name)
    ledger.done("queue", "c", "1")
    assert [row.name for row in ledger.open_rows()] == ["c", "a", "b"]


@pytest.mark.parametrize("length", range(1, 60, 7))
def test_a_line_cut_short_by_a_kill_loses_neither_earlier_nor_later_rows(ledger: Ledger, length: int) -> None:
    ledger.intend("table", "t")
    whole = ledger.path.read_bytes()
    ledger.intend("queue", "q")
    ledger.path.write_bytes(ledger.path.read_bytes()[: len(whole) + length])
    ledger.intend("api", "a")
    kept = [row.name for row in ledger.open_rows()]
    assert kept[0] == "t"
    assert kept[-1] == "a"


def test_no_file_is_an_empty_ledger_and_retiring_twice_is_quiet(ledger: Ledger) -> None:
    assert ledger.open_rows() == []
    ledger.retire()
    ledger.intend("table", "t")
    ledger.retire()
    ledger.retire()
    assert ledger.open_rows() == []


def test_the_address_of_the_cloud_is_noted_once(ledger: Ledger) -> None:
    ledger.opened("http://127.0.0.1:1")
    ledger.opened("http://127.0.0.1:2")
    assert ledger.endpoint_url == "http://127.0.0.1:1"
    assert ledger.open_rows() == []


def test_the_state_folder_follows_the_home_that_is_set(tmp_path: Path) -> None:
    assert state_folder({"WEBHOOK_LAB_HOME": str(tmp_path)}) == tmp_path / "state"
    assert state_folder({}).name == "webhook-lab"
