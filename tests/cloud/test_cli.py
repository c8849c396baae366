"""The commands on a cloud: what they print, what they leave, and how they answer what is not so."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from click.testing import CliRunner, Result

from tests.cloud.functions import leases
from tests.unit.test_send_recorded import RECORDED_ELSEWHERE
from webhook_lab.aws.retry import retry_until
from webhook_lab.cli import main
from webhook_lab.cli.deliveries import AT_ONCE
from webhook_lab.course.chapters import chapter_numbered
from webhook_lab.lab import Lab
from webhook_lab.ledger import state_folder
from webhook_lab.local_cloud import Cloud, is_kept, running_cloud
from webhook_lab.pipeline import STEPS, open_pipeline

HERE = Path(__file__).parents[2]
UP = {"target", "endpoint_url", "region", "account", "url", "queue_url", "dlq_url", "table", "functions"}
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows sends Ctrl-C otherwise")


def run(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(main, [str(each) for each in arguments])
    assert "Traceback" not in result.output
    return result


def facts(*arguments: str | Path, code: int = 0) -> dict[str, Any]:
    """The one JSON object that a command prints."""
    result = run(*arguments, "--json")
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


@pytest.fixture
def lab(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a lab that nothing stands of, before and after."""
    monkeypatch.setenv("WEBHOOK_LAB_NAME", "lab-cli")
    yield "lab-cli"
    run("down")


def body_of(item: dict[str, Any]) -> bytes:
    return base64.b64decode(item["body"]) if item["body_is_base64"] else item["body"].encode()


def stored(count: int) -> dict[str, Any]:
    """The status once so many deliveries are stored."""

    def once_stored() -> dict[str, Any] | None:
        status = facts("status")
        return status if status["counts"]["stored"] == count else None

    return retry_until(once_stored, seconds=60, reason=f"{count} deliveries to be stored")


def test_up_builds_what_status_then_sees_and_down_proves_that_it_is_gone(lab: str, cloud: Cloud) -> None:
    up = facts("up")
    assert up.keys() >= UP
    assert (up["target"], up["endpoint_url"]) == ("local", cloud.endpoint_url)
    assert up["functions"] == ["lab-cli-publish", "lab-cli-subscribe"]
    with urllib.request.urlopen(f"{up['url']}/hello", data=b"first") as answer:
        assert answer.status == 202
    status = stored(1)
    assert status.items() >= up.items()
    assert status["depths"]["dlq"] == {"visible": 0, "in_flight": 0, "delayed": 0}
    assert status["counts"]["conflicts"] == 0
    assert (status["standing"], status["missing"]) == (list(STEPS), [])
    assert facts("up") == up
    assert run("up").stdout.count("http://") == 2
    told = run("status").stdout
    assert f"{lab} on http://" in told
    assert "  queue  0 visible, 0 in flight, 0 delayed\n" in told
    assert "  table  1 stored, 0 in conflict" in told
    down = facts("down")
    assert (len(down["removed"]), down["remaining"]) == (len(STEPS), 0)
    assert {"kind": "table", "name": "lab-cli-deliveries"} in down["removed"]
    assert facts("down") == {"removed": [], "remaining": 0, "left": []}
    assert "nothing of this lab is left" in run("down").stdout
    gone = facts("status", code=1)
    assert (gone["url"], gone["standing"]) == (None, [])
    assert run("status").stdout.startswith("Nothing stands")


def test_show_shows_what_came_through(lab: str) -> None:
    up = facts("up")
    assert run("show", "logs").stdout == "No function has written anything yet.\n"
    urllib.request.urlopen(f"{up['url']}/hello", data=b"shown").close()
    stored(1)
    (item,) = facts("show", "table")["items"]
    assert (item["message"], item["body"], len(item["delivered_by"])) == ("hello from /hello", "shown", 1)
    assert "hello from /hello" in run("show", "table").stdout

    def both_have_written() -> list[Any] | None:
        lines = facts("show", "logs")["lines"]
        return lines if sum(line["event"] == "invocation_finish" for line in lines) == 2 else None

    lines = retry_until(both_have_written, seconds=30, reason="the log lines")
    assert {line["function"] for line in lines} == set(up["functions"])
    assert [line["at"] for line in lines] == sorted(line["at"] for line in lines)
    assert "lab-cli-subscribe record_finish" in run("show", "logs").stdout


def test_a_look_at_a_queue_receives_nothing(lab: str) -> None:
    facts("catch-up", "04")
    url = facts("status", code=1)["queue_url"]
    boto3.client("sqs").send_message(QueueUrl=url, MessageBody="waits")
    for _ in range(2):
        shown = facts("show", "queue")
        assert shown["depth"]["visible"] == 1
        (message,) = shown["messages"]
        assert (message["Body"], message["Attributes"]["ApproximateReceiveCount"]) == ("waits", "0")
    assert "waits" in run("show", "queue").stdout
    assert facts("show", "dlq")["messages"] == []


def test_catch_up_brings_the_pipeline_to_where_a_chapter_begins(lab: str) -> None:
    facts("up")
    assert facts("catch-up", "04") == {"chapter": "04", "standing": ["table", "dlq", "queue"]}
    status = facts("status", code=1)
    assert (status["standing"], status["url"], status["functions"]) == (["table", "dlq", "queue"], None, [])
    assert "Missing: publish_logs" in run("status").stdout
    assert facts("catch-up", "02")["standing"] == []
    unknown = run("catch-up", "99")
    assert (unknown.exit_code, unknown.stdout) == (1, "")
    assert "The chapters are 00, " in unknown.stderr


def test_send_keeps_bytes_and_headers(lab: str, tmp_path: Path) -> None:
    bodies = {"a.bin": b"\x00\xff\r\n", "b.json": b'{"a": 1, "a":2}', "sub/c": b""}
    for name, body in bodies.items():
        file = tmp_path / "folder" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
        headers = {"X-GitHub-Delivery": name, "X-GitHub-Event": "push"}
        file.with_name(f"{file.name}.headers.json").write_text(json.dumps(headers), encoding="utf-8")
    up = facts("up")
    sent = facts("send", tmp_path / "folder", "--url-path", "/from/a?folder=1")
    assert (sent["url"], sent["sent"], sent["by_status"], sent["refused"]) == (up["url"], 3, {"202": 3}, [])
    stored(3)
    items = facts("show", "table")["items"]
    assert {item["id"]: body_of(item) for item in items} == {
        f"github:{name}#/from/a?folder=1": bodies[name] for name in bodies
    }
    assert {f"{item['path']}?{item['query']}" for item in items} == {"/from/a?folder=1"}
    # What a shell makes of folder/*: bodies and headers, of which the bodies are sent.
    again = run("send", *sorted((tmp_path / "folder").glob("*.*")))
    assert (again.exit_code, again.stdout) == (0, "2 × 202\n")


def test_with_a_secret_only_what_is_signed_gets_in(lab: str, tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_bytes(b"text")
    (tmp_path / "push.json").write_bytes(b"{}")
    (tmp_path / "push.json.headers.json").write_text('{"X-GitHub-Event": "push"}', encoding="utf-8")
    up = facts("up", "--secret")
    assert up["secret"].startswith("whsec_")
    assert facts("send", tmp_path, code=1)["by_status"] == {"401": 2}
    assert facts("send", tmp_path, "--secret", up["secret"])["by_status"] == {"202": 2}
    refused = run("send", tmp_path)
    assert (refused.exit_code, refused.stdout[:9]) == (1, "2 × 401\n ")
    assert "push.json: 401 the signature is missing" in refused.stdout
    assert facts("up", "--secret", up["secret"])["secret"] == up["secret"]
    assert run("up", "--secret", "short").exit_code == 1
    assert "secret" not in facts("up")
    assert run("send", tmp_path).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("send", "absent.json"), "there is no such file or folder"),
        (("send", str(HERE / "LICENSE")), "REST API 'lab-cli-front-door' does not exist"),
        (("show", "table"), "table 'lab-cli-deliveries' does not exist"),
        (("show", "logs"), "log group '/aws/lambda/lab-cli-publish' does not exist"),
    ],
)
def test_what_is_not_there_is_one_clear_message(lab: str, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert "\n  try:  " in result.stderr


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WEBHOOK_LAB_TARGET", "nowhere", "that is not a target"),
        ("WEBHOOK_LAB_TARGET", "aws", "WEBHOOK_LAB_AWS_ACCOUNT is not set"),
        ("WEBHOOK_LAB_NAME", "Much Too Free", "a name starts with a letter"),
        ("AWS_SECRET_ACCESS_KEY", "another", "SignatureDoesNotMatch"),
    ],
)
def test_a_wrong_environment_is_one_clear_message_from_every_command(
    lab: str, name: str, value: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as wrong:
        wrong.setenv(name, value)
        for command in (("up",), ("status",), ("down",), ("env",), ("sweep",), ("show", "table")):
            assert said in facts(*command, code=1)["error"]["said"]


def test_sweep_lists_and_with_yes_removes_what_lost_its_ledger(lab: str) -> None:
    facts("up")
    for ledger in state_folder().glob(f"*--{lab}.jsonl"):
        ledger.unlink()
    listed = facts("sweep")
    assert (len(listed["found"]), listed["removed"], listed["remaining"]) == (len(STEPS), [], len(STEPS))
    assert "To remove them, add --yes." in run("sweep").stdout
    assert facts("sweep", "--prefix", "lab-other")["found"] == []
    assert len(facts("sweep", "--all")["found"]) >= len(STEPS)
    swept = facts("sweep", "--yes")
    assert (len(swept["removed"]), swept["remaining"]) == (len(STEPS), 0)
    assert facts("sweep")["remaining"] == 0


def test_what_was_swept_for_another_lab_is_no_longer_in_its_ledger(
    lab: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    facts("catch-up", "04")
    with monkeypatch.context() as mine:
        mine.setenv("WEBHOOK_LAB_NAME", "lab-other")
        assert len(facts("sweep", "--yes", "--prefix", lab)["removed"]) == 3
        facts("down")
    assert facts("down")["removed"] == []


def test_a_lab_of_another_region_keeps_its_roles(lab: str, monkeypatch: pytest.MonkeyPatch) -> None:
    facts("up")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    up = run("up")  # of the same name, and roles are the account's
    assert (up.exit_code, up.stdout) == (1, "")
    assert "webhook-lab-region=eu-west-1" in up.stderr
    assert facts("down")["remaining"] == 0
    monkeypatch.delenv("AWS_REGION")
    assert facts("status")["missing"] == []
    assert facts("sweep", "--yes")["remaining"] == 0
    assert facts("status", code=1)["standing"] == []


def test_doctor_is_content(lab: str) -> None:
    found = facts("doctor")
    assert found["ok"]
    assert {"name", "ok", "said", "fix"} == found["checks"][0].keys()


# --- real processes


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts commands as terminals do, for a user with nothing running; the cloud's grace is short."""
    monkeypatch.setenv("WEBHOOK_LAB_HOME", str(tmp_path))
    monkeypatch.setenv("WEBHOOK_LAB_LEASE_SECONDS", "0.5")
    for name in ("WEBHOOK_LAB_TARGET", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)

    def start(*arguments: str | Path) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "webhook_lab.cli", *arguments], cwd=HERE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        )  # fmt: skip

    yield start
    for server in cloud_servers(tmp_path):
        server.terminate()


def cloud_servers(home: Path) -> list[psutil.Process]:
    """Those of local clouds whose runtime folder is in that WEBHOOK_LAB_HOME."""
    return [
        each for each in psutil.process_iter(["cmdline"]) if str(home / "run") in (each.info["cmdline"] or ())
    ]


def until_no_cloud_runs() -> None:
    retry_until(lambda: running_cloud() is None or None, seconds=10, reason="the cloud to end")


def finish(process: "subprocess.Popen[str]", code: int = 0) -> tuple[str, str]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, out + err
    assert "Traceback" not in err
    return out, err


def test_what_is_asked_of_a_cloud_that_does_not_run_starts_none(processes: Start, tmp_path: Path) -> None:
    assert finish(processes("status"), 1)[0] == "Nothing stands: no local cloud is running.\n"
    status = json.loads(finish(processes("status", "--json"), 1)[0])
    assert status.keys() >= UP | {"depths", "counts", "kept"}
    assert (status["target"], status["functions"], status["kept"]) == ("local", [], False)
    assert json.loads(finish(processes("down", "--json"))[0]) == {"removed": [], "remaining": 0, "left": []}
    assert json.loads(finish(processes("sweep", "--json"))[0])["remaining"] == 0
    assert "Run `webhook-lab up`." in finish(processes("env"), 1)[1]
    assert "Run `webhook-lab up`." in finish(processes("show", "table"), 1)[1]
    assert not list(tmp_path.glob("run/shared-*"))


def test_up_keeps_a_cloud_that_other_terminals_meet_until_down(processes: Start, tmp_path: Path) -> None:
    up = json.loads(finish(processes("up", "--json"))[0])
    cloud = running_cloud()
    assert cloud
    assert cloud.endpoint_url == up["endpoint_url"]
    retry_until(lambda: True if leases(cloud) == 0 else None, seconds=10, reason="up's lease to end")
    status = json.loads(finish(processes("status", "--json"))[0])
    assert (status["url"], status["kept"]) == (up["url"], True)
    exported = finish(processes("env", "--shell", "sh"))[0]
    seen = subprocess.run(["sh", "-c", f"{exported}\nenv"], capture_output=True, text=True, check=True).stdout
    assert {f"{name}={value}" for name, value in cloud.environment().items()} <= set(seen.splitlines())
    assert finish(processes("send", HERE / "LICENSE"))[0] == "1 × 202\n"
    assert json.loads(finish(processes("down", "--json"))[0])["remaining"] == 0
    until_no_cloud_runs()
    retry_until(
        lambda: not list(tmp_path.glob("run/shared-*")) or None, seconds=10, reason="its folder to go"
    )
    assert not list(tmp_path.glob("state/*"))


def test_one_labs_down_leaves_the_cloud_to_another_that_stands_on_it(
    processes: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(processes("catch-up", "03"))
    monkeypatch.setenv("WEBHOOK_LAB_NAME", "lab-other")
    finish(processes("catch-up", "03"))
    cloud = running_cloud()
    assert cloud
    assert "another lab stands on it" in finish(processes("down"))[0]
    assert is_kept(cloud)
    monkeypatch.delenv("WEBHOOK_LAB_NAME")
    assert "another lab" not in finish(processes("down"))[0]
    until_no_cloud_runs()


def test_a_dead_cloud_takes_its_pipeline_along_and_the_next_command_says_so(
    processes: Start, tmp_path: Path
) -> None:
    finish(processes("catch-up", "04"))
    (server,) = cloud_servers(tmp_path)
    server.kill()
    until_no_cloud_runs()
    out, err = finish(processes("down", "--json"))
    assert json.loads(out)["remaining"] == 0
    assert "An earlier local cloud is gone, with 3 resources in it." in err
    assert not list(tmp_path.glob("state/*"))


class SlowDoor(BaseHTTPRequestHandler):
    """An API that answers when it is let to."""

    let = threading.Event()
    asked = threading.Semaphore(0)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        SlowDoor.asked.release()
        SlowDoor.let.wait(timeout=30)
        self.send_response(202)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        pass


CTRL_C = """
import sys
from webhook_lab.aws.target import Target
from webhook_lab.cli import main
Target.invoke_url = lambda *_: sys.argv[1]
main(sys.argv[2:])
"""


@posix
def test_send_posts_what_was_recorded_on_another_connection_and_says_what_it_left_out(
    lab: str, tmp_path: Path
) -> None:
    facts("up")
    (tmp_path / "a.json").write_bytes(b"\xef\xbb\xbf{}")
    beside = tmp_path / "a.json.headers.json"
    beside.write_text(json.dumps({**RECORDED_ELSEWHERE, "X-Seen": ["one", "two"]}), encoding="utf-16")
    sent = facts("send", tmp_path)
    assert sent["by_status"] == {"202": 1}
    assert sent["headers_left_out"] == sorted(name.lower() for name in RECORDED_ELSEWHERE)
    assert "Headers left out, since each connection has its own: :authority, " in run("send", tmp_path).stdout
    opened = Lab(open_pipeline(), chapter_numbered("08"))
    assert opened.send("/own", b"1", headers={**dict.fromkeys(RECORDED_ELSEWHERE, "x")}).status == 202
    stored(3)
    assert body_of(facts("show", "table")["items"][0]) in (b"\xef\xbb\xbf{}", b"1")


def test_ctrl_c_lets_what_is_on_its_way_arrive_and_sends_no_more(lab: str, tmp_path: Path) -> None:
    facts("up")
    for number in range(20):
        (tmp_path / f"{number}.txt").write_bytes(b"one of twenty")
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowDoor) as door:
        address = f"http://127.0.0.1:{door.server_port}"
        threading.Thread(target=door.serve_forever, daemon=True).start()
        with subprocess.Popen(
            [sys.executable, "-c", CTRL_C, address, "send", str(tmp_path), "--json"],
            cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        ) as process:  # fmt: skip
            for _ in range(AT_ONCE):
                assert SlowDoor.asked.acquire(timeout=30)
            os.killpg(process.pid, signal.SIGINT)
            SlowDoor.let.set()
            out, _ = finish(process, 130)
        door.shutdown()
    sent = json.loads(out)
    assert sent["sent"] + sent["not_sent"] == 20
    assert AT_ONCE <= sent["sent"] < 20
    assert sent["by_status"] == {"202": sent["sent"]}
