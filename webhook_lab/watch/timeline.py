"""One message from its sender to its item, told by those who saw it."""

from collections.abc import Iterable, Mapping
from typing import Any

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

    publish_lines, subscribe_lines, item = list(publish_lines), list(subscribe_lines), item or {}
    queued = [line for line in publish_lines if _ends(line, answer)]
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
    for line in subscribe_lines:
        if line["event"] == "record_start" and line.get("message_id") == answer.message_id:
            tell(line["at"], "subscribe", "starts on the record")
    tell(item.get("finished_at"), "table", "is given the item")
    for line in subscribe_lines:
        if _ends(line, answer):
            tell(line["at"], "subscribe", f"finishes it: {line['outcome']}")
    tell(answer.sent_at + round(answer.milliseconds), "sender", f"has its answer: {answer.status}")
    return sorted(moments, key=lambda moment: moment.at)


def _ends(line: Mapping[str, Any], answer: Answer) -> bool:
    return line["event"] == "record_finish" and line.get("message_id") == answer.message_id
