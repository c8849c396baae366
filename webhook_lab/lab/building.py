"""Building, one method for one AWS resource."""

from typing import Any

from webhook_lab.aws.errors import explain
from webhook_lab.lab.opened import Opened
from webhook_lab.pipeline import dead_letter_alarm
from webhook_lab.resources.function import ReservationRefused, set_reserved_concurrency
from webhook_lab.show import cards
from webhook_lab.show.cards import Card


class Building(Opened):
    """What creates the resources of the pipeline."""

    def create_table(self) -> Card:
        """Create the DynamoDB table that stands in for the database."""
        return self._create("table")

    def create_dead_letter_queue(self) -> Card:
        """Create the queue that keeps messages which failed too often."""
        return self._create("dlq")

    def create_queue(self, **instead: Any) -> Card:
        """Create the queue, with the dead-letter queue behind it.

        Args:
            instead: what to use in place of the pipeline's settings, such as ``visibility_timeout=2``.
        """
        return self._create("queue", **instead)

    def create_log_group(self, handler: str) -> Card:
        """Create the log group of the function that runs `handler` ("publish" or "subscribe")."""
        return self._create(f"{handler}_logs")

    def create_role(self, handler: str, **instead: Any) -> Card:
        """Create the role that the function runs as. ``policy=None`` makes one that may do nothing."""
        return self._create(f"{handler}_role", **instead)

    def create_function(self, handler: str, **instead: Any) -> Card:
        """Zip `handlers/<handler>` and create the function from it."""
        return self._create(f"{handler}_function", **instead)

    def create_mapping(self, **instead: Any) -> Card:
        """Let the queue feed the subscribe function."""
        return self._create("mapping", **instead)

    def create_rest_api(self) -> Card:
        """Create the REST API that takes any URL to the publish function."""
        return self._create("api")

    def alarm(self) -> Card:
        """Create the alarm on the dead-letter queue, or find it, and show its state.

        Where the target has no metrics, its rule is judged by the queue's depth now, and the card says so.
        """
        self._step = self.aws.calls.mark()
        alarm = dead_letter_alarm(self.pipeline)
        return cards.resource_card(alarm, console_url=self.aws.target.console_url("alarm", alarm.name))

    def set_reserved_concurrency(self, reserved: int | None, *, handler: str = "subscribe") -> Card:
        """Keep that many executions for the function, and allow it no more. None gives them back."""
        self._step = self.aws.calls.mark()
        name = self.names.function(handler)
        try:
            with explain(f"reserve {reserved} executions for function {name!r}"):
                set_reserved_concurrency(self.aws.lambda_, name=name, reserved=reserved)
        except ReservationRefused as refused:  # many a workshop's account: the mapping throttles alone there
            return Card("Nothing was reserved", name, (("AWS said", refused.said), ("Try", refused.try_this)))
        return self.show(f"{handler}_function")
