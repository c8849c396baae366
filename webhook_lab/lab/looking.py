"""Looking at what became of it: in the queues, in the table, in the logs."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from webhook_lab.aws.errors import explain
from webhook_lab.aws.retry import retry_until
from webhook_lab.lab.attempts import Attempts
from webhook_lab.lab.opened import Opened
from webhook_lab.pipeline import STEPS
from webhook_lab.resources.queue import Depth, depth
from webhook_lab.show import cards
from webhook_lab.show.cards import Card
from webhook_lab.watch.items import plain_item, read_items
from webhook_lab.watch.log_lines import read_lines
from webhook_lab.watch.peek import messages_of, peek
from webhook_lab.watch.rows import Answer, Moment
from webhook_lab.watch.timeline import follow

if TYPE_CHECKING:
    pass

DRAIN_SECONDS = 60.0
"""How long a cell waits for what was sent to be stored before it says that it is not."""


class Looking(Opened):
    """What changes nothing."""

    @cached_property
    def attempts(self) -> Attempts:
        """What subscribe has tried on each message since the lab was opened; see `Attempts`."""
        return Attempts(self.pipeline, since=self.opened_at)

    def depth(self, key: str = "queue") -> Depth:
        """How many messages of the queue (or "dlq") are visible, in flight, delayed: SQS approximates."""
        with explain(f"read the depth of {STEPS[key].name(self.names)!r}"):
            return depth(self.aws.sqs, url=self.pipeline.get(key).url)

    def peek(self, key: str = "queue") -> Card:
        """The messages of the queue (or "dlq"), none of which is consumed.

        Where only a receive shows them, those of the dead-letter queue are received and given back, and of
        the queue the depth is shown: there each receive counts.
        """
        url, name = self.pipeline.get(key).url, STEPS[key].name(self.names)
        with explain(f"peek at {name!r}"):
            see = messages_of if key == "dlq" else peek
            if (messages := see(self.aws, queue_url=url)) is not None:
                return cards.peek_card(messages)
        held = self.depth(key)
        rows = (("visible", held.visible), ("in flight", held.in_flight), ("delayed", held.delayed))
        return Card(
            "Depth of the queue", name, rows, note="Here a look at the messages is a receive of each."
        )

    def items(self) -> Card:
        """The newest items of those stored since the lab was opened."""
        with explain(f"read table {self.names.table!r}"):
            found = read_items(self.aws.dynamodb, table=self.names.table)
        return cards.items_card([item for item in found if item.get("received_at", 0) >= self.opened_at])

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

        Given an answer, wait until the message that it names has come through, a duplicate too.

        Raises:
            LabError: when it is not stored in time.
        """
        message_id = None if isinstance(answer_or_id, str) else answer_or_id.message_id

        def once_stored() -> dict[str, Any] | None:
            item = self.item(answer_or_id)
            return (
                item if item and (message_id is None or message_id in item.get("delivered_by", ())) else None
            )

        return retry_until(once_stored, seconds=seconds, reason="the delivery to be stored")

    def logs(self, handler: str, *, until: str | None = None) -> list[dict[str, Any]]:
        """The JSON lines that the function has written since the lab was opened, oldest first.

        Args:
            until: wait for a record with this outcome, such as "queued": CloudWatch shows lines late.

        Raises:
            LabError: no such line came in time.
        """
        group = self.names.log_group(handler)

        def once_there() -> list[dict[str, Any]] | None:
            lines = list(read_lines(self.aws.logs, log_group=group, since=self.opened_at))
            return lines if until is None or until in {line.get("outcome") for line in lines} else None

        with explain(f"read log group {group!r}"):
            lines = retry_until(once_there, seconds=DRAIN_SECONDS, reason=f"a line with outcome {until!r}")
        return sorted(lines, key=lambda line: int(line["at"]))

    def follow(self, answer: Answer) -> list[Moment]:
        """The delivery's way from its sender to the table, by what each of them wrote down."""
        item = self.wait_for(answer)

        def once_all_have_written() -> list[Moment] | None:
            moments = follow(
                answer, publish_lines=self.logs("publish"), subscribe_lines=self.logs("subscribe"), item=item
            )
            told = {(moment.where) for moment in moments}
            return moments if {"publish", "subscribe"} <= told else None

        return retry_until(once_all_have_written, seconds=DRAIN_SECONDS, reason="the functions' log lines")
