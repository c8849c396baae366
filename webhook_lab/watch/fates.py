"""How often each message was received, beside how often a function worked on it."""

from collections.abc import Iterable, Mapping
from typing import Any

from webhook_lab.aws.errors import explain
from webhook_lab.aws.session import Session
from webhook_lab.watch.items import read_items
from webhook_lab.watch.peek import messages_of
from webhook_lab.watch.rows import Fate


def fates(
    message_ids: Iterable[str],
    *,
    begun: Mapping[str, int],
    items: Iterable[Mapping[str, Any]],
    dead: Iterable[Mapping[str, Any]],
) -> list[Fate]:
    """One row for each message, in their order.

    SQS counts the receives of a message on its way through the queue and the dead-letter queue alike. Of one
    that is stored, its item knows how many they were by then; of one that repeats a delivery that another
    message brought, the log knows how many came to a function; of one that waits, nobody does: 0.

    Args:
        begun: by message id, how often a function began to work on it, by its log.
        items: of the table, as plain values; those that came by no message are left out.
        dead: the dead-letter queue's messages, as boto3 receives them.
    """
    stored: dict[str, int] = {}
    for item in (item for item in items if "message_id" in item):
        for id_ in item.get("delivered_by", ()):
            stored.setdefault(id_, max(1, begun.get(id_, 0)))
        stored[item["message_id"]] = int(item["receive_count"])
    buried = {each["MessageId"]: int(each["Attributes"]["ApproximateReceiveCount"]) for each in dead}
    found = []
    for id_ in message_ids:
        place = "dlq" if id_ in buried else "table" if id_ in stored else "queue"
        found.append(Fate(id_, buried.get(id_, stored.get(id_, 0)), begun.get(id_, 0), place))
    return found


def fates_in(
    session: Session, message_ids: Iterable[str], *, begun: Mapping[str, int], table: str, dlq_url: str
) -> list[Fate]:
    """What became of each message, by what the table and the dead-letter queue hold now; see `fates`.

    Reads the whole table, and looks at the dead-letter queue: see `messages_of` for what that costs.

    Raises:
        LabError: either can't be read.
    """
    with explain(f"read table {table!r} and the dead-letter queue"):
        items = read_items(session.dynamodb, table=table)
        dead = messages_of(session, queue_url=dlq_url)
    return fates(message_ids, begun=begun, items=items, dead=dead)
