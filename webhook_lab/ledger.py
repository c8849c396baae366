"""What this lab asked AWS to create: written before it asks, so that a kill at any point leaves a trace.

One JSON object a line, appended and fsynced: `intend` (kind and name, before the request), `done` (with the
id that AWS gave), `removed`, `refused`. The file belongs to one cloud: an account
and region, or one local cloud's life. A lock beside it lets one program at a time change the lab.
"""

import contextlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import filelock
import platformdirs

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.target import is_address

_OPS = ("opened", "intend", "done", "removed", "refused")
_BEGINS = '{"op": "'


def state_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where ledgers are kept: WEBHOOK_LAB_HOME/state where that is set, else the user's state folder."""
    home = environ.get("WEBHOOK_LAB_HOME")
    return Path(home) / "state" if home else Path(platformdirs.user_state_path("webhook-lab"))


@dataclass(frozen=True)
class Row:
    """One resource: its kind, its name, and its id once AWS has answered."""

    kind: str
    name: str
    id: str | None


class Ledger:
    """The ledger kept at `path`. No file is an empty ledger; a line cut short by a kill is passed over.

    What else cannot be read is passed over too; `set_aside` says so.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told = False
        self._opened = ""
        self._lock = filelock.FileLock(f"{path}.lock", timeout=0, mode=0o600)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Be the only one who changes this lab: two at once would make two REST APIs of one name.

        Within itself it may be entered again. Where nothing can be written there is no lock either.

        Raises:
            LabError: another program, or another thread, is at it.
        """
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire()
        except filelock.Timeout:
            said = "another program is building it or removing it at this moment; nothing was changed here"
            raise LabError(
                "change this lab", said, "Wait until that has ended, then run this again."
            ) from None
        except (OSError, NotImplementedError):
            yield
            return
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # while it is held: who waits for it looks for another then
                if self._lock.lock_counter == 1:
                    Path(self._lock.lock_file).unlink(missing_ok=True)
            self._lock.release()

    def opened(self, endpoint_url: str) -> None:
        """Note where the cloud answers, so that a later process can tell whether it still does."""
        self._opened = endpoint_url
        if not self.path.exists():
            self._note(_opened(endpoint_url))

    @property
    def endpoint_url(self) -> str | None:
        """Where the cloud of this ledger answered, if that was noted."""
        return next((entry["name"] for entry in self._entries() if entry["op"] == "opened"), None)

    def intend(self, kind: str, name: str) -> None:
        """Say that `name` is about to be created. On disk before this returns.

        Raises:
            LabError: it cannot be written down; then it must not be created.
        """
        try:
            self._append({"op": "intend", "kind": kind, "name": name})
        except OSError as error:
            try_this = "Make room or make it writable, or set WEBHOOK_LAB_HOME to a folder that is."
            raise LabError(
                f"write down that {name!r} is about to be created", str(error), try_this
            ) from error

    def done(self, kind: str, name: str, identity: str) -> None:
        """Say that it exists, and how AWS identifies it."""
        self._note({"op": "done", "kind": kind, "name": name, "id": identity})

    def refused(self, kind: str, name: str) -> None:
        """Say that AWS did not create what was intended, so that there is none."""
        self._note({"op": "refused", "kind": kind, "name": name})

    def removed(self, kind: str, name: str) -> None:
        """Say that it is gone since now, and that AWS was asked to make sure."""
        self._note({"op": "removed", "kind": kind, "name": name, "at": f"{time.time():.0f}"})

    def removed_at(self, kind: str, name: str) -> float | None:
        """Since when it is gone, in epoch seconds; None when it never was, or stands again."""
        at = None
        for entry in self._entries():
            if (entry["kind"], entry["name"]) == (kind, name):
                at = float(entry["at"]) if entry["op"] == "removed" and "at" in entry else None
        return at

    def open_rows(self) -> list[Row]:
        """What may exist now, in the order in which it was first asked for."""
        rows: dict[tuple[str, str], Row] = {}
        for entry in self._entries():
            key = (entry["kind"], entry["name"])
            match entry["op"]:
                case "removed" | "refused":
                    rows.pop(key, None)
                case "intend":
                    rows.setdefault(key, Row(*key, None))
                case "done":
                    rows[key] = Row(*key, entry["id"])
        return list(rows.values())

    def row(self, kind: str, name: str) -> Row | None:
        """What is known of one resource that may exist."""
        return next((row for row in self.open_rows() if (row.kind, row.name) == (kind, name)), None)

    def retire(self) -> None:
        """Forget everything: the cloud that this ledger describes no longer exists, or holds nothing."""
        with self._forgiven():
            self.path.unlink(missing_ok=True)

    def set_aside(self) -> str:
        """Rename it where something in it cannot be read, and answer with a sentence on that; else with none.

        What AWS itself shows counts then: a teardown asks it for every step, and building writes all anew.
        """
        _, problem = self._read()
        if not problem:
            return ""
        taken = (self.path.with_name(f"{self.path.name}.unreadable-{n}") for n in count(1))
        aside = next(path for path in taken if not path.exists())
        said = f"The ledger {self.path} cannot be read ({problem})."
        try:
            self.path.rename(aside)
        except OSError as error:
            return f"{said} It stays there ({error}); what AWS itself shows counts."
        return f"{said} It was renamed to {aside.name}; what AWS itself shows counts."

    def _append(self, entry: dict[str, str]) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(self.path, "ab+", opener=_for_its_owner) as file:
            # A line that a kill cut short must not swallow the next one: start on a fresh line.
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            elif self._opened and entry["op"] != "opened":  # a teardown has retired it meanwhile
                file.write(json.dumps(_opened(self._opened)).encode() + b"\n")
            file.write(json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _note(self, entry: dict[str, str]) -> None:
        """Append what can be found out again: no disk, full or read-only, stops a cleanup for it."""
        with self._forgiven():
            self._append(entry)

    @contextlib.contextmanager
    def _forgiven(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if not self._told:
                print(f"The ledger cannot be written ({error}); what AWS itself shows counts.")
            self._told = True

    def _entries(self) -> list[dict[str, str]]:
        return self._read()[0]

    def _read(self) -> tuple[list[dict[str, str]], str]:
        """Every entry that can be read, and what cannot: the first such line, or the whole file."""
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").split("\n")
        except FileNotFoundError:
            return [], ""
        except OSError as error:
            return [], str(error)
        entries, problem = [], ""
        for number, line in enumerate(lines, 1):
            if (entry := _entry(line)) is not None:
                entries.append(entry)
            elif line.endswith("}") or not (line.startswith(_BEGINS) or _BEGINS.startswith(line)):
                # Any other was cut short by a kill, which is nothing to speak of.
                problem = problem or f"line {number}: {line[:40]!r}"
        return entries, problem


def _opened(endpoint_url: str) -> dict[str, str]:
    return {"op": "opened", "kind": "cloud", "name": endpoint_url}


def _for_its_owner(path: str, flags: int) -> int:
    """Open a file that nobody else may read, whatever the umask."""
    return os.open(path, flags, 0o600)


def _entry(line: str) -> dict[str, str] | None:
    """What a line says; None where it is none of this version's."""
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or not all(isinstance(value, str) for value in entry.values()):
        return None
    needed = {"op", "kind", "name"} | ({"id"} if entry.get("op") == "done" else set())
    if not needed <= entry.keys() or entry["op"] not in _OPS:
        return None
    readable = is_address(entry["name"]) if entry["op"] == "opened" else entry.get("at", "0").isdigit()
    return entry if readable else None
