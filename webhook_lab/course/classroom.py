"""What a learner's lab tells the teacher's board: each checkpoint and exercise, as a signed webhook.

Nothing is told unless WEBHOOK_LAB_CLASS is set. Then a delivery says, by Standard Webhooks, what `Report`
holds: no code, no output, no name but WEBHOOK_LAB_CLASS_NAME. It goes out in the background and is tried
again until it is taken; a cell neither waits for it nor fails because of it.
"""

import atexit
import contextlib
import functools
import os
import sys
import time
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from webhook_lab.aws.errors import LabError
from webhook_lab.aws.target import is_address
from webhook_lab.course.report import NAME, OPENED, Report, checked_name, told_reason

if TYPE_CHECKING:
    from webhook_lab.send.sender import Delivery

ADDRESS, SECRET = "WEBHOOK_LAB_CLASS", "WEBHOOK_LAB_CLASS_SECRET"
PATH = "/class"
"""Where below the class's address reports are posted."""
GREETING_SECONDS, PARTING_SECONDS = 2.0, 0.5
"""How long the first `Lab.open` waits for an answer, and the end of a kernel for what is under way."""
WAIT, DELAYS = 15.0, (0.5, 1.0, 2.0, 5.0, 10.0, *[30.0] * 118)
"""Seconds for one attempt, and before each retry: for an hour, the length of a lesson. Then it is dropped."""


def checked_address(url: str) -> str:
    """The class's address without a slash at its end.

    Raises:
        LabError: it is none.
    """
    if not is_address(url) or not url.isascii() or set("?#@") & set(url):
        said, try_this = f"{url!r} is no address of a class", f"Copy {ADDRESS} from the teacher's board."
        raise LabError("join the class", said, f"{try_this} It begins with http.")
    return url.rstrip("/")


class Reporter:
    """Tells one class what one learner does.

    Raises:
        LabError: no such address, secret or name.
    """

    def __init__(self, url: str, secret: str, learner: str) -> None:
        from webhook_lab.send.outbox import Outbox  # only who is in a class needs a sender
        from webhook_lab.send.signing import check_secret

        self._url, self._learner = checked_address(url), checked_name(unicodedata.normalize("NFC", learner))
        try:
            self._secret = check_secret(secret)
        except LabError as error:
            raise LabError("join the class", f"{SECRET}: {error.said}", "Copy it from the teacher.") from None
        self._make = Outbox
        self._outbox: Outbox | None = None
        self._told: dict[tuple[str, str], Report] = {}
        self._greeted = False

    def tell(self, chapter: str, claim: str, outcome: str, reason: str = "") -> None:
        """Send it in the background. An outcome that has not changed since is the same delivery again."""
        before = self._told.get((chapter, claim))
        latest = max((each.at for each in self._told.values()), default=0)
        report = Report(
            self._learner, chapter, claim, outcome, reason, max(time.time_ns() // 1_000_000, latest + 1)
        )
        if before and (before.outcome, before.reason) == (outcome, reason):
            report = before
        self._told[chapter, claim] = report
        delivery = self._delivery(report)
        if self._outbox:
            self._outbox.put(delivery)
            return
        self._outbox = self._make(self._url, delivery)
        self._outbox.start()
        atexit.register(self.part)

    def _delivery(self, report: Report) -> "Delivery":
        from webhook_lab.send.retries import Schedule
        from webhook_lab.send.sender import Delivery
        from webhook_lab.send.signing import standard_webhooks_headers

        own, body = report.id, report.body
        return Delivery(
            PATH,
            body,
            {"Content-Type": "application/json"},
            id=own,
            schedule=Schedule(WAIT, DELAYS),
            sign=lambda now: standard_webhooks_headers(self._secret, body, delivery_id=own, at=now),
        )

    def greeting(self) -> str:
        """How the class can be reached, in words; empty when that was said before, and is still so.

        The first time it waits for an answer, for two seconds at most.
        """
        assert self._outbox
        deadline = time.monotonic() + (0 if self._greeted else GREETING_SECONDS)
        while _is_busy(self._outbox.latest) and time.monotonic() < deadline:
            time.sleep(0.02)
        said, first = _spoken(self._outbox.latest, urlsplit(self._url).netloc), not self._greeted
        self._greeted = True
        if said:
            return said
        return f"Class: the board shows you as {self._learner}." if first else ""

    def part(self) -> None:
        """Give what is under way a moment, drop the rest, and say so in one line. For the process's end."""
        assert self._outbox
        deadline = time.monotonic() + PARTING_SECONDS
        while self._outbox.pending and self._outbox.latest[:1] in ("", "2") and time.monotonic() < deadline:
            time.sleep(0.02)
        if left := len(self._outbox.pending):
            where = urlsplit(self._url).netloc
            words = f"Class: {left} of your checkpoints did not reach {where}, and are dropped."
            print(words, file=sys.__stderr__)  # a kernel's own stream is closed by then


def _is_busy(latest: str) -> bool:
    """Whether the next attempt may well be taken: there was none yet, or too many came at once."""
    return latest in ("", "429") or latest.startswith("5")


def _spoken(latest: str, where: str) -> str:
    """What came of the latest attempt, and what to try; empty when it was taken."""
    said, try_this = f"{where} answered {latest}", "Ask the teacher for the class's address."
    if latest.startswith("2"):
        return ""
    if latest == "401":
        said = f"{where} answered 401: the signature does not hold"
        try_this = f"Copy {SECRET} again, and check this machine's clock: it may be off by 5 minutes."
    elif _is_busy(latest) or not latest.isdigit():
        said = f"{where} takes nothing yet ({latest or 'no answer'})"
        try_this = "Go on: what you do is sent once it does."
    return str(LabError("join the class", said, try_this))


@functools.cache
def _reporter(url: str, secret: str, name: str) -> Reporter:
    return Reporter(url, secret, name)


def reporter() -> Reporter | None:
    """The reporter that the environment asks for, one for each process; None where it asks for none.

    Raises:
        LabError: what it asks for is none.
    """
    url, secret, name = (os.environ.get(each, "").strip() for each in (ADDRESS, SECRET, NAME))
    return _reporter(url, secret, name) if url else None


def join(chapter: str) -> Callable[[], None]:
    """Tell the class that the chapter is open; what is returned prints how that went, if there is a class."""
    try:
        if (here := reporter()) is None:
            return lambda: None
        here.tell(chapter, "", OPENED)
    except LabError as error:
        said = f"{error}\n        Until then the class is told nothing; run this cell again after."
        return functools.partial(print, said)

    def greet() -> None:
        if said := here.greeting():
            print(said)

    return greet


def tell(chapter: str, claim: str, outcome: str, reason: str = "") -> None:
    """Tell the class, if there is one, what came of a checkpoint or an exercise. Never raises."""
    with contextlib.suppress(Exception):  # said when the lab was opened; a cell is not to fail of it
        if here := reporter():
            here.tell(chapter, claim, outcome, told_reason(reason))
