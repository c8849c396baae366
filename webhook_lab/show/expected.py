"""The scheduled failure of a chapter: it has to happen, and to be the one that was announced."""

import re
from types import TracebackType
from typing import Self

from botocore.exceptions import ClientError
from IPython.display import display

from webhook_lab.aws.errors import LabError, code_of
from webhook_lab.show.card import Card

# What differs between runs and targets in what AWS says, and the token shown in its place.
_VARYING = (
    (re.compile(r"https?://[^\s/'\"]+"), "<address>"),
    (re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"), "<id>"),
    (re.compile(r"(?<=:)[a-z]{2}(?:-[a-z]+)+-\d(?=:)"), "<region>"),
    (re.compile(r"\b\d{12}\b"), "<account>"),
    (re.compile(r"\(?\b(?:request ?id|RequestId):? \S+", re.IGNORECASE), "<request id>"),
)


class expected_error:
    """Run a block that has to fail, and show what was said.

    >>> with expected_error("AccessDenied"):  # doctest: +SKIP
    ...     lab.invoke("publish", event)

    Args:
        codes: AWS error codes or names of exception classes; any one of them will do. The first is shown.

    Raises:
        AssertionError: nothing was raised, or something else was.
    """

    def __init__(self, *codes: str) -> None:
        if not codes:
            raise TypeError("name the error that has to occur")
        self.codes = codes
        self.error: Exception | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        wanted = " or ".join(self.codes)
        if error is None:
            raise AssertionError(f"this has to fail with {wanted}, and did not fail")
        if not isinstance(error, Exception):
            return False  # an interrupt is never the demonstration
        if not any(_is(error, code) for code in self.codes):
            raise AssertionError(f"this has to fail with {wanted}, and failed otherwise: {error}") from error
        self.error = error
        display(self.card)  # type: ignore[no-untyped-call]
        return True

    @property
    def card(self) -> Card:
        """What was said, with a token in place of all that differs between runs or targets."""
        error = self.error
        if isinstance(error, LabError):
            said = {"Where": error.where, "Said": error.said, "Try": error.try_this}
        else:
            said = {"Said": str(error)} if error else {}
        rows = tuple((name, _steady(words)) for name, words in said.items())
        return Card("Failed, as it should", self.codes[0], rows)


def _is(error: BaseException, code: str) -> bool:
    """Whether the error, what it explains, or what its words quote, is `code`."""
    if isinstance(error, ClientError) and code_of(error) == code:
        return True
    if code in {cls.__name__ for cls in type(error).__mro__}:
        return True
    if isinstance(error, LabError):
        quoted = re.search(rf"(?<!\w){re.escape(code)}(?!\w)", error.said) is not None
        return quoted or (error.__cause__ is not None and _is(error.__cause__, code))
    return False


def _steady(text: str) -> str:
    for pattern, token in _VARYING:
        text = pattern.sub(token, text)
    return text
