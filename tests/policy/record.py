"""Write down what a learner's calls need, from runs that held a policy: `python -m tests.policy.record FILE`.

A file is the `needs.jsonl` of a run. Kept is one example of each call's needs, and who made the call.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.policy.enforcing import read_needs

KEPT = Path(__file__).with_name("needs.jsonl")


def condensed(files: Iterable[Path]) -> list[str]:
    """A line for each call and action: who, call, action, an example of a resource, condition keys."""
    found: dict[tuple[str, str], tuple[set[str], str, tuple[tuple[str, str], ...]]] = {}
    for file in files:
        for who, call, need in read_needs(file.read_text(encoding="utf-8").splitlines()):
            found.setdefault((call, need.action), (set(), need.resource, need.context))[0].update(who.split())
    return [
        json.dumps([" ".join(sorted(who)), call, action, resource, context])
        for (call, action), (who, resource, context) in sorted(found.items())
    ]


if __name__ == "__main__":
    KEPT.write_text("\n".join(condensed([Path(name) for name in sys.argv[1:]])) + "\n", encoding="utf-8")
