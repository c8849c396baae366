"""Deliveries in the shape of five providers, written after their documented schemas, and signed as theirs.

The same run, provider and number give the same id and the same bytes, whoever makes them and whenever: a
sender that was killed goes on where it was, and what it sends twice is one delivery sent twice.
"""

import hashlib
import json
import random
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from webhook_lab.aws.errors import LabError
from webhook_lab.send import signing
from webhook_lab.send.arrivals import count, within
from webhook_lab.send.sender import Delivery

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)
_NAMES = ("Ada", "Zoë", "Grace", "Łukasz", "Edsger", "Margaret", "渡辺")


class _Event(NamedTuple):
    """An event before it is a delivery; `sign` gets the secret, the bytes of the body and the time."""

    scheme: str
    own_id: str
    body: dict[str, Any]
    headers: dict[str, str]
    sign: Callable[[str, bytes, datetime], Mapping[str, str]]


def _standard(run: str, n: int, token: str, at: datetime) -> _Event:
    own = f"msg_{run}_{n:05}"
    data = {"id": f"inv_{token[:16]}", "number": n, "customer": _name(n), "total": _cents(token)}
    body = {"type": "invoice.paid", "timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}", "data": data}
    return _Event("webhook", own, body, {}, lambda secret, raw, now: signing.standard_webhooks_headers(
        secret, raw, delivery_id=own, at=now
    ))  # fmt: skip


def _github(_run: str, n: int, token: str, at: datetime) -> _Event:
    own, before, after = str(uuid.UUID(token[:32])), token[:40], token[24:]
    person = {"name": _name(n), "email": f"dev{n % 7}@example.com"}
    commit = {
        "id": after, "tree_id": before, "distinct": True, "message": f"Change number {n}",
        "timestamp": at.isoformat(), "author": person, "committer": person,
        "added": [], "removed": [], "modified": ["README.md"],
    }  # fmt: skip
    body = {
        "ref": "refs/heads/main", "before": before, "after": after,
        "created": False, "deleted": False, "forced": False,
        "repository": {"id": 1_001, "name": "orders", "full_name": "example/orders", "private": True},
        "pusher": person, "sender": {"login": f"dev{n % 7}", "id": 2_000 + n % 7, "type": "User"},
        "compare": f"https://github.com/example/orders/compare/{before[:12]}...{after[:12]}",
        "commits": [commit], "head_commit": commit,
    }  # fmt: skip
    headers = {"User-Agent": "GitHub-Hookshot/webhook-lab"}
    return _Event("github", own, body, headers, lambda secret, raw, _: signing.github_headers(
        secret, raw, delivery_id=own
    ))  # fmt: skip


def _shopify(_run: str, n: int, token: str, at: datetime) -> _Event:
    own, price = str(uuid.UUID(token[:32])), f"{_cents(token) / 100:.2f}"
    item = {"id": 30_000 + n, "title": "Mug", "sku": "MUG-1", "quantity": 1, "price": price}
    body = {
        "id": 10_000 + n, "name": f"#{1_000 + n}", "order_number": 1_000 + n,
        "created_at": at.isoformat(), "currency": "EUR", "total_price": price, "financial_status": "paid",
        "customer": {"id": 20_000 + n, "first_name": _name(n)}, "line_items": [item],
    }  # fmt: skip
    headers = {
        "X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": "example.myshopify.com",
        "X-Shopify-Event-Id": own, "X-Shopify-Triggered-At": at.isoformat(),
    }  # fmt: skip
    return _Event("shopify", own, body, headers, lambda secret, raw, _: signing.shopify_headers(secret, raw))


def _stripe(run: str, n: int, token: str, at: datetime) -> _Event:
    own = f"evt_{run}{n:05}"
    intent = {
        "id": f"pi_{token[:24]}", "object": "payment_intent", "amount": _cents(token), "currency": "eur",
        "status": "succeeded", "metadata": {"order": str(n)},
    }  # fmt: skip
    body = {
        "id": own, "object": "event", "type": "payment_intent.succeeded", "created": int(at.timestamp()),
        "livemode": False, "pending_webhooks": 1, "data": {"object": intent},
    }  # fmt: skip
    return _Event("stripe", own, body, {}, lambda secret, raw, now: signing.stripe_headers(
        secret, raw, at=now
    ))  # fmt: skip


def _slack(run: str, n: int, _token: str, at: datetime) -> _Event:
    own, time = f"Ev{run.upper()}{n:05}", int(at.timestamp())
    message = {"type": "message", "channel": "C0WEBHOOK", "user": f"U{n % 7:08}", "ts": f"{time}.000100"}
    body = {
        "type": "event_callback", "event_id": own, "event_time": time, "team_id": "T0EXAMPLE",
        "api_app_id": "A0EXAMPLE", "event": {**message, "text": f"{_name(n)} says hello, {n}"},
    }  # fmt: skip
    return _Event("slack", own, body, {}, lambda secret, raw, now: signing.slack_headers(secret, raw, at=now))


def _name(n: int) -> str:
    return _NAMES[n % len(_NAMES)]


def _cents(token: str) -> int:
    return 500 + int(token[:4], 16)


_MAKERS = {
    "standard-webhooks": _standard,
    "github": _github,
    "shopify": _shopify,
    "stripe": _stripe,
    "slack": _slack,
}
PROVIDERS = tuple(_MAKERS)
"""Whose deliveries there are."""


def event(provider: str, n: int, *, secret: str, run: str, path: str = "") -> Delivery:
    """The `n`-th delivery of a run by one provider; each attempt to send it is signed anew.

    Args:
        secret: ``whsec_`` and base64; all but Standard Webhooks use the same text as it stands.
        run: a token of letters and digits that keeps this run's ids apart from another's.
        path: where it is posted; ``/<provider>`` when empty. The publish function checks signatures of
            Standard Webhooks and GitHub, so only theirs belong under its signed prefix.

    Raises:
        LabError: no such provider, or not such a secret.
    """
    if provider not in _MAKERS:
        raise LabError(f"make a {provider} delivery", "no such provider", f"Use {', '.join(PROVIDERS)}.")
    secret = signing.check_secret(secret)
    token = hashlib.sha256(f"{run}/{provider}/{n}".encode()).hexdigest()
    # A second after the one before, and not now: its bytes have to be the same the next time.
    made = _MAKERS[provider](run, n, token, _FIRST + timedelta(seconds=n))
    body = json.dumps(made.body, ensure_ascii=False, separators=(",", ":")).encode()
    return Delivery(
        path or f"/{provider}",
        body,
        {"Content-Type": "application/json", **made.headers},
        name=f"{provider} {n}",
        id=f"{made.scheme}:{made.own_id}",
        provider=provider,
        sign=lambda now: made.sign(secret, body, now),
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
    count(where, n)
    within(where, "the share to redeliver", redelivered, 0, 1)
    turns = providers or ("",)
    first = [event(turns[i % len(turns)], i, secret=secret, run=run, path=path) for i in range(n)]
    chance = random.Random(run)
    chosen = chance.sample(range(n), round(redelivered * n))
    placed = [*enumerate(first), *((chance.uniform(index, n), first[index]) for index in chosen)]
    return [delivery for _, delivery in sorted(placed, key=lambda pair: pair[0])]
