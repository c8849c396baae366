"""Find and remove what a lab left behind, without its ledger: by tag, by role path, and by name.

A thing is a lab's when the lab's tag on it begins its name (``webhook-lab=lab-ana`` on ``lab-ana-webhooks``).
A name alone is never enough for what a lab creates with that tag. Three rules stand beside this one:

- a role is a lab's at the path /webhook-lab/, where nothing else is; its tag or its exact name says whose,
  and another tag of which region;
- a mapping without the tag is a lab's when both its ends are;
- a log group without it is a lab's when its function is: Lambda makes such groups.

An end or a function that no longer exists counts by its exact name, since nothing else is left of it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain

from webhook_lab.aws.errors import explain
from webhook_lab.aws.session import Session
from webhook_lab.pipeline import standing
from webhook_lab.pipeline.naming import DEFAULT_PREFIX, FUNCTIONS, REGION_KEY
from webhook_lab.pipeline.standing import LOGS, Standing
from webhook_lab.resources import (
    alarm,
    event_source_mapping,
    function,
    log_group,
    queue,
    rest_api,
    role,
    table,
)

ORDER = ("alarm", "mapping", "api", "function", "queue", "table", "role", "log_group")
"""What is removed first: what uses a thing goes before it, and log groups when nothing can write to them."""

_ENDINGS = re.compile(r".+-(deliveries|webhooks|webhooks-dlq|publish|subscribe|front-door|dead-letters)")


@dataclass(frozen=True)
class Found:
    """One resource that a lab left.

    Args:
        kind: one of `ORDER`.
        name: as AWS shows it; a mapping is called by its function.
        id: its ARN, URL, API id or mapping UUID.
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
    removed = sorted(found, key=_order)
    for item in removed:
        if progress:
            progress(item)
        with explain(f"delete {item.kind.replace('_', ' ')} {item.name!r}"):
            _delete(session, item)
    for item in removed:
        if item.kind == "function":  # a line that came late brings the group back
            _delete(session, Found("log_group", LOGS + item.name, "", item.why))
    return removed


def _order(item: Found) -> tuple[int, str]:
    return ORDER.index(item.kind), item.name


def _delete(session: Session, item: Found) -> None:
    match item.kind:
        case "alarm":
            alarm.delete_alarm(session.cloudwatch, name=item.name)
        case "mapping":
            event_source_mapping.delete_mapping(session.lambda_, uuid=item.id)
        case "api":
            rest_api.delete_rest_api(session.apigateway, id=item.id)
        case "function":
            function.delete_function(session.lambda_, name=item.name)
        case "queue":
            queue.delete_queue(session.sqs, name=item.name)
        case "table":
            table.delete_table(session.dynamodb, name=item.name, wait=session.wait)
        case "role":
            role.delete_role(session.iam, name=item.name)
        case "log_group":
            log_group.delete_log_group(session.logs, name=item.name)


class _Search:
    """One look at everything that stands: what is ours by itself first, then what follows it."""

    def __init__(self, session: Session, prefix: str | None) -> None:
        self.session, self.prefix = session, prefix
        self.hinted = standing.tagged_arns(session, prefix)
        self.labs = {prefix or DEFAULT_PREFIX}
        self.existing: set[tuple[str, str]] = set()
        self.ours: set[tuple[str, str]] = set()

    def run(self) -> list[Found]:
        session = self.session
        found = []
        listings = (standing.functions(session), standing.queues(session, self.prefix))
        for each in chain(
            *listings, standing.tables(session), standing.apis(session), standing.alarms(session)
        ):
            self.existing.add((each.kind, each.name))
            if self._tag_says_ours(each):
                self.ours.add((each.kind, each.name))
                found.append(Found(each.kind, each.name, each.id, "tag"))
        for each in standing.roles(session):
            says = self._tag_says_ours(each)
            ours = says or (says is None and (self.prefix is None or each.name in self._functions_of_labs()))
            if ours and each.tag(REGION_KEY) in (None, session.target.region):
                found.append(Found(each.kind, each.name, each.id, "role path"))
        for each in chain(standing.mappings(session), standing.log_groups(session)):
            says = self._tag_says_ours(each)
            if says or (says is None and self._follows_ours(each)):
                found.append(Found(each.kind, each.name, each.id, "tag" if says else "name"))
        return found

    def _tag_says_ours(self, each: Standing) -> bool | None:
        """None when it has no such tag, and when neither its name nor the tagging API gives reason to ask."""
        named_so = each.base.startswith(f"{self.prefix}-") if self.prefix else _ENDINGS.fullmatch(each.base)
        if not named_so and each.arn and each.arn not in self.hinted:
            return None
        lab = each.tag()
        if lab is None:
            return None
        if self.prefix not in (None, lab) or not each.base.startswith(f"{lab}-"):
            return False
        self.labs.add(lab)
        return True

    def _functions_of_labs(self) -> set[str]:
        return {f"{lab}-{handler}" for lab in self.labs for handler in FUNCTIONS}

    def _follows_ours(self, each: Standing) -> bool:
        if each.kind == "log_group":
            its = ("function", each.base)
            return its in self.ours or (each.base in self._functions_of_labs() and its not in self.existing)
        ends = {("function", each.name), ("queue", each.queue)}
        lab = self.prefix or each.queue.removesuffix("-webhooks")
        exact = (each.name, each.queue) == (f"{lab}-subscribe", f"{lab}-webhooks")
        return ends <= self.ours or (exact and not ends & (self.existing - self.ours))
