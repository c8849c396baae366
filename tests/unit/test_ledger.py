import errno
import os
import random
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook_lab.aws.errors import LabError
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


GOOD = '{"op": "intend", "kind": "table", "name": "t"}\n'
DAMAGE = {
    "an address that is no URL": '{"op": "opened", "kind": "cloud", "name": "nowhere"}\n',
    "a port out of range": '{"op": "opened", "kind": "cloud", "name": "http://127.0.0.1:99999"}\n',
    "a time that is no number": '{"op": "removed", "kind": "queue", "name": "q", "at": "noon"}\n',
    "a name that is a list": '{"op": "intend", "kind": "queue", "name": ["q"]}\n',
    "no id": '{"op": "done", "kind": "queue", "name": "q"}\n',
    "deep nesting": "[" * 100_000 + "\n",
    "garbage": "\x00\xff\u2028 nothing that is JSON\n",
    "an operation of a newer version": '{"op": "moved", "kind": "queue", "name": "q"}\n',
    "another shape": "[1]\n",
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_cannot_be_read_is_passed_over_and_set_aside_under_a_name_that_is_said(
    ledger: Ledger, damage: str
) -> None:
    ledger.path.parent.mkdir()
    for n in (1, 2):
        ledger.path.write_text(GOOD + damage + GOOD.replace('"t"', '"u"'), encoding="utf-8")
        assert [row.name for row in ledger.open_rows()] == ["t", "u"]
        assert ledger.removed_at("queue", "q") is None
        assert ledger.endpoint_url is None
        said = ledger.set_aside()
        assert "line 2" in said
        assert f"renamed to ledger.jsonl.unreadable-{n};" in said
        assert ledger.path.with_name(f"ledger.jsonl.unreadable-{n}").exists()
        assert (ledger.open_rows(), ledger.set_aside()) == ([], "")


def test_a_line_of_a_newer_version_that_says_more_is_read(ledger: Ledger) -> None:
    ledger.intend("bucket", "b")
    ledger.path.write_text(ledger.path.read_text().replace("}", ', "why": "a claim"}'))
    assert (ledger.set_aside(), ledger.open_rows()) == ("", [Row("bucket", "b", None)])


def refuse_to_sync(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("trouble", ["full disk", "no file", "no folder"])
def test_where_nothing_can_be_written_a_cleanup_goes_on_and_nothing_is_created(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], trouble: str
) -> None:
    if trouble == "full disk":
        monkeypatch.setattr(os, "fsync", refuse_to_sync)
    elif trouble == "no file":
        ledger.path.mkdir(parents=True)
    else:
        ledger.path.parent.write_bytes(b"a file where the folder should be")
    with pytest.raises(LabError, match="WEBHOOK_LAB_HOME"):
        ledger.intend("queue", "q")
    ledger.opened("http://127.0.0.1:1")
    ledger.done("queue", "q", "id")
    ledger.removed("queue", "q")
    ledger.refused("queue", "q")
    ledger.retire()
    assert capsys.readouterr().out.count("The ledger cannot be written") == 1


def test_one_at_a_time_changes_a_lab_and_is_told_so_at_once(ledger: Ledger) -> None:
    other = Ledger(ledger.path)
    with ledger.alone(), ledger.alone():
        ledger.intend("queue", "q")
        with pytest.raises(LabError, match="another program is building it or removing it"), other.alone():
            pytest.fail("both are in")
    with other.alone():
        ledger.retire()
        assert [path.name for path in ledger.path.parent.iterdir()] == ["ledger.jsonl.lock"]
    assert list(ledger.path.parent.iterdir()) == []
    with ledger.alone(), pytest.raises(LabError), other.alone():
        pytest.fail("both are in")


def test_where_there_can_be_no_lock_a_cleanup_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ledger = Ledger(tmp_path / "file" / "ledger.jsonl")
    with ledger.alone():
        ledger.removed("queue", "q")


def test_a_ledger_that_was_retired_meanwhile_says_again_whose_it_is(ledger: Ledger) -> None:
    ledger.opened("http://127.0.0.1:1")
    Ledger(ledger.path).retire()
    ledger.intend("queue", "q")
    assert Ledger(ledger.path).endpoint_url == "http://127.0.0.1:1"
    assert Ledger(ledger.path).open_rows() == [Row("queue", "q", None)]


@pytest.mark.skipif(os.name == "nt", reason="no modes there")
def test_a_ledger_and_its_lock_are_for_their_owner_alone(ledger: Ledger) -> None:
    before = os.umask(0)
    try:
        with ledger.alone():
            ledger.intend("queue", "q")
            found = {
                path: path.stat().st_mode for path in (ledger.path.parent, *ledger.path.parent.iterdir())
            }
    finally:
        os.umask(before)
    assert [path.name for path, mode in found.items() if mode & 0o077] == []
    assert len(found) == 3


names = st.text(max_size=20)


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.sampled_from(["intend", "done", "removed", "refused"]), names, names)))
def test_the_ledger_says_what_was_last_said_of_each(said: list[tuple[str, str, str]]) -> None:
    """A model beside it: a dict, in the order of first asking."""
    rows: dict[tuple[str, str], str | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        for op, kind, name in said:
            getattr(ledger, op)(kind, name, *(["id"] if op == "done" else []))
            if op in ("removed", "refused"):
                rows.pop((kind, name), None)
            else:
                rows[kind, name] = "id" if op == "done" else rows.get((kind, name))
        assert ledger.open_rows() == [Row(*key, identity) for key, identity in rows.items()]
        assert ledger.set_aside() == ""


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(), st.integers(0, 2), st.randoms())
def test_no_bytes_at_all_break_a_ledger(garbage: bytes, copies: int, chance: random.Random) -> None:
    lines = [garbage, *[GOOD.encode()] * copies]
    chance.shuffle(lines)
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        ledger.path.write_bytes(b"\n".join(lines))
        ledger.open_rows()
        ledger.set_aside()
        ledger.intend("queue", "mine")
        assert Row("queue", "mine", None) in ledger.open_rows()
        ledger.retire()
        assert not ledger.path.exists()
