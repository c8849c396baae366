"""Handlers as zips: the same sources give the same bytes, on any machine and on any day.

A handler that has a ``requirements.txt`` brings these packages along, as they are installed here: each file
with the digest that its wheel gave it.

Lambda shows the digest of the code it runs (``CodeSha256``), so equal bytes are how the lab knows that a
function needs no new code, and how a learner sees that the function runs what is on the screen.
"""

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import webhook_lab
from webhook_lab.aws.errors import LabError

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest date that a zip can hold, in place of the file's own."""

SHARED = "shared"
"""The folder of ``handlers/`` whose files are zipped with every handler."""

READABLE = 0o100644 << 16
"""A plain file that anybody may read: Lambda runs as another user than the one who zipped."""

BESIDE = {"subscribe_postgres": "subscribe"}
"""Handlers that use another one's code: it is zipped along, its `app.py` in a folder of its name."""

_INSTALLERS_OWN = {"INSTALLER", "RECORD", "REQUESTED", "direct_url.json"}
"""What differs by who installed a package."""


@dataclass(frozen=True)
class Package:
    """A handler, ready to be uploaded.

    `sha256` is the digest of `zip_bytes` in hex; `code_sha256_base64` is the same as Lambda spells it.
    """

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
    found: dict[str, Path] = {}
    if beside := BESIDE.get(handler):
        found = sources(beside)
        found[f"{beside}/app.py"] = found["app.py"]
    folders = (handlers_folder() / SHARED, source_folder(handler))
    return found | {path.name: path for folder in folders for path in sorted(folder.glob("*.py"))}


def package(handler: str, instead: Mapping[str, str] | None = None) -> Package:
    """Zip a handler's Python sources and those it shares, `app.py` at the top, and the packages it requires.

    Files are stored rather than compressed, since compressors differ from machine to machine; their line
    ends become those of the repository, which a checkout on Windows may have changed.

    Args:
        instead: pieces of `app.py`, each there once, and what to put in their place: how a chapter ships a
            handler with a mistake in it.

    Raises:
        LabError: when there is no such handler, or no such piece; or a package that the handler requires is
            not installed, or not as it was.
    """
    brought = {
        name: content for each in _required(source_folder(handler)) for name, content in _installed(each)
    }
    zip_bytes = zip_files(sources(handler), instead, brought)
    digest = hashlib.sha256(zip_bytes)
    return Package(zip_bytes, digest.hexdigest(), base64.b64encode(digest.digest()).decode())


def zip_files(
    files: Mapping[str, Path],
    instead: Mapping[str, str] | None = None,
    brought: Mapping[str, bytes] | None = None,
) -> bytes:
    """The zip of these files, by the names that they have in it, and of what is brought; see `package`."""
    contents = dict(brought or {})
    contents |= {name: path.read_bytes().replace(b"\r\n", b"\n") for name, path in files.items()}
    if "app.py" in contents:
        contents["app.py"] = _altered(contents["app.py"], instead or {})
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(contents):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system, entry.external_attr = 3, READABLE  # 3: Unix, wherever this runs
            archive.writestr(entry, contents[name])
    return buffer.getvalue()


def _required(folder: Path) -> Iterator[Distribution]:
    """The packages that a handler asks for, each once, and what they ask for in turn."""
    listed = folder / "requirements.txt"
    waiting = listed.read_text(encoding="utf-8").split() if listed.exists() else []
    seen: set[str] = set()
    while waiting:
        wanted = Requirement(waiting.pop())
        if (name := canonicalize_name(wanted.name)) in seen or not _applies(wanted):
            continue
        seen.add(name)
        try:
            found = distribution(name)
        except PackageNotFoundError:
            fix = "Run: python -m pip install 'webhook-lab[database]'"
            raise LabError(f"package {folder.name}", f"{name} is not installed here", fix) from None
        yield found
        waiting += found.requires or []


def _applies(wanted: Requirement) -> bool:
    return wanted.marker is None or wanted.marker.evaluate({"extra": ""})


def _installed(package: Distribution) -> Iterator[tuple[str, bytes]]:
    """A package's files as they came: their digests are those that its wheel recorded."""
    for file in package.files or []:
        if file.hash is None or file.name in _INSTALLERS_OWN or file.parts[0] == "..":
            continue
        content = file.read_binary()
        digest = base64.urlsafe_b64encode(hashlib.new(file.hash.mode, content).digest()).decode().rstrip("=")
        if digest != file.hash.value:
            fix = f"Run: python -m pip install --force-reinstall --no-deps {package.name}"
            raise LabError(f"package {package.name}", f"{file} is not as it was installed", fix)
        yield file.as_posix(), content


def _altered(source: bytes, instead: Mapping[str, str]) -> bytes:
    text = source.decode()
    for piece, other in instead.items():
        if (times := text.count(piece)) != 1:
            said = f"{piece!r} is there {times} times"
            raise LabError("alter app.py", said, "Name a piece of the handler's source that is there once.")
        text = text.replace(piece, other)
    return text.encode()
