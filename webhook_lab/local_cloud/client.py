"""What a program does with a local cloud: own a private one, share one, find one, keep one."""

import contextlib
import http.client
import importlib.util
import json
import secrets
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import filelock

from webhook_lab.keeper import apart
from webhook_lab.local_cloud.runtime import (
    IDENTITY_PATH,
    Cloud,
    CloudError,
    finding,
    published,
    runtime_folder,
    scrubbed_environment,
)

_ANSWER_SECONDS = 5.0  # a process of ours on this machine answers within milliseconds
_START_SECONDS = 60.0  # while another process starts the shared cloud
_END_SECONDS = 20.0  # longer than a keeper takes

# For the life of this process: its leases on shared clouds, by nonce, and the servers that it started.
_held: dict[str, filelock.BaseFileLock] = {}
_children: list[subprocess.Popen[bytes]] = []


@contextlib.contextmanager
def private_cloud() -> Iterator[Cloud]:
    """A cloud of this process alone: it ends with the block, or with the process.

    Raises CloudError if it cannot be started.
    """
    process, cloud = _start(runtime_folder(), "private")
    try:
        yield cloud
    finally:
        _end(process)


def shared_cloud() -> Cloud:
    """The cloud that all programs of this user share, found or started; leased until this process exits.

    Raises CloudError if it can neither be found nor started.
    """
    root = runtime_folder()
    _children[:] = [child for child in _children if child.poll() is None]
    try:
        with finding(root, _START_SECONDS):
            for cloud in published(root):
                with contextlib.suppress(OSError):  # it was killed this moment
                    if _answers(cloud):
                        return _leased(root, cloud)
            process, cloud = _start(root, "shared")
            _children.append(process)
            return _leased(root, cloud)
    except filelock.Timeout:
        said = f"another program has been starting the shared local cloud for {_START_SECONDS:.0f} s"
        raise CloudError(said, f"End that program: it holds {root / 'shared.lock'}.") from None


def running_cloud() -> Cloud | None:
    """The shared cloud if it runs; it is neither started nor leased."""
    return next(filter(_answers, published(runtime_folder())), None)


def keep(cloud: Cloud) -> None:
    """Let the cloud live on without any lease, until `unkeep` or until no request has come for two hours."""
    _kept(cloud).touch()


def unkeep(cloud: Cloud) -> None:
    """End what `keep` began: the cloud lives as long as a program leases it, and 30 s more."""
    _kept(cloud).unlink(missing_ok=True)


def is_kept(cloud: Cloud) -> bool:
    """Whether it lives on without any lease. Raises CloudError if the cloud is gone."""
    return _kept(cloud).exists()


def identify(endpoint_url: str) -> str | None:
    """The nonce of the local cloud that answers at the address; None if something else does.

    Raises OSError if nobody answers.
    """
    url = urlsplit(endpoint_url)
    scheme = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = scheme(url.hostname or "", url.port, timeout=_ANSWER_SECONDS)
    try:
        connection.request("GET", IDENTITY_PATH)
        return str(json.loads(connection.getresponse().read(4096))["nonce"])
    except (http.client.HTTPException, ValueError, LookupError, TypeError):
        return None
    finally:
        connection.close()


def _answers(cloud: Cloud) -> bool:
    """Whether it lives: by now, another program may have its port."""
    try:
        return identify(cloud.endpoint_url) == cloud.nonce
    except OSError:
        return False


def _kept(cloud: Cloud) -> Path:
    """The file that says whether the shared cloud is kept. Raises CloudError if the cloud is gone."""
    folder = runtime_folder() / f"shared-{cloud.nonce}"
    if not (folder / "state.json").exists():
        said = "the local cloud is gone, and with it what was in it"
        raise CloudError(said, "Open the lab again: it starts one.")
    return folder / "kept"


def _leased(root: Path, cloud: Cloud) -> Cloud:
    if cloud.nonce not in _held:
        name = f"lease-{secrets.token_hex(8)}"
        lock = filelock.FileLock(root / f"shared-{cloud.nonce}" / name, thread_local=False)
        lock.acquire(timeout=0)
        _held[cloud.nonce] = lock
    return cloud


def _start(root: Path, kind: str) -> tuple[subprocess.Popen[bytes], Cloud]:
    """Start a server and wait until its cloud is ready. Raises CloudError if it fails."""
    if not all(importlib.util.find_spec(package) for package in ("ministack", "hypercorn")):
        raise CloudError("the local cloud is not installed", "Run: pip install 'webhook-lab[local]'")
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "webhook_lab.local_cloud.server", str(root), kind],
        stdin=subprocess.PIPE if kind == "private" else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=scrubbed_environment(),
        cwd=root,
        **apart(),
    )
    assert process.stdout
    said: list[str] = []
    try:
        with process.stdout:
            for line in process.stdout:
                said.append(line.decode("utf-8", "replace").rstrip())
                if said[-1].startswith("started "):
                    return process, next(published(root, f"{kind}-{said[-1].split()[1]}"))
        told = "\n".join(said[-8:])
        raise CloudError(f"the local cloud could not start: {told}", "Run: webhook-lab doctor")
    except BaseException:
        _end(process)
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a server, with all that it started. Should it hang it is killed, and its keeper does the rest."""
    if process.stdin:
        process.stdin.close()
    else:
        process.terminate()
    try:
        process.wait(timeout=_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
