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
        LabError: no such path, a folder with nothing in it, or headers that are no JSON object of text,
            numbers, and lists of them.
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


def _headers_of(file: Path) -> dict[str, str | list[str]]:
    beside = file.with_name(file.name + HEADERS_SUFFIX)
    if not beside.is_file():
        return {"Content-Type": "application/json"} if file.suffix == ".json" else {}
    try:
        headers = json.loads(beside.read_bytes())  # as UTF-8, 16 or 32, with a byte order mark or without
    except (ValueError, RecursionError) as error:
        raise LabError(
            f"read the headers in {beside}", str(error), "Write one JSON object: name to value."
        ) from error
    try:
        return {name: _text(value) for name, value in headers.items()}
    except (AttributeError, TypeError) as error:
        try_this = 'Write {"Name": "value"}, or {"Name": ["one", "two"]} for one that was sent twice.'
        said = "not an object of text, numbers and lists of them"
        raise LabError(f"read the headers in {beside}", said, try_this) from error


def _text(value: object) -> str | list[str]:
    match value:
        case bool() | None | dict():
            raise TypeError
        case list():
            return [str(_text(each)) for each in value]
        case _:
            return str(value)
