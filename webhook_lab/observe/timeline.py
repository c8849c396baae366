"""One message from its sender to its item, told by those who saw it."""

from collections.abc import Iterable, Mapping
from typing import Any

from webhook_lab.rows import Answer, Moment

WAY = ("sender", "API Gateway", "publish", "queue", "subscribe", "table")
"""The places in the order in which a message passes them."""


def follow(
    answer: Answer,
    *,
    publish_lines: Iterable[Mapping[str, Any]],
    subscribe_lines: Iterable[Mapping[str, Any]],
    item: Mapping[str, Any] | None,
) -> list[Moment]:
    """Put what is known of the message behind `answer` in order of time; what is simultaneous goes by `WAY`.

    The sender, Lambda, SQS and API Gateway each have a clock of their own; within one machine, or one AWS
    region, they agree to a few milliseconds.

    Args:
        item: what the table holds for it, None while it holds nothing.
    """
    moments = [
        Moment(answer.sent_at, "sender", "posts the delivery"),
        Moment(answer.sent_at + round(answer.milliseconds), "sender", f"has its answer: {answer.status}"),
    ]
    publish_lines = list(publish_lines)
    mine = [line for line in publish_lines if line.get("message_id") == answer.message_id]
    invocations = {line["request_id"] for line in mine if line["event"] == "record_finish"}
    for line in publish_lines:
        if line["request_id"] not in invocations:
            continue
        at = int(line["at"])
        if line["event"] == "invocation_start":
            if arrived := line.get("api_received_at"):
                moments.append(Moment(int(arrived), "API Gateway", "receives the request"))
            moments.append(Moment(at, "publish", "is invoked"))
        elif line["event"] == "record_finish":
            moments.append(Moment(at, "publish", f"{line['outcome']} the message"))
    for line in subscribe_lines:
        if line.get("message_id") == answer.message_id:
            if line["event"] == "record_start":
                moments.append(Moment(int(line["at"]), "subscribe", "starts on the record"))
            elif line["event"] == "record_finish":
                moments.append(Moment(int(line["at"]), "subscribe", f"finishes it: {line['outcome']}"))
    if item:
        moments.append(Moment(int(item["queued_at"]), "queue", "keeps the message"))
        moments.append(Moment(int(item["finished_at"]), "table", "is given the item"))
    return sorted(moments, key=lambda moment: (moment.at, WAY.index(moment.where)))
