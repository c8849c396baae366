"""Watch a pipeline that stands."""

from webhook_lab.observe.watch import Watch
from webhook_lab.pipeline.build import Pipeline
from webhook_lab.pipeline.throttle import throttle_of


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
