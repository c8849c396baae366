"""Taking back what lies in the dead-letter queue."""

from typing import Any

import click

from webhook_lab.cli.report import Outcome, progress, reports
from webhook_lab.cli.standing import demand, demand_pipeline, depth_of
from webhook_lab.pipeline import redrive as redrive_messages
from webhook_lab.show.deliveries import redrive_card


@click.command()
@reports
def redrive() -> Outcome:
    """Move the messages of the dead-letter queue back to the queue.

    Killed or stopped in between, it loses none: run it again. Exit code 0: none is left.
    """
    pipeline = demand_pipeline()
    held = depth_of(pipeline, demand(pipeline, "dlq"))
    with progress(sum(held.values()), "Redriving") as step:
        shown = 0

        def told(moved: int) -> None:
            nonlocal shown
            for number in range(shown, moved):
                step(str(number + 1))
            shown = moved

        done = redrive_messages(pipeline, told)
    facts: dict[str, Any] = {**vars(done), "refused": dict(done.refused)}
    return Outcome(facts, repr(redrive_card(done)), code=1 if done.left else 0)
