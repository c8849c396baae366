"""python -m bench [NAME …] [--json]: one table of medians, or one JSON object with the raw samples too."""

import argparse
import json
import platform
import statistics
import sys
from typing import Any

from bench import PARTS, Part, building, database, first_use

MODULES = (building, database, first_use)
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


def main() -> None:
    """Measure the named parts, or all. The exit code is 0 however long they take: a bench informs."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PARTS))
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.names if name not in PARTS]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    results = {}
    if not arguments.json:
        print(f"{'part':12} {'median':>9} {'at most':>9}  {'times':>5}  what")
    for name in arguments.names or PARTS:
        if sys.stderr.isatty():
            print(f"measuring {name}", end="\r", file=sys.stderr, flush=True)
        results[name] = found = result(PARTS[name])
        if not arguments.json:
            line = f"{found['median_seconds']:7.2f} s {found['at_most_seconds']:7.1f} s"
            late = "" if found["kept"] else "  TOO LONG"
            print(f"{name:12} {line}  {len(found['samples_seconds']):5}  {found['what']}{late}", flush=True)
    if arguments.json:
        machine = {"system": platform.platform(), "python": platform.python_version()}
        print(json.dumps({"machine": machine, "parts": results}, indent=1))


if __name__ == "__main__":
    main()
