from pathlib import Path

import pytest

from webhook_lab.aws.errors import LabError
from webhook_lab.send.recorded import read_deliveries


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
