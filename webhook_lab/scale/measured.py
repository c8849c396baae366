"""What one run of the pipeline says about the two times that nobody documents."""

from collections.abc import Iterable

from webhook_lab.watch.rows import Invocation


def service_times(invocations: Iterable[Invocation], *, pollers: int) -> dict[str, float]:
    """Seconds between two invocations of a poller, and seconds for each message, out of a run without work.

    Args:
        invocations: of a run whose pollers were busy from the first to the last.
        pollers: how many there were.
    """
    ended = sorted((each for each in invocations if each.finished_at is not None and each.records),
                   key=lambda each: each.started_at)  # fmt: skip
    spans = [((each.finished_at or 0) - each.started_at) / 1000 for each in ended]
    each_message = sum(spans) / max(sum(each.records for each in ended), 1)
    whole = (max(each.finished_at or 0 for each in ended) - ended[0].started_at) / 1000
    return {
        "each_batch_seconds": max(whole * pollers - sum(spans), 0.0) / len(ended),
        "each_message_seconds": each_message,
    }
