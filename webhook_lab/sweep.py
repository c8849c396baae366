"""Find and remove what a lab left behind, without its ledger: by tag, by role path, and by name.

A thing is a lab's when the lab's tag on it begins its name (``webhook-lab=lab-ana`` on ``lab-ana-webhooks``).
A name alone is never enough for what a lab creates with that tag. Two rules stand beside this one:

- a role is a lab's at the path /webhook-lab/, where nothing else is; its tag or its exact name says which
  lab's, and another tag of which region;
- what goes with others (a mapping with its queue and its function, a log group with its function, since
  Lambda makes such groups) is a lab's without the tag when they are.

Of an end or a function that no longer exists only the exact name is left: that counts then.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from webhook_lab.aws.errors import LabError, code_of, explain
from webhook_lab.aws.retry import retry_until
from webhook_lab.aws.session import Session
from webhook_lab.pipeline.naming import DEFAULT_PREFIX, Names
from webhook_lab.pipeline.steps import EXTRAS, STEPS, kinds
from webhook_lab.resources.cleanup import Cleanup, Left, Removed, Task, clean_up
from webhook_lab.resources.log_group import LOGS
from webhook_lab.resources.ownership import TAG_KEY
from webhook_lab.resources.resource import Listed
from webhook_lab.resources.role import REGION_KEY

_GONE = (
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "NoSuchEntity",
    "NotFoundException",
    "ResourceNotFound",
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


def look(session: Session, *, prefix: str | None) -> tuple[list[Found], list[Left]]:
    """What the lab named `prefix` left behind, or what any lab did (None), in the order of removal.

    Beside it, each kind at which AWS does not let us look, and why.
    """
    search = _Search(session, prefix)
    return sorted(search.run(), key=_order), search.unseen


def remaining(session: Session, prefix: str | None) -> list[Found]:
    """As `look`, where all of it has to be seen: empty is the proof that nothing is left.

    Raises:
        LabError: AWS does not let us look.
    """
    found, unseen = look(session, prefix=prefix)
    if unseen:
        raise LabError("look for what a lab left behind", unseen[0].said, unseen[0].try_this)
    return found


def remove(
    session: Session, found: Iterable[Found], progress: Callable[[Found], None] | None = None
) -> Cleanup:
    """Delete each of `found`, and await that it is gone. One that AWS refuses keeps none of the others.

    Args:
        progress: told of each before it is removed.
    """
    items = sorted(found, key=_order)
    done = clean_up(_tasks(session, items, progress))
    for item in items:
        if item.kind == "function":  # a line that came late brings the group back
            group = Removed("log_group", LOGS + item.name)
            late = clean_up([(group, partial(kinds()[group.kind].delete, session, group.name))])
            done += Cleanup(refused=late.refused)
    return done


def _tasks(
    session: Session, items: Iterable[Found], progress: Callable[[Found], None] | None
) -> Iterator[Task]:
    for item in items:
        if progress:
            progress(item)
        yield Removed(item.kind, item.name), partial(kinds()[item.kind].delete, session, item.id)


def still_there(session: Session, prefix: str | None, done: Cleanup) -> list[Left]:
    """What is left after a cleanup, asked of AWS anew, and why: empty is the proof that nothing is.

    AWS's lists lag: what is gone may be in one for a while, and is looked for again.
    """
    looked = partial(look, session, prefix=prefix)
    found, unseen = looked()
    gone = {(each.kind, each.name) for each in done.removed}

    def only_what_stays() -> bool | None:
        nonlocal found, unseen
        if any((each.kind, each.name) in gone for each in found):
            found, unseen = looked()
        return True if not any((each.kind, each.name) in gone for each in found) else None

    with contextlib.suppress(LabError):
        lag = session.target.traits.patience
        retry_until(only_what_stays, seconds=lag, reason="AWS's lists to be of now", longest_pause=5)
    why = {(each.kind, each.name): each for each in done.refused}
    return [why.get((each.kind, each.name)) or _unasked(each) for each in found] + unseen


def _unasked(found: Found) -> Left:
    said = f"it stands, and is known to be a lab's by its {found.why}"
    return Left(found.kind, found.name, said, "Remove it with `webhook-lab sweep --yes`.")


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
        self.unseen: list[Left] = []

    def run(self) -> Iterator[Found]:
        listed = list[tuple[str, Listed]]()
        for kind, of_kind in kinds().items():
            with self._seeing(kind):
                listed += [(kind, each) for each in of_kind.list_all(self.session, self.prefix)]
        self.existing |= {(kind, each.name) for kind, each in listed}
        # Last what goes with others, and roles, whose names alone may say whose: when labs are known.
        for kind, each in sorted(listed, key=lambda one: (bool(one[1].goes_with), one[1].at_our_path)):
            why = None
            with self._seeing(kind):
                why = self._why(kind, each)
            if why:
                self.ours.add((kind, each.name))
                yield Found(kind, each.name, each.id, why)

    @contextlib.contextmanager
    def _seeing(self, kind: str) -> Iterator[None]:
        """Where AWS does not let us look, say so once for the kind, and go on."""
        try:
            with explain(f"look at each {kind.replace('_', ' ')}"):
                yield
        except LabError as error:
            if kind not in {each.kind for each in self.unseen}:
                self.unseen.append(Left(kind, "", error.said, error.try_this))

    def _why(self, kind: str, each: Listed) -> str | None:
        try:
            says, tags = self._tag_says(each)
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise
            self.existing.discard((kind, each.name))  # listed still, and deleted: nothing goes with it
            return None
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
        tags = each.read_tags()
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
        exact = not self.unseen and any(ends <= _names_of(self.prefix or lab) for lab in labs)
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


def _tagged_arns(session: Session, prefix: str | None) -> set[str]:
    """ARNs that the tagging API knows by the lab's tag (any lab's for None).

    Only a hint: it lags behind, does not know roles, and neither every target nor every learner has it.
    """
    wanted: Any = {"Key": TAG_KEY, **({"Values": [prefix]} if prefix else {})}
    try:
        pages = session.tagging.get_paginator("get_resources").paginate(TagFilters=[wanted])
        return {row["ResourceARN"] for page in pages for row in page["ResourceTagMappingList"]}
    except (ClientError, BotoCoreError):
        return set()
