import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook_lab.aws.errors import LabError
from webhook_lab.send.recorded import read_deliveries
from webhook_lab.send.sender import Delivery, head, left_out


def test_a_folder_gives_each_file_as_it_is_on_disk_with_the_headers_beside_it(tmp_path: Path) -> None:
    (tmp_path / "b.bin").write_bytes(b"\x00\xff\r\n")
    (tmp_path / "a.json").write_bytes(b'{"a": 1,\n "a": 2}')
    (tmp_path / "a.json.headers.json").write_text('{"X-GitHub-Delivery": "7"}', encoding="utf-8")
    first, second = read_deliveries([tmp_path], url_path="/x")
    assert (first.name, first.body, first.path) == ("a.json", b'{"a": 1,\n "a": 2}', "/x")
    assert first.headers == {"X-GitHub-Delivery": "7"}
    assert (second.body, second.headers) == (b"\x00\xff\r\n", {})


def test_one_file_is_one_delivery(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")
    (delivery,) = read_deliveries([tmp_path / "a.json"])
    assert delivery.headers == {"Content-Type": "application/json"}


def test_a_path_that_is_not_there_an_empty_folder_and_bad_headers_are_said(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no such file"):
        list(read_deliveries([tmp_path / "nothing"]))
    with pytest.raises(LabError, match="holds no files"):
        list(read_deliveries([tmp_path]))
    (tmp_path / "a.json").write_bytes(b"{}")
    (tmp_path / "a.json.headers.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(LabError, match="headers"):
        list(read_deliveries([tmp_path]))


def recorded(folder: Path, headers: bytes, body: bytes = b"{}") -> Delivery:
    (folder / "a").write_bytes(body)
    (folder / "a.headers.json").write_bytes(headers)
    (delivery,) = read_deliveries([folder])
    return delivery


def sent(delivery: Delivery) -> list[tuple[bytes, bytes]]:
    return [(name, value) for name, value in head("http://h:1/prod", delivery).headers]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_headers_are_read_in_every_encoding_that_json_may_have(tmp_path: Path, encoding: str) -> None:
    assert recorded(tmp_path, '{"X-Name": "Zoë"}'.encode(encoding)).headers == {"X-Name": "Zoë"}


def test_a_list_is_a_header_sent_as_often_and_a_number_is_its_text(tmp_path: Path) -> None:
    delivery = recorded(tmp_path, b'{"X-Two": ["one", "two"], "X-Number": 7, "X-None": []}')
    assert sent(delivery)[2:] == [(b"x-two", b"one"), (b"x-two", b"two"), (b"x-number", b"7")]


@pytest.mark.parametrize("value", ["null", "true", "{}", "[[null]]", "[" * 50_000])
def test_what_no_header_can_be_is_said_with_the_file(tmp_path: Path, value: str) -> None:
    with pytest.raises(LabError, match=r"a\.headers\.json"):
        recorded(tmp_path, b'{"X": %s}' % value.encode())


RECORDED_ELSEWHERE = {
    "Host": "example.com", "content-length": 9_999, "Transfer-Encoding": "chunked", "Connection": "close",
    "Origin": "https://example.com", "Sec-Fetch-Site": "cross-site", ":authority": "hooks.example.com",
    "Expect": "100-continue", "TE": "trailers", "Upgrade": "h2c", "Keep-Alive": "timeout=5", "Trailer": "X",
    "Proxy-Connection": "close", "HTTP2-Settings": "AAMAAABk", "Proxy-Authorization": "Basic eDp5",
}  # fmt: skip
"""What a dump of a request has, and only the connection that it came by may say."""


def test_what_belongs_to_the_connection_is_recomputed_or_dropped_and_named(tmp_path: Path) -> None:
    headers = {**RECORDED_ELSEWHERE, "X-GitHub-Event": "push", "Content-Encoding": "gzip"}
    delivery = recorded(tmp_path, json.dumps(headers).encode(), b"\xef\xbb\xbf{}")
    assert sent(delivery) == [
        (b"host", b"h:1"), (b"content-length", b"5"), (b"x-github-event", b"push"),
        (b"content-encoding", b"gzip"),
    ]  # fmt: skip
    assert left_out(delivery.headers) == list(RECORDED_ELSEWHERE)


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary(), st.dictionaries(st.from_regex(r"[A-Za-z-]{1,20}", fullmatch=True), st.text(max_size=20)))
def test_any_body_goes_byte_for_byte_with_its_own_length(body: bytes, headers: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        delivery = recorded(Path(folder), json.dumps(headers).encode(), body)
    assert (delivery.body, delivery.headers) == (body, headers)
    try:
        lengths = [value for name, value in sent(delivery) if name == b"content-length"]
    except LabError:  # HTTP has no words for a control character
        return
    assert lengths == [b"%d" % len(body)]


@settings(deadline=None)  # a busy machine is no failure
@given(st.binary())
def test_any_headers_file_is_read_or_refused_in_words(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        try:
            assert recorded(Path(folder), content).body == b"{}"
        except LabError:
            return
