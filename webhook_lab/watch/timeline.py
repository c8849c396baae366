"""One message from its sender to its item, told by those who saw it."""

from collections.abc import Iterable, Mapping
from typing import Any

from webhook_lab.watch.history import attempts
from webhook_lab.watch.rows import Answer, Moment

WAY = ("sender", "API Gateway", "publish", "queue", "subscribe", "table")
"""The places in the order in which a message passes them."""


def follow(
    answer: Answer,
    *,
    publish_lines: Iterable[Mapping[str, Any]],
    subscribe_lines: Iterable[Mapping[str, Any]],
    item: Mapping[str, Any] | None,
) -> list[Moment]:
    """Put what is known of the message behind `answer` in order of time.

    The sender, Lambda, SQS and API Gateway each have a clock of their own; within one machine, or one AWS
    region, they agree to a few milliseconds.

    Args:
        item: what the table holds for it, None while it holds nothing.
    """
    moments: list[Moment] = []

    def tell(at: Any, where: str, what: str) -> None:
        if at:
            moments.append(Moment(int(at), where, what))

    publish_lines, item = list(publish_lines), item or {}
    queued = [line for line in publish_lines if _ends(line, answer)]
    worked = [each for each in attempts(subscribe_lines) if each.message_id == answer.message_id]
    invocations = {line["request_id"] for line in queued}
    invoked = [line for line in publish_lines if line["request_id"] in invocations]
    # In the order of cause and effect, which decides between what happened in one millisecond.
    tell(answer.sent_at, "sender", "posts the delivery")
    for line in invoked:
        if line["event"] == "invocation_start":
            tell(line.get("api_received_at"), "API Gateway", "receives the request")
            tell(line["at"], "publish", "is invoked")
    tell(item.get("queued_at"), "queue", "keeps the message")
    for line in queued:
        tell(line["at"], "publish", f"{line['outcome']} the message")
    for each in worked:
        tell(each.started_at, "subscribe", "starts on the record")
    tell(item.get("finished_at"), "table", "is given the item")
    for each in worked:
        tell(each.finished_at, "subscribe", f"finishes it: {each.outcome}")
    tell(answer.sent_at + round(answer.milliseconds), "sender", f"has its answer: {answer.status}")
    return sorted(moments, key=lambda moment: moment.at)


def _ends(line: Mapping[str, Any], answer: Answer) -> bool:
    return line["event"] == "record_finish" and line.get("message_id") == answer.message_id
