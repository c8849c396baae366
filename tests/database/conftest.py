"""Servers for tests, in temporary folders that anybody may enter: a server of root's tests is nobody's."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from webhook_lab.database.postgres import Postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Postgres]:
    """One server for all tests that leave it running with 20 connections."""
    with closing(Postgres(max_connections=20)) as server:
        yield server


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The temporary folder of this test and of what it starts."""
    folder = Path(tempfile.mkdtemp(prefix="webhook-lab-test-")).resolve()
    folder.chmod(0o755)
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    shutil.rmtree(folder)
