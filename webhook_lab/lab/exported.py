"""Taking a pipeline to production: as a template, deployed as a stack, and compared with what calls built.

What one method alone needs is imported there: a notebook loads what it uses.
"""

from functools import cached_property
from pathlib import Path
from typing import Self

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.lab.built import Built
from webhook_lab.pipeline import Pipeline
from webhook_lab.resources.stack import Stack, delete_stack
from webhook_lab.show.card import Card


class Exported(Built):
    """A pipeline that is built, and what production would have of it."""

    def export(self, folder: str | Path, *, force: bool = False) -> Card:
        """Write the pipeline as a template with its handlers and a README; show the production checklist.

        Args:
            force: write over what an earlier export wrote.

        Raises:
            LabError: the folder is not empty, or cannot be written.
        """
        from webhook_lab.pipeline.export import export
        from webhook_lab.show.night_cards import checklist_card

        return checklist_card(export(Path(folder), self.pipeline.settings, force=force))

    def deploy(self, folder: str | Path) -> Card:
        """Deploy an exported folder as a stack, through CloudFormation alone; its code goes into a bucket.

        Raises:
            LabError: what CloudFormation said, and of which resource.
        """
        from webhook_lab.pipeline.export import stack_of

        self.__dict__.pop("stack", None)
        return self._create(Stack, "stack", **stack_of(Path(folder)))

    @cached_property
    def stack(self) -> Self:
        """The stack's pipeline as a lab of its own: the same methods, and the same checkpoints."""
        from webhook_lab.pipeline.export import production
        from webhook_lab.pipeline.naming import Names

        settings = production(self.pipeline.settings)
        pipeline = Pipeline(self.aws, Names(self.names.stack), self.pipeline.ledger, settings)
        return type(self)(pipeline, self.chapter)

    def compare(self) -> Card:
        """Both pipelines setting by setting: the one built by calls, and the stack's."""
        from webhook_lab.pipeline.compare import compare
        from webhook_lab.show.night_cards import compared_card

        return compared_card(compare(self.pipeline, self.stack.pipeline))

    def delete_stack(self, *, unprotect: bool = False) -> None:
        """Delete the stack as CloudFormation does, or with its protection taken off and its code too.

        Raises:
            LabError: it is protected; nothing is deleted then.
        """
        self._step, name = self.aws.calls.mark(), self.names.stack
        if unprotect:
            self.pipeline.remove("stack")
            return
        try:
            with explain(where := f"delete stack {name!r}"):
                delete_stack(self.aws, name)
        except LabError as error:
            raise LabError(where, error.said, "If you mean it: lab.delete_stack(unprotect=True).") from error
