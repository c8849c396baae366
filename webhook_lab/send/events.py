"""Deliveries in the shape of two providers, written after their documented schemas, and signed as theirs.

The same run, provider and number give the same id and the same bytes, whoever makes them and whenever: a
sender that was killed goes on where it was, and what it sends twice is one delivery sent twice. The id is the
one of a path that asks for no signature; where one is asked for, GitHub's bytes name the delivery, and the
answer tells how.
"""

import hashlib
import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from webhook_lab.aws.errors import LabError
from webhook_lab.send import signing
from webhook_lab.send.ranges import MOST_DELIVERIES, within
from webhook_lab.send.retries import GITHUB, STANDARD_WEBHOOKS
from webhook_lab.send.sender import Delivery

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = ("Ada", "Zoë", "Grace", "Łukasz", "Edsger", "Margaret", "渡辺")


def _standard_webhooks(run: str, n: int, token: str, at: datetime, secret: str) -> Delivery:
    """An invoice that was paid."""
    own, total = f"msg_{run}_{n:05}", 500 + int(token[:4], 16)
    data = {"id": f"inv_{token[:16]}", "number": n, "customer": _name(n), "total": total}
    body = _json({"type": "invoice.paid", "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", "data": data})
    return Delivery(
        body=body,
        id=f"webhook:{own}",
        schedule=STANDARD_WEBHOOKS,
        sign=lambda now: signing.standard_webhooks_headers(secret, body, delivery_id=own, at=now),
    )


def _github(_run: str, n: int, token: str, at: datetime, secret: str) -> Delivery:
    """A push of one commit."""
    own, before, after = str(uuid.UUID(token[:32])), token[:40], token[24:]
    person = {"name": _name(n), "email": f"dev{n % 7}@example.com"}
    commit = {
        "id": after, "tree_id": before, "distinct": True, "message": f"Change number {n}",
        "timestamp": at.isoformat(), "author": person, "committer": person,
        "added": [], "removed": [], "modified": ["README.md"],
    }  # fmt: skip
    body = _json({
        "ref": "refs/heads/main", "before": before, "after": after,
        "created": False, "deleted": False, "forced": False,
        "repository": {"id": 1_001, "name": "orders", "full_name": "example/orders", "private": True},
        "pusher": person, "sender": {"login": f"dev{n % 7}", "id": 2_000 + n % 7, "type": "User"},
        "compare": f"https://github.com/example/orders/compare/{before[:12]}...{after[:12]}",
        "commits": [commit], "head_commit": commit,
    })  # fmt: skip
    signature = signing.github_headers(secret, body, delivery_id=own)
    headers = {"User-Agent": "GitHub-Hookshot/webhook-lab", **signature}
    return Delivery(body=body, headers=headers, id=f"github:{own}", schedule=GITHUB)


def _endpoint(path: str) -> str:
    """As publish tells endpoints apart: the order of a query says nothing."""
    where, asks, query = path.partition("?")
    return f"{where}{asks}{'&'.join(sorted(query.split('&')))}"


def _name(n: int) -> str:
    return _NAMES[n % len(_NAMES)]


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


_MAKERS = {"standard-webhooks": _standard_webhooks, "github": _github}
PROVIDERS = tuple(_MAKERS)
"""Whose deliveries there are: those whose signatures the publish function checks."""


def event(provider: str, n: int, *, secret: str, run: str, path: str = "") -> Delivery:
    """The `n`-th delivery of a run by one provider; each attempt is signed anew where the time is signed too.

    Args:
        secret: ``whsec_`` and base64; GitHub's signatures use the same text as it stands.
        run: a token of letters and digits that keeps this run's ids apart from another's.
        path: where it is posted; ``/<provider>`` when empty.

    Raises:
        LabError: no such provider, or not such a secret.
    """
    if provider not in _MAKERS:
        raise LabError(f"make a {provider} delivery", "no such provider", f"Use {', '.join(PROVIDERS)}.")
    secret = signing.check_secret(secret)
    token = hashlib.sha256(f"{run}/{provider}/{n}".encode()).hexdigest()
    # A second after the one before, and not now: its bytes have to be the same the next time.
    made = _MAKERS[provider](run, n, token, _FIRST + timedelta(seconds=n), secret)
    headers = {"Content-Type": "application/json", **made.headers}
    path = path or f"/{provider}"
    return replace(
        made, path=path, headers=headers, name=f"{provider} {n}", id=f"{made.id}#{_endpoint(path)}"
    )


def events(
    n: int,
    *,
    secret: str,
    run: str,
    providers: Sequence[str] = ("standard-webhooks",),
    redelivered: float = 0.0,
    path: str = "",
) -> list[Delivery]:
    """`n` deliveries, the providers taking turns, and a share of them once more, somewhere after the first.

    Args:
        redelivered: the share, from 0 to 1, rounded to whole deliveries. The list is longer by as many.

    Raises:
        LabError: too many or too few, a share that is none, or what `event` refuses.
    """
    where = f"make {n} deliveries"
    within(where, "the number of deliveries", n, 1, MOST_DELIVERIES, whole=True)
    within(where, "the share to redeliver", redelivered, 0, 1)
    turns = providers or ("",)
    first = [event(turns[i % len(turns)], i, secret=secret, run=run, path=path) for i in range(n)]
    chance = random.Random(run)
    chosen = chance.sample(range(n), round(redelivered * n))
    placed = [*enumerate(first), *((chance.uniform(index, n), first[index]) for index in chosen)]
    return [delivery for _, delivery in sorted(placed, key=lambda pair: pair[0])]
