"""The soak, for a minute: WEBHOOK_LAB_SOAK_MINUTES makes it longer; `python -m bench soak` is eight."""

import os

import pytest

from bench import soak

pytestmark = [pytest.mark.long, pytest.mark.alone]


def test_under_kills_nothing_is_lost_or_stored_twice_and_nothing_grows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("WEBHOOK_LAB_SOAK_MINUTES", os.environ.get("WEBHOOK_LAB_SOAK_MINUTES", "1"))
    found = soak.soak()
    for row in found["soak"]:
        bad = {name: row[name] for name in soak.HAS_TO_BE_NONE if row[name]}
        assert not bad, row
        assert row["kills"] >= 3, "it is a soak under kills"
    assert [row for row in found["soak_flat"] if not row["kept"]] == []
    assert [row for row in found["soak_backlog"] if not row["kept"]] == []
