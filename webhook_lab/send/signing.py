"""Sign a body as its sender would. For Standard Webhooks that is the specification's own library."""

import base64
import hashlib
import hmac
import secrets
from datetime import UTC, datetime

from standardwebhooks import Webhook

from webhook_lab.aws.errors import LabError

SECRET_BYTES = 24
"""Random bytes in a new secret: the least that Standard Webhooks 1.0 asks for."""


def new_secret() -> str:
    """A random secret in Standard Webhooks' form: ``whsec_`` and base64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def check_secret(secret: str) -> str:
    """Return `secret` when both schemes can use it.

    Raises:
        LabError: when it is not ``whsec_`` followed by base64.
    """
    try:
        if not secret.startswith("whsec_") or not base64.b64decode(
            secret.removeprefix("whsec_"), validate=True
        ):
            raise ValueError("it is not 'whsec_' and base64")
    except ValueError as error:
        raise LabError(
            "use this signing secret",
            str(error),
            f"Use one made by the lab, in the form of {new_secret()[:12]}…",
        ) from error
    return secret


def standard_webhooks_headers(
    secret: str, body: bytes, *, delivery_id: str, at: datetime | None = None
) -> dict[str, str]:
    """The three headers of Standard Webhooks 1.0 for `body`, signed at `at` (now when None).

    The library signs text, so `body` must be UTF-8.
    """
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(delivery_id, at, body.decode("utf-8"))
    return {
        "webhook-id": delivery_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def github_headers(secret: str, body: bytes, *, delivery_id: str, event: str = "push") -> dict[str, str]:
    """GitHub's headers for `body`: its HMAC-SHA256 in hex over the raw bytes (GitHub's documentation)."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {
        "X-GitHub-Delivery": delivery_id,
        "X-GitHub-Event": event,
        "X-Hub-Signature-256": f"sha256={digest}",
    }
