"""Watch a pipeline that stands."""

from webhook_lab.facts import quotas
from webhook_lab.observe.watch import Watch
from webhook_lab.pipeline.build import Pipeline


def watch_pipeline(pipeline: Pipeline) -> Watch:
    """A watch on the pipeline's queues and its subscribe function, not started; its limit by the settings.

    Its calls are not among those that the session records.
    """
    session, settings = pipeline.session, pipeline.settings
    throttles = (settings.reserved_concurrency, settings.maximum_concurrency)
    return Watch(
        session.client("sqs", recorded=False),
        session.client("logs", recorded=False),
        queue_url=pipeline.get("queue").url,
        dlq_url=pipeline.get("dlq").url,
        log_group=pipeline.names.log_group("subscribe"),
        limit=min((each for each in throttles if each), default=quotas.LAMBDA_ACCOUNT_CONCURRENCY.value),
        lag=session.target.traits.log_lag,
    )
