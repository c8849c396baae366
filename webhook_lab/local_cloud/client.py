"""What a program does with a local cloud: own a private one, share one, find one, keep one."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import filelock

from webhook_lab.local_cloud.launch import start, wait_for
from webhook_lab.local_cloud.runtime import IDENTITY_PATH, CloudError, State, runtime_folder, states

_ANSWER_SECONDS = 5.0  # a process of ours on this machine answers within milliseconds
_START_SECONDS = 60.0  # while another process starts the shared cloud

# For the life of this process: its leases on shared clouds, by nonce, and the supervisors that it started.
_held: dict[str, socket.socket] = {}
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
        """What to export so that this lab, the AWS CLI and any SDK talk to this cloud, past a proxy."""
        others = (environ.get("no_proxy") or environ.get("NO_PROXY") or "").split(",")
        direct = ",".join(dict.fromkeys(filter(None, [*others, "127.0.0.1", "localhost"])))
        return {
            "WEBHOOK_LAB_TARGET": self.endpoint_url,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_SESSION_TOKEN": "",  # one that is exported already would spoil these credentials
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            "NO_PROXY": direct,
            "no_proxy": direct,
        }


@dataclass(frozen=True)
class Leases:
    """Who needs a cloud: how many programs lease it, whether it is kept, how long ago it was last used."""

    open: int
    kept: bool
    idle_seconds: float


@contextlib.contextmanager
def private_cloud(*, port: int | None = None) -> Iterator[Cloud]:
    """A cloud of this process alone, on `port` or a free one: it ends with the block, or with the process.

    Raises CloudError if it cannot be started.
    """
    process, state = start(runtime_folder(), "private", port or 0)
    try:
        lease, _ = _ask(state, "lease")
        with lease:
            yield _cloud(state)
    finally:
        wait_for(process)


def shared_cloud() -> Cloud:
    """The cloud that all programs of this user share, found or started; leased until this process exits.

    Raises CloudError if it can neither be found nor started.
    """
    root = runtime_folder()
    _children[:] = [child for child in _children if child.poll() is None]
    try:
        with filelock.FileLock(root / "shared.lock", timeout=_START_SECONDS):
            for state in states(root):
                with contextlib.suppress(CloudError):  # it is just ending
                    if _answers(state):
                        if state.nonce not in _held:
                            _held[state.nonce], _ = _ask(state, "lease")
                        return _cloud(state)
            process, state = start(root, "shared", 0)
            _children.append(process)
            _held[state.nonce], _ = _ask(state, "lease")
            return _cloud(state)
    except filelock.Timeout:
        said = f"another program has been starting the shared local cloud for {_START_SECONDS:.0f} s"
        raise CloudError(said, f"End that program: it holds {root / 'shared.lock'}.") from None


def running_cloud() -> Cloud | None:
    """The shared cloud if it runs; it is neither started nor leased."""
    return next((_cloud(state) for state in states(runtime_folder()) if _answers(state)), None)


def keep(cloud: Cloud) -> None:
    """Let the cloud live on without any lease, until `unkeep` or until no request has come for two hours."""
    _ask(_state_of(cloud), "keep")[0].close()


def unkeep(cloud: Cloud) -> None:
    """End what `keep` began: the cloud lives as long as a program leases it, and 30 s more."""
    _ask(_state_of(cloud), "unkeep")[0].close()


def leases(cloud: Cloud) -> Leases:
    """Who needs the cloud at this moment."""
    connection, told = _ask(_state_of(cloud), "status")
    connection.close()
    return Leases(**told)


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


def _cloud(state: State) -> Cloud:
    return Cloud(state.endpoint_url, state.nonce, state.access_key_id, state.secret_access_key)


def _answers(state: State) -> bool:
    """Whether that cloud lives: by now, another program may have its port."""
    try:
        return identify(state.endpoint_url) == state.nonce
    except OSError:
        return False


def _state_of(cloud: Cloud) -> State:
    for state in states(runtime_folder(), f"*-{cloud.nonce}"):
        return state
    raise _gone()


def _ask(state: State, wish: str) -> tuple[socket.socket, dict[str, Any]]:
    """Tell the supervisor a wish: the connection, and what was said. Raises CloudError if it is gone."""
    try:
        connection = socket.create_connection(("127.0.0.1", state.control_port), timeout=_ANSWER_SECONDS)
        try:
            connection.sendall(json.dumps({"token": state.token, "do": wish}).encode() + b"\n")
            with connection.makefile("rb") as answer:
                told: dict[str, Any] = json.loads(answer.readline())
            connection.settimeout(None)
        except BaseException:
            connection.close()
            raise
    except (OSError, ValueError) as error:
        raise _gone() from error
    return connection, told


def _gone() -> CloudError:
    return CloudError(
        "the local cloud is gone, and with it what was in it", "Open the lab again: it starts one."
    )
