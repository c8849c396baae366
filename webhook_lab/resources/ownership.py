"""The lab's tags on a resource make it ours; without them it is foreign, and is never touched."""

import functools
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import Foreign, code_of
from webhook_lab.aws.retry import retry_on, retry_until
from webhook_lab.aws.session import Session

T = TypeVar("T")
R = TypeVar("R")

Tags = Mapping[str, str]
"""Tags that every resource of one lab carries."""

TAG_KEY = "webhook-lab"
"""The tag that every resource of a lab carries; its value is the lab's prefix."""

ROLE_SECONDS = 60
"""Seconds given to a new role to become usable; AWS says "several seconds" (Lambda guide, execution role)."""

SEEN_SECONDS = 15
"""Seconds within which is seen what is there already, and as late as the services show it."""

_EXISTS = (
    *("ResourceInUseException", "ResourceConflictException", "ConflictException"),
    *("EntityAlreadyExists", "ResourceAlreadyExistsException", "QueueAlreadyExists", "QueueNameExists"),
)
"""How the services of the pipeline say "there is one already"."""
_REFUSED = "InvalidParameterValueException"
_ROLE_IS_NEW = ("cannot be assumed", "role does not have permissions", "KMS key is invalid for CreateGrant")


def is_ours(found: Tags, wanted: Tags | None) -> bool:
    """True when `found` has every wanted tag with its value, or when nobody asks (`wanted` is None)."""
    return wanted is None or all(found.get(key) == value for key, value in wanted.items())


def refuse_foreign(what: str, found: Tags, wanted: Tags) -> None:
    """Raise unless the tags found show that the resource is ours.

    Raises:
        Foreign: it exists, and this lab did not create it.
    """
    if not is_ours(found, wanted):
        tag = ", ".join(f"{key}={value}" for key, value in wanted.items())
        raise Foreign(
            f"create {what}",
            f"it exists without this lab's tag {tag}, so it is someone else's; it was left alone",
            "Choose another name for this lab (WEBHOOK_LAB_NAME), or remove that resource yourself.",
        )


def to_pairs(tags: Tags) -> list[Any]:
    """Tags as DynamoDB, IAM and CloudWatch write them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def from_pairs(pairs: Iterable[Any]) -> dict[str, str]:
    """The reverse of `to_pairs`."""
    return {pair["Key"]: pair["Value"] for pair in pairs}


def pages(client: Any, method: str, key: str, **params: Any) -> Iterable[Any]:
    """Every row of every page that a boto3 paginator gets; `key` is where a page has its rows."""
    for page in client.get_paginator(method).paginate(**params):
        yield from page.get(key, [])


def looks_again(ensure: Callable[[R, Session, Tags], R]) -> Callable[[R, Session, Tags], R]:
    """An `ensure` that begins anew, and so looks, where AWS says that what it creates is there already.

    A request that was done, and whose answer was lost on its way, is sent again by boto3. What it meets then
    is ours; what is not is refused by its tags as ever.
    """

    @functools.wraps(ensure)
    def ensured(self: R, aws: Session, tags: Tags) -> R:
        seconds, reason = aws.target.traits.allow(SEEN_SECONDS), "what was just created is not seen yet"
        return retry_on(lambda: ensure(self, aws, tags), codes=_EXISTS, seconds=seconds, reason=reason)

    return ensured


def absent_is_none(look: Callable[[], T], *codes: str) -> T | None:
    """What `look` finds, or None when AWS answers with one of `codes`, its words for "there is none"."""
    try:
        return look()
    except ClientError as error:
        if code_of(error) in codes:
            return None
        raise


def existed(delete: Callable[[], object], *codes: str) -> bool:
    """Whether `delete` had anything to delete: False when AWS answers with one of `codes`."""
    return absent_is_none(delete, *codes) is not None


def once_role_is_known(action: Callable[[], T]) -> T:
    """Repeat `action` while Lambda says that the function's role is too new, for `ROLE_SECONDS`.

    Raises:
        LabError: the role was not usable in time.
        ClientError: Lambda refused for any other reason.
    """

    def attempt() -> T | None:
        try:
            return action()
        except ClientError as error:
            if code_of(error) != _REFUSED or not any(part in str(error) for part in _ROLE_IS_NEW):
                raise
            return None

    return retry_until(attempt, seconds=ROLE_SECONDS, reason="Lambda to be able to use the function's role")
