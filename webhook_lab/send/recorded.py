"""Read recorded deliveries from files: a body as it is on disk, its headers in a JSON file beside it."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from webhook_lab.aws.errors import LabError
from webhook_lab.send.sender import Delivery

HEADERS_SUFFIX = ".headers.json"
"""``push.json`` is a body; ``push.json.headers.json`` beside it, a JSON object, holds its headers."""


def read_deliveries(paths: Iterable[Path], *, url_path: str = "/recorded") -> Iterator[Delivery]:
    """Yield a delivery for each file, and for each file under each folder, in the order of their names.

    Args:
        url_path: where they will be posted.

    Raises:
        LabError: no such path, a folder with nothing in it, or headers that are not a JSON object of text.
    """
    for path in paths:
        if path.is_dir():
            files = sorted(
                file for file in path.rglob("*") if file.is_file() and not file.name.endswith(HEADERS_SUFFIX)
            )
            if not files:
                raise LabError(
                    f"read deliveries from {path}", "the folder holds no files", "Name a folder that does."
                )
        elif path.is_file():
            beside = path.with_name(path.name.removesuffix(HEADERS_SUFFIX))
            files = [path] if beside == path or not beside.is_file() else []  # a shell's * names headers
        else:
            raise LabError(
                f"read deliveries from {path}", "there is no such file or folder", "Check the path."
            )
        for file in files:
            yield Delivery(path=url_path, body=file.read_bytes(), headers=_headers_of(file), name=file.name)


def _headers_of(file: Path) -> dict[str, str]:
    beside = file.with_name(file.name + HEADERS_SUFFIX)
    if not beside.is_file():
        return {"Content-Type": "application/json"} if file.suffix == ".json" else {}
    try:
        headers = json.loads(beside.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LabError(
            f"read the headers in {beside}", str(error), "Write one JSON object: name to value."
        ) from error
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise LabError(
            f"read the headers in {beside}", "not an object of text values", 'Write {"Name": "value"}.'
        )
    return headers
