"""Find and remove what a lab left behind, without its ledger: by tag, by role path, and by name.

A thing is a lab's when the lab's tag on it begins its name (``webhook-lab=lab-ana`` on ``lab-ana-webhooks``).
A name alone is never enough for what a lab creates with that tag. Two rules stand beside this one:

- a role is a lab's at the path /webhook-lab/, where nothing else is; its tag or its exact name says which
  lab's, and another tag of which region;
- what goes with others (a mapping with its queue and its function, a log group with its function, since
  Lambda makes such groups) is a lab's without the tag when they are.

Of an end or a function that no longer exists only the exact name is left: that counts then.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from webhook_lab.aws.errors import LabError, code_of, explain
from webhook_lab.aws.session import Session
from webhook_lab.pipeline.naming import DEFAULT_PREFIX, Names
from webhook_lab.pipeline.steps import EXTRAS, STEPS, kinds
from webhook_lab.resources.log_group import LOGS
from webhook_lab.resources.ownership import TAG_KEY
from webhook_lab.resources.resource import Listed
from webhook_lab.resources.role import REGION_KEY

_GONE = (
    "AWS.SimpleQueueService.NonExistentQueue",
    "NoSuchEntity",
    "NoSuchBucket",
    "ResourceNotFoundException",
)


@dataclass(frozen=True)
class Found:
    """One resource that a lab left.

    Args:
        kind: one of `webhook_lab.pipeline.steps.kinds`.
        name: as AWS shows it; a mapping is called by its function.
        id: what deletes it: its name, API id or mapping UUID.
        why: how it is known to be a lab's: "tag", "role path" or "name".
    """

    kind: str
    name: str
    id: str
    why: str


def find(session: Session, *, prefix: str | None) -> list[Found]:
    """What the lab named `prefix` left behind, or what any lab did (None), in the order of removal.

    Raises:
        LabError: AWS does not let us look.
    """
    with explain("look for what a lab left behind"):
        return sorted(_Search(session, prefix).run(), key=_order)


def remaining(session: Session, prefix: str | None) -> list[Found]:
    """What is there still, asked of AWS anew: empty is the proof that nothing is."""
    return find(session, prefix=prefix)


def remove(
    session: Session, found: Iterable[Found], progress: Callable[[Found], None] | None = None
) -> list[Found]:
    """Delete each of `found`, await that it is gone, and return them in the order in which they went.

    Args:
        progress: told of each before it is removed.

    Raises:
        LabError: what AWS refused. `find` finds what is left then.
    """
    removed, of_kind = sorted(found, key=_order), kinds()
    for item in removed:
        if progress:
            progress(item)
        with explain(f"delete {item.kind.replace('_', ' ')} {item.name!r}"):
            of_kind[item.kind].delete(session, item.id)
    for item in removed:
        if item.kind == "function":  # a line that came late brings the group back
            of_kind["log_group"].delete(session, LOGS + item.name)
    return removed


def _order(item: Found) -> tuple[int, str]:
    """Last built, first removed; log groups when nothing can write to them any more."""
    built = [kind for kind in kinds() if kind != "log_group"]
    place = len(built) if item.kind == "log_group" else len(built) - 1 - built.index(item.kind)
    return place, item.name


class _Search:
    """One look at everything that stands: what is a lab's by itself first, then what goes with it."""

    def __init__(self, session: Session, prefix: str | None) -> None:
        self.session, self.prefix = session, prefix
        self.hinted = _tagged_arns(session, prefix)
        self.labs = {prefix or DEFAULT_PREFIX}
        self.existing: set[tuple[str, str]] = set()
        self.ours: set[tuple[str, str]] = set()

    def run(self) -> Iterator[Found]:
        listed = [
            (kind.kind, each)
            for kind in kinds().values()
            for each in kind.list_all(self.session, self.prefix)
        ]
        for kind, each in listed:
            self.existing.add((kind, each.name))
        # Last what goes with others, and roles, whose names alone may say whose: when labs are known.
        for kind, each in sorted(listed, key=lambda one: (bool(one[1].goes_with), one[1].at_our_path)):
            if why := self._why(kind, each):
                self.ours.add((kind, each.name))
                yield Found(kind, each.name, each.id, why)

    def _why(self, kind: str, each: Listed) -> str | None:
        says, tags = self._tag_says(each)
        if tags.get(REGION_KEY, self.session.target.region) != self.session.target.region:
            return None
        if each.at_our_path:
            named_so = self.prefix is None or (kind, each.name) in self._names_of_labs()
            return "role path" if says or (says is None and named_so) else None
        if says is None and each.goes_with and self._goes_with_ours(each):
            return "name"
        return "tag" if says else None

    def _tag_says(self, each: Listed) -> tuple[bool | None, dict[str, str]]:
        """Whether its tag makes it ours; None when it has no such tag, or nothing gives reason to ask."""
        base = each.name.removeprefix(LOGS)
        named_so = base.startswith(f"{self.prefix}-") if self.prefix else base.endswith(_endings())
        if not named_so and each.arn and each.arn not in self.hinted:
            return None, {}
        tags = _tags_of(each)
        if (lab := tags.get(TAG_KEY)) is None:
            return None, tags
        if self.prefix not in (None, lab) or not base.startswith(f"{lab}-"):
            return False, tags
        self.labs.add(lab)
        return True, tags

    def _goes_with_ours(self, each: Listed) -> bool:
        ends = set(each.goes_with)
        # Two names that fit together say which lab's they are; a single one has to be a known lab's.
        labs = self.labs | ({each.goes_with[1][1].removesuffix("-webhooks")} if len(ends) == 2 else set())
        exact = any(ends <= _names_of(self.prefix or lab) for lab in labs)
        return ends <= self.ours or (exact and not ends & (self.existing - self.ours))

    def _names_of_labs(self) -> set[tuple[str, str]]:
        return {pair for lab in self.labs for pair in _names_of(lab)}


def _names_of(lab: str) -> set[tuple[str, str]]:
    """(kind, name) of every step of one lab; none where it cannot be a lab's name."""
    try:
        names = Names(lab)
    except LabError:
        return set()
    return {(step.kind.kind, step.name(names)) for step in STEPS.values()}


def _endings() -> tuple[str, ...]:
    """How the names of labs' resources end, such as ``"-webhooks"``."""
    steps, names = (*STEPS.values(), *EXTRAS.values()), Names("x")
    return tuple({step.name(names).removeprefix(LOGS).removeprefix("x") for step in steps})


def _tags_of(each: Listed) -> dict[str, str]:
    """Its tags; none when it was deleted since it was listed."""
    try:
        return each.read_tags()
    except ClientError as error:
        if code_of(error) in _GONE:
            return {}
        raise


def _tagged_arns(session: Session, prefix: str | None) -> set[str]:
    """ARNs that the tagging API knows by the lab's tag (any lab's for None).

    Only a hint: it lags behind, does not know roles, and neither every target nor every learner has it.
    """
    wanted: Any = {"Key": TAG_KEY, **({"Values": [prefix]} if prefix else {})}
    try:
        pages = session.tagging.get_paginator("get_resources").paginate(TagFilters=[wanted])
        return {row["ResourceARN"] for page in pages for row in page["ResourceTagMappingList"]}
    except ClientError:
        return set()
