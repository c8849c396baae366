"""What we write is for its owner alone; for the local target none of the learner's AWS files is opened."""

import contextlib
import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

ROOT = Path(__file__).parents[2]
POISON = "planted-7431-aws-key"
NOTED = """
import os, sys
os.umask(0)
seen = open(os.environ["SEEN"], "a")
sys.addaudithook(lambda event, found: event == "open" and print(found[0], file=seen, flush=True))
from webhook_lab.cli import main
main()
"""
"""A command with the widest umask, and a line for every file that it opens."""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no modes and no named pipes there")


class Home:
    """A home of the learner's with AWS files that nobody may need: to open one waits for ever."""

    def __init__(self, folder: Path) -> None:
        self.aws, self.lab, self.seen = folder / ".aws", folder / "lab", folder / "seen"
        self.aws.mkdir()
        for name in ("config", "credentials", "named-config", "named-credentials", "token", "ca.pem"):
            os.mkfifo(self.aws / name)
        (self.aws / "sso").mkdir(mode=0)
        self.environment = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "WEBHOOK_"))
            },
            "HOME": str(folder),
            "WEBHOOK_LAB_HOME": str(self.lab),
            "SEEN": str(self.seen),
            "AWS_CONFIG_FILE": str(self.aws / "named-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.aws / "named-credentials"),
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.aws / "token"),
            "AWS_PROFILE": "planted",
            "AWS_DEFAULT_PROFILE": "planted",
            "AWS_ACCESS_KEY_ID": POISON,
            "AWS_SECRET_ACCESS_KEY": POISON,
            "AWS_SESSION_TOKEN": POISON,
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:9",
            "WEBHOOK_LAB_LEASE_SECONDS": "2",
        }

    def run(self, *arguments: str) -> dict[str, Any]:
        command = [sys.executable, "-c", NOTED, *arguments, "--json"]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0 or arguments == ("doctor",), done.stdout + done.stderr
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts


def open_to_others(folder: Path) -> list[str]:
    """What another user could read or write: its own mode lets them, and so do the folders above it."""
    if not folder.stat().st_mode & 0o007:
        return []
    found = []
    for path in folder.iterdir():
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            found += open_to_others(path)
        elif mode & 0o077:
            found.append(f"{path} {mode:o}")
    return found


def test_the_local_target_opens_no_aws_file_and_writes_for_its_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    try:
        up = home.run("up")
        server = [
            each for each in psutil.process_iter(["cmdline"]) if str(home.lab) in str(each.info["cmdline"])
        ]
        assert server
        for process in (each for one in server for each in (one, *one.children(recursive=True))):
            with contextlib.suppress(psutil.Error):  # it has just ended
                assert POISON not in str(process.environ())
        hello = tmp_path / "hello.json"
        hello.write_text("{}")
        home.run("send", str(hello))
        home.run("status")
        home.run("doctor")
        assert up["url"]
        (home.lab).chmod(0o755)
        assert open_to_others(home.lab) == []
        assert {path.name for path in home.lab.iterdir()} == {"run", "state"}
        for path in (home.lab / "state").rglob("*"):
            assert not path.stat().st_mode & 0o077, path
    finally:
        home.run("down")
    opened = home.seen.read_text().splitlines()
    assert any("botocore" in each for each in opened), "the hook sees what is opened"
    assert [each for each in opened if str(home.aws) in each] == []
