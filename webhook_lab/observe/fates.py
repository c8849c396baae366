"""How often each message was received, beside how often a function worked on it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from webhook_lab.rows import Fate, Work


def fates(
    message_ids: Iterable[str],
    *,
    work: Iterable[Work],
    items: Iterable[Mapping[str, Any]],
    dead: Iterable[Mapping[str, Any]],
) -> list[Fate]:
    """One row for each message, in their order.

    SQS counts the receives of a message on its way through the queue and the dead-letter queue alike. Of one
    that is stored, its item knows how many they were by then; of one that waits, nobody does: 0.

    Args:
        work: what invocations did about records.
        items: of the table, as plain values.
        dead: the dead-letter queue's messages, as boto3 receives them.
    """
    ran = Counter(each.message_id for each in work)
    stored = {item["message_id"]: int(item["receive_count"]) for item in items}
    buried = {each["MessageId"]: int(each["Attributes"]["ApproximateReceiveCount"]) for each in dead}
    found = []
    for id_ in message_ids:
        place = "dlq" if id_ in buried else "table" if id_ in stored else "queue"
        found.append(Fate(id_, buried.get(id_, stored.get(id_, 0)), ran[id_], place))
    return found
