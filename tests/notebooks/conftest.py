"""Collects the rounds. nbval's own option stays off: it would run each notebook once, in its own order."""

from pathlib import Path

import pytest


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name == "rounds.py":
        from tests.notebooks.rounds import Rounds

        return Rounds.from_parent(parent, path=file_path)
    return None
