"""Handlers as zips: the same sources give the same bytes, on any machine and on any day.

Lambda shows the digest of the code it runs (``CodeSha256``), so equal bytes are how the lab knows that a
function needs no new code, and how a learner sees that the function runs what is on the screen.
"""

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import webhook_lab
from webhook_lab.aws.errors import LabError

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip can hold, in place of the file's own."""

SHARED = "shared"
"""The folder of ``handlers/`` whose files are zipped with every handler."""

READABLE = 0o100644 << 16
"""A plain file that anybody may read: Lambda runs as another user than the one who zipped."""


@dataclass(frozen=True)
class Package:
    """A handler, ready to be uploaded.

    `sha256` is the digest of `zip_bytes` in hex; `code_sha256_base64` is the same as Lambda spells it.
    """

    name: str
    zip_bytes: bytes
    sha256: str
    code_sha256_base64: str


def handlers_folder() -> Path:
    """``handlers/``, beside the package `webhook_lab`.

    Raises:
        LabError: when there is none, as after an installation that is not from a checkout.
    """
    folder = Path(webhook_lab.__file__).resolve().parent.parent / "handlers"
    if not folder.is_dir():
        raise LabError(
            "find the handlers",
            f"there is no folder {folder}",
            "Work from a checkout of the repository: `make env`, or `pip install -e .` in it.",
        )
    return folder


def source_folder(handler: str) -> Path:
    """The folder that `handler` ("publish" or "subscribe") is zipped from.

    Raises:
        LabError: when there is no such handler.
    """
    known = {path.parent.name: path.parent for path in sorted(handlers_folder().glob("*/app.py"))}
    if handler not in known:
        raise LabError(
            f"find the handler {handler!r}",
            f"the handlers are {', '.join(known) or 'missing'}",
            "Give the name of a folder of handlers/ that holds an app.py.",
        )
    return known[handler]


def sources(handler: str) -> dict[str, Path]:
    """The Python files that a handler consists of, its own and those it shares with others, by their names.

    Raises:
        LabError: when there is no such handler.
    """
    folders = (handlers_folder() / SHARED, source_folder(handler))
    return {path.name: path for folder in folders for path in sorted(folder.glob("*.py"))}


def package(handler: str, instead: Mapping[str, str] | None = None) -> Package:
    """Zip a handler's Python sources and those it shares, `app.py` at the top.

    Files are stored rather than compressed, since compressors differ from machine to machine; their line
    ends become those of the repository, which a checkout on Windows may have changed.

    Args:
        instead: pieces of `app.py`, each there once, and what to put in their place: how a chapter ships a
            handler with a mistake in it.

    Raises:
        LabError: when there is no such handler, or no such piece.
    """
    zip_bytes = zip_files(sources(handler), instead)
    digest = hashlib.sha256(zip_bytes)
    return Package(handler, zip_bytes, digest.hexdigest(), base64.b64encode(digest.digest()).decode())


def zip_files(files: Mapping[str, Path], instead: Mapping[str, str] | None = None) -> bytes:
    """The zip of these files, by the names that they have in it; see `package`."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = 3, READABLE  # 3: Unix, wherever this runs
            text = files[name].read_bytes().replace(b"\r\n", b"\n")
            archive.writestr(entry, _altered(text, instead or {}) if name == "app.py" else text)
    return buffer.getvalue()


def _altered(source: bytes, instead: Mapping[str, str]) -> bytes:
    text = source.decode()
    for piece, other in instead.items():
        if (times := text.count(piece)) != 1:
            said = f"{piece!r} is there {times} times"
            raise LabError("alter app.py", said, "Name a piece of the handler's source that is there once.")
        text = text.replace(piece, other)
    return text.encode()
