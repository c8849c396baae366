"""Every name of one lab follows from its prefix, so that a new process can find what an old one made."""

import re
from dataclasses import dataclass

from webhook_lab.aws.errors import LabError
from webhook_lab.facts import quotas
from webhook_lab.resources.ownership import TAG_KEY
from webhook_lab.resources.stack import ENDING

DEFAULT_PREFIX = "webhook-lab"
FUNCTIONS = ("publish", "subscribe")
_PREFIX = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Names:
    """The names of one lab's resources.

    Args:
        prefix: lower-case letters, digits and single hyphens, such as ``"webhook-lab"`` or ``"lab-ana"``.
            Thirty learners in one account take thirty prefixes (WEBHOOK_LAB_NAME).

    Raises:
        LabError: when AWS would refuse a name made from it.
    """

    prefix: str = DEFAULT_PREFIX

    def __post_init__(self) -> None:
        longest = int(quotas.LAMBDA_FUNCTION_NAME_CHARACTERS.value) - len("-subscribe")
        if len(self.prefix) > longest:
            raise LabError(
                f"name the lab {self.prefix!r}",
                f"it has {len(self.prefix)} characters; a function name takes {longest} before '-subscribe'",
                f"Set WEBHOOK_LAB_NAME to at most {longest} characters.",
            )
        if not _PREFIX.fullmatch(self.prefix):
            raise LabError(
                f"name the lab {self.prefix!r}",
                "a name starts with a letter and has lower-case letters, digits and single hyphens only",
                "Set WEBHOOK_LAB_NAME to something like 'lab-ana'.",
            )

    @property
    def table(self) -> str:
        return f"{self.prefix}-deliveries"

    @property
    def queue(self) -> str:
        return f"{self.prefix}-webhooks"

    @property
    def dlq(self) -> str:
        return f"{self.prefix}-webhooks-dlq"

    @property
    def bucket(self) -> str:
        return f"{self.prefix}-bodies"

    @property
    def api(self) -> str:
        return f"{self.prefix}-front-door"

    @property
    def direct(self) -> str:
        """The REST API in front of the queue, and its role."""
        return f"{self.prefix}-direct"

    @property
    def alarm(self) -> str:
        return f"{self.prefix}-dead-letters"

    @property
    def stack(self) -> str:
        """The stack of an exported template; all in it begins with this name in place of the prefix."""
        return f"{self.prefix}{ENDING}"

    def function(self, handler: str) -> str:
        """The function that runs `handler` ("publish" or "subscribe"). Its role has the same name."""
        return f"{self.prefix}-{handler}"

    def log_group(self, handler: str) -> str:
        """Where Lambda writes that function's lines."""
        return f"/aws/lambda/{self.function(handler)}"

    @property
    def tags(self) -> dict[str, str]:
        return {TAG_KEY: self.prefix}
