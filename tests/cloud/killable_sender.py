"""A sender in a process of its own, to be killed: it goes on with what its journal does not call settled.

    python -m tests.cloud.killable_sender URL SECRET RUN DELIVERIES SHARE JOURNAL [ODD]

ODD deliveries more have bytes that are no text. The journal gets a line before each attempt ("attempted", id)
and after each acceptance ("accepted", id).
"""

import os
import random
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from webhook_lab.send.events import PROVIDERS, events
from webhook_lab.send.retries import STANDARD_WEBHOOKS, is_accepted
from webhook_lab.send.run import Run
from webhook_lab.send.sender import Delivery


def read(journal: Path) -> dict[str, Counter[str]]:
    """How often each id was attempted and accepted, by the journal; a torn last line is left out."""
    found: dict[str, Counter[str]] = {"attempted": Counter(), "accepted": Counter()}
    text = journal.read_text(encoding="utf-8") if journal.exists() else ""
    for line in text.splitlines(keepends=True):
        if line.endswith("\n"):
            what, id_ = line.split(maxsplit=1)
            found[what][id_.strip()] += 1
    return found


def odd(run: str, n: int) -> Delivery:
    """The same bytes whoever asks: any at all, or none."""
    chance, own = random.Random(f"{run}/{n}"), f"odd_{run}_{n:05}"
    body = chance.randbytes(chance.choice((0, 1, 100, 20_000)))
    headers = {"webhook-id": own, "Content-Type": "application/octet-stream"}
    return Delivery("/odd", body, headers, id=f"webhook:{own}#/odd", schedule=STANDARD_WEBHOOKS)


def deliveries_of(run: str, n: int, share: float, odd_ones: int, *, secret: str) -> list[Delivery]:
    """All that a run sends, in its order."""
    sent = events(n, secret=secret, run=run, providers=PROVIDERS, redelivered=share)
    for each in range(odd_ones):
        sent.insert(each * len(sent) // odd_ones, odd(run, each))
    return sent


def main() -> None:
    url, secret, run, n, share, path, *odd_ones = sys.argv[1:]
    done = read(Path(path))["accepted"]
    journal = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(what: str, id_: str) -> None:
        os.write(journal, f"{what} {id_}\n".encode())  # at once and whole: nothing to flush when killed

    noting = False

    def noted(delivery: Delivery) -> Delivery:
        def sign_and_note(at: datetime) -> Mapping[str, str]:
            if noting:
                note("attempted", delivery.id)
            return delivery.sign(at) if delivery.sign else {}

        return replace(delivery, sign=sign_and_note)

    left = []
    for delivery in deliveries_of(run, int(n), float(share), int((odd_ones or [0])[0]), secret=secret):
        if done[delivery.id]:
            done[delivery.id] -= 1
        else:
            left.append(noted(delivery))
    if not left:
        return
    sending = Run(url, left)
    noting, noted_so_far = True, 0
    sending.start()
    while noted_so_far < len(sending.sent) or not sending.finished:
        sending.wait(0.01)
        for row in sending.sent[noted_so_far:]:
            noted_so_far += 1
            if is_accepted(row.status):
                note("accepted", row.id)


if __name__ == "__main__":
    main()
