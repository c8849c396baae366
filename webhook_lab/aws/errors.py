"""One way to say that something went wrong: where it happened, what was said, what to try."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from textwrap import TextWrapper

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConfigParseError,
    ConnectionClosedError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    TokenRetrievalError,
)
from botocore.parsers import ResponseParserError

SHOWN = 80
"""Letters in a line of an error in a notebook. JupyterLab breaks longer ones in the middle of a word: at some
99 in a window of 1,400 pixels, sooner in a narrower one."""


class LabError(Exception):
    """An error a learner can act on.

    Args:
        where: what was being done, such as ``"create queue 'lab-webhooks'"``.
        said: what the other side said, in its own words where there are any.
        try_this: the next thing to do.
    """

    def __init__(self, where: str, said: str, try_this: str) -> None:
        super().__init__(where, said, try_this)
        self.where, self.said, self.try_this = where, said, try_this

    def __str__(self) -> str:
        return f"{self.where}\n  said: {self.said}\n  try:  {self.try_this}"

    def _render_traceback_(self) -> list[str]:
        """IPython prints these lines in place of a stack: the stack is ours, the message is the learner's."""
        return [part for line in str(self).splitlines() for part in _in_lines(line)]


def _in_lines(line: str) -> list[str]:
    """A line of an error in as many as it needs, broken between words, the further ones below its words."""
    begin = re.match(r"\s*(said:|try: )?\s*", line)
    below = " " * len(begin[0]) if begin else ""
    words = TextWrapper(SHOWN, subsequent_indent=below, break_long_words=False, break_on_hyphens=False)
    return words.wrap(line) or [line]


class PreflightRefused(LabError):
    """A setting that AWS would refuse, found before anything was asked of AWS."""


class Foreign(LabError):
    """A resource with one of our names that this lab did not create. It is left alone."""


def code_of(error: ClientError) -> str:
    """The AWS error code, such as ``"ResourceNotFoundException"``; empty when AWS sent none."""
    return str(error.response.get("Error", {}).get("Code", ""))


_ASK_FOR_IT = "Ask for the permission named above, or use credentials that hold it."
_SIGN_IN_AGAIN = "Sign in again (`aws sso login`, say), restart the kernel, and run the cell again."
_NOT_KNOWN = "These credentials are not known there. Check AWS_PROFILE and AWS_ACCESS_KEY_ID."
_TRY_BY_CODE = {
    "AWS.SimpleQueueService.NonExistentQueue": "It is deleted, or not made yet: run the cell that makes it.",
    "AccessDenied": _ASK_FOR_IT,
    "AccessDeniedException": _ASK_FOR_IT,
    "ExpiredToken": _SIGN_IN_AGAIN,
    "ExpiredTokenException": _SIGN_IN_AGAIN,
    "InvalidClientTokenId": _NOT_KNOWN,
    "InvalidParameterValueException": "Change the value that it names; `lab.preflight()` looks at them all.",
    "UnrecognizedClientException": _NOT_KNOWN,
    "ReceiptHandleIsInvalid": "A later receive, or a delete, has made this handle void: receive it again.",
    "ConditionalCheckFailedException": "It was stored before: take another id, or run all cells above.",
    "SignatureDoesNotMatch": "The secret key does not belong to this access key. Check the AWS_* variables.",
    "DeleteConflict": "Something was put on it by hand, such as an instance profile: take that off first.",
    "OptInRequired": "This region is not enabled for the account. Set AWS_REGION to one that is.",
}


@contextmanager
def explain(where: str) -> Iterator[None]:
    """Turn whatever boto3 raises inside the block into one `LabError`.

    Raises:
        LabError: in place of any botocore error; the original stays its ``__cause__``.
    """
    try:
        yield
    except ClientError as error:
        code = code_of(error)
        message = error.response.get("Error", {}).get("Message", str(error))
        fallback = "Run `webhook-lab doctor`, then run this again."
        raise LabError(where, f"{code}: {message}", _TRY_BY_CODE.get(code, fallback)) from error
    except BotoCoreError as error:
        raise LabError(where, str(error), _advice(error)) from error
    except ResponseParserError as error:
        said = "whatever answered is no AWS: boto3 cannot read what it said"
        raise LabError(where, said, "Check WEBHOOK_LAB_TARGET, AWS_ENDPOINT_URL and the proxy.") from error


def _advice(error: BotoCoreError) -> str:
    match error:
        case NoCredentialsError() | PartialCredentialsError():
            return "Sign in to AWS (`aws sso login`), or unset WEBHOOK_LAB_TARGET to use the local cloud."
        case ProfileNotFound():
            return "Set AWS_PROFILE to a profile that `aws configure list-profiles` shows."
        case TokenRetrievalError():
            return _SIGN_IN_AGAIN
        case ConfigParseError():
            return "Mend that file, or name another one in AWS_CONFIG_FILE or AWS_SHARED_CREDENTIALS_FILE."
        case NoRegionError():
            return "Set AWS_REGION, for example to us-east-1."
        case ParamValidationError():
            return "Correct the value named above; boto3 refused it before sending anything."
        case EndpointConnectionError() | ConnectionClosedError():
            return "Nothing answers there. Run the first cell again: Lab.open finds or starts a cloud."
        case _:
            return "Run `webhook-lab doctor`, then run this again."
