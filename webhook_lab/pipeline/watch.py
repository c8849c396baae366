"""Watch a pipeline that stands."""

from collections.abc import Iterable, Mapping

from webhook_lab.aws.errors import explain
from webhook_lab.pipeline.build import Pipeline
from webhook_lab.pipeline.operations import throttle_of
from webhook_lab.watch.fates import fates
from webhook_lab.watch.items import read_items
from webhook_lab.watch.peek import messages_of
from webhook_lab.watch.rows import Fate
from webhook_lab.watch.watch import Watch


def watch_pipeline(pipeline: Pipeline) -> Watch:
    """A watch on the pipeline's queues and its subscribe function, not started; its limit by the settings.

    Its calls are not among those that the session records.
    """
    session = pipeline.session
    return Watch(
        session.client("sqs", recorded=False),
        session.client("logs", recorded=False),
        queue_url=pipeline.get("queue").url,
        dlq_url=pipeline.get("dlq").url,
        log_group=pipeline.names.log_group("subscribe"),
        limit=throttle_of(pipeline),
        lag=session.target.traits.log_lag,
    )


def fates_in(pipeline: Pipeline, message_ids: Iterable[str], begun: Mapping[str, int]) -> list[Fate]:
    """What became of each message of the pipeline's queue, in their order; see `fates`.

    Reads the whole table, and looks at the dead-letter queue: see `messages_of` for what that costs.

    Raises:
        LabError: either can't be read.
    """
    session, table = pipeline.session, pipeline.names.table
    with explain(f"read table {table!r} and the dead-letter queue"):
        items = read_items(session.dynamodb, table=table)
        dead = messages_of(session, queue_url=pipeline.get("dlq").url)
    return fates(message_ids, begun=begun, items=items, dead=dead)
