"""Sending many: what arrives, what is tried again, and what is said about a server that misbehaves."""

import _thread
import asyncio
import importlib
import io
import json
import socket
import ssl
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import pytest
from standardwebhooks import Webhook

from tests.unit.odd_server import Answering, OddServer, Received, always, answer, serving
from webhook_lab.aws.errors import LabError
from webhook_lab.send.events import events
from webhook_lab.send.retries import Schedule
from webhook_lab.send.run import Run
from webhook_lab.send.sender import Delivery, post

SECRET = "whsec_" + "QUFB" * 8
ACCEPTED = answer(202, b'{"id": "lab:1", "message_id": "m"}')
LONG = 20.0
"""Seconds after which a test gives up; none should come near."""
TWICE = Schedule(wait=LONG, delays=(1.0,))


@pytest.fixture
def willing() -> Iterator[OddServer]:
    with serving(always(ACCEPTED)) as server:
        yield server


def some(n: int, schedule: Schedule | None = None, **more: object) -> list[Delivery]:
    made = events(n, secret=SECRET, run="test", **more)  # type: ignore[arg-type]
    return [replace(each, schedule=schedule) for each in made] if schedule else made


def settled(run: Run) -> Run:
    """Wait with a deadline."""
    assert run.wait(LONG).finished
    return run


def send_all(url: str, deliveries: list[Delivery], **settings: object) -> Run:
    return settled(Run(url, deliveries, **settings).start())  # type: ignore[arg-type]


def test_every_delivery_arrives_once_and_is_reported():
    deliveries = some(200)
    with serving(always(answer(202))) as willing:
        run = send_all(willing.url, deliveries)
    assert run.counts == run.attempts == {"202": 200}
    assert {delivery.id for delivery in deliveries} == set(run.answers)
    assert all(row.attempts == 1 and row.milliseconds > 0 and row.error == "" for row in run.sent)
    assert sorted(request.body for request in willing.requests) == sorted(each.body for each in deliveries)


def test_connections_are_kept_and_no_more_are_open_than_asked_for(willing):
    send_all(willing.url, some(100), concurrency=3)
    assert willing.connections <= 3


@pytest.mark.parametrize(
    "path", ["/a/../b//c", "/%2e%2e/%2F?x=a%20b&x=%C3%A9", "/with space/é?q=1|2", "bare"]
)
def test_the_request_line_and_the_headers_are_those_of_a_single_post(willing, path):
    delivery = Delivery(path, b"\x00\xff", {"X-Name": "Zoë", "Content-Type": "text/plain"})
    post(willing.url, delivery)
    send_all(willing.url, [delivery])
    one, many = willing.requests
    assert replace(one, connection=0) == replace(many, connection=0)
    assert one.body == b"\x00\xff"
    assert one.headers[b"x-name"] == "Zoë".encode()


def test_headers_recorded_from_another_connection_do_not_steer_this_one(willing):
    odd = {
        "Host": "example.com",
        "content-length": "9",
        "Transfer-Encoding": "chunked",
        "Connection": "close",
    }
    send_all(willing.url, [Delivery("/x", b"12", odd)] * 2, concurrency=1)
    assert willing.connections == 1
    post(willing.url, Delivery("/x", b"12", odd))
    ours = {b"host": f"127.0.0.1:{willing.port}".encode(), b"content-length": b"2"}
    assert [request.headers for request in willing.requests] == [ours] * 3


@pytest.mark.parametrize("named", ["", "github:the-id-that-a-signed-door-does-not-go-by"])
def test_a_delivery_is_known_by_the_id_in_the_answer(willing, named):
    [row] = send_all(willing.url, [Delivery(id=named)]).sent
    assert (row.id, row.status) == ("lab:1", 202)


@pytest.mark.parametrize(
    "delivery",
    [
        Delivery(body={"a": 1}), Delivery(headers={"X-N": 5}), Delivery(headers={"X": "1\r\nEvil: 2"}),
        Delivery(method=None),
    ],
)  # fmt: skip
def test_what_http_has_no_words_for_is_said_plainly_of_one_as_of_many(delivery):
    with socket.socket() as listens:  # and never answers: nothing gets so far
        listens.bind(("127.0.0.1", 0))
        listens.listen()
        url = f"http://127.0.0.1:{listens.getsockname()[1]}/prod"
        for send in (lambda: post(url, delivery), lambda: send_all(url, [delivery])):
            with pytest.raises(LabError, match="HTTP has words for"):
                send()


# --- servers that misbehave


async def hang(_: Received, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3_600)  # until the server is closed


async def trickle(_: Received, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 200 OK\r\nX-More: and more\r\n"[:1])
        await asyncio.sleep(0.01)


async def break_off(_: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(ACCEPTED[:-3])
    raise ConnectionError


async def end(_: Received, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def never_end(_: Received, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


MISBEHAVIOUR: dict[str, tuple[Answering, str]] = {
    "hangs": (hang, "timeout"),
    "trickles": (trickle, "timeout"),
    "breaks off": (break_off, "reset"),
    "ends without a word": (end, "reset"),
    "speaks no HTTP": (always(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "reset"),
    "never ends": (never_end, "reset"),
    "speaks something else from now on": (always(answer(101, Upgrade="chat")), "reset"),
    "is too busy": (always(answer(429)), "429"),
    "is away": (always(answer(503)), "503"),
    "redirects": (always(answer(302, Location="http://127.0.0.1:1/")), "redirected"),
}


@pytest.mark.parametrize(("answering", "kind"), MISBEHAVIOUR.values(), ids=MISBEHAVIOUR.keys())
def test_what_a_bad_server_does_is_counted_by_kind_tried_again_and_never_raised(answering, kind):
    timeout = 0.1 if kind == "timeout" else LONG
    with serving(answering) as server:
        run = send_all(server.url, some(4, replace(TWICE, wait=timeout)), compress=1000)
        assert run.counts == {kind: 4}
    assert run.attempts == {kind: 8}
    assert {row.attempts for row in run.sent} == {2}
    assert not run.answers
    assert len(server.requests) == 8


def test_a_server_that_is_not_there_refuses():
    with socket.socket() as listens_not:
        listens_not.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listens_not.getsockname()[1]}/prod"
        run = send_all(url, some(3, TWICE), compress=1000)
        with pytest.raises(LabError, match=r"(?s)/hello to 127\.0\.0\.1.*Refused.*webhook-lab status"):
            post(url, Delivery())
    assert (run.counts, run.attempts) == ({"refused": 3}, {"refused": 6})
    assert repr(run) == "3 of 3 deliveries settled: 3 × refused; attempts: 6 × refused"


def test_a_server_that_never_answers_the_tls_handshake_keeps_nobody_waiting(willing):
    url = willing.url.replace("http:", "https:")
    run = send_all(url, some(1, Schedule(wait=0.1)))
    assert run.counts == {"timeout": 1}


def test_a_certificate_that_nobody_vouches_for_is_not_accepted():
    assert Run("https://127.0.0.1:1/prod", some(1))._sender._tls.verify_mode is ssl.CERT_REQUIRED


def test_each_provider_tries_again_as_it_does_and_stops_when_accepted():
    seen: Counter[bytes] = Counter()

    async def third_time(request: Received, writer: asyncio.StreamWriter) -> None:
        seen[request.body] += 1
        writer.write(ACCEPTED if seen[request.body] == 3 else answer(503))

    with serving(third_time) as server:
        run = send_all(server.url, some(2, providers=("standard-webhooks", "github")), compress=100_000)
    # GitHub never retries by itself.
    assert {row.path: (row.attempts, row.status) for row in run.sent} == {
        "/standard-webhooks": (3, 202),
        "/github": (1, 503),
    }
    assert run.attempts == {"202": 1, "503": 3}


def test_each_attempt_is_signed_anew_under_the_same_id(monkeypatch):
    times = iter(range(1_000))
    with serving(always(answer(500))) as server:
        [delivery] = some(1, TWICE)
        sign = delivery.sign

        def later(at):
            return sign(at.replace(year=2020, minute=next(times)))

        send_all(server.url, [replace(delivery, sign=later)], compress=1000)
    first, second = (request.headers for request in server.requests)
    assert first[b"webhook-id"] == second[b"webhook-id"]
    assert first[b"webhook-timestamp"] != second[b"webhook-timestamp"]
    assert first[b"webhook-signature"] != second[b"webhook-signature"]


def test_what_arrives_verifies_with_the_specifications_own_library(willing):
    send_all(willing.url, some(5))
    for request in willing.requests:
        headers = {name.decode(): value.decode() for name, value in request.headers.items()}
        assert Webhook(SECRET).verify(request.body, headers) == json.loads(request.body)


def test_gone_means_that_nobody_wants_it_again():
    with serving(always(answer(410))) as server:
        run = send_all(server.url, some(2, TWICE), compress=1000)
    assert run.attempts == {"410": 2}


def test_retry_after_is_waited_for_in_the_compressed_time():
    with serving(always(answer(503, Retry_After="86400"))) as server:
        run = Run(server.url, some(1, TWICE), compress=1000).start()
        run.wait(0.2)  # the schedule alone would have been through in 2 ms
        assert not run.finished
        run.stop()
    assert run.attempts == {"503": 1}
    assert [(row.status, row.error) for row in run.sent] == [(503, "")]


# --- stops, interrupts, caps


def test_a_stop_settles_what_was_begun_and_sends_no_more():
    with serving(hang) as server:
        run = Run(server.url, some(20), concurrency=2).start()
        deadline = threading.Event()
        while len(server.requests) < 2 and not deadline.wait(0.005):
            pass
        run.stop()
    assert run.finished
    assert run.counts == run.attempts == {"stopped": 2}
    assert len(server.requests) == 2
    assert run.stop() is run, "once more does no harm"


@pytest.mark.parametrize(
    "send",
    [lambda url: Run(url, some(9), concurrency=1).start().wait(LONG), lambda url: post(url, Delivery())],
)
def test_ctrl_c_stops_the_sending_first(send):
    importlib.import_module("tqdm.auto")  # an interrupted import leaves its file to the garbage collector

    async def interrupt(request: Received, writer: asyncio.StreamWriter) -> None:
        _thread.interrupt_main()
        await hang(request, writer)

    with serving(interrupt) as server:
        with pytest.raises(KeyboardInterrupt):
            send(server.url)
        assert not [each for each in threading.enumerate() if each.name == "sender"]


def test_a_single_post_is_possible_while_a_loop_runs_as_in_a_notebooks_cell(willing):
    async def cell() -> int:
        return post(willing.url, Delivery()).status

    assert asyncio.run(cell()) == 202


def test_the_cap_leaves_every_delivery_its_first_attempt():
    with serving(always(answer(503))) as server:
        run = send_all(server.url, some(10, Schedule(LONG, (1.0,) * 9)), compress=1e6, cap=14)
    assert len(server.requests) == 14
    assert run.capped == 10
    assert repr(run).endswith("attempts: 14 × 503; 10 given up at the cap")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("stream", "shown"), [(Terminal, True), (io.StringIO, False)])
def test_progress_shows_on_a_terminal_and_nowhere_else(monkeypatch, stream, shown):
    monkeypatch.setattr(sys, "stderr", stream())
    monkeypatch.setattr("webhook_lab.send.run.PROGRESS_AFTER", 0)
    with serving(hang) as server:
        send_all(server.url, some(1, Schedule(wait=0.3)))
    assert ("sending" in sys.stderr.getvalue()) is shown


# --- refused before anything is sent

GOOD = {"deliveries": some(3)}
REFUSED = {
    "no address": {"url": "lab.url"},
    "another protocol": {"url": "ftp://127.0.0.1/x"},
    "no host": {"url": "http:///prod"},
    "no such port": {"url": "http://127.0.0.1:99999/prod"},
    "a host that is no name": {"url": "http://" + "a" * 64 + ".example/prod"},
    "nothing to send": {"deliveries": []},
    "a body that is no bytes": {"deliveries": [Delivery(body="text")]},
    "nobody to send": {"concurrency": 0},
    "half a sender": {"concurrency": 1.5},
    "too many at once": {"concurrency": 10_000},
    "time that stands still": {"compress": 0},
    "a cap below the first attempts": {"cap": 2},
    "no cap where each request costs": {"charges": True},
    "a header of two lines": {"deliveries": [Delivery(headers={"X-A": "1\r\nX-B: 2"})]},
    "a method that is none": {"deliveries": [Delivery(method="PO ST")]},
}


@pytest.mark.parametrize("setting", REFUSED.values(), ids=REFUSED.keys())
def test_a_setting_out_of_range_is_said_before_anything_is_sent(willing, setting):
    with pytest.raises(LabError) as caught:
        send_all(**{"url": willing.url, **GOOD, **setting})
    assert caught.value.try_this
    assert not willing.requests


def test_where_requests_cost_money_a_cap_is_enough(willing):
    assert send_all(willing.url, some(3), charges=True, cap=3).counts == {"202": 3}
