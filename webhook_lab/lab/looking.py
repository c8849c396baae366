"""Looking at what became of what was sent: in the queues, in the table, in the functions' logs.

What one method alone needs is imported there: a notebook loads what it uses.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar

from webhook_lab.aws.errors import LabError, explain
from webhook_lab.aws.retry import retry_until
from webhook_lab.course.chapters import Chapter
from webhook_lab.lab.exported import Exported
from webhook_lab.pipeline import Pipeline, step_of
from webhook_lab.resources.queue import Depth, depth
from webhook_lab.show import cards
from webhook_lab.show.card import Card
from webhook_lab.watch.items import plain_item, read_items
from webhook_lab.watch.log_lines import read_lines
from webhook_lab.watch.rows import Answer, Moment

if TYPE_CHECKING:
    from webhook_lab.lab.attempts import Attempts

T = TypeVar("T")

DRAIN_SECONDS = 60.0
"""How long a cell waits for what was sent to be stored before it says that it is not."""
_ONLY_DEPTH = "Here a look at the messages is a receive of each. The depth may be a minute old."


class Looking(Exported):
    """A pipeline that is built, and what came of its deliveries since it was opened."""

    def __init__(self, pipeline: Pipeline, chapter: Chapter) -> None:
        super().__init__(pipeline, chapter)
        self.opened_at = self.aws.now()

    @cached_property
    def attempts(self) -> "Attempts":
        """What subscribe has tried on each message since the lab was opened; see `Attempts`."""
        from webhook_lab.lab.attempts import Attempts

        return Attempts(self.pipeline, since=self.opened_at)

    def depth(self, key: str = "queue") -> Depth:
        """How many messages of the queue (or "dlq") are visible, in flight, delayed: SQS approximates."""
        with explain(f"read the depth of {step_of(key).name(self.names)!r}"):
            return depth(self.aws.sqs, url=self.pipeline.get(key).url)

    def peek(self, key: str = "queue") -> Card:
        """The messages of the queue (or "dlq"), none of which is consumed.

        Where only a receive shows them, those of the dead-letter queue are received and given back, and of
        the queue the depth is shown: there each receive counts.
        """
        from webhook_lab.watch.peek import messages_of, peek

        url, name = self.pipeline.get(key).url, step_of(key).name(self.names)
        with explain(f"peek at {name!r}"):
            see = messages_of if key == "dlq" else peek
            if (messages := see(self.aws, queue_url=url)) is not None:
                return cards.peek_card(messages)
        held = self.depth(key)
        rows = (("visible", held.visible), ("in flight", held.in_flight), ("delayed", held.delayed))
        return Card("Depth of the queue", name, rows, note=_ONLY_DEPTH)

    def item(self, answer_or_id: Answer | str) -> dict[str, Any] | None:
        """What the table holds for a delivery, as plain Python values; None while it holds nothing."""
        key = answer_or_id if isinstance(answer_or_id, str) else answer_or_id.id
        with explain(f"read table {self.names.table!r}"):
            found = self.aws.dynamodb.get_item(
                TableName=self.names.table, Key={"id": {"S": key or "-"}}, ConsistentRead=True
            )
        return plain_item(found["Item"]) if "Item" in found else None

    def wait_for(self, answer_or_id: Answer | str, *, seconds: float = DRAIN_SECONDS) -> dict[str, Any]:
        """Wait until the delivery is stored, and return its item.

        Given an answer, wait until the message that it names has come through, as a duplicate too; of the
        same id with another body, the item is the conflict that was kept, and of a direct delivery the one
        that its message led to, which is all that its answer names.

        Raises:
            LabError: nothing was queued, or it is not stored in time.
        """
        if isinstance(answer_or_id, str):
            once = partial(self.item, answer_or_id)
        else:
            if answer_or_id.message_id is None:
                said = f"it was answered {answer_or_id.status}, so nothing was queued"
                raise LabError("wait for the delivery", said, "Read the answer's body, mend it, send again.")
            once = partial(self._item_of, answer_or_id)
        return self._wait(once, seconds, "the delivery to be stored")

    def _item_of(self, answer: Answer) -> dict[str, Any] | None:
        """The item that the answer's own message has led to, if it has come through."""
        item = self.item(answer) if answer.id else {}
        if item is None or answer.message_id in item.get("delivered_by", ()):
            return item
        with explain(f"read table {self.names.table!r}"):
            items = read_items(self.aws.dynamodb, table=self.names.table)
        return next((each for each in items if answer.message_id in each.get("delivered_by", ())), None)

    def logs(self, handler: str, *, until: str | Sequence[str] | None = None) -> list[dict[str, Any]]:
        """The JSON lines that the function has written since the lab was opened, oldest first.

        Args:
            until: wait for a record with this outcome, such as "queued", or for the end of each of these
                deliveries, by their ids: CloudWatch shows lines late.

        Raises:
            LabError: no such line came in time.
        """
        group = self.names.log_group(handler)
        wanted = {until} if isinstance(until, str) else set(until or ())

        def once_there() -> list[dict[str, Any]] | None:
            lines = list(read_lines(self.aws.logs, log_group=group, since=self.opened_at))
            ends = [line for line in lines if "outcome" in line]
            told = {line["outcome"] for line in ends} | {line.get("id") for line in ends}
            return lines if wanted <= told else None

        with explain(f"read log group {group!r}"):
            one = f"a line with outcome {until!r}" if isinstance(until, str) else ""
            lines = self._wait(once_there, DRAIN_SECONDS, one or "the deliveries' log lines")
        return sorted(lines, key=lambda line: int(line["at"]))

    def follow(self, answer: Answer) -> list[Moment]:
        """The delivery's way from its sender to the table, by what each of them wrote down."""
        from webhook_lab.watch.timeline import follow

        item = self.wait_for(answer)

        def once_all_have_written() -> list[Moment] | None:
            moments = follow(
                answer, publish_lines=self.logs("publish"), subscribe_lines=self.logs("subscribe"), item=item
            )
            told = {(moment.where) for moment in moments}
            return moments if {"publish", "subscribe"} <= told else None

        return self._wait(once_all_have_written, DRAIN_SECONDS, "the functions' log lines")

    def _wait(self, once: Callable[[], T | None], seconds: float, reason: str) -> T:
        """What `once` answers when it answers something, which may be as late as the services show it."""
        return retry_until(once, seconds=self.aws.target.traits.allow(seconds), reason=reason)
