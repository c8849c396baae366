"""Lab: the one object that a notebook opens. Each method is a step of the pattern, in boto3 calls."""

from webhook_lab.course import checks
from webhook_lab.lab.building import Building
from webhook_lab.lab.looking import Looking
from webhook_lab.lab.using import Using

__all__ = ["Lab"]


class Lab(Building, Using, Looking):
    """One learner's lab at one chapter, opened by ``Lab.open(chapter="NN")``.

    Its parts are in the modules beside this one: what stands, building, using, looking.
    """

    def checkpoint(self, claim: str) -> None:
        """Ask the services whether `claim` holds, and say so in one line.

        Raises:
            LabError: when it does not hold, or when this chapter has no such checkpoint.
        """
        checks.checkpoint(self, claim)

    def exercise(self) -> None:
        """Look at the services and say how far this chapter's exercise is solved."""
        checks.exercise(self)
