"""What no client library sends, and a request smuggler or an old browser does: nothing gets past the guard.

Each is written to the socket as it stands. Whoever reads it one way and acts on it another would run a
request that nobody signed: the queue would be gone, or an answer would be a 2xx.
"""

import contextlib
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import psutil
import pytest

from tests.cloud.functions import client
from webhook_lab.aws.retry import retry_until
from webhook_lab.local_cloud import Cloud

RESET = b"POST /_ministack/reset HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n"
LIST = b"X-Amz-Target: AmazonSQS.ListQueues\r\nContent-Type: application/x-amz-json-1.0\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
SILENCE = 2.0
"""Seconds; who has said nothing for so long waits for more of the request."""
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")


@pytest.fixture(scope="module")
def queue(cloud: Cloud) -> Iterator[str]:
    sqs = client(cloud, "sqs")
    url = str(sqs.create_queue(QueueName="guarded-raw")["QueueUrl"])
    yield url
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture(scope="module")
def public(cloud: Cloud) -> Iterator[bytes]:
    """The path of an API that answers 200 to anybody."""
    gateway = client(cloud, "apigateway")
    api = gateway.create_rest_api(name="guarded-raw")["id"]
    where = {"restApiId": api, "resourceId": gateway.get_resources(restApiId=api)["items"][0]["id"]}
    where["httpMethod"] = "ANY"
    gateway.put_method(**where, authorizationType="NONE")
    ok = {"application/json": '{"statusCode": 200}'}
    gateway.put_integration(**where, type="MOCK", requestTemplates=ok)
    gateway.put_method_response(**where, statusCode="200")
    gateway.put_integration_response(**where, statusCode="200")
    gateway.create_deployment(restApiId=api, stageName="prod")
    yield f"/restapis/{api}/prod/_user_request_/".encode()
    gateway.delete_rest_api(restApiId=api)


def answers(cloud: Cloud, public: bytes, raw: bytes) -> bytes:
    """All that comes back until the other side closes: at the last request, where that is taken for one."""
    host = urlsplit(cloud.endpoint_url).netloc
    raw = (raw + LAST).replace(b"{host}", host.encode()).replace(b"{public}", public)
    raw = raw.replace(b"{port}", host.partition(":")[2].encode())
    said = b""
    with (
        socket.create_connection(("127.0.0.1", int(host.partition(":")[2])), timeout=SILENCE) as line,
        contextlib.suppress(TimeoutError, ConnectionError),
    ):
        line.sendall(raw)
        while piece := line.recv(65536):
            said += piece
    return said


HEAD = b"POST {public} HTTP/1.1\r\nHost: {host}\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n"
HERE, EMPTY = b" HTTP/1.1\r\nHost: {host}\r\n", b"Content-Length: 0\r\n\r\n"
SMUGGLED = {
    "both lengths": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + RESET,
    "both lengths, the other way": HEAD
    + b"Transfer-Encoding: chunked\r\nContent-Length: 500\r\n\r\n0\r\n\r\n"
    + RESET,
    "two lengths": HEAD + b"Content-Length: 0\r\nContent-Length: 200\r\n\r\n" + RESET,
    "two lengths in one": HEAD + b"Content-Length: 0, 200\r\n\r\n" + RESET,
    "a length with a sign": HEAD + b"Content-Length: +0\r\n\r\n" + RESET,
    "a length in hex": HEAD + b"Content-Length: 0x0\r\n\r\n" + RESET,
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n" + RESET,
    "an encoding of another name": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + RESET,
    "an encoding twice": HEAD + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" + RESET,
    "a space before the colon": HEAD + b"Transfer-Encoding : chunked\r\nContent-Length: 0\r\n\r\n" + RESET,
    "a folded encoding": HEAD + b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 0\r\n\r\n" + RESET,
    "an encoding after a tab": HEAD
    + b"Transfer-Encoding:\tchunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"
    + RESET,
    "a chunk of an odd size": CHUNKED + b"\r\n0x0\r\n\r\n" + RESET,
    "a chunk that overflows": CHUNKED + b"\r\nFFFFFFFFFFFFFFFF0\r\n\r\n" + RESET,
    "a chunk's extension": CHUNKED + b"\r\n0;\n\r\n\r\n" + RESET,
    "a trailer with a length": HEAD
    + b"Transfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 9\r\n\r\n"
    + RESET,
    "bare line feeds": b"POST {public} HTTP/1.1\nHost: {host}\nContent-Length: 0\n\n" + RESET,
    "one after the other": HEAD + b"Content-Length: 0\r\n\r\n" + RESET + RESET,
    "a GET with a body": b"GET {public}" + HERE + b"Content-Length: 3\r\n\r\nabc" + RESET,
    "an early 100": HEAD + b"Expect: 100-continue\r\nContent-Length: 0\r\n\r\n" + RESET,
    "a carriage return in a header": HEAD + b"X: a\rContent-Length: 5\r\n\r\n" + RESET,
    "a NUL in a header": HEAD + b"X: a\x00b\r\nContent-Length: 0\r\n\r\n" + RESET,
}
"""The first request is public and may be answered 200 at most once; what is inside or behind it may not."""

REFUSED = {
    "the whole address": b"POST http://{host}/_ministack/reset" + HERE + EMPTY,
    "another's address": b"POST http://evil.example/_ministack/reset" + HERE + EMPTY,
    "another's host": b"GET http://{host}{public} HTTP/1.1\r\nHost: evil.example\r\n\r\n",
    "CONNECT": b"CONNECT {host}" + HERE + b"\r\n",
    "OPTIONS of everything": b"OPTIONS *" + HERE + b"\r\n",
    "TRACE": b"TRACE /" + HERE + b"\r\n",
    "no host": b"GET {public} HTTP/1.1\r\n\r\n",
    "no host in 1.0": b"GET {public} HTTP/1.0\r\n\r\n",
    "two hosts": b"GET {public}" + HERE + b"Host: evil.example\r\n\r\n",
    "two hosts, ours last": b"GET {public} HTTP/1.1\r\nHost: evil.example\r\nHost: {host}\r\n\r\n",
    "a folded host": b"GET {public}" + HERE + b" .evil.example\r\n\r\n",
    "an origin": b"GET {public}" + HERE + b"oRiGiN:http://{host}\r\n\r\n",
    "an empty origin": b"GET {public}" + HERE + b"Origin:\r\n\r\n",
    "two sites": b"GET {public}" + HERE + b"Sec-Fetch-Site: none\r\nSec-Fetch-Site: cross-site\r\n\r\n",
    "a preflight": b"OPTIONS /" + HERE + b"Origin: https://evil.example\r\n"
    b"Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-amz-target\r\n\r\n",
    "a preflight of the API": b"OPTIONS {public}" + HERE + b"Origin: https://evil.example\r\n"
    b"Access-Control-Request-Method: POST\r\n\r\n",
    "a preflight to a private network": b"OPTIONS {public}" + HERE + b"Origin: null\r\n"
    b"Access-Control-Request-Private-Network: true\r\nAccess-Control-Request-Method: GET\r\n\r\n",
    "a form of a page": b"POST /"
    + HERE
    + b"Origin: null\r\nContent-Type: text/plain\r\n"
    + LIST
    + b"Content-Length: 2\r\n\r\n{}",
    "a form without an origin": b"POST /"
    + HERE
    + b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 17\r\n\r\nAction=ListQueues",
    "a method override": b"POST /_ministack/health" + HERE + b"X-HTTP-Method-Override: GET\r\n"
    b"X-Original-URL: {public}\r\nX-Forwarded-Host: {host}\r\nContent-Length: 0\r\n\r\n",
    "a websocket": b"GET {public}" + HERE + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
    "a websocket of a page": b"GET /" + HERE + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Origin: https://evil.example\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n",
    "half a request": b"POST /_ministack/reset" + HERE + b"Content-Length: 10\r\n\r\nabc",
    "nothing of HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
    "no version": b"GET {public}\r\n\r\n",
    "a version to come": b"POST / HTTP/3.0\r\nHost: {host}\r\n" + LIST + EMPTY,
    "many headers": b"GET /" + HERE + b"X: y\r\n" * 20_000 + b"\r\n",
}
HOSTS = (
    b"evil.example", b"evil.example:{port}", b"localhost", b"localhost.:{port}",
    b"localhost.evil.example:{port}",
    b"127.0.0.1:{port}.evil.example", b"127.0.0.1:{port}@evil.example", b"evil.example@127.0.0.1:{port}",
    b"127.1:{port}", b"2130706433:{port}", b"0x7f000001:{port}", b"0.0.0.0:{port}", b"[::1]:{port}",
    b"127.0.0.1:0{port}", b"127.0.0.1:{port},evil.example", b"127.0.0.1:{port} evil.example",
    b"127.0.0.1:{port}/", b"", b"127.0.0.1:{port}\x00", b"rebind.127.0.0.1.nip.io:{port}",
)  # fmt: skip
"""What a name that is bound anew to 127.0.0.1 calls itself, and spellings that somebody may take for it."""


def unharmed(cloud: Cloud, queue: str) -> None:
    assert queue in client(cloud, "sqs").list_queues().get("QueueUrls", [])


def statuses(said: bytes) -> list[int]:
    return [int(status) for status in STATUS.findall(said)]


@pytest.mark.parametrize("name", SMUGGLED)
def test_what_is_hidden_in_a_public_request_is_asked_for_its_signature(
    cloud: Cloud, queue: str, public: bytes, name: str
) -> None:
    found = statuses(answers(cloud, public, SMUGGLED[name]))
    assert [status for status in found if status < 300].count(200) <= 1
    assert all(status in (100, 200, 400, 403, 501) for status in found), found
    assert 200 not in found[1:] or found[0] == 100
    unharmed(cloud, queue)


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_plain_request_of_an_owner_or_a_caller_is_refused(
    cloud: Cloud, queue: str, public: bytes, name: str
) -> None:
    said = answers(cloud, public, REFUSED[name])
    assert all(status >= 400 for status in statuses(said)), said
    assert b"access-control-" not in said.lower()
    assert b"guarded-raw" not in said
    unharmed(cloud, queue)


@pytest.mark.parametrize("host", HOSTS, ids=ascii)
def test_another_name_of_this_machine_is_refused(cloud: Cloud, public: bytes, host: bytes) -> None:
    for path in (b"{public}", b"/_webhook_lab/identity"):
        said = answers(cloud, public, b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert all(status in (400, 403) for status in statuses(said)), said
        assert cloud.nonce.encode() not in said


def test_the_same_request_from_the_machine_itself_is_answered(cloud: Cloud, public: bytes) -> None:
    for host in (b"{host}", b"localhost:{port}", b"LOCALHOST:{port}"):
        said = answers(cloud, public, b"GET {public} HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
        assert statuses(said) == [200, 403]


@pytest.mark.parametrize("authority", ["evil.example", "{host}"])
@pytest.mark.parametrize("path", ["/_ministack/reset", "/", "{public}"])
def test_http_2_without_asking_is_held_to_the_same(
    cloud: Cloud, queue: str, public: bytes, authority: str, path: str
) -> None:
    """By prior knowledge, in clear, as no browser does; the server may as well refuse it whole."""
    connection = pytest.importorskip("h2.connection")
    host = urlsplit(cloud.endpoint_url).netloc
    speaker = connection.H2Connection()
    speaker.initiate_connection()
    path = path.replace("{public}", public.decode())
    headers = [(":method", "POST"), (":path", path), (":scheme", "http"),
               (":authority", authority.replace("{host}", host))]  # fmt: skip
    speaker.send_headers(1, headers, end_stream=True)
    found: list[str] = []
    with socket.create_connection(("127.0.0.1", int(host.partition(":")[2])), timeout=10) as line:
        line.sendall(speaker.data_to_send())
        ended = False
        while not ended and (piece := line.recv(65536)):
            for event in speaker.receive_data(piece):
                found += [value.decode() if isinstance(value, bytes) else value
                          for name, value in getattr(event, "headers", None) or []
                          if name in (b":status", ":status")]  # fmt: skip
                ended = ended or type(event).__name__ in (
                    "StreamEnded",
                    "StreamReset",
                    "ConnectionTerminated",
                )
            line.sendall(speaker.data_to_send())
    public_and_ours = "{host}" in authority and "_user_request_" in path
    assert found in ([], ["200"] if public_and_ours else ["403"]), found
    unharmed(cloud, queue)


def test_a_connection_that_its_caller_has_closed_is_let_go(cloud: Cloud, public: bytes) -> None:
    """Each is a handle, of which macOS gives a program 256; the keep-alive time is longer than this test."""
    url = urlsplit(cloud.endpoint_url)
    request = b"GET " + public + b" HTTP/1.1\r\nHost: " + url.netloc.encode() + b"\r\n\r\n"
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", url.port or 0), timeout=10) as line:
            line.sendall(request)
            assert statuses(line.recv(65536)) == [200]
    port = url.port

    def none_is_held() -> bool | None:
        mine = [psutil.Process(), *psutil.Process().children(recursive=True)]
        held = [each for one in mine for each in one.net_connections("tcp") if each.laddr.port == port]
        return True if not [each for each in held if each.status == psutil.CONN_CLOSE_WAIT] else None

    retry_until(none_is_held, seconds=15, reason="closed connections to be let go")
