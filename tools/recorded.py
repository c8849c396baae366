"""Fetch GitHub's recorded webhook deliveries: `make recorded`.

They come from the npm package below (MIT), through this machine's own npm client, at one version whose bytes
are checked here against its integrity hash. Of it, one file is read: the payloads of api.github.com. Each
becomes a file in `deliveries_folder()`, which git ignores:

    001-branch_protection_rule.json                the body, compact as GitHub sends it, UTF-8
    001-branch_protection_rule.json.headers.json   its headers, one JSON object

`webhook-lab send FOLDER` posts such a folder, each body byte for byte under its own headers. The package
holds no headers, so they are made here: the event's name is real, and so that a second run of the same folder
is a redelivery, the delivery ids are fixed.
"""

import base64
import hashlib
import io
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

PACKAGE = "@octokit/webhooks-examples"
VERSION = "7.6.1"
INTEGRITY = "sha512-De6U3XB6O3DtCa7bKgCMzTHdeopqqZ6SNivMYJnK65ierKL1AnNIA0tkRYCRS7lwGT792d+Ps1WbfHlso6MynQ=="
MEMBER = "package/api.github.com/index.json"
CACHE = Path(__file__).resolve().parent.parent / ".cache" / "recorded"


def deliveries_folder() -> Path:
    """Where the deliveries are, or will be: the folder exists only when it is whole."""
    return CACHE / f"github-{VERSION}"


def fetch() -> bytes:
    """The package's archive, from the npm client; its bytes are what INTEGRITY says, or the program ends."""
    npm = shutil.which("npm")
    if npm is None:
        sys.exit("make recorded: npm is not installed, and it fetches the deliveries: install Node.js first")
    with tempfile.TemporaryDirectory() as folder:
        # In an empty folder, so that no package.json of the learner's own has a say.
        subprocess.run(
            [npm, "pack", f"{PACKAGE}@{VERSION}", "--ignore-scripts", "--silent"],
            cwd=folder, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        archive = next(Path(folder).glob("*.tgz")).read_bytes()
    check(archive)
    return archive


def check(archive: bytes, integrity: str = INTEGRITY) -> None:
    """End the program unless the SHA-512 of `archive` is the one in `integrity` (npm's spelling)."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive).digest()).decode()
    if found != integrity:
        sys.exit(f"make recorded: {PACKAGE} {VERSION} has another hash than it should, {found}: not used")


def split(archive: bytes) -> Iterator[tuple[str, bytes, dict[str, str]]]:
    """(file name, body, headers) of each payload in the archive, in its own order."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
        member = tar.extractfile(MEMBER)
        assert member is not None, MEMBER
        events = json.load(member)
    payloads = [(event["name"], payload) for event in events for payload in event["examples"]]
    for number, (name, payload) in enumerate(payloads, start=1):
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/recorded",
            "X-GitHub-Event": name,
            "X-GitHub-Delivery": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{PACKAGE}@{VERSION}#{number}")),
        }
        yield f"{number:03d}-{name}.json", body, headers


def write(archive: bytes, target: Path) -> int:
    """Write the deliveries into `target`, which appears when all are there; return how many."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        whole = Path(scratch) / target.name
        whole.mkdir()
        for name, body, headers in split(archive):
            (whole / name).write_bytes(body)
            text = json.dumps(headers, indent=1) + "\n"
            (whole / f"{name}.headers.json").write_text(text, encoding="utf-8")
        whole.replace(target)
    return len(list(target.glob("*.headers.json")))


def main() -> None:
    """Fetch, check and write, unless they are there already."""
    target = deliveries_folder()
    if target.is_dir():
        print(f"{len(list(target.glob('*.headers.json')))} recorded deliveries are in {target} already")
        return
    print(f"{write(fetch(), target)} recorded deliveries written to {target}")


if __name__ == "__main__":
    main()
