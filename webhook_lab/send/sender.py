"""Post one delivery exactly as given: the path, the query and the body reach the API byte for byte.

http.client and not a friendlier library: those tidy a path such as ``/a/../b`` before they send it.
"""

import http.client
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from webhook_lab.aws.errors import LabError
from webhook_lab.watch.rows import Answer

TIMEOUT_SECONDS = 30.0
"""A REST API's integration answers within 29 s or not at all (API Gateway quotas)."""
NOT_HTTP = "Give it bytes as its body, and a method, a path and headers that HTTP has words for."
"""What to try with a delivery that cannot be written down."""

# Everything that may stand in a request line; what is escaped stays escaped, the rest becomes UTF-8 escapes.
_AS_GIVEN = "/%?&=:;,.~!$'()*+@#[]|^`{}<>\\\"-_"


@dataclass(frozen=True)
class Delivery:
    """One webhook as its sender would post it.

    Args:
        path: with its query, such as ``"/orders?shop=7"``.
        name: what to call it in messages; a file's name for a recorded one.
        id: what the pipeline will store it under; empty when the pipeline makes one itself.
        provider: whose delivery it is, and so whose patience and retries it gets; empty for nobody's.
        sign: the headers of one attempt at a given time; each attempt is signed anew, its id stays.
    """

    path: str = "/hello"
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    name: str = ""
    id: str = ""
    provider: str = ""
    sign: Callable[[datetime], Mapping[str, str]] | None = None

    def headers_now(self) -> dict[bytes, bytes]:
        """The headers of an attempt made now, as bytes: a value outside ASCII arrives as it was written."""
        signed = self.sign(datetime.now(UTC)) if self.sign else {}
        return {name.encode(): value.encode() for name, value in {**self.headers, **signed}.items()}


def request_target(url: str, delivery: Delivery) -> str:
    """What stands in the request line: the path of `url`, then the delivery's, tidied by nobody."""
    path = delivery.path if delivery.path.startswith("/") else f"/{delivery.path}"
    return quote(urlsplit(url).path.rstrip("/") + path, safe=_AS_GIVEN)


def post(url: str, delivery: Delivery, *, timeout: float = TIMEOUT_SECONDS) -> Answer:
    """Post `delivery` under `url` and return the answer, whatever its status.

    Args:
        url: the API's address with its stage, no slash at the end.
        timeout: seconds for the connection and for each read.

    Raises:
        LabError: nobody answers at `url`, the connection broke, or HTTP has no words for the delivery.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout)
    where = f"{delivery.method} {delivery.path} to {parts.netloc}"
    sent_at, started = time.time_ns() // 1_000_000, time.perf_counter()
    try:
        headers = {name.decode(): value for name, value in delivery.headers_now().items()}
        connection.request(delivery.method, request_target(url, delivery), delivery.body, headers)
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise LabError(
            where,
            f"{type(error).__name__}: {error}",
            "Check that the API exists (`webhook-lab status`), then send again.",
        ) from error
    except (TypeError, ValueError, AttributeError) as error:
        raise LabError(where, str(error), NOT_HTTP) from error
    finally:
        connection.close()
    return Answer(response.status, body, sent_at, (time.perf_counter() - started) * 1000)
