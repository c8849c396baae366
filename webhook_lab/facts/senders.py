"""How senders of webhooks behave: how long they wait, when they retry, how they name a delivery."""

from dataclasses import dataclass

from webhook_lab.facts.fact import Fact

_STANDARD = "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"
_GITHUB = "https://docs.github.com/en/webhooks/using-webhooks/best-practices-for-using-webhooks"
_SHOPIFY = "https://shopify.dev/docs/apps/build/webhooks/subscribe/https"
_SLACK = "https://docs.slack.dev/apis/events-api/"
_STRIPE = "https://docs.stripe.com/webhooks"

_MINUTE, _HOUR = 60, 60 * 60


@dataclass(frozen=True)
class Sender:
    """One sender's habits.

    Args:
        waits: the longest it waits for an answer.
        retries: what it does when none or a bad one came.
        id_header: names the delivery, the same on every retry: what to deduplicate on.
    """

    name: str
    waits: Fact[int]
    retries: str
    id_header: str


STANDARD_WEBHOOKS_WAIT_LONGEST = Fact(30, "seconds", _STANDARD)
STANDARD_WEBHOOKS_RETRIES = Fact(
    (0, 5, 5 * _MINUTE, 30 * _MINUTE, 2 * _HOUR, 5 * _HOUR, 10 * _HOUR, 14 * _HOUR, 20 * _HOUR, 24 * _HOUR),
    "seconds",
    _STANDARD,
)
"""The delay before each attempt, with jitter."""

GITHUB_WAIT = Fact(10, "seconds", _GITHUB)
GITHUB_PAYLOAD = Fact(10_600, "bytes", "https://github.com/octokit/webhooks")
"""What GitHub's recorded deliveries are on average; the median is 7,900."""
SHOPIFY_WAIT = Fact(5, "seconds", _SHOPIFY)
SHOPIFY_RETRIES = Fact(8, "retries", _SHOPIFY)
SHOPIFY_RETRY_PERIOD = Fact(4 * _HOUR, "seconds", _SHOPIFY)
"""How long the retries go on, ever further apart; how far exactly is not documented."""

SENDERS = (
    Sender(
        "Standard Webhooks",
        STANDARD_WEBHOOKS_WAIT_LONGEST,
        f"{len(STANDARD_WEBHOOKS_RETRIES.value)} attempts, the last delayed by a day",
        "webhook-id",
    ),
    Sender(
        "GitHub",
        GITHUB_WAIT,
        "none by itself; redelivered by hand",
        "X-GitHub-Delivery",
    ),
    Sender(
        "Shopify",
        SHOPIFY_WAIT,
        f"{SHOPIFY_RETRIES} in {SHOPIFY_RETRY_PERIOD}",
        "X-Shopify-Event-Id",
    ),
)
