"""A lab as a notebook uses it: opened at a chapter, its claims checked, its cloud gone from under it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.lab import Lab
from webhook_lab.local_cloud import Cloud
from webhook_lab.pipeline import STEPS
from webhook_lab.resources.function import ReservationRefused
from webhook_lab.show.expected import expected_error
from webhook_lab.watch.timeline import WAY


def test_opening_a_chapter_prints_the_same_line_whatever_it_had_to_do(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = []
    for chapter in ("05", "05", "15", "05"):
        Lab.open(chapter=chapter)
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1] == printed[3]
    Lab.open(chapter="15").teardown()


def test_a_chapter_that_does_not_exist_names_those_that_do(cloud: Cloud) -> None:
    with pytest.raises(LabError, match="00"):
        Lab.open(chapter="99")


def test_what_there_is_not_to_set_or_to_steer_is_one_message(cloud: Cloud) -> None:
    lab = Lab.open(chapter="15")
    with pytest.raises(LabError, match=r"(?s)there is no .visibility. to set.*visibility_timeout") as refused:
        lab.create_queue(visibility=2)
    assert "create queue" in refused.value.where
    with pytest.raises(LabError, match=r"(?s)there is no rte.*concurrency"):
        lab.burst(2, rte=5)
    with pytest.raises(LabError, match=r"Call lab.watch\(\) first"):
        lab.controls(most=10)
    lab.teardown()


def test_a_handshake_reaches_the_function_and_its_secret_is_printed_nowhere(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = Lab.open(chapter="15")
    lab.configure(handshakes="meta", handshake_secret="a verify token", signing_secret="whsec_c2VjcmV0")
    card = lab.create_function("publish")
    lab.calls()
    told = capsys.readouterr().out
    for name in ("SIGNING_SECRET", "HANDSHAKE_SECRET"):
        assert f'"{name}": os.environ["{name}"]' in told
    assert "verify" not in told + repr(card)
    asked = "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token="
    right, wrong = (lab.send(f"/meta{asked}{token}", method="GET") for token in ("a%20verify%20token", "x"))
    assert (right.status, right.body, wrong.status) == (200, b"1158201444", 202)
    lab.teardown()


def test_answers_are_those_of_this_lab_alone(cloud: Cloud) -> None:
    first = Lab.open(chapter="15")
    first.wait_for(first.send("/first"))
    second = Lab.open(chapter="15")
    assert second.answers == []
    second.wait_for(second.send("/second"))
    assert len(second.answers) == 1
    second.teardown()


def test_one_message_is_followed_from_its_sender_to_the_table(cloud: Cloud) -> None:
    lab = Lab.open(chapter="15")
    moments = lab.follow(lab.send("/followed", b"x"))
    assert [moment.at for moment in moments] == sorted(moment.at for moment in moments)
    assert tuple(dict.fromkeys(moment.where for moment in moments)) == WAY
    lab.teardown()


def test_what_does_not_exist_yet_is_one_message_with_what_to_do(cloud: Cloud) -> None:
    lab = Lab.open(chapter="02")
    for use in (
        lab.create_queue,
        lambda: lab.create_role("publish"),
        lambda: lab.send("/x"),
        lambda: lab.url,
    ):
        with pytest.raises(LabError, match="it does not exist"):
            use()
    with pytest.raises(LabError, match="visibility_timeout"):
        lab.configure(visibility=2)
    with pytest.raises(LabError, match="no such checkpoint"):
        lab.checkpoint("the moon is made of cheese")
    lab.teardown()


def test_the_demonstration_of_an_error_fails_when_the_error_does_not_come(cloud: Cloud) -> None:
    lab = Lab.open(chapter="02")
    with (
        pytest.raises(AssertionError, match="did not fail"),
        expected_error("ConditionalCheckFailedException"),
    ):
        lab.create_table()
    lab.teardown()


ON_A_CLOUD_OF_ITS_OWN = """
from urllib.parse import urlsplit
import psutil
from webhook_lab.lab import Lab
from webhook_lab.local_cloud import running_cloud
from webhook_lab.aws.errors import LabError

lab = Lab.open(chapter="15")
first = running_cloud().nonce
port = urlsplit(running_cloud().endpoint_url).port
server = [each for each in psutil.process_iter(["cmdline"])
          if "webhook_lab.local_cloud.server" in (each.info["cmdline"] or [])
          and port in {it.laddr.port for it in each.net_connections()}]
assert server
for each in server:
    each.kill()
psutil.wait_procs(server, timeout=20)
try:
    lab.send("/x")
except LabError as error:
    print("SEND", error.try_this)
try:
    lab.create_table()
except LabError as error:
    print("CREATE", error.try_this)
again = Lab.open(chapter="15")
print("NEW", running_cloud().nonce != first)
print("STORED", again.wait_for(again.send("/y"))["path"])
"""


def test_a_cloud_that_died_under_a_notebook_is_said_and_the_next_open_rebuilds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WEBHOOK_LAB_TARGET", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WEBHOOK_LAB_HOME", str(tmp_path))
    monkeypatch.setenv("WEBHOOK_LAB_LEASE_SECONDS", "1")
    ran = subprocess.run(
        [sys.executable, "-c", ON_A_CLOUD_OF_ITS_OWN],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert "SEND" in ran.stdout
    assert "CREATE Nothing answers there. Run the first cell again" in ran.stdout
    assert "An earlier local cloud is gone, with 11 resources in it." in ran.stdout
    assert "NEW True" in ran.stdout
    assert "STORED /y" in ran.stdout


def test_an_account_that_can_spare_no_executions_is_told_and_the_notebook_goes_on(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_args: object, **_more: object) -> None:
        raise ReservationRefused("reserve", "below its minimum value of [10]", "MaximumConcurrency alone")

    lab = Lab.open(chapter="15")
    monkeypatch.setattr("webhook_lab.lab.built.set_reserved_concurrency", refuse)
    assert "below its minimum value of [10]" in repr(lab.set_reserved_concurrency(2))
    lab.teardown()


def test_every_card_links_to_the_console_where_there_is_one(cloud: Cloud) -> None:
    lab = Lab.open(chapter="15")
    target = lab.aws.target
    assert all(lab.show(key).link is None for key in STEPS)
    lab.aws.target = replace(target, traits=replace(target.traits, console=True))
    links = {key: lab.show(key).link for key in STEPS}
    assert all(
        link and link.startswith("https://us-east-1.console.aws.amazon.com/") for link in links.values()
    )
    for key in set(STEPS) - {"api", "queue", "dlq", "publish_logs", "subscribe_logs"}:
        assert STEPS[key].name(lab.names) in str(links[key])
    assert lab.names.queue in unquote(str(links["queue"]))
    lab.aws.target = target
    lab.teardown()


def test_what_was_refused_is_not_waited_for_and_a_conflict_is_found(cloud: Cloud) -> None:
    lab = Lab.open(chapter="15")
    refused = lab.send("/large", "x" * 2_000_000)
    with pytest.raises(LabError, match="it was answered 413, so nothing was queued"):
        lab.wait_for(refused)
    headers = {"X-GitHub-Delivery": lab.delivery_id("twice")}
    first = lab.send("/twice", "one", headers=headers)
    lab.wait_for(first)
    conflict = lab.wait_for(lab.send("/twice", "another", headers=headers))
    assert (conflict["conflict_of"], conflict["body"]) == (first.id, "another")
    lab.teardown()
