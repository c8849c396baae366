"""`make recorded`: nothing is taken on trust, and what comes out is what `webhook-lab send` reads."""

import base64
import hashlib
import io
import json
import shutil
import tarfile
from pathlib import Path

import pytest

from tools import recorded
from webhook_lab.send.recorded import read_deliveries

EVENTS = [
    {"name": "push", "examples": [{"ref": "refs/heads/main", "note": "a + b & ü"}, {"ref": "refs/tags/1"}]},
    {"name": "star", "examples": [{"action": "created"}]},
]


@pytest.fixture
def archive() -> bytes:
    content = json.dumps(EVENTS).encode()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo(recorded.MEMBER)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def test_each_payload_becomes_a_delivery_that_send_can_read(archive: bytes, tmp_path: Path) -> None:
    assert recorded.write(archive, tmp_path / "github") == 3
    deliveries = list(read_deliveries([tmp_path / "github"]))
    assert [delivery.name for delivery in deliveries] == ["001-push.json", "002-push.json", "003-star.json"]
    assert deliveries[0].body == '{"ref":"refs/heads/main","note":"a + b & ü"}'.encode()
    assert [delivery.headers["X-GitHub-Event"] for delivery in deliveries] == ["push", "push", "star"]
    assert len({delivery.headers["X-GitHub-Delivery"] for delivery in deliveries}) == 3


def test_the_same_archive_gives_the_same_files(archive: bytes) -> None:
    assert list(recorded.split(archive)) == list(recorded.split(archive))


def test_an_archive_with_another_hash_is_refused(archive: bytes) -> None:
    right = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    recorded.check(archive, right)
    with pytest.raises(SystemExit, match="has another hash than it should"):
        recorded.check(archive + b"\0", right)


def test_a_machine_without_npm_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="npm is not installed"):
        recorded.fetch()
