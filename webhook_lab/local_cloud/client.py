"""What a program does with a local cloud: own a private one, share one, find one, keep one."""

import contextlib
import http.client
import importlib.util
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import filelock

from webhook_lab.local_cloud.runtime import (
    CloudError,
    Kind,
    State,
    runtime_folder,
    scrubbed_environment,
    states,
)

IDENTITY_PATH = "/_webhook_lab/identity"
_SECONDS = 5.0  # a process of ours on this machine answers within milliseconds
_START_SECONDS = 60.0  # while another process starts the shared cloud

# For the life of this process: its leases on shared clouds (by nonce), and the supervisors that are its children.
_leases: dict[str, socket.socket] = {}
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Cloud:
    """A running local cloud and the credentials of its root user."""

    endpoint_url: str
    nonce: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = "us-east-1"
    account: str = "000000000000"

    def environment(self, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
        """What to export so that this lab, the AWS CLI and any SDK talk to this cloud, past the learner's proxy."""
        direct = ",".join(filter(None, [environ.get("no_proxy") or environ.get("NO_PROXY"), "127.0.0.1,localhost"]))
        return {
            "WEBHOOK_LAB_TARGET": self.endpoint_url,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": "",  # one that the learner has exported would spoil these credentials
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "NO_PROXY": direct,
            "no_proxy": direct,
        }


@dataclass(frozen=True)
class Leases:
    """Who needs a cloud: open leases, whether it is kept, and the seconds since the last request."""

    open: int
    kept: bool
    idle_seconds: float


@contextlib.contextmanager
def private_cloud(*, port: int | None = None) -> Iterator[Cloud]:
    """A cloud of this process alone, on `port` or a free one: it ends with the block, or with the process.

    Raises CloudError if it cannot be started.
    """
    process, state = _start(runtime_folder(), "private", port or 0)
    try:
        with _lease(state):
            yield _cloud(state)
    finally:
        _reap(process)


def shared_cloud() -> Cloud:
    """The cloud that all programs of this user share: found, else started. This process leases it until it exits.

    Raises CloudError if it can neither be found nor started.
    """
    root = runtime_folder()
    _children[:] = [child for child in _children if child.poll() is None]
    try:
        with filelock.FileLock(root / "shared.lock", timeout=_START_SECONDS):
            for state in states(root):
                if _answers(state) and _leased(state):
                    return _cloud(state)
            process, state = _start(root, "shared", 0)
            _children.append(process)
            _leases[state.nonce] = _lease(state)
            return _cloud(state)
    except filelock.Timeout:
        raise CloudError(
            f"another program has been starting the shared local cloud for {_START_SECONDS:.0f} s",
            f"End that program, or set WEBHOOK_LAB_HOME to another folder than that of {root}.",
        ) from None


def running_cloud() -> Cloud | None:
    """The shared cloud if it runs; it is neither started nor leased."""
    return next((_cloud(state) for state in states(runtime_folder()) if _answers(state)), None)


def keep(cloud: Cloud) -> None:
    """Let the cloud live on without any lease until `unkeep`, or until two hours have gone by without a request."""
    _ask(_state_of(cloud), "keep").close()


def unkeep(cloud: Cloud) -> None:
    """End what `keep` began: the cloud lives as long as somebody leases it, and 30 s more."""
    _ask(_state_of(cloud), "unkeep").close()


def leases(cloud: Cloud) -> Leases:
    """Who needs the cloud at this moment."""
    with _ask(_state_of(cloud), "status") as connection:
        told = _told(connection)
    return Leases(open=told["leases"], kept=told["kept"], idle_seconds=told["idle"])


def identify(endpoint_url: str) -> str | None:
    """The nonce of the local cloud that answers at the address; None if something else does.

    Raises OSError if nobody answers.
    """
    url = urlsplit(endpoint_url)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=_SECONDS)
    try:
        connection.request("GET", IDENTITY_PATH)
        nonce = json.loads(connection.getresponse().read(4096))["nonce"]
    except (http.client.HTTPException, ValueError, LookupError, TypeError):
        return None
    finally:
        connection.close()
    return str(nonce)


def _start(root: Path, kind: Kind, port: int) -> tuple[subprocess.Popen[bytes], State]:
    """Start a supervisor and wait until its cloud is ready."""
    if not all(importlib.util.find_spec(package) for package in ("ministack", "hypercorn")):
        raise CloudError("the local cloud is not installed", "Run: pip install 'webhook-lab[local]'")
    # A session (on Windows: a process group) of its own: Ctrl-C in the learner's terminal is not for the cloud.
    apart: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "webhook_lab.local_cloud.supervisor", str(root), kind, str(port)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=scrubbed_environment(), cwd=root, **apart,
    )  # fmt: skip
    assert process.stdout is not None
    printed: list[str] = []
    try:
        with process.stdout:
            for line in process.stdout:
                printed.append(line.decode("utf-8", "replace").rstrip())
                if line.startswith(b'{"started"'):
                    return process, next(states(root, f"{kind}-{json.loads(line)['started']}"))
                if line.startswith(b'{"failed"'):
                    printed = [json.loads(line)["failed"]]
                    break
        raise CloudError(
            "the local cloud could not start: " + "\n".join(printed[-8:]),
            "Choose another port, or none." if port else "Run: webhook-lab doctor",
        )
    except BaseException:
        process.terminate()  # it ends its server and removes its files
        _reap(process)
        raise


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Wait until the supervisor has cleaned up; one that does not is killed, and its server cleans up instead."""
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _cloud(state: State) -> Cloud:
    return Cloud(
        endpoint_url=f"http://127.0.0.1:{state.port}", nonce=state.nonce,
        access_key_id=state.access_key_id, secret_access_key=state.secret_access_key,
    )  # fmt: skip


def _answers(state: State) -> bool:
    """Whether that cloud lives. Another program may have its port by now: the nonce tells."""
    try:
        return identify(_cloud(state).endpoint_url) == state.nonce
    except OSError:
        return False


def _leased(state: State) -> bool:
    """Whether this process has, or now got, a lease: not if the cloud is just ending."""
    if state.nonce not in _leases:
        try:
            _leases[state.nonce] = _lease(state)
        except CloudError:
            return False
    return True


def _lease(state: State) -> socket.socket:
    connection = _ask(state, "lease")
    try:
        _told(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _ask(state: State, wish: str) -> socket.socket:
    """Say what is wished to the cloud's supervisor. Raises CloudError if it is gone."""
    try:
        connection = socket.create_connection(("127.0.0.1", state.control_port), timeout=_SECONDS)
        connection.sendall(json.dumps({"token": state.token, "do": wish}).encode() + b"\n")
    except OSError as error:
        raise _gone(state.nonce) from error
    return connection


def _told(connection: socket.socket) -> dict[str, Any]:
    """The supervisor's answer to a wish."""
    with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as answer:
        told: dict[str, Any] = json.loads(answer.readline())
        connection.settimeout(None)
        return told
    raise _gone("")


def _state_of(cloud: Cloud) -> State:
    for state in states(runtime_folder(), f"*-{cloud.nonce}"):
        return state
    raise _gone(cloud.nonce)


def _gone(nonce: str) -> CloudError:
    return CloudError(f"the local cloud {nonce} is gone, and with it what was in it".replace("  ", " "), "Start again.")
