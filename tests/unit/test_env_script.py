"""`make env` where something is missing: one line that says what to run, and nothing half made."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows sets up by the commands in README.md")


def fake_python(folder: Path, *, recent: bool, ensurepip: bool) -> Path:
    """An interpreter that answers the script's two questions as told, and can do nothing else."""
    path = folder / "python3"
    path.write_text(
        "#!/bin/sh\n"
        f'case "$2" in *version_info*) exit {int(not recent)};; esac\n'
        f'case "$2" in *ensurepip*) exit {int(not ensurepip)};; esac\n'
        "exit 99\n"
    )
    path.chmod(0o755)
    return path


def run_env(folder: Path, python: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", ROOT / "tools" / "env.sh", ".venv", ".venv/bin"],
        cwd=folder, env={"PATH": f"{folder}:/usr/bin:/bin", "PYTHON": python},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("recent", "said"), [(True, "apt install python3-venv"), (False, "no Python 3.11 or newer")]
)
def test_a_python_that_will_not_do_names_what_to_install(tmp_path: Path, recent: bool, said: str) -> None:
    answer = run_env(tmp_path, str(fake_python(tmp_path, recent=recent, ensurepip=not recent)))
    assert answer.returncode == 1
    assert said in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert not (tmp_path / ".venv").exists()


def test_a_suitable_python_is_found_behind_one_that_is_too_old(tmp_path: Path) -> None:
    fake_python(tmp_path, recent=False, ensurepip=True)
    (tmp_path / "python3.12").symlink_to(sys.executable)
    (tmp_path / "requirements.lock").write_text("there is no such thing ==")
    answer = run_env(tmp_path, "")
    assert "installing the locked packages" in answer.stdout
    assert (tmp_path / ".venv" / "bin" / "python").exists()
