"""What this lab asked AWS to create: written before it asks, so that a kill at any point leaves a trace.

One JSON object a line, appended and fsynced: `intend` (kind and name, before the request), `done` (with the
id that AWS gave), `removed`, `refused`. The file belongs to one cloud: an account
and region, or one local cloud's life.
"""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs


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
    """The ledger kept at `path`. No file is an empty ledger; a line cut short by a kill is passed over."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def opened(self, endpoint_url: str) -> None:
        """Note where the cloud answers, so that a later process can tell whether it still does."""
        if not self.path.exists():
            self._append({"op": "opened", "kind": "cloud", "name": endpoint_url})

    @property
    def endpoint_url(self) -> str | None:
        """Where the cloud of this ledger answered, if that was noted."""
        return next((entry["name"] for entry in self._entries() if entry["op"] == "opened"), None)

    def intend(self, kind: str, name: str) -> None:
        """Say that `name` is about to be created. On disk before this returns."""
        self._append({"op": "intend", "kind": kind, "name": name})

    def done(self, kind: str, name: str, identity: str) -> None:
        """Say that it exists, and how AWS identifies it."""
        self._append({"op": "done", "kind": kind, "name": name, "id": identity})

    def refused(self, kind: str, name: str) -> None:
        """Say that AWS did not create what was intended, so that there is none."""
        self._append({"op": "refused", "kind": kind, "name": name})

    def removed(self, kind: str, name: str) -> None:
        """Say that it is gone since now, and that AWS was asked to make sure."""
        self._append({"op": "removed", "kind": kind, "name": name, "at": f"{time.time():.0f}"})

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
        self.path.unlink(missing_ok=True)

    def _append(self, entry: dict[str, str]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        # A line that a kill cut short must not swallow the next one: start on a fresh line.
        with self.path.open("ab+") as file:
            if file.tell():
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(json.dumps(entry).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def _entries(self) -> list[dict[str, str]]:
        try:
            lines = self.path.read_text(encoding="utf-8", errors="replace").splitlines()
        except FileNotFoundError:
            return []
        entries = []
        for line in lines:
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if isinstance(entry, dict) and {"op", "kind", "name"} <= entry.keys():
                entries.append(entry)
        return entries
