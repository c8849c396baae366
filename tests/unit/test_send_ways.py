"""How a delivery gets to an API: through a proxy where boto3 would take one, past a new API's own words."""

import asyncio
import base64
import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.odd_server import OddServer, Received, always, answer, serving
from webhook_lab.aws.errors import LabError
from webhook_lab.send.events import events
from webhook_lab.send.first_answer import AGAIN, FirstAnswer
from webhook_lab.send.proxy import proxy_for
from webhook_lab.send.run import Run
from webhook_lab.send.sender import Delivery, post

API = "https://abc.execute-api.eu-west-1.amazonaws.com/prod"
ACCEPTED = answer(202, b'{"id": "lab:1", "message_id": "m"}')
LONG = 20.0
"""Seconds after which a test gives up; none should come near."""


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in urllib.request.getproxies_environment():
        for spelled in (f"{name}_proxy", f"{name}_PROXY".upper()):
            monkeypatch.delenv(spelled, raising=False)
    monkeypatch.setattr(FirstAnswer, "known", set())


@pytest.mark.parametrize(
    ("url", "environment", "proxy"),
    [
        (API, {}, None),
        (API, {"HTTPS_PROXY": "http://proxy:8080"}, ("proxy", 8080)),
        (API, {"https_proxy": "http://user:pass@proxy:8080"}, ("proxy", 8080)),
        (API, {"HTTPS_PROXY": "proxy:8080"}, ("proxy", 8080)),
        (API, {"HTTP_PROXY": "http://proxy:8080"}, None),
        (API, {"HTTPS_PROXY": "http://proxy:8080", "NO_PROXY": ".amazonaws.com"}, None),
        (API, {"HTTPS_PROXY": "http://proxy:8080", "NO_PROXY": "*"}, None),
        (API, {"HTTPS_PROXY": "http://proxy:8080", "NO_PROXY": "example.org"}, ("proxy", 8080)),
        ("https://127.0.0.1:9/prod", {"HTTPS_PROXY": "http://proxy:8080"}, None),
        ("https://[::1]:9/prod", {"HTTPS_PROXY": "http://proxy:8080"}, None),
        ("https://localhost:9/prod", {"HTTPS_PROXY": "http://proxy:8080"}, None),
        ("http://127.0.0.1:9/prod", {"HTTP_PROXY": "http://proxy:8080"}, None),
    ],
)
def test_the_way_is_the_one_that_boto3_takes_and_never_leaves_this_machine_for_itself(
    url: str, environment: dict[str, str], proxy: tuple[str, int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(url)
    assert (found and (found.hostname, found.port)) == proxy


@pytest.mark.parametrize("refusal", [answer(407, b"who are you?"), answer(502), b"garbage\r\n\r\n", b""])
def test_a_proxy_that_refuses_is_said_to_have(refusal: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(_: Received, writer) -> None:
        writer.write(refusal)
        raise ConnectionError

    with serving(refuse) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://ana:s%40crt@127.0.0.1:{proxy.port}")
        with pytest.raises(LabError) as told:
            post(API, Delivery())
    (asked,) = proxy.requests
    host = "abc.execute-api.eu-west-1.amazonaws.com:443"
    assert asked.line == f"CONNECT {host} HTTP/1.1".encode()
    assert base64.b64decode(asked.headers[b"proxy-authorization"].split()[1]) == b"ana:s@crt"
    assert "s@crt" not in str(told.value)
    assert "s%40crt" not in str(told.value)
    if b"407" in refusal:
        assert "the proxy 127.0.0.1 answered 407" in told.value.said


def test_through_the_tunnel_tls_is_spoken_with_the_api_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path, "api.example")
    with encrypted(certificate) as (port, seen), tunnelling(to=port) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        delivered = post("https://api.example/prod", Delivery(body=b"as it is"))
    assert delivered.status == 202
    assert [request.line for request in proxy.requests] == [b"CONNECT api.example:443 HTTP/1.1"]
    assert seen[0].startswith(b"POST /prod/hello HTTP/1.1\r\n")
    assert seen[0].endswith(b"\r\n\r\nas it is")


def self_signed(folder: Path, host: str) -> Path:
    """A certificate and its key in one file."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs openssl")
    path = folder / "both.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    about = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    subprocess.run([*command, *about, *files], check=True, capture_output=True)
    path.write_text((folder / "cert.pem").read_text() + (folder / "key.pem").read_text())
    return path


@contextlib.contextmanager
def encrypted(certificate: Path) -> Iterator[tuple[int, list[bytes]]]:
    """One request over TLS is read and answered: the port, and what was read."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    seen = list[bytes]()

    def serve() -> None:
        with context.wrap_socket(listening.accept()[0], server_side=True) as talk:
            seen.append(talk.recv(65_536))
            if not seen[0].endswith(b"as it is"):
                seen[0] += talk.recv(65_536)
            talk.sendall(ACCEPTED)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(LONG)
        thread = threading.Thread(target=serve)
        thread.start()
        yield listening.getsockname()[1], seen
        thread.join(LONG)


@contextlib.contextmanager
def tunnelling(*, to: int) -> Iterator[OddServer]:
    """A proxy whose every tunnel leads to one port of this machine."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)

    async def connect(_: Received, writer: asyncio.StreamWriter) -> None:
        reader_of_client: asyncio.StreamReader = writer._reader  # type: ignore[attr-defined]
        there, away = await asyncio.open_connection("127.0.0.1", to)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(pump(reader_of_client, away), pump(there, writer))
        finally:
            away.transport.abort()
        raise ConnectionError

    with serving(connect) as server:
        yield server


GATEWAYS = {
    "no such API yet": answer(403, b'{"message": "Forbidden"}'),
    "no such method yet": answer(403, b'{"message":"Missing Authentication Token"}'),
    "may not invoke yet": answer(500, b'{"message": "Internal server error"}'),
}


@contextlib.contextmanager
def new_api(own: bytes, times: int) -> Iterator[OddServer]:
    """Answers itself so often, then as the function behind it."""
    left = [own] * times

    async def reply(_: Received, writer) -> None:
        writer.write(left.pop() if left else ACCEPTED)

    with serving(reply) as server:
        yield server


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook_lab.send.first_answer.AGAIN", 0.0)
    assert AGAIN == 1.0


@pytest.mark.parametrize("own", GATEWAYS.values(), ids=GATEWAYS)
def test_the_first_answer_of_a_new_api_is_waited_for_by_one_for_all(own: bytes, impatient: None) -> None:
    with new_api(own, 3) as server:
        deliveries = events(8, secret="whsec_" + "QUFB" * 8, run="new")
        run = Run(server.url, deliveries, settles=LONG, cap=8).start().wait(LONG)
    assert run.counts == {"202": 8}
    assert len(server.requests) == 3 + 8, "one asked until it was there, and only then the others"


def test_once_it_has_answered_its_own_answers_are_answers(impatient: None) -> None:
    with new_api(GATEWAYS["no such API yet"], 0) as server:
        assert post(server.url, Delivery(), settles=LONG).status == 202
    with serving(always(GATEWAYS["no such API yet"])) as broken:
        FirstAnswer.known.add(broken.url)
        assert post(broken.url, Delivery(), settles=LONG).status == 403
    assert len(broken.requests) == 1


@pytest.mark.parametrize(
    "said", [answer(403, b'{"error": "no"}'), answer(500, b"<html>"), answer(401, b'{"message": "x"}')]
)
def test_what_stands_behind_it_is_heard_at_once(said: bytes, impatient: None) -> None:
    with serving(always(said)) as server:
        assert post(server.url, Delivery(), settles=LONG).status in (401, 403, 500)
    assert len(server.requests) == 1


def test_where_nothing_settles_nothing_is_waited_for() -> None:
    with serving(always(GATEWAYS["no such API yet"])) as server:
        assert post(server.url, Delivery()).status == 403
    assert len(server.requests) == 1


def test_after_the_targets_patience_what_it_says_is_the_answer(impatient: None) -> None:
    with serving(always(GATEWAYS["may not invoke yet"])) as server:
        assert post(server.url, Delivery(), settles=0.05).status == 500
        asked = len(server.requests)
        assert post(server.url, Delivery(), settles=LONG).status == 500, "it has been waited for"
    assert len(server.requests) == asked + 1
