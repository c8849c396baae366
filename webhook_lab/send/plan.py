"""What one sending shall be: every setting checked before anything is sent."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import h11

from webhook_lab.aws.errors import LabError
from webhook_lab.facts import quotas
from webhook_lab.send.arrivals import MOST_DELIVERIES, within
from webhook_lab.send.retries import Schedule
from webhook_lab.send.sender import NOT_HTTP, Delivery, request_target

CONCURRENCY = 8
"""Attempts under way at once, unless asked for otherwise: as many publish functions run, 47 MB each."""
COMPRESS = 3600.0
"""Seconds of a provider's retry schedule in one second of a run, unless asked for otherwise: an hour."""
LARGEST_BODY = quotas.API_PAYLOAD.value * 1024 * 1024
"""Bytes. What API Gateway refuses is not sent; what the pipeline refuses is, for its 413 to be seen."""

_OURS = {b"host", b"content-length", b"transfer-encoding", b"connection"}
"""Headers that say how our connection works: never a recorded delivery's."""


@dataclass(frozen=True)
class Plan:
    """The settings of one sending.

    Args:
        url: the API's address with its stage.
        arrivals: seconds from the start, one for each delivery (see `arrivals`); None: all at once.
        retries: instead of each provider's own schedule.
        compress: seconds of the retry schedule in one of the run.
        concurrency: attempts under way at once.
        timeout: seconds for each attempt, instead of each provider's own.
        cap: the most requests to make, retries counted. First attempts always have their part of it.
        charges: requests to `url` cost money: then there has to be a cap.
        seed: decides the jitter of the retries.

    Raises:
        LabError: a setting out of range, no address, no cap where requests cost money, or a delivery that
            HTTP cannot carry.
    """

    url: str
    deliveries: Sequence[Delivery]
    arrivals: Iterable[float] | None = None
    retries: Schedule | None = None
    compress: float = COMPRESS
    concurrency: int = CONCURRENCY
    timeout: float | None = None
    cap: int | None = None
    charges: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        where, n = f"send to {self.url}", len(self.deliveries)
        _check_address(where, self.parts)
        within(where, "the number of deliveries", n, 1, MOST_DELIVERIES)
        within(where, "concurrency", self.concurrency, 1, 256)
        within(where, "compress", self.compress, 1, 1_000_000)
        if self.timeout is not None:
            within(where, "the timeout in seconds", self.timeout, 0.01, 900)
        if self.cap is not None:
            within(where, "the cap on requests", self.cap, n, 100 * MOST_DELIVERIES)
        elif self.charges:
            said = "each request there costs money, and no cap on their number is set"
            raise LabError(where, said, f"Say the most that you will pay for: cap={n}, or more for retries.")
        times = [0.0] * n if self.arrivals is None else list(self.arrivals)
        if len(times) != n or not all(0 <= at < math.inf for at in times):
            said = f"{len(times)} arrivals for {n} deliveries, or one of them before the start"
            raise LabError(where, said, "Plan one arrival for each delivery, in seconds from the start.")
        object.__setattr__(self, "arrivals", times)
        for delivery in self.deliveries:
            self._check(where, delivery)

    @property
    def parts(self) -> SplitResult:
        """The address in its parts."""
        return urlsplit(self.url)

    def request(self, delivery: Delivery) -> h11.Request:
        """The head of an attempt made now, its headers in the order given."""
        host, length = self.parts.netloc.rpartition("@")[2], len(delivery.body)
        headers = [(b"Host", host.encode()), (b"Content-Length", b"%d" % length)]
        given = delivery.headers_now().items()
        headers += [(name, value.strip()) for name, value in given if name.lower() not in _OURS]
        return h11.Request(method=delivery.method, target=request_target(self.url, delivery), headers=headers)

    def _check(self, where: str, delivery: Delivery) -> None:
        name = delivery.name or delivery.path
        try:
            within(where, f"the size in bytes of {name}", len(memoryview(delivery.body)), 0, LARGEST_BODY)
            self.request(delivery)
        except (h11.LocalProtocolError, UnicodeError, TypeError, AttributeError) as error:
            raise LabError(where, f"{name}: {error}", NOT_HTTP) from error


def _check_address(where: str, parts: SplitResult) -> None:
    try:
        host, _ = (parts.hostname or "").encode("idna"), parts.port
        if parts.scheme not in ("http", "https") or not host:
            raise ValueError("that is not an http address")
    except ValueError as error:  # UnicodeError is one too
        raise LabError(where, str(error), "Use the API's address: lab.url.") from error
