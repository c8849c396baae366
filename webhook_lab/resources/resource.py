"""What every kind of resource has: one class for each, which says all that the lab knows about the kind."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from webhook_lab.aws.session import Session
from webhook_lab.facts.fact import dollars
from webhook_lab.resources.ownership import Tags

FREE = f"{dollars(0)} a month"
"""What a resource costs that only costs while it is used."""

IN_USE = f"{FREE}; in use {{}}"
"""The same, with what a use costs."""

Rows = tuple[tuple[str, str], ...]
"""A card's rows: a label and a value each. They differ neither between runs nor between targets."""


@dataclass(frozen=True)
class Listed:
    """One resource of a kind that stands in the account, whoever made it.

    Args:
        name: as AWS shows it; a mapping is called by its function.
        id: what `Resource.delete` takes.
        arn: empty where the tagging API does not know it, or its tags came with it.
        read_tags: asks the service for its tags; where it is gone by now, that answers what AWS answers then.
        goes_with: the (kind, name) of what it belongs to where it carries no tag; empty: only a tag counts.
        at_our_path: it lies where only labs put things (a role's path).
    """

    name: str
    id: str
    arn: str
    read_tags: Callable[[], dict[str, str]]
    goes_with: tuple[tuple[str, str], ...] = ()
    at_our_path: bool = False


@dataclass(frozen=True)
class Resource(ABC):
    """One AWS resource: as it is wanted, and as it is once `ensure` or `describe` has returned it.

    What AWS alone can say (ids, ARNs, URLs) is empty in one that is only wanted.

    Attributes:
        kind: one word, in the ledger, in sweeps and in what commands print.
        title: what a card calls it, such as ``"SQS queue"``.
        idle: what it costs on AWS while nobody uses it.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    idle: ClassVar[str] = FREE

    name: str

    @property
    def id(self) -> str:
        """How AWS identifies it, and what `delete` takes: its name, where names are unique."""
        return self.name

    @abstractmethod
    def ensure(self, aws: Session, tags: Tags) -> Self:
        """Create it, or change only what differs; return it as it is. May be repeated after a kill anywhere.

        Raises:
            Foreign: one of that name exists and does not carry the lab's tags.
            ClientError: AWS refused.
        """

    @classmethod
    @abstractmethod
    def describe(cls, aws: Session, name: str, tags: Tags | None = None) -> Self | None:
        """The resource as it is now; None when there is none, or none that carries `tags`."""

    @classmethod
    def all_named(cls, aws: Session, name: str, tags: Tags) -> list[Self]:
        """Every one of that name which carries `tags`: one at most, where the kind's names are unique."""
        found = cls.describe(aws, name, tags)
        return [found] if found else []

    @classmethod
    @abstractmethod
    def delete(cls, aws: Session, identity: str) -> bool:
        """Delete the one with that identity and return when it is gone. False when there was none."""

    @classmethod
    @abstractmethod
    def list_all(cls, aws: Session, prefix: str | None) -> Iterator[Listed]:
        """All of the kind that could be a lab's, the lab's whose names begin with `prefix` among them."""

    def cloudformation(self, logical_id: str, tags: Tags) -> dict[str, Any]:  # noqa: ARG002
        """As resources of a CloudFormation template, by logical id; none where it has none of the kind.

        What CloudFormation alone can say stands in the fields as ``${Queue.Arn}``; see `pipeline.export`.
        """
        return {}

    @abstractmethod
    def rows(self) -> Rows:
        """The settings that matter, for a card."""

    @classmethod
    @abstractmethod
    def console_page(cls, aws: Session, name: str) -> str:
        """Its page in the AWS console, without the console's host."""

    @classmethod
    def title_of(cls, name: str) -> str:  # noqa: ARG003
        """The kind's title, for a list in which names tell more."""
        return cls.title

    @property
    def card_title(self) -> tuple[str, str]:
        """The title and the subtitle of its card."""
        return self.title, self.name

    @property
    def note(self) -> str:
        """One more sentence for its card."""
        return ""


def tail(arn: str) -> str:
    """An ARN's own name, without account, region and kind."""
    name = arn.split(":", 5)[-1].removesuffix(":*")
    for kind in ("table/", "log-group:", "function:"):
        name = name.removeprefix(kind)
    return name.rpartition("/")[2] if name.startswith("role/") else name
