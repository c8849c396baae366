"""A local cloud's life: who starts it, who keeps it alive, and that nothing is left of it afterwards."""

import contextlib
import http.server
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import boto3
import psutil
import pytest

from tests.cloud.functions import client, leases, run_a_function
from tests.waiting import wait_until
from webhook_lab import keeper
from webhook_lab.local_cloud import (
    Cloud,
    CloudError,
    identify,
    is_kept,
    keep,
    private_cloud,
    running_cloud,
    runtime,
    shared_cloud,
    unkeep,
)
from webhook_lab.local_cloud import client as client_module

HERE = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and file modes are POSIX's")

# A program that owns a private cloud, or leases the shared one, until it is told to end. `nohup` made deaf to
# SIGHUP whatever runs under it, this test included: the program hears again.
PROGRAM = """
import dataclasses, json, signal, sys
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
from webhook_lab.local_cloud import private_cloud, shared_cloud
def run(cloud):
    print(json.dumps(dataclasses.asdict(cloud)), flush=True)
    sys.stdin.read()
if sys.argv[1] == "private":
    with private_cloud() as cloud:
        run(cloud)
else:
    run(shared_cloud())
"""


class Program:
    """One such program, in a session of its own as a terminal's foreground job is."""

    def __init__(self, kind: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, kind], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(HERE)}, start_new_session=True,
        )  # fmt: skip
        self.pid = self._process.pid

    @property
    def cloud(self) -> Cloud:
        """The cloud that it uses, once it has it."""
        if not hasattr(self, "_cloud"):
            assert self._process.stdout is not None
            self._cloud = Cloud(**json.loads(self._process.stdout.readline()))
        return self._cloud

    def end(self) -> None:
        """Let it run to its end, or see that it is dead."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.wait(timeout=20)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A WEBHOOK_LAB_HOME of the test's own, where a cloud that nobody needs ends after half a second."""
    monkeypatch.setenv("WEBHOOK_LAB_HOME", str(tmp_path))
    monkeypatch.setenv("WEBHOOK_LAB_LEASE_SECONDS", "0.5")
    yield tmp_path
    for process in processes(tmp_path):  # only if the test failed
        process.kill()


@pytest.fixture
def program(home: Path) -> Iterator[Callable[[str], Program]]:
    """Starts programs, and ends those that still run."""
    started: list[Program] = []

    def start(kind: str) -> Program:
        started.append(Program(kind))
        return started[-1]

    yield start
    for each in started:
        each.end()


def processes(home: Path) -> list[psutil.Process]:
    """The home's servers and keepers (it is in their arguments), and functions (their current folder)."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if str(home) in " ".join([process.cwd(), *process.cmdline()]):
                found.append(process)
    return found


def only(home: Path, what: str) -> psutil.Process:
    """The home's one "server" or "keeper"."""
    name = {"server": "webhook_lab.local_cloud.server", "keeper": keeper.__file__}[what]
    (process,) = [each for each in processes(home) if name in each.cmdline()]
    return process


def left(home: Path) -> list[str]:
    """Processes, state files, folders: what must not be left. The lock of the search for one may stay."""
    # os.walk, unlike rglob, goes on when a folder vanishes while it looks.
    found = [Path(folder, name) for folder, *names in os.walk(home / "run") for name in chain(*names)]
    files = [str(path) for path in found if path.name != "shared.lock"]
    return files + [str(process) for process in processes(home)]


def pass_by(seconds: float) -> None:
    """Let time pass in which nothing happens: what is tested is that nothing does."""
    threading.Event().wait(seconds)


def nothing_is_left(home: Path) -> None:
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not left(home))
    assert left(home) == []


def test_a_private_cloud_ends_with_its_block_which_may_raise(home: Path) -> None:
    with contextlib.suppress(ZeroDivisionError), private_cloud() as cloud:
        assert client(cloud, "sts").get_caller_identity()["Account"] == cloud.account
        assert identify(cloud.endpoint_url) == cloud.nonce
        assert run_a_function(cloud) == {}
        assert len(processes(home)) == 3  # server, keeper, function
        assert running_cloud() is None  # private: not for others to find
        raise ZeroDivisionError
    assert left(home) == []
    with pytest.raises(OSError, match="refused"):
        identify(cloud.endpoint_url)


@pytest.mark.parametrize("victim", ["owner", "keeper", "server"])
def test_nothing_is_left_when_one_of_them_is_killed(
    home: Path, program: Callable[[str], Program], victim: str
) -> None:
    owner = program("private")
    run_a_function(owner.cloud)
    assert len(processes(home)) == 3
    (psutil.Process(owner.pid) if victim == "owner" else only(home, victim)).kill()
    nothing_is_left(home)


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_nothing_is_left_when_the_foreground_group_gets_a_signal(
    home: Path, program: Callable[[str], Program], name: str
) -> None:
    owner = program("private")
    run_a_function(owner.cloud)
    os.killpg(owner.pid, getattr(signal, name))
    nothing_is_left(home)


@posix
def test_nothing_is_left_when_the_start_is_interrupted(home: Path, program: Callable[[str], Program]) -> None:
    owner = program("private")
    wait_until(lambda: processes(home))
    os.killpg(owner.pid, signal.SIGINT)
    nothing_is_left(home)


@posix
@pytest.mark.parametrize("asked", ["server", "keeper"])
def test_one_of_them_asked_to_end_takes_everything_along(home: Path, asked: str) -> None:
    with private_cloud() as cloud:
        run_a_function(cloud)
        only(home, asked).terminate()
        nothing_is_left(home)


@posix
def test_what_server_and_keeper_leave_when_both_are_killed_is_removed_by_the_next_start(home: Path) -> None:
    with private_cloud() as dead, contextlib.ExitStack() as stack:
        run_a_function(dead)
        kept, server = only(home, "keeper"), only(home, "server")
        server.suspend()  # or it would clean up when its keeper dies
        kept.kill()
        server.kill()
        assert any(dead.nonce in path for path in left(home))
        living = stack.enter_context(private_cloud())
        another = stack.enter_context(private_cloud())
        assert not any(dead.nonce in path for path in left(home))
        assert identify(living.endpoint_url) == living.nonce
        assert identify(another.endpoint_url) == another.nonce
    assert left(home) == []


def test_programs_that_start_at_once_share_one_cloud(home: Path, program: Callable[[str], Program]) -> None:
    first, second, third = program("shared"), program("shared"), program("shared")
    assert first.cloud == second.cloud == third.cloud == running_cloud()
    assert len(processes(home)) == 2
    assert leases(first.cloud) == 3


def test_a_shared_cloud_ends_when_the_last_program_that_uses_it_is_killed(
    home: Path, program: Callable[[str], Program]
) -> None:
    first, second = program("shared"), program("shared")
    run_a_function(first.cloud)
    assert second.cloud == first.cloud
    psutil.Process(first.pid).kill()
    wait_until(lambda: leases(second.cloud) == 1)
    pass_by(0.8)  # longer than without a lease
    assert identify(second.cloud.endpoint_url) == second.cloud.nonce
    psutil.Process(second.pid).kill()
    nothing_is_left(home)
    assert running_cloud() is None


@pytest.mark.parametrize("victims", [["server"], ["keeper"], ["server", "keeper"]], ids=str)
def test_a_dead_shared_cloud_is_replaced(
    home: Path, program: Callable[[str], Program], victims: list[str]
) -> None:
    before = program("shared").cloud
    for process in [only(home, victim) for victim in victims]:
        process.kill()
    after = program("shared").cloud
    assert after.nonce != before.nonce
    wait_until(lambda: not any(before.nonce in path for path in left(home)))
    assert running_cloud() == after


def test_one_process_may_ask_for_the_shared_cloud_again_and_again(home: Path) -> None:
    cloud = shared_cloud()
    assert shared_cloud() == cloud
    assert leases(cloud) == 1
    only(home, "server").kill()
    nothing_is_left(home)
    assert shared_cloud() != cloud
    only(home, "server").kill()
    nothing_is_left(home)


def test_a_kept_cloud_needs_no_lease_until_it_is_let_go(
    home: Path, program: Callable[[str], Program]
) -> None:
    starter = program("shared")
    cloud = starter.cloud
    keep(cloud)
    starter.end()
    wait_until(lambda: leases(cloud) == 0)
    pass_by(1)  # longer than unkept
    assert running_cloud() == cloud
    assert is_kept(cloud)
    unkeep(cloud)
    nothing_is_left(home)
    with pytest.raises(CloudError, match="gone"):
        unkeep(cloud)


def test_a_kept_cloud_ends_when_no_request_has_come_for_long(
    home: Path, program: Callable[[str], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEBHOOK_LAB_KEPT_SECONDS", "1.5")
    starter = program("shared")
    cloud = starter.cloud
    keep(cloud)
    starter.end()
    sqs = client(cloud, "sqs")
    for _ in range(5):  # longer than that in all, with a request now and then
        pass_by(0.5)
        sqs.list_queues()
    assert is_kept(cloud)
    nothing_is_left(home)


@pytest.fixture(scope="module")
def beset(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Cloud]]:
    """A home and its private cloud, begun where the learner has a module, a proxy and credentials."""
    home = tmp_path_factory.mktemp("elsewhere")
    (home / "json.py").write_text("raise ImportError('the learner has a module of this name')\n")
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("WEBHOOK_LAB_HOME", str(home))
            patch.chdir(home)
            for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "DATABASE_PASSWORD", "GITHUB_TOKEN"):
                patch.setenv(name, "the learner's")
            for name in ("HTTP_PROXY", "http_proxy"):
                patch.setenv(name, "http://127.0.0.1:9")
            cloud = stack.enter_context(private_cloud())
        yield home, cloud


@posix
def test_secrets_are_in_files_that_only_the_owner_can_read(beset: tuple[Path, Cloud]) -> None:
    (state,) = beset[0].glob("run/*/state.json")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (state, state.parent, beset[0] / "run")]
    assert modes == [0o600, 0o700, 0o700]


def test_it_listens_on_one_port_and_its_functions_see_nothing_of_the_learners(
    beset: tuple[Path, Cloud],
) -> None:
    home, cloud = beset
    seen = run_a_function(cloud, "import os\ndef handler(event, context): return dict(os.environ)")
    assert "the learner's" not in seen.values()
    assert seen["PYTHONUTF8"] == "1"
    assert Path(seen["HOME"]).is_relative_to(home)
    assert Path(seen["TMPDIR"]).is_relative_to(home)
    connections = chain(*(process.net_connections() for process in processes(home)))
    listening = [
        each.laddr.ip for each in connections if each.status in (psutil.CONN_LISTEN, psutil.CONN_NONE)
    ]
    assert listening == ["127.0.0.1"]


def test_the_learners_proxy_and_credentials_do_not_matter(
    beset: tuple[Path, Cloud], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, cloud = beset
    environment = cloud.environment({"no_proxy": "intranet.example"})
    learners = {"http_proxy": "http://127.0.0.1:9", "AWS_SESSION_TOKEN": "the learner's"}
    for name, value in {**learners, **environment}.items():
        monkeypatch.setenv(name, value)
    assert boto3.session.Session().client("sts").get_caller_identity()["Account"] == cloud.account
    assert environment["WEBHOOK_LAB_TARGET"] == environment["AWS_ENDPOINT_URL"] == cloud.endpoint_url
    assert environment["no_proxy"] == "intranet.example,127.0.0.1,localhost"


def test_a_server_that_cannot_start_is_quoted(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = home / "broken" / "ministack"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("exit('the emulator is broken')", encoding="utf-8")
    environ = runtime.scrubbed_environment()
    environ["PYTHONPATH"] = os.pathsep.join([str(broken.parent), environ["PYTHONPATH"]])
    monkeypatch.setattr(client_module, "scrubbed_environment", lambda: environ)
    with pytest.raises(CloudError, match="the emulator is broken"), private_cloud():
        pass
    assert left(home) == []


@posix
def test_a_runtime_folder_that_cannot_be_made_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WEBHOOK_LAB_HOME", str(tmp_path / "file"))
    with pytest.raises(CloudError, match="WEBHOOK_LAB_HOME"):
        shared_cloud()


def test_identify_tells_a_local_cloud_from_something_else_and_from_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    with pytest.raises(OSError, match="refused"):
        identify(f"http://127.0.0.1:{port}")
    server = http.server.HTTPServer(("127.0.0.1", 0), http.server.BaseHTTPRequestHandler)
    answering = threading.Thread(target=server.handle_request)
    answering.start()
    assert identify(f"http://127.0.0.1:{server.server_port}") is None
    answering.join()
    server.server_close()
