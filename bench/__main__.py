"""python -m bench [NAME …] [--json]: one table of medians, or one JSON object with the raw samples too."""

import argparse
import json
import platform
import statistics
import sys
from typing import Any

from bench import (
    PARTS,
    TABLES,
    Part,
    Rows,
    building,
    classroom,
    cold,
    database,
    doors,
    drain,
    first_use,
    live,
    model,
    sending,
    soak,
)

MODULES = (building, first_use, database, drain, sending, live, doors, model, cold, classroom, soak)
"""Where the parts are."""


def result(part: Part) -> dict[str, Any]:
    """The part's samples, their median, and whether it keeps the promise."""
    samples = part.measure()
    median = statistics.median(samples)
    return {
        "what": part.what,
        "median_seconds": round(median, 3),
        "at_most_seconds": part.at_most,
        "kept": median <= part.at_most,
        "samples_seconds": [round(sample, 4) for sample in samples],
    }


def print_rows(rows: Rows) -> None:
    """The rows under their columns, what is long left out: the JSON has it."""
    columns = [name for name, value in rows[0].items() if not isinstance(value, list | dict)]
    widths = [max(len(name), 10) for name in columns]
    for cells in (columns, *([row[name] for name in columns] for row in rows)):
        print("  ".join(f"{cell!s:>{width}}" for cell, width in zip(cells, widths, strict=True)), flush=True)


def main() -> None:
    """Measure the named parts, or all. The exit code is 0 however long they take: a bench informs."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    known = [*PARTS, *TABLES]
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in known]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(known)}")
    whole = [*PARTS, *(each.name for each in TABLES.values() if each.always)]
    names, results = arguments.names or whole, {}
    if not arguments.json and set(names) & set(PARTS):
        print(f"{'part':12} {'median':>9} {'at most':>9}  {'times':>5}  what")
    tabled: dict[str, Rows] = {}
    for name in names:
        if sys.stderr.isatty():
            print(f"measuring {name}", end="\r", file=sys.stderr, flush=True)
        if name in TABLES:
            measured = TABLES[name].measure()
            tabled |= measured
            if not arguments.json:
                print(f"{name}: {TABLES[name].what}")
                for rows in measured.values():
                    print_rows(rows)
            continue
        results[name] = found = result(PARTS[name])
        if not arguments.json:
            line = f"{found['median_seconds']:7.2f} s {found['at_most_seconds']:7.1f} s"
            late = "" if found["kept"] else "  TOO LONG"
            print(f"{name:12} {line}  {len(found['samples_seconds']):5}  {found['what']}{late}", flush=True)
    if arguments.json:
        machine = {"system": platform.platform(), "python": platform.python_version()}
        print(json.dumps({"machine": machine, "parts": results, **tabled}, indent=1))


if __name__ == "__main__":
    main()
