"""What is told of one checkpoint or exercise, and what is not: no code, no output, no name but the chosen."""

import hashlib
import json
import re
import unicodedata
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Self

from webhook_lab.aws.errors import LabError

NAME = "WEBHOOK_LAB_CLASS_NAME"
"""The variable with what the board calls a learner, which she chooses herself."""
LONGEST_NAME, LONGEST_REASON = 24, 120
"""Characters."""
OPENED, PASSED, LEFT_OUT, SOLVED = "opened", "passed", "left out", "solved"
FAILED, NOT_YET = "failed", "not yet"
GOOD, BAD = (PASSED, LEFT_OUT, SOLVED), (FAILED, NOT_YET)
"""What can come of a checkpoint or an exercise."""
EXERCISE = "exercise"
"""What stands for a claim where it is the chapter's exercise."""
_QUOTED = re.compile(r"""b?(['"`]).*?\1""")


@dataclass(frozen=True)
class Report:
    """One thing that a learner's lab tells.

    The same report is the same delivery, byte for byte and by its id: told twice, it is stored once. Another
    outcome is another delivery, and so is the same one after another: `at` tells apart, and which is newer.

    Args:
        claim: a checkpoint's sentence, `EXERCISE`, or empty for the opening of a chapter.
        reason: why it is not so, in the check's words; see `told_reason`.
        at: since when the outcome is so, in epoch milliseconds by the learner's clock.
    """

    learner: str
    chapter: str
    claim: str
    outcome: str
    reason: str
    at: int

    @property
    def body(self) -> bytes:
        """The payload: type, timestamp and data, as Standard Webhooks advises."""
        data = asdict(self)
        at = datetime.fromtimestamp(data.pop("at") / 1000, UTC).isoformat(timespec="milliseconds")
        kind = "chapter" if not self.claim else EXERCISE if self.claim == EXERCISE else "checkpoint"
        said = {"type": f"lab.{kind}", "timestamp": at, "data": data}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()

    @property
    def id(self) -> str:
        """What the delivery is called: by Standard Webhooks the same however often it is sent."""
        return f"class-{self.chapter}-{hashlib.sha256(self.body).hexdigest()[:32]}"

    @classmethod
    def read(cls, body: str) -> Self | None:
        """The report in a delivery's body; None where that holds none."""
        try:
            said = json.loads(body)
            at = round(datetime.fromisoformat(said["timestamp"]).timestamp() * 1000)
            found = cls(at=at, **said["data"])
            checked_name(found.learner)
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError, LabError):
            return None
        words = (found.chapter, found.claim, found.outcome, found.reason)
        return found if all(isinstance(each, str) for each in words) else None


def _can_be_shown(character: str) -> bool:
    return character in " .-_'’" or unicodedata.category(character)[0] in "LMN"


def told_reason(said: str) -> str:
    """A check's reason without what it quotes or adds behind a colon: that could be a learner's own."""
    general = _QUOTED.sub("…", said.split("\n")[0]).split(": ")[0].strip()
    return general if len(general) <= LONGEST_REASON else f"{general[: LONGEST_REASON - 1]}…"


def checked_name(name: str) -> str:
    """The name, if a board can show it.

    Raises:
        LabError: it is empty, too long, or has other characters than letters, digits, spaces and .-_'.
    """
    said = ""
    if not name.strip():
        said = "you have not chosen a name"
    elif len(name) > LONGEST_NAME:
        said = f"the name has {len(name)} characters, and the board has room for {LONGEST_NAME}"
    elif odd := "".join(each for each in name if not _can_be_shown(each))[:1]:
        said = f"the name holds {odd!r}; letters, digits, spaces and .-_' can be shown"
    if said:
        raise LabError("join the class", said, f"Set {NAME} to what the board shall call you, such as 'ana'.")
    return name
