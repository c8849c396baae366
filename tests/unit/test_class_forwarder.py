"""What `webhook-lab class --listen` opens: one path, for signed reports, on one address."""

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from tests.unit.odd_server import OddServer, always, answer, serving
from webhook_lab.aws.errors import LabError
from webhook_lab.aws.retry import retry_until
from webhook_lab.cli import forwarder as module
from webhook_lab.cli.classroom import _serve
from webhook_lab.cli.forwarder import LARGEST, PORT, Forwarder, _checked
from webhook_lab.keeper import free_port

SIGNED = "Webhook-Id: msg_1\nWebhook-Timestamp: 1\nWebhook-Signature: v1,x\n"


@pytest.fixture
def api() -> Iterator[OddServer]:
    with serving(always(answer(202, b'{"id": "1"}'))) as server:
        yield server


@pytest.fixture
def opened(api: OddServer) -> Iterator[Forwarder]:
    with Forwarder(f"127.0.0.1:{free_port()}", api.url) as made:
        threading.Thread(target=made.serve_forever, args=(0.01,)).start()
        yield made
        made.shutdown()


def said(opened: Forwarder, raw: str, body: bytes = b"{}") -> bytes:
    """The status of the answer to these bytes, and all that comes with it; empty where there is none."""
    found = b""
    line = socket.create_connection(opened.server_address[:2], timeout=20)
    with line, contextlib.suppress(OSError):  # it is closed before all was read
        line.sendall(raw.replace("\n", "\r\n").encode() + b"\r\n" + body)
        line.shutdown(socket.SHUT_WR)
        while part := line.recv(65_536):
            found += part
    return found


def test_a_signed_report_is_passed_on_as_it_is_and_so_is_its_answer(
    opened: Forwarder, api: OddServer
) -> None:
    raw = f"POST /class HTTP/1.1\nHost: x\nCookie: a=b\nX-Forwarded-For: me\nContent-Length: 2\n{SIGNED}"
    found = said(opened, raw)
    assert found.startswith(b"HTTP/1.0 202 ")
    assert found.endswith(b'{"id": "1"}')
    (passed,) = api.requests
    assert (passed.line, passed.body) == (b"POST /prod/class HTTP/1.1", b"{}")
    assert set(passed.headers) == {
        b"host", b"content-length", b"webhook-id", b"webhook-timestamp", b"webhook-signature"
    }  # fmt: skip
    assert (opened.passed_on, opened.refused) == (1, 0)


REFUSED = {
    "another path": ("POST /other HTTP/1.1\nContent-Length: 2\n" + SIGNED, 404),
    "a path above": ("POST /class/../other HTTP/1.1\nContent-Length: 2\n" + SIGNED, 404),
    "the cloud's own": ("POST /_ministack/reset HTTP/1.1\nContent-Length: 2\n" + SIGNED, 404),
    "a whole address": ("POST http://127.0.0.1:1/class HTTP/1.1\nContent-Length: 2\n" + SIGNED, 404),
    "with a query": ("POST /class?a=1 HTTP/1.1\nContent-Length: 2\n" + SIGNED, 404),
    "a page's": ("POST /class HTTP/1.1\nOrigin: http://evil\nContent-Length: 2\n" + SIGNED, 404),
    "not signed": ("POST /class HTTP/1.1\nContent-Length: 2\n", 401),
    "without a length": ("POST /class HTTP/1.1\nTransfer-Encoding: chunked\n" + SIGNED, 413),
    "too long": (f"POST /class HTTP/1.1\nContent-Length: {LARGEST + 1}\n" + SIGNED, 413),
    "endless": (f"POST /class HTTP/1.1\nContent-Length: {'9' * 300}\n" + SIGNED, 413),
    "negative": ("POST /class HTTP/1.1\nContent-Length: -1\n" + SIGNED, 413),
    "read": ("GET /class HTTP/1.1\n" + SIGNED, 501),
    "a tunnel": ("CONNECT 127.0.0.1:1 HTTP/1.1\n", 501),
    "nonsense": ("\x00 /class HTTP/1.1\n", 501),
}


@pytest.mark.parametrize("what", REFUSED)
def test_nothing_else_reaches_the_api(what: str, opened: Forwarder, api: OddServer) -> None:
    raw, status = REFUSED[what]
    found = said(opened, raw, b"")
    assert str(status).encode() in found
    assert not api.requests


def test_an_api_that_is_gone_is_a_bad_gateway_so_that_senders_try_again() -> None:
    with Forwarder(f"127.0.0.1:{free_port()}", f"http://127.0.0.1:{free_port()}") as made:
        threading.Thread(target=made.serve_forever, args=(0.01,)).start()
        found = said(made, f"POST /class HTTP/1.1\nContent-Length: 2\n{SIGNED}")
        made.shutdown()
    assert b" 502 " in found


def test_it_ends_when_the_cloud_is_gone() -> None:
    with Forwarder(f"127.0.0.1:{free_port()}", "http://127.0.0.1:1") as made:
        assert _serve(made, free_port()) == "Closed: the cloud is gone."


def test_beyond_so_many_at_once_a_connection_is_closed(
    opened: Forwarder, api: OddServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened._free = taken = threading.BoundedSemaphore(1)
    monkeypatch.setattr(module._Report, "timeout", 20)
    with socket.create_connection(opened.server_address[:2], timeout=20) as idle:
        idle.sendall(b"POST /cl")
        # It is looked at, not tried: who tries may be what the idle one meets.
        retry_until(lambda: taken._value == 0 or None, seconds=20, reason="the idle one has the only place")
        assert said(opened, f"POST /class HTTP/1.1\nContent-Length: 2\n{SIGNED}") == b""
    assert not api.requests


NO_ADDRESS = ("", "0.0.0.0", "0.0.0.0:80", "::", "teacher", "224.0.0.1")
NO_PORT = ("1.2.3.4:0", "1.2.3.4:x", "1.2.3.4:99999")


@pytest.mark.parametrize("listen", [*NO_ADDRESS, *NO_PORT])
def test_it_listens_on_one_address_that_somebody_chose(listen: str) -> None:
    with pytest.raises(LabError, match="listen for the class"):
        _checked(listen)
    assert _checked("192.168.1.10") == ("192.168.1.10", PORT)
    assert _checked("192.168.1.10:9000") == ("192.168.1.10", 9000)
