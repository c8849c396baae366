"""What every ring of tests may ask for."""

import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from webhook_lab.aws import retry
from webhook_lab.local_cloud import Cloud, identify, private_cloud


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """A cloud of this test session's own, its environment exported and its files in a temporary folder.

    An endpoint that is already set wins: `WEBHOOK_LAB_TARGET=http://… pytest` tests against that one.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEBHOOK_LAB_HOME", str(tmp_path_factory.mktemp("home")))
        for own in ("AWS_PROFILE", "WEBHOOK_LAB_CLASS"):
            patch.delenv(own, raising=False)
        target = os.environ.get("WEBHOOK_LAB_TARGET", "local")
        if target.startswith("http"):
            yield Cloud(
                endpoint_url=target,
                nonce=identify(target) or "",
                access_key_id=os.environ.get("AWS_ACCESS_KEY_ID", "test"),
                secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY", "test"),
            )
            return
        with private_cloud() as made:
            for name, value in made.environment().items():
                patch.setenv(name, value)
            yield made


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that retries would have made. Their clock goes forward by these, and by no more."""
    made: list[float] = []
    monkeypatch.setattr(retry, "time", SimpleNamespace(monotonic=lambda: sum(made), sleep=made.append))
    return made
