"""Resolve requirements.lock anew: `make lock`.

One file with exact versions and hashes for Linux, macOS and Windows and every supported Python, from the
ranges of pyproject.toml: the package itself, its extras, and what builds it. The resolver
(uv) is needed here only, so it lives in an environment of its own under .cache and not in the lock. Versions
that still fit are kept; `python -m tools.lock --upgrade` takes the newest of all.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = "uv==0.13.9"
HEADER = "# Written by `make lock` from pyproject.toml. Do not edit.\n"


def main() -> None:
    """Write requirements.lock; uv's own message tells what cannot be resolved."""
    folder = ROOT / ".cache" / "lock"
    tools = folder / ("Scripts" if os.name == "nt" else "bin")
    if not (tools / "python").exists() and not (tools / "python.exe").exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([tools / "python", "-m", "pip", "install", "--quiet", UV], check=True)
    lock = ROOT / "requirements.lock"
    subprocess.run(
        [tools / "uv", "pip", "compile", "pyproject.toml", "--extra=local", "--extra=database",
         "--extra=book", "--extra=test", "--group=build", "--universal", "--python-version=3.11",
         "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate", "--quiet",
         f"--output-file={lock.name}",
         *sys.argv[1:]],
        cwd=ROOT, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "UV_PYTHON_DOWNLOADS": "never"},
    )  # fmt: skip
    lock.write_text(HEADER + lock.read_text(encoding="utf-8"), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
