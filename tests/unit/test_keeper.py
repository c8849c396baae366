"""A run folder and what is started in it end with their owner, however that ends."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.waiting import wait_until
from webhook_lab import keeper
from webhook_lab.keeper import RunFolder, family, sweep

posix = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")

# Programs of a folder: one that works in it, one that works elsewhere, one whose parent is gone (see OWNER);
# one that is deaf to SIGTERM.
SLEEP = "import time; time.sleep(600)"
PARENT = (
    f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)"
)
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
OWNER = f"""
import sys
from pathlib import Path
from webhook_lab.keeper import RunFolder
folder = RunFolder(Path(sys.argv[1]), "kept")
folder.start([sys.executable, "-c", {SLEEP!r}])
folder.start([sys.executable, "-c", {SLEEP!r}], cwd="/")
folder.start([sys.executable, "-c", {PARENT!r}], cwd="/").wait()
print(folder.path, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def owner(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that owns a run folder with three programs in it."""
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, str(tmp_path)],
        env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        yield process
        process.kill()


def path_of(owner: "subprocess.Popen[bytes]") -> Path:
    """The folder, once everything runs in it."""
    assert owner.stdout
    path = Path(owner.stdout.readline().decode().strip())
    assert len(family(path)) == 3
    return path


def keeper_of(owner: int, folder: Path | str = "") -> psutil.Process:
    """The one keeper of a process, or of one of its folders."""
    living = [each for each in psutil.Process(owner).children() if each.status() != psutil.STATUS_ZOMBIE]
    children = [(each, each.cmdline()) for each in living]
    (found,) = [each for each, line in children if keeper.__file__ in line and str(folder) in " ".join(line)]
    return found


def nothing_is_left(place: Path, path: Path) -> None:
    with contextlib.suppress(AssertionError):
        wait_until(lambda: not family(path) and not list(place.iterdir()))
    assert (family(path), list(place.iterdir())) == ([], [])


def test_close_ends_what_was_started_and_removes_the_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, "kept")
    (folder.path / "file").touch()
    program = folder.start([sys.executable, "-c", SLEEP])
    folder.close()
    folder.close()
    assert program.returncode is not None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "how", ["end", "kill", pytest.param("SIGTERM", marks=posix), pytest.param("SIGKILL", marks=posix)]
)
def test_nothing_is_left_when_the_owner_ends_even_without_its_keeper(
    tmp_path: Path, owner: "subprocess.Popen[bytes]", how: str
) -> None:
    path = path_of(owner)
    if how.startswith("SIG"):
        keeper_of(owner.pid).send_signal(getattr(signal, how))
    assert owner.stdin
    owner.kill() if how == "kill" else owner.stdin.close()
    nothing_is_left(tmp_path, path)


def test_what_is_left_of_an_owner_killed_with_its_keeper_is_removed_by_the_next(
    tmp_path: Path, owner: "subprocess.Popen[bytes]"
) -> None:
    path = path_of(owner)
    watching = keeper_of(owner.pid)
    watching.suspend()
    owner.kill()
    watching.kill()
    owner.wait()
    wait_until(lambda: not watching.is_running())
    assert family(path)
    sweep(tmp_path, "another")
    assert path.exists()
    folder = RunFolder(tmp_path, "kept")
    assert (family(path), path.exists()) == ([], False)
    folder.close()
    nothing_is_left(tmp_path, path)


def test_one_that_lives_is_not_swept_up(tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path, "kept"), RunFolder(tmp_path, "kept")
    sweep(tmp_path, "kept")
    assert first.path.exists()
    assert second.path.exists()
    second.close()
    assert first.path.exists()
    first.close()


@posix
def test_a_program_that_is_deaf_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "ASK_SECONDS", 0.2)
    folder = RunFolder(tmp_path, "kept")
    program = folder.start([sys.executable, "-c", DEAF + "print(1, flush=True); " + SLEEP], subprocess.PIPE)
    with program:
        assert program.stdout
        program.stdout.readline()
        keeper_of(os.getpid(), folder.path).kill()  # this process stands in for it, and has less patience
        folder.close()
    assert program.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []
